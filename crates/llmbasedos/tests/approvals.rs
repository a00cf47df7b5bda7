//! `llmbasedos approvals` against a gateway of a few lines: an inbox behind a socket, with its tools and nothing else.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Output, Stdio};
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
        let config = json!({
            "clients_file": folder.path().join("clients.yaml"),
            "socket": folder.path().join("gateway.sock"),
        });
        // JSON is YAML.
        std::fs::write(folder.path().join("gateway.yaml"), config.to_string()).unwrap();
        let listener = UnixListener::bind(folder.path().join("person.sock")).unwrap();
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
            untrusted: vec!["mail\u{1b}[2J".to_owned()],
            ..Asked::default()
        };
        self.inbox.ask(asked).unwrap().id
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_llmbasedos"))
            .args(["approvals", "--config-dir"])
            .arg(self.folder.path())
            .args(arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that does not read its input closes the pipe.
        child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
        child.wait_with_output().unwrap()
    }

    #[track_caller]
    fn shown(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, "");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn taken(&self, arguments: &str) -> Option<String> {
        let grant = self.inbox.take("anna", METHOD, arguments, Audience::Person).unwrap();
        grant.map(|grant| grant.arguments)
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
            let who = Caller::Person("root".to_owned());
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

#[test]
fn what_waits_is_shown_whole_and_each_answer_does_what_it_says() {
    let desk = Desk::open();
    let state = |id: &str| desk.inbox.get(id).unwrap().unwrap().state;
    let id = desk.ask(LETTER);
    let listed = desk.shown(&["list"]);
    assert!(listed.contains(&id) && listed.contains("mail\\u{1b}[2J"), "{listed}");
    let shown = desk.shown(&["show", &id]);
    assert!(shown.contains("\"n\": 12345678901234567890123"), "{shown}");
    assert!(shown.contains("\\u202ebob"), "{shown}");
    assert!(!shown.contains(|c: char| c != '\n' && c.is_control()), "{shown:?}");
    let json: Value = serde_json::from_str(&desk.shown(&["list", "--json"])).unwrap();
    assert_eq!(json["approvals"][0]["arguments"], LETTER);

    desk.shown(&["approve", &id]);
    assert_eq!(desk.taken(LETTER).unwrap(), LETTER);
    let id = desk.ask("{}");
    let edited = r#"{"n":12345678901234567890124}"#;
    assert!(desk.run(&["edit", &id, "-"], edited).status.success());
    assert_eq!(desk.taken("{}").unwrap(), edited);
    let id = desk.ask(r#"{"a":1}"#);
    desk.shown(&["deny", &id, "not to him"]);
    assert_eq!(state(&id), State::Denied);
    let id = desk.ask(r#"{"a":2}"#);
    desk.shown(&["always", &id, "/notes"]);
    assert_eq!(state(&id), State::Approved);
    let permission = desk.inbox.standing().unwrap().pop().unwrap();
    let standing = desk.shown(&["standing"]);
    assert!(standing.contains(&permission.id) && standing.contains("/notes"), "{standing}");
    desk.shown(&["forget", &permission.id]);
    assert_eq!(desk.inbox.standing().unwrap(), []);
    assert_eq!(desk.shown(&["list", "--all"]).lines().count(), 5);
}

#[test]
fn what_cannot_be_done_says_why() {
    let desk = Desk::open();
    let id = desk.ask(LETTER);
    for (arguments, reason) in [
        (vec!["approve", "aaaaaaaaaa"], "no approval with this id"),
        (vec!["edit", &id, r#"{"a":1,"a":2}"#], "a member twice"),
        (vec!["--socket", "/nowhere/person.sock", "list"], "door for people"),
    ] {
        let output = desk.run(&arguments, "");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(reason), "{arguments:?}: {told}");
    }
    assert_eq!(desk.inbox.get(&id).unwrap().unwrap().state, State::Pending);
}
