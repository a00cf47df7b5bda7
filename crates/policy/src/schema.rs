//! The Cedar schema of everything that can be called, which the owner's policies are held to.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use capfile::TargetKind;

use crate::input::Tool;
use crate::names::{EFFECTS, groups};
use crate::types::{Fields, arguments};

/// What is the same on every appliance.
const ENTITIES: &str = "\
entity Kind enum [\"key\", \"local\", \"person\"];
entity Client in [Kind] { kind: String };
entity Server;
entity Tool in [Server];
entity Path in [Path, Server];
entity Account in [Server];
entity Domain in [Domain];
entity Recipient in [Domain, Server];
entity Remote in [Remote, Server];
entity Workflow in [Server];
entity Host in [Host, Server];
";

/// The schema of these tools, in the order of their names.
pub(crate) fn text(tools: &[&Tool]) -> String {
    let mut text = ENTITIES.to_owned();
    let servers: BTreeSet<&str> = tools.iter().map(|tool| tool.server.as_str()).collect();
    let groups = EFFECTS.map(|effect| format!("effect:{effect}")).into_iter();
    let groups = groups.chain(servers.into_iter().map(|server| format!("server:{server}")));
    for group in groups {
        line(&mut text, format_args!("action {};", Quoted(&group)));
    }
    for tool in tools {
        line(&mut text, format_args!("{}", Action(tool)));
    }
    text
}

/// Writing into text cannot fail.
fn line(text: &mut String, line: fmt::Arguments<'_>) {
    if writeln!(text, "{line}").is_err() {
        text.clear();
    }
}

/// Text as Cedar quotes it.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_debug())
    }
}

/// The declaration of an action.
struct Action<'a>(&'a Tool);

impl fmt::Display for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(tool) = self;
        let groups: BTreeSet<String> = groups(&tool.server, &tool.effects).into_iter().collect();
        let groups: Vec<String> = groups.iter().map(|group| Quoted(group).to_string()).collect();
        let fields = arguments(tool.input_schema.as_ref());
        write!(
            f,
            "action {} in [{}] appliesTo {{\n  principal: [Client],\n  resource: [{}],\n  context: {{\n    \
             arguments: {},\n    hour: Long,\n    now: datetime,\n    origin: String,\n    \
             untrusted: Set<String>,\n    weekday: Long,\n  }},\n}};",
            Quoted(&tool.method),
            groups.join(", "),
            resources(tool).join(", "),
            Fields(&fields),
        )
    }
}

/// What a call of the tool may work on. Only a path is always there.
fn resources(tool: &Tool) -> Vec<&'static str> {
    let kinds: BTreeSet<&str> = tool.works_on.iter().map(|target| entity(target.kind)).collect();
    let always = kinds.contains("Path");
    let tool = (!always).then_some("Tool");
    kinds.into_iter().chain(tool).collect()
}

/// The entity type of a kind of target.
pub(crate) fn entity(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Path => "Path",
        TargetKind::Account => "Account",
        TargetKind::Recipient => "Recipient",
        TargetKind::Remote => "Remote",
        TargetKind::Workflow => "Workflow",
        TargetKind::Url => "Host",
    }
}
