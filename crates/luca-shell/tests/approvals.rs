//! `approvals` against a gateway of a few lines: an inbox behind a socket, with its tools and nothing else.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use approvals::tools::{Caller, call};
use approvals::{Asked, Audience, Inbox, State};
use serde_json::{Value, json};
use tempfile::TempDir;

const METHOD: &str = "mcp.mail.send";
/// With a number that no double holds, and text that turns.
const LETTER: &str = "{\"n\":12345678901234567890123,\"to\":\"\u{202e}bob\"}";

/// A gateway that knows no other caller than a person.
struct Desk {
    inbox: Arc<Inbox>,
    folder: TempDir,
}

impl Desk {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(|| UNIX_EPOCH.elapsed().unwrap());
        let inbox = Arc::new(Inbox::open(&folder.path().join("approvals.db"), clock).unwrap());
        // Where `cargo xtask up` has it; no other door is open here.
        let run = folder.path().join("llmbasedos/run");
        std::fs::create_dir_all(&run).unwrap();
        let listener = UnixListener::bind(run.join("person.sock")).unwrap();
        let served = inbox.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                serve(&connection.unwrap(), &served);
            }
        });
        Self { inbox, folder }
    }

    fn ask(&self, arguments: &str) -> String {
        let asked = Asked {
            client: "anna".to_owned(),
            method: METHOD.to_owned(),
            tool: "mail_send".to_owned(),
            arguments: arguments.to_owned(),
            untrusted: vec!["mail".to_owned()],
            ..Asked::default()
        };
        self.inbox.ask(asked).unwrap().id
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_luca-shell"));
        command.args(arguments).env_clear().env("XDG_STATE_HOME", self.folder.path());
        command.output().unwrap()
    }

    #[track_caller]
    fn shown(&self, line: &str) -> String {
        let output = self.run(&["-c", line]);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, line: &str) -> String {
        let output = self.run(&["-c", line]);
        assert!(!output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// Answers the requests of one connection, each of which ends with a NUL.
fn serve(mut connection: &UnixStream, inbox: &Inbox) {
    connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = connection.read(&mut chunk) {
        received.extend_from_slice(&chunk[..length]);
        while let Some(end) = received.iter().position(|byte| *byte == 0) {
            let frame: Vec<u8> = received.drain(..=end).collect();
            let request: Value = serde_json::from_slice(&frame[..end]).unwrap();
            let who = Caller::Person("tty1".to_owned());
            let method = request["method"].as_str().unwrap();
            let reply = match call(inbox, method, request["params"].clone(), &who) {
                Ok(result) => json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }),
                Err(fault) => {
                    let error = json!({ "code": -32_000, "message": fault.to_string() });
                    json!({ "jsonrpc": "2.0", "id": request["id"], "error": error })
                }
            };
            let frame = [reply.to_string().as_bytes(), b"\0"].concat();
            if connection.write_all(&frame).is_err() {
                return;
            }
        }
    }
}

fn taken(desk: &Desk, arguments: &str) -> Option<String> {
    let grant = desk.inbox.take("anna", METHOD, arguments, Audience::Person).unwrap();
    grant.map(|grant| grant.arguments)
}

#[test]
fn what_waits_is_listed_and_shown_whole_with_every_digit() {
    let desk = Desk::open();
    assert_eq!(desk.shown("approvals").trim(), "Nothing waits for an answer.");
    let id = desk.ask(LETTER);
    let listed = desk.shown("approvals");
    assert!(listed.contains(&id) && listed.contains("mail_send"), "{listed}");
    assert!(listed.contains("\\u{202e}bob"), "{listed}");
    let shown = desk.shown(&format!("approvals show {id}"));
    assert!(shown.contains("\"n\": 12345678901234567890123"), "{shown}");
    assert!(shown.contains("\\u202ebob"), "{shown}");
    assert!(shown.contains("has read mail, for which nobody vouches"), "{shown}");
    let json = desk.run(&["--json", "-c", "approvals"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["approvals"][0]["arguments"], LETTER);
}

#[test]
fn each_answer_does_what_it_says() {
    let desk = Desk::open();
    let state = |id: &str| desk.inbox.get(id).unwrap().unwrap().state;

    let id = desk.ask(LETTER);
    let told = desk.shown(&format!("approvals approve {id}"));
    assert!(
        told.starts_with(&format!("Approved {id}, mail_send for anna: it can be made once")),
        "{told}"
    );
    assert_eq!(taken(&desk, LETTER).unwrap(), LETTER);
    let late = desk.refused(&format!("approvals deny {id}"));
    assert!(late.contains("it was used already by tty1 at "), "{late}");

    let id = desk.ask("{}");
    desk.shown(&format!("approvals edit {id} {{\"n\":12345678901234567890124}}"));
    assert_eq!(taken(&desk, "{}").unwrap(), r#"{"n":12345678901234567890124}"#);

    let id = desk.ask(r#"{"a":1}"#);
    desk.shown(&format!("approvals deny {id} not to him"));
    assert_eq!(state(&id), State::Denied);
    assert_eq!(desk.inbox.get(&id).unwrap().unwrap().reason.unwrap(), "not to him");

    let id = desk.ask(r#"{"a":2}"#);
    desk.shown(&format!("approvals always {id} /notes"));
    assert_eq!(state(&id), State::Approved);
    let standing = desk.inbox.standing().unwrap();
    let permission = standing.first().unwrap();
    assert_eq!(permission.folder.as_deref(), Some("/notes"));
    let shown = desk.shown("approvals standing");
    assert!(shown.contains(&permission.id) && shown.contains("/notes"), "{shown}");
    desk.shown(&format!("approvals forget {}", permission.id));
    assert_eq!(desk.shown("approvals standing").trim(), "Nothing is allowed for always.");

    assert_eq!(desk.shown("approvals").trim(), "Nothing waits for an answer.");
    let all = desk.shown("approvals all");
    assert_eq!(all.lines().count(), 5, "{all}");
    for word in ["used", "denied", "approved"] {
        assert!(all.contains(word), "{all}");
    }
}

#[test]
fn what_is_wrong_is_refused_before_anything_is_answered() {
    let desk = Desk::open();
    let id = desk.ask(LETTER);
    for (line, reason) in [
        (format!("approvals edit {id}"), "with nobody to edit them"),
        (format!("approvals edit {id} '{{\"a\":1,\"a\":2}}'"), "a member twice"),
        (format!("approvals edit {id} [1]"), "must be a JSON object"),
        (format!("approvals always {id} notes"), "must be an absolute path"),
        ("approvals approve aaaaaaaaaa".to_owned(), "no approval with this id"),
        ("approvals approve".to_owned(), "use it as `approvals approve ID`"),
        ("approvals burn".to_owned(), "`help approvals` lists"),
    ] {
        let told = desk.refused(&line);
        assert!(told.contains(reason), "{line}: {told}");
    }
    assert_eq!(desk.inbox.get(&id).unwrap().unwrap().state, State::Pending);
    let help = desk.shown("help approvals");
    assert!(help.contains("approvals always ID [FOLDER]"), "{help}");
}
