//! `llmbasedos approvals`: calls that wait for a person, and their answers.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ::approvals::limits::MAX_ARGUMENTS_BYTES;
use ::approvals::tools::{
    Always, Approve, Deny, DenyAll, Forget, List as ListTool, ListStanding, Tool, Waiting, Wanted,
};
use comfy_table::{ContentArrangement, Table, presets};
use daemon::BoxError;
use mcp_client::{Client, Target};
use serde_json::Value;
use telemetry::{Style, escaped};
use tokio::time::timeout;

use crate::command::Failure;
use crate::limits::{APPROVALS_WAIT, ARGUMENTS_SHOWN};
use crate::place::ConfigDir;

/// Look at calls that wait for a person, and answer them: root may on an appliance, and whoever runs `cargo xtask up` there.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: ConfigDir,
    /// The gateway's socket for people. Default: `person.sock` beside the one that its configuration names, else the
    /// appliance's
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
    /// Write the result as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    Show(Id),
    Approve(Id),
    Edit(Edit),
    Deny(Denied),
    Always(Like),
    /// Show what needs no answer any more
    Standing,
    Forget(Id),
}

/// Show the calls that wait.
#[derive(Debug, clap::Args)]
struct List {
    /// Those that no longer wait, too
    #[arg(long)]
    all: bool,
}

/// By its id: `show` tells all of a call, `approve` lets it be made, once; `forget` takes a standing permission away, by the
/// id that `standing` shows.
#[derive(Debug, clap::Args)]
struct Id {
    /// The id
    id: String,
}

/// Let a call be made, once, with other arguments.
#[derive(Debug, clap::Args)]
struct Edit {
    /// The id
    id: String,
    /// The arguments: a JSON object, or `-` to read it from standard input
    #[arg(value_name = "JSON")]
    arguments: String,
}

/// Do not let a call be made, or with `--client` any that waits of one client.
#[derive(Debug, clap::Args)]
struct Denied {
    /// The id; with `--client`, none
    #[arg(required_unless_present = "client")]
    id: Option<String>,
    /// Why, for its client to read
    #[arg(conflicts_with = "client")]
    reason: Option<String>,
    /// Deny all that waits of this client
    #[arg(long, value_name = "NAME", conflicts_with = "id")]
    client: Option<String>,
}

/// Let a call and its like be made from now on, without asking.
#[derive(Debug, clap::Args)]
struct Like {
    /// The id
    id: String,
    /// Only in this folder and beneath it, such as `/notes`
    folder: Option<String>,
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let socket = match &arguments.socket {
        Some(socket) => socket.clone(),
        None => arguments.place.place()?.person,
    };
    let gateway = Gateway { socket: &socket, json: arguments.json };
    let done = match &arguments.command {
        Command::List(List { all }) => {
            let state = Some(if *all { Wanted::All } else { Wanted::Pending });
            let list = ListTool { state, ..ListTool::default() };
            gateway.show(&list, |listed| calls(&listed.approvals))
        }
        Command::Show(Id { id }) => {
            let list = ListTool { id: Some(id.clone()), ..ListTool::default() };
            gateway.show(&list, |listed| listed.approvals.iter().map(whole).collect())
        }
        Command::Approve(Id { id }) => {
            let approve = Approve { id: id.clone(), arguments: None };
            gateway.show(&approve, |done| whole(&done.approval))
        }
        Command::Edit(edit) => edited(edit).and_then(|text| {
            let approve = Approve { id: edit.id.clone(), arguments: Some(text) };
            gateway.show(&approve, |done| whole(&done.approval))
        }),
        Command::Deny(Denied { client: Some(client), .. }) => {
            let deny = DenyAll { client: client.clone(), reason: None };
            gateway.show(&deny, |done| {
                let client = escaped(&done.client, Style::Text);
                format!("{} calls of {client} are denied", done.denied.len())
            })
        }
        Command::Deny(Denied { id, reason, client: None }) => {
            let deny = Deny { id: id.clone().unwrap_or_default(), reason: reason.clone() };
            gateway.show(&deny, |done| whole(&done.approval))
        }
        Command::Always(Like { id, folder }) => {
            let always = Always { id: id.clone(), folder: folder.clone() };
            gateway.show(&always, |done| {
                let note =
                    done.note.as_ref().map(|note| format!("\n{}", escaped(note, Style::Text)));
                whole(&done.approval) + &note.unwrap_or_default()
            })
        }
        Command::Standing => gateway.show(&ListStanding {}, |listed| {
            let row = |one: &::approvals::Standing| {
                let folder = one.folder.clone().unwrap_or_else(|| "(any)".to_owned());
                let (id, client, method) = (one.id.clone(), one.client.clone(), one.method.clone());
                vec![id, client, method, folder, one.by.clone(), one.at.to_string()]
            };
            let head = ["id", "client", "method", "folder", "allowed by", "at"];
            table(head, listed.standing.iter().map(row))
        }),
        Command::Forget(Id { id }) => gateway.show(&Forget { id: id.clone() }, |done| {
            let client = escaped(&done.forgotten.client, Style::Text);
            format!(
                "{} of {client} is asked for again",
                escaped(&done.forgotten.method, Style::Text)
            )
        }),
    };
    done.map_err(Failure::Work)
}

/// The gateway, behind the door of people.
struct Gateway<'a> {
    socket: &'a Path,
    json: bool,
}

impl Gateway<'_> {
    /// Calls a tool, and prints what it gives.
    fn show<T: Tool>(
        &self,
        tool: &T,
        text: impl FnOnce(&T::Output) -> String,
    ) -> Result<(), BoxError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answer = runtime.block_on(async { timeout(APPROVALS_WAIT, self.call(tool)).await });
        let result = answer.map_err(|_| {
            format!("no answer within {} seconds: look whether it runs", APPROVALS_WAIT.as_secs())
        })??;
        let text = if self.json {
            escaped(&result.to_string(), Style::Json)
        } else {
            text(&serde_json::from_value(result)?)
        };
        writeln!(io::stdout(), "{text}")?;
        Ok(())
    }

    async fn call<T: Tool>(&self, tool: &T) -> Result<Value, BoxError> {
        let client = Client::connect(&Target::Unix(self.socket.to_owned()), None).await;
        let client = client.map_err(|error| {
            let socket = self.socket.display();
            format!("{error}: `{socket}` is the gateway's door for people, which root can open on an appliance")
        })?;
        Ok(client.request(T::METHOD, &serde_json::to_value(tool)?).await?)
    }
}

/// The arguments of the command line, or those of standard input.
fn edited(edit: &Edit) -> Result<String, BoxError> {
    let mut text = edit.arguments.clone();
    if text == "-" {
        text.clear();
        // One more than there may be, so that what is too long is told so.
        let most = u64::try_from(MAX_ARGUMENTS_BYTES)?.saturating_add(1);
        io::stdin().take(most).read_to_string(&mut text)?;
    }
    ::approvals::pretty(&text)?;
    Ok(text)
}

fn calls(calls: &[Waiting]) -> String {
    let row = |call: &Waiting| {
        let until = call.usable_until.as_ref().unwrap_or(&call.expires_at).clone();
        let (state, untrusted) = (call.state.name().to_owned(), call.untrusted.join(", "));
        let (client, tool) = (call.client.clone(), call.tool.clone());
        vec![call.id.clone(), state, client, tool, untrusted, until, short(&call.arguments)]
    };
    let head = ["id", "state", "client", "tool", "untrusted", "until", "arguments"];
    table(head, calls.iter().map(row))
}

/// The beginning of the arguments, in one line; `show` has all of them.
fn short(arguments: &str) -> String {
    let mut chars = arguments.chars();
    let begun: String = chars.by_ref().take(ARGUMENTS_SHOWN).collect();
    if chars.next().is_some() { begun + "…" } else { begun }
}

/// All of a call; nothing in it drives the terminal.
fn whole(call: &Waiting) -> String {
    let facts = call.facts();
    let fact = |(label, text): (&str, &str)| format!("{label:<10} {}", escaped(text, Style::Text));
    let mut lines = vec![fact(("Id", &call.id))];
    lines.extend(facts.iter().map(|it| fact((it.label, &it.text))));
    lines.push("Arguments".to_owned());
    lines.push(json(&call.shown_arguments()));
    if let Some(edited) = call.shown_edited() {
        lines.push("Approved with these arguments instead".to_owned());
        lines.push(json(&edited));
    }
    lines.join("\n")
}

/// JSON of many lines; each line stays the JSON that it is.
fn json(text: &str) -> String {
    text.lines().map(|line| escaped(line, Style::Json)).collect::<Vec<_>>().join("\n")
}

fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    // An id that were wrapped could not be copied.
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head);
    for row in rows {
        table.add_row(row.iter().map(|text| escaped(text, Style::Text)));
    }
    table.trim_fmt()
}
