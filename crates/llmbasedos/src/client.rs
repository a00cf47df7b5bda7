//! `llmbasedos client` and `llmbasedos pair`: who may call, and what.

use std::io::{self, Write};

use capfile::Pattern;
use clients::{
    Client, ClientName, ClientsFile, Digest, EditError, Pairing, Uses, as_code, digest, edit,
    limits, new_code, new_key,
};
use comfy_table::{ContentArrangement, Table, presets};
use daemon::BoxError;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::command::Failure;
use crate::place::{ConfigDir, Place};

/// The gateway's store of when keys were used.
const USES: &str = "clients.db";

/// Make, change and take away the keys of the gateway's clients. The gateway follows at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: ConfigDir,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(Add),
    List(List),
    Rotate(Named),
    Revoke(Named),
    Scope(Scope),
}

/// What a client may do.
#[derive(Debug, clap::Args)]
struct May {
    /// What it may call: `*`, a method such as `mcp.fs.read`, or the beginning of some, such as `mcp.fs.*`. Several times for
    /// several. What the licence does not allow, no client may.
    #[arg(long = "scope", value_name = "PATTERN", required = true)]
    scopes: Vec<Pattern>,
    /// When its key ends: a time (`2027-01-01T00:00:00Z`) or days from now (`30d`). Default: never.
    #[arg(long, value_name = "WHEN", value_parser = time)]
    expires: Option<Timestamp>,
}

/// Make a client and its key, which is printed now and never again.
#[derive(Debug, clap::Args)]
struct Add {
    /// Its name, for policy and records
    name: ClientName,
    #[command(flatten)]
    may: May,
}

/// Show every client, what it may call, and when it last used its key.
#[derive(Debug, clap::Args)]
struct List {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// A client by its name. `rotate` gives it a new key, which is printed now and never again, and the old one is good no more;
/// `revoke` takes the client away.
#[derive(Debug, clap::Args)]
struct Named {
    /// Its name
    name: ClientName,
}

/// Change what a client may call, and leave its key as it is.
#[derive(Debug, clap::Args)]
struct Scope {
    /// Its name
    name: ClientName,
    /// What it may call from now on, and nothing else
    #[arg(value_name = "PATTERN", required = true)]
    scopes: Vec<Pattern>,
}

/// Show a code for which a host gets its key, once, without anybody's typing a key.
///
/// The host posts `{"code": "CODE"}` to the gateway's page `/pair`, and its answer has the key.
#[derive(Debug, clap::Args)]
pub(crate) struct Pair {
    #[command(flatten)]
    place: ConfigDir,
    /// The name of the client
    name: ClientName,
    #[command(flatten)]
    may: May,
}

/// Runs `client`.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let place = arguments.place.place()?;
    let done = match &arguments.command {
        Command::Add(add) => add_client(&place, add),
        Command::List(list) => list_clients(&place, list),
        Command::Rotate(Named { name }) => rotate(&place, name),
        Command::Revoke(Named { name }) => revoke(&place, name),
        Command::Scope(Scope { name, scopes }) => change(&place, name, |client| {
            client.scopes.clone_from(scopes);
        }),
    };
    done.map_err(Failure::Work)
}

/// Runs `pair`.
pub(crate) fn pair(arguments: &Pair) -> Result<(), Failure> {
    let place = arguments.place.place()?;
    show_code(&place, arguments).map_err(Failure::Work)
}

fn add_client(place: &Place, add: &Add) -> Result<(), BoxError> {
    let key = new_key()?;
    let mut client = Client::new(add.name.clone(), add.may.scopes.clone()).with_key(digest(&key));
    client.expires_at = add.may.expires;
    edit(&place.clients, |file| put(file, client))?;
    show_key(&key)
}

/// Adds a client whose name is free.
fn put(file: &mut ClientsFile, client: Client) -> Result<(), EditError> {
    if file.find_mut(&client.name).is_some() {
        let text = format!(
            "there is a client `{}`: choose another name, or give it a new key with `llmbasedos client rotate`",
            client.name
        );
        return Err(EditError::Refused(text));
    }
    file.clients.push(client);
    Ok(())
}

/// Prints a key where a script can take it, and what to know of it beside that.
fn show_key(key: &str) -> Result<(), BoxError> {
    writeln!(io::stderr(), "This key is shown once. Whoever has it is this client:")?;
    writeln!(io::stdout(), "{key}")?;
    Ok(())
}

fn rotate(place: &Place, name: &ClientName) -> Result<(), BoxError> {
    let key = new_key()?;
    change(place, name, |client| {
        client.key_sha256 = Some(digest(&key));
        client.pairing = None;
    })?;
    show_key(&key)
}

fn revoke(place: &Place, name: &ClientName) -> Result<(), BoxError> {
    edit(&place.clients, |file| {
        let before = file.clients.len();
        file.clients.retain(|client| client.name != *name);
        if file.clients.len() == before { Err(unknown(name)) } else { Ok(()) }
    })?;
    Ok(())
}

fn change(
    place: &Place,
    name: &ClientName,
    change: impl FnOnce(&mut Client),
) -> Result<(), BoxError> {
    edit(&place.clients, |file| {
        change(file.find_mut(name).ok_or_else(|| unknown(name))?);
        Ok(())
    })?;
    Ok(())
}

fn unknown(name: &ClientName) -> EditError {
    let text =
        format!("there is no client `{name}`: `llmbasedos client list` shows those that there are");
    EditError::Refused(text)
}

fn show_code(place: &Place, pair: &Pair) -> Result<(), BoxError> {
    let code = new_code()?;
    let plain = as_code(&code).ok_or("the code is none")?;
    let now = Timestamp::now();
    let mut client = Client::new(pair.name.clone(), pair.may.scopes.clone());
    client.expires_at = pair.may.expires;
    let expires_at = now.checked_add(limits::PAIRING)?;
    client.pairing = Some(Pairing { code_sha256: digest(&plain), expires_at });
    let uses = Uses::open_read_only(&place.state.join(USES)).ok();
    edit(&place.clients, |file| {
        // Whoever waited for a key in vain waits no longer.
        file.clients.retain(|client| {
            let over = client.pairing.is_some_and(|pairing| now >= pairing.expires_at);
            client.key_sha256.is_some() || !over || key_of(client, uses.as_ref()).is_some()
        });
        put(file, client)
    })?;
    let minutes = limits::PAIRING.as_secs() / 60;
    writeln!(
        io::stderr(),
        "Type this code into the host, or post it: {{\"code\": \"{code}\"}} to /pair of the gateway.\n\
         It is good once, and for {minutes} minutes:"
    )?;
    writeln!(io::stdout(), "{code}")?;
    Ok(())
}

/// The hash of the key that a client has, one that it got for a code included.
fn key_of(client: &Client, uses: Option<&Uses>) -> Option<Digest> {
    let of_code = || uses?.paired(&client.pairing?.code_sha256).ok()?;
    client.key_sha256.or_else(of_code)
}

fn list_clients(place: &Place, shown: &List) -> Result<(), BoxError> {
    let file: ClientsFile = settings::load(&place.clients)?;
    // Before the gateway has run there is nothing to say of uses.
    let uses = Uses::open_read_only(&place.state.join(USES)).ok();
    let times = uses.as_ref().map(Uses::last_used).transpose()?.unwrap_or_default();
    let now = Timestamp::now();
    let rows: Vec<Row> = file
        .clients
        .iter()
        .map(|client| {
            let key = key_of(client, uses.as_ref());
            let last_used = times.get(&(client.name.to_string(), key)).copied();
            let scopes = client.scopes.iter().map(ToString::to_string).collect();
            Row { client, state: state(client, key, now), scopes, last_used }
        })
        .collect();
    let text = if shown.json {
        let all: Value = rows.iter().map(Row::as_json).collect();
        format!("{all:#}")
    } else {
        as_table(&rows)
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}

struct Row<'a> {
    client: &'a Client,
    state: &'static str,
    scopes: Vec<String>,
    last_used: Option<Timestamp>,
}

impl Row<'_> {
    fn as_json(&self) -> Value {
        json!({
            "name": self.client.name,
            "state": self.state,
            "scopes": self.scopes,
            "expires_at": self.client.expires_at,
            "last_used": self.last_used,
        })
    }
}

fn state(client: &Client, key: Option<Digest>, now: Timestamp) -> &'static str {
    let over = |end: Option<Timestamp>| end.is_some_and(|end| now >= end);
    match (key, client.pairing) {
        (Some(_), _) if over(client.expires_at) => "expired",
        (Some(_), _) => "good",
        (None, Some(pairing)) if !over(Some(pairing.expires_at)) => "waits to be paired",
        (None, _) => "has no key",
    }
}

fn as_table(rows: &[Row<'_>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["client", "key", "may call", "ends", "last used"]);
    let time =
        |time: Option<Timestamp>| time.map_or_else(|| "never".to_owned(), |at| at.to_string());
    for row in rows {
        table.add_row([
            row.client.name.to_string(),
            row.state.to_owned(),
            row.scopes.join(" "),
            time(row.client.expires_at),
            time(row.last_used),
        ]);
    }
    table.to_string()
}

/// A time, or days from now.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
        let after = SignedDuration::from_hours(24 * i64::from(days));
        return Timestamp::now().checked_add(after).map_err(|error| error.to_string());
    }
    text.parse()
        .map_err(|_| "it must be a time such as 2027-01-01T00:00:00Z, or days such as 30d".into())
}
