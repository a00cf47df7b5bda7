//! `llmbasedos policy` on the files of an appliance that does not run.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use approvals::{Answerer, Asked, Inbox};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The files of an appliance: two servers, one client, and a licence of its own.
struct Appliance(TempDir);

impl Appliance {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let new = Self(folder);
        for folder in ["config/policies", "caps", "state"] {
            fs::create_dir_all(new.at(folder)).unwrap();
        }
        let config = json!({
            "clients_file": new.at("config/clients.yaml"),
            "caps_dir": new.at("caps"),
            "state_dir": new.at("state"),
        });
        // JSON is YAML.
        new.put("config/gateway.yaml", &config.to_string());
        new.put(
            "config/clients.yaml",
            r#"{"clients": [{"name": "claude", "scopes": ["mcp.fs.*", "mcp.mail.*"]}]}"#,
        );
        licence::first(&new.at("config"), "a test", licence::Limits::default()).unwrap();
        new.cap("fs", "read", &["read_only"], ("path", "path"));
        new.cap("mail", "send", &["open_world"], ("recipient", "to"));
        new
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: &str) -> String {
        fs::write(self.at(name), text).unwrap();
        self.at(name).display().to_string()
    }

    fn cap(&self, server: &str, method: &str, effects: &[&str], (kind, argument): (&str, &str)) {
        let schema = json!({
            "type": "object",
            "properties": { argument: { "type": "string" } },
            "required": [argument],
        });
        let file = json!({
            "service_name": server,
            "description": "for tests",
            "version": "1",
            "capabilities": [{
                "method": format!("mcp.{server}.{method}"),
                "description": "for tests",
                "tool": { "name": format!("{server}_{method}"), "inputSchema": schema },
                "effects": effects,
                "works_on": [{ "kind": kind, "argument": argument }],
            }],
        });
        self.put(&format!("caps/{server}.cap.json"), &file.to_string());
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llmbasedos"));
        command.arg("policy").args(words).arg("--config-dir").arg(self.at("config"));
        command.env("TZ", "UTC").output().unwrap()
    }

    /// The exit code, and what is printed as result.
    #[track_caller]
    fn check(&self, words: &[&str], code: i32, expected: &[String]) {
        let output = self.run(words);
        let out = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{out}{error}");
        assert_eq!(out.lines().collect::<Vec<_>>(), expected, "{error}");
    }

    fn explained(&self, words: &[&str]) -> String {
        let output = self.run(&[&["explain"], words].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn refused(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.run(words);
        assert!(output.stdout.is_empty(), "{output:?}");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn check_tells_each_thing_that_is_wrong_with_its_place() {
    let appliance = Appliance::new();
    appliance.check(&["check"], 0, &[]);
    let good = "forbid (principal, action, resource in Path::\"/private\");\n";
    appliance.put("config/policies/a.cedar", good);
    appliance.put("config/policies/README.md", "forbid;");
    appliance.put("config/policies/.b.cedar", "forbid;");
    appliance.check(&["check"], 0, &[]);
    let broken = appliance.put("config/policies/b.cedar", "\nforbid;");
    let argument = appliance.put(
        "config/policies/c.cedar",
        "forbid (principal, action == Action::\"mcp.fs.read\", resource)\nwhen { context.arguments.pth == \"/a\" };",
    );
    let output = appliance.run(&["check"]);
    let out = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((output.status.code(), lines.len()), (Some(1), 2), "{out}");
    assert!(lines[0].starts_with(&format!("{broken}:2:7: unexpected token")), "{out}");
    assert!(
        lines[1].starts_with(&format!("{argument}:2:8: ")) && lines[1].contains("pth"),
        "{out}"
    );
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("the rules are not right in 2 places"), "{error}");
}

#[test]
fn check_finds_a_misspelt_name_unless_it_may_be_missing() {
    let appliance = Appliance::new();
    let rule = "// Reading.\nforbid (principal, action == Action::\"mcp.fs.raed\", resource);";
    let file = appliance.put("new.cedar", rule);
    let reason = "no server offers `mcp.fs.raed` now: the rule waits until one does";
    appliance.check(&["check", &file], 1, &[format!("{file}:2:30: {reason}")]);
    let warning = format!("{file}:2:30: warning: {reason}");
    appliance.check(&["check", "--missing-ok", &file], 0, &[warning]);
    // It is not in force, so that it is not among the owner's files.
    appliance.check(&["check"], 0, &[]);
    let client = "forbid (principal == Client::\"cluade\", action, resource);";
    let file = appliance.put("client.cedar", client);
    let reason = "no client with a key is named `Client::\"cluade\"`";
    appliance.check(&["check", &file], 1, &[format!("{file}:1:22: {reason}")]);
    let never = "forbid (principal, action, resource) when { false };";
    let file = appliance.put("never.cedar", never);
    let output = appliance.run(&["check", &file]);
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && out.contains(":1:1: warning: "), "{out}");
}

#[test]
fn explain_names_the_rule_its_place_and_what_else_matched() {
    let appliance = Appliance::new();
    let rule =
        "// Mine.\n@id(\"private\")\nforbid (principal, action, resource in Path::\"/private\");\n";
    let file = appliance.put("config/policies/own.cedar", rule);
    let told = appliance.explained(&["claude", "fs_read", r#"{"path": "/x/../private/a"}"#]);
    assert!(
        told.starts_with(&format!(
            "it is denied, by\n  own.cedar:private at {file}:2\n    @id(\"private\")\n    forbid (principal, action, \
             resource in Path::\"/private\");\nit works on\n  Path::\"/private/a\"\nthese matched, too\n  scopes:claude\n"
        )),
        "{told}"
    );
    // There is no store of approvals, and that is said.
    assert!(told.contains("what people have allowed for good is left out: "), "{told}");
    let told = appliance.explained(&["claude", "mcp.fs.read", r#"{"path": "/a"}"#, "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["decision"], json!({ "answer": "allow", "rule": "scopes:claude" }));
    assert_eq!(
        (&told["method"], &told["left_out"].as_array().unwrap().len()),
        (&json!("mcp.fs.read"), &1)
    );
}

#[test]
fn explain_names_what_is_asked_by_default_and_what_takes_it_away() {
    let appliance = Appliance::new();
    let send = ["claude", "mail_send", r#"{"to": "anna@example.org"}"#];
    let told = appliance.explained(&send);
    assert!(told.starts_with("a person is asked, by\n  default:leaves_the_appliance\n"), "{told}");
    let told = appliance.explained(&["person", "mail_send"]);
    assert!(told.starts_with("it is allowed, by\n  kind:person\n"), "{told}");
    let told = appliance.explained(&["tool", "mail_send", "--kind", "local"]);
    assert!(told.starts_with("a person is asked, by\n  default:leaves_the_appliance\n"), "{told}");

    let path = appliance.at("state/approvals.db");
    let inbox = Inbox::open(&path, Arc::new(|| UNIX_EPOCH.elapsed().unwrap())).unwrap();
    let asked = Asked {
        client: "claude".to_owned(),
        method: "mcp.mail.send".to_owned(),
        tool: "mail_send".to_owned(),
        arguments: "{}".to_owned(),
        ..Asked::default()
    };
    let id = inbox.ask(asked).unwrap().id;
    inbox.always(&id, &Answerer::Person("tty1".to_owned()), None).unwrap();
    let told = appliance.explained(&send);
    assert!(told.starts_with("it is allowed, by\n  always:"), "{told}");
    assert!(!told.contains("left out"), "{told}");
    let told = appliance.explained(&[&send[..], &["--untrusted", "mail,web"]].concat());
    assert!(told.starts_with("a person is asked, by\n  default:untrusted\n"), "{told}");
}

#[test]
fn explain_looks_at_the_hour_and_at_the_way() {
    let appliance = Appliance::new();
    let rules = "@id(\"night\") @ask(\"host\") forbid (principal, action, resource) when { context.hour >= 22 };\n\
                 @id(\"socket\") forbid (principal, action, resource) when { context.origin == \"websocket\" };";
    appliance.put("config/policies/own.cedar", rules);
    let read = ["claude", "fs_read", r#"{"path": "/a"}"#, "--at"];
    let told = appliance.explained(&[&read[..], &["2027-01-01T23:00:00Z"]].concat());
    assert!(told.starts_with("the host is asked, by\n  own.cedar:night at "), "{told}");
    let day = [&read[..], &["2027-01-01T09:00:00Z"]].concat();
    assert!(appliance.explained(&day).starts_with("it is allowed, by\n  scopes:claude\n"));
    let told = appliance.explained(&[&day[..], &["--origin", "websocket"]].concat());
    assert!(told.starts_with("it is denied, by\n  own.cedar:socket at "), "{told}");
}

#[test]
fn what_there_is_not_is_told_with_what_is_like_it() {
    let appliance = Appliance::new();
    let (code, error) = appliance.refused(&["explain", "cluade", "fs_read"]);
    assert_eq!(code, Some(1));
    assert!(error.contains("there is no client `cluade`: is it `claude`?"), "{error}");
    let (_, error) = appliance.refused(&["explain", "claude", "fs_raed"]);
    assert!(error.contains("there is no tool `fs_raed`: is it `fs_read`"), "{error}");
    let (_, error) = appliance.refused(&["explain", "claude", "mcp.mail.sent"]);
    assert!(error.contains("is it `mcp.mail.send`"), "{error}");
    let (code, error) = appliance.refused(&["explain", "claude", "fs_read", "[]"]);
    assert!(code == Some(2) && error.contains("a JSON object is needed"), "{error}");
    let (code, error) =
        appliance.refused(&["explain", "claude", "fs_read", "--untrusted", "nobody"]);
    assert!(code == Some(2) && error.contains("there are mail, "), "{error}");
}

#[test]
fn schema_has_what_servers_offer_and_one_that_is_not_right_is_left_out() {
    let appliance = Appliance::new();
    appliance.put("caps/broken.cap.json", "{");
    let output = appliance.run(&["schema"]);
    let out = String::from_utf8(output.stdout).unwrap();
    for part in [
        "entity Path in [Path, Server];",
        "action \"mcp.fs.read\" in",
        "\"path\": String",
        "\"mcp.mail.prompts\"",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && error.contains("`broken.cap.json` is left out: "),
        "{error}"
    );
}
