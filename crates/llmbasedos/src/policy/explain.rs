//! `llmbasedos policy explain`.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use ::policy::{
    Answer, Approver, Client, Explanation, Inputs, Kind, Moment, Origin, Policies, Principal,
    Question, Rule,
};
use capfile::{CapFile, TextSource};
use clap::ValueEnum;
use daemon::BoxError;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};
use telemetry::{Style, escaped};

use super::read::{self, Found};
use crate::limits::{NEAR, NEAR_NAMES};
use crate::place::Place;

/// Tell whether a call may be made, and the rule that says so. Nothing is called.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Who calls: a client's name; `local` for a program that comes through `gateway.sock`, `person` for the person at the shell
    client: String,
    /// What: the name of a tool, such as `fs_read`, or of a method, such as `mcp.fs.read`
    tool: String,
    /// With what: a JSON object
    #[arg(value_name = "ARGS", default_value = "{}", value_parser = object)]
    with: String,
    /// When, such as `2027-01-01T23:00:00Z`. Default: now
    #[arg(long, value_name = "RFC3339")]
    at: Option<Timestamp>,
    /// Which way the call comes. Default: the one of those of its kind
    #[arg(long, value_enum)]
    origin: Option<Way>,
    /// From where the conversation has read text that nobody vouches for
    #[arg(long, value_name = "SOURCE", value_delimiter = ',', value_parser = source)]
    untrusted: Vec<TextSource>,
    /// What who calls is. Default: by the name
    #[arg(long, value_enum)]
    kind: Option<Who>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    Http,
    Websocket,
    Local,
    Console,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Who {
    /// A client of the network
    Key,
    /// A program that comes through `gateway.sock`
    Local,
    /// The person at the shell
    Person,
}

fn object(text: &str) -> Result<String, String> {
    match serde_json::from_str::<Map<String, Value>>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => {
            Err(format!("a JSON object is needed, such as {{\"path\": \"/a\"}}: {error}"))
        }
    }
}

fn source(name: &str) -> Result<TextSource, String> {
    let all = || TextSource::ALL.map(TextSource::name).join(", ");
    TextSource::named(name).ok_or_else(|| format!("there are {}", all()))
}

impl Arguments {
    fn kind(&self) -> Kind {
        match self.kind {
            Some(Who::Local) => Kind::Local,
            Some(Who::Person) => Kind::Person,
            None if self.client == Kind::Local.as_str() => Kind::Local,
            None if self.client == Kind::Person.as_str() => Kind::Person,
            Some(Who::Key) | None => Kind::Key,
        }
    }

    fn origin(&self) -> Origin {
        match (self.origin, self.kind()) {
            (Some(Way::Http), _) | (None, Kind::Key) => Origin::Http,
            (Some(Way::Websocket), _) => Origin::Websocket,
            (Some(Way::Local), _) | (None, Kind::Local) => Origin::Local,
            (Some(Way::Console), _) | (None, Kind::Person) => Origin::Console,
        }
    }

    fn moment(&self) -> Moment {
        let at = self.at.unwrap_or_else(Timestamp::now);
        let local = at.to_zoned(TimeZone::system());
        Moment {
            timestamp: at.as_millisecond(),
            hour: local.hour().unsigned_abs(),
            weekday: local.weekday().to_monday_one_offset().unsigned_abs(),
        }
    }
}

pub(super) fn run(place: &Place, asked: &Arguments) -> Result<(), BoxError> {
    if let Some(own) = own(&asked.tool) {
        return Err(own.into());
    }
    let caps = read::told(read::caps(&place.caps))?;
    let Found { all: standing, left_out } = read::standing(place);
    let inputs = Inputs {
        tools: read::tools(&caps),
        licence: read::licence(place)?,
        clients: read::clients(place)?,
        standing,
        files: read::policies(&place.policies)?,
    };
    let method = method(&caps, &inputs, &asked.tool)?;
    if asked.kind() == Kind::Key {
        known(&inputs.clients, &asked.client)?;
    }
    let question = Question {
        principal: Principal { name: &asked.client, kind: asked.kind() },
        method: &method,
        arguments: Some(&asked.with),
        moment: asked.moment(),
        origin: asked.origin(),
        untrusted: asked.untrusted.iter().copied().collect(),
    };
    let told = Policies::build(&inputs)?.explain(&question);
    let text = if asked.json {
        let mut all = serde_json::to_value(&told)?;
        all["method"] = method.into();
        all["left_out"] = json!(left_out);
        escaped(&all.to_string(), Style::Json)
    } else {
        as_text(&told, &left_out, &place.policies)?
    };
    writeln!(io::stdout(), "{}", text.trim_end())?;
    Ok(())
}

/// What there is to say of a tool of the gateway itself, on which no policy decides.
fn own(name: &str) -> Option<String> {
    let all = ::approvals::tools::all();
    let own = all.iter().find(|own| own.name == name || own.method == name)?;
    let who = if own.only_person { "the person at the appliance" } else { "every client" };
    Some(format!(
        "`{}` is the gateway's own tool: {who} may call it, and no policy decides on it",
        own.name
    ))
}

/// The method of this name, or whose tool has it.
fn method(caps: &[CapFile], inputs: &Inputs, name: &str) -> Result<String, BoxError> {
    let methods = caps.iter().flat_map(|file| &file.capabilities);
    let pairs = methods.filter_map(|method| {
        let tool = method.tool_name().ok()??;
        Some((tool.to_string(), method.method.to_string()))
    });
    let pairs: Vec<(String, String)> = pairs.collect();
    if let Some((_, method)) = pairs.iter().find(|(tool, _)| tool == name) {
        return Ok(method.clone());
    }
    let methods = || inputs.tools.iter().map(|tool| tool.method.as_str());
    if methods().any(|method| method == name) {
        return Ok(name.to_owned());
    }
    let all = pairs.iter().map(|(tool, _)| tool.as_str()).chain(methods());
    Err(unknown("tool", name, all).into())
}

fn known(clients: &[Client], name: &str) -> Result<(), BoxError> {
    if clients.iter().any(|client| client.name == name) {
        return Ok(());
    }
    let all = clients.iter().map(|client| client.name.as_str());
    Err(unknown("client", name, all.chain(["local", "person"])).into())
}

/// That there is no such thing, and what it is called perhaps.
fn unknown<'a>(what: &str, name: &str, all: impl Iterator<Item = &'a str>) -> String {
    let mut near: Vec<(f64, &str)> =
        all.map(|other| (strsim::jaro_winkler(name, other), other)).collect();
    near.retain(|(score, _)| *score >= NEAR);
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let near: Vec<String> =
        near.iter().take(NEAR_NAMES).map(|(_, other)| format!("`{other}`")).collect();
    let perhaps =
        if near.is_empty() { String::new() } else { format!(": is it {}?", near.join(" or ")) };
    escaped(&format!("there is no {what} `{name}`{perhaps}"), Style::Text)
}

fn as_text(
    told: &Explanation,
    left_out: &[String],
    folder: &Path,
) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let answer = match told.decision.answer {
        Answer::Allow => "it is allowed",
        Answer::Ask(Approver::Host) => "the host is asked",
        Answer::Ask(Approver::Person) => "a person is asked",
        Answer::Deny => "it is denied",
    };
    let by = escaped(&told.decision.rule, Style::Text);
    match &told.rule {
        Some(rule) => {
            writeln!(text, "{answer}, by")?;
            show(&mut text, rule, folder)?;
        }
        None => writeln!(text, "{answer}: {by}")?,
    }
    if !told.resources.is_empty() {
        writeln!(text, "it works on")?;
    }
    for resource in &told.resources {
        writeln!(text, "  {}", escaped(resource, Style::Text))?;
    }
    let others: Vec<&Rule> =
        told.matched.iter().filter(|rule| rule.name != told.decision.rule).collect();
    if !others.is_empty() {
        writeln!(text, "these matched, too")?;
    }
    for rule in others {
        show(&mut text, rule, folder)?;
    }
    for note in left_out {
        writeln!(text, "{}", escaped(note, Style::Text))?;
    }
    Ok(text)
}

/// A rule: its name, its place and its text.
fn show(text: &mut String, rule: &Rule, folder: &Path) -> std::fmt::Result {
    write!(text, "  {}", escaped(&rule.name, Style::Text))?;
    if let (Some(file), Some(line)) = (&rule.file, rule.line) {
        let path = folder.join(&**file).display().to_string();
        write!(text, " at {}:{line}", escaped(&path, Style::Text))?;
    }
    writeln!(text)?;
    for line in rule.text.lines() {
        writeln!(text, "    {}", escaped(line, Style::Text))?;
    }
    Ok(())
}
