//! C7: every tool, in every tier, with every kind of key, by every door and in every dialect. Whoever adds a tool adds its
//! row, or this fails.
#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Appliance, Door, End, Request, ShowKey, WebSocket, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// The tiers, in the order of the columns below.
const TIERS: [&str; 3] = ["FREE", "PRO", "ELITE"];
/// The error of a call that this client, or this appliance, may not make; the legacy dialect has its own.
const NOT_PERMITTED: [i64; 2] = [-31407, -32002];
/// The error of a method that there is not.
const NO_METHOD: i64 = -32601;
/// The error of a first frame without a good key, and how the WebSocket is then closed.
const UNKNOWN: i64 = -32000;
const POLICY: u16 = 1008;
/// The methods that the gateway answers itself.
const OWN: [&str; 3] = ["mcp.hello", "mcp.listCapabilities", "mcp.licence.check"];

/// A tool, its name for scopes and in the legacy dialect, something that can be asked of it, and in which tier it may be
/// called.
struct Row {
    tool: &'static str,
    method: &'static str,
    arguments: fn() -> Value,
    tiers: [bool; 3],
    /// What a call that is made changes in the exposed folder, and no other does.
    effect: Option<fn(&Path) -> bool>,
}

const ROWS: [Row; 23] = [
    Row {
        tool: "fs_list",
        method: "mcp.fs.list",
        arguments: || json!({ "path": "/" }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_read",
        method: "mcp.fs.read",
        arguments: || json!({ "path": "/a.txt" }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_write",
        method: "mcp.fs.write",
        arguments: || json!({ "path": "/written.txt", "content": "b" }),
        tiers: [false, true, true],
        effect: Some(|root| fs::exists(root.join("written.txt")).unwrap()),
    },
    Row {
        tool: "fs_delete",
        method: "mcp.fs.delete",
        arguments: || json!({ "path": "/doomed.txt" }),
        tiers: [false, true, true],
        effect: Some(|root| !fs::exists(root.join("doomed.txt")).unwrap()),
    },
    Row {
        tool: "fs_archive",
        method: "mcp.fs.archive",
        arguments: || json!({ "sources": ["/a.txt"], "destination": new("zip") }),
        tiers: [false, true, true],
        effect: None,
    },
    Row {
        tool: "fs_copy",
        method: "mcp.fs.copy",
        arguments: || json!({ "source": "/a.txt", "destination": "/written.txt" }),
        tiers: [false, true, true],
        effect: Some(|root| fs::exists(root.join("written.txt")).unwrap()),
    },
    Row {
        tool: "fs_du",
        method: "mcp.fs.du",
        arguments: || json!({ "path": "/" }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_duplicates",
        method: "mcp.fs.duplicates",
        arguments: || json!({ "path": "/" }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_edit",
        method: "mcp.fs.edit",
        arguments: || json!({ "path": "/a.txt", "edits": [{ "oldText": "a", "newText": "b" }], "dryRun": true }),
        tiers: [false, true, true],
        effect: None,
    },
    Row {
        tool: "fs_extract",
        method: "mcp.fs.extract",
        arguments: || json!({ "source": "/box.tar", "destination": new("d") }),
        tiers: [false, true, true],
        effect: None,
    },
    Row {
        tool: "fs_find",
        method: "mcp.fs.find",
        arguments: || json!({ "path": "/", "pattern": "*.txt" }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_grep",
        method: "mcp.fs.grep",
        arguments: || json!({ "path": "/", "query": "a" }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_hash",
        method: "mcp.fs.hash",
        arguments: || json!({ "path": "/a.txt" }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_history",
        method: "mcp.fs.history",
        arguments: || json!({}),
        tiers: [false, true, true],
        effect: None,
    },
    Row {
        tool: "fs_info",
        method: "mcp.fs.info",
        arguments: || json!({ "path": "/a.txt" }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_mkdir",
        method: "mcp.fs.mkdir",
        arguments: || json!({ "path": new("d") }),
        tiers: [false, true, true],
        effect: None,
    },
    Row {
        tool: "fs_move",
        method: "mcp.fs.move",
        arguments: || json!({ "source": "/doomed.txt", "destination": "/written.txt" }),
        tiers: [false, true, true],
        effect: Some(|root| !fs::exists(root.join("doomed.txt")).unwrap()),
    },
    Row {
        tool: "fs_read_lines",
        method: "mcp.fs.read_lines",
        arguments: || json!({ "path": "/a.txt", "offset": 0 }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_read_many",
        method: "mcp.fs.read_many",
        arguments: || json!({ "paths": ["/a.txt"] }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_read_media",
        method: "mcp.fs.read_media",
        arguments: || json!({ "path": "/p.png" }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_roots",
        method: "mcp.fs.roots",
        arguments: || json!({}),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_tree",
        method: "mcp.fs.tree",
        arguments: || json!({ "path": "/" }),
        tiers: [true, true, true],
        effect: None,
    },
    Row {
        tool: "fs_undo",
        method: "mcp.fs.undo",
        arguments: || json!({ "client": "nobody" }),
        tiers: [false, true, true],
        effect: None,
    },
];

/// A name that nobody has had before.
fn new(ending: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("/{}.{ending}", COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Row {
    fn params(&self) -> Value {
        json!({ "name": self.tool, "arguments": (self.arguments)() })
    }
}

/// The rows of this tier.
fn allowed(tier: usize) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.tiers[tier])
}

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Mcp,
    Legacy,
}

const DIALECTS: [Dialect; 2] = [Dialect::Mcp, Dialect::Legacy];

/// How a call is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// It reached the server, which did it.
    Called,
    /// It may not be made.
    NotPermitted,
    /// No good key was shown.
    Unknown,
    /// This door has no such method.
    NoMethod,
}

/// How the answer to a call says that it was met.
fn met(reply: &Value) -> Met {
    match reply["error"]["code"].as_i64() {
        None => {
            let result = &reply["result"];
            let done = !result.is_null() && result["isError"] != true;
            assert!(done || has_nothing_to_undo(&result["content"][0]["text"]), "{reply}");
            Met::Called
        }
        Some(code) if NOT_PERMITTED.contains(&code) => Met::NotPermitted,
        Some(UNKNOWN) => Met::Unknown,
        Some(NO_METHOD) => Met::NoMethod,
        Some(_) if has_nothing_to_undo(&reply["error"]["message"]) => Met::Called,
        Some(_) => panic!("{reply}"),
    }
}

/// Whether it is the file server itself that says that there is nothing to undo: nobody here has done what could be undone, so that
/// this is all that a call of `fs_undo` can come to.
fn has_nothing_to_undo(text: &Value) -> bool {
    text.as_str().is_some_and(|text| text.contains("there is no such change"))
}

/// Asks for a tool over a connection.
fn ask(door: &mut impl Door, dialect: Dialect, row: &Row) -> Value {
    match dialect {
        Dialect::Mcp => {
            door.start(&json!(1), "tools/call", &row.params(), &json!({}));
            door.receive()
        }
        Dialect::Legacy => legacy(door, row.method, &(row.arguments)()),
    }
}

fn legacy(door: &mut impl Door, method: &str, params: &Value) -> Value {
    door.ask(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }))
}

/// The names of a list, but for the tool of the gateway's own by which everybody asks what has become of a call; `approvals.rs`
/// tries that, and those that only the person has.
fn names(list: &Value) -> BTreeSet<String> {
    let name = |tool: &Value| tool["name"].as_str().or(tool.as_str()).unwrap().to_owned();
    let mut names: BTreeSet<String> = list.as_array().expect("a list").iter().map(name).collect();
    names.remove("approval_status");
    names
}

/// What can be called, as a connection is told.
fn shown(door: &mut impl Door, dialect: Dialect) -> BTreeSet<String> {
    match dialect {
        Dialect::Mcp => {
            door.start(&json!(1), "tools/list", &json!({}), &json!({}));
            names(&door.receive()["result"]["tools"])
        }
        Dialect::Legacy => names(&legacy(door, "mcp.hello", &json!([]))["result"]),
    }
}

/// The names of rows in a dialect.
fn named<'a>(rows: impl Iterator<Item = &'a Row>, dialect: Dialect) -> BTreeSet<String> {
    let name = |row: &Row| if dialect == Dialect::Mcp { row.tool } else { row.method };
    rows.map(|row| name(row).to_owned()).collect()
}

/// An appliance, and a key of each kind.
struct Stage {
    appliance: Appliance,
    everything: String,
    stranger: String,
    bad: String,
    expired: String,
    revoked: String,
}

impl Stage {
    fn new() -> Self {
        let appliance = Appliance::new()
            .file("a.txt", "a")
            // An archive of nothing, and the beginning of a picture.
            .file("box.tar", [0; 1024])
            .file("p.png", b"\x89PNG\r\n\x1a\n")
            .start();
        let everything = appliance.client("everything", &["*"]);
        let stranger = appliance.client("stranger", &["mcp.other.*"]);
        let revoked = appliance.client("revoked", &["*"]);
        appliance.administer(&["client", "revoke", "revoked"]);
        let words = ["client", "add", "expired", "--scope", "*", "--expires"];
        let expired = appliance.administer(&[&words[..], &["2020-01-01T00:00:00Z"]].concat());
        for key in [&revoked, &expired] {
            let gone = || (appliance.status_of(key) != 200).then_some(());
            until("the client to be gone", PATIENCE, gone);
        }
        let bad = everything.replace("llmb_", "llmb_x");
        let stage = Self { appliance, everything, stranger, bad, expired, revoked };
        stage.every_tool_has_a_row();
        stage
    }

    /// In what the appliance itself lists.
    fn every_tool_has_a_row(&self) {
        let mut door = self.appliance.local(End::Newline);
        for dialect in DIALECTS {
            let rows = named(ROWS.iter(), dialect);
            assert_eq!(shown(&mut door, dialect), rows, "a row for each, and none besides");
        }
        let all = names(&self.appliance.tools().into_iter().collect());
        assert_eq!(all, named(ROWS.iter(), Dialect::Mcp));
        // Nothing that a server declares is left out of those lists.
        let files = legacy(&mut door, "mcp.listCapabilities", &json!([]));
        let files = files["result"].as_array().unwrap().iter();
        let declared = files.flat_map(|file| file["capabilities"].as_array().unwrap());
        let declared = declared.map(|one| one["method"].as_str().unwrap().to_owned());
        assert_eq!(declared.collect::<BTreeSet<_>>(), named(ROWS.iter(), Dialect::Legacy));
        for own in OWN {
            assert!(legacy(&mut door, own, &json!([]))["error"].is_null(), "{own}");
        }
    }

    /// A client of this tool alone.
    fn client_of(&self, row: &Row) -> String {
        self.appliance.client(&format!("only-{}", row.tool), &[row.method])
    }

    /// Each kind of key, and how a call of this tool is met that shows it.
    fn kinds<'a>(
        &'a self,
        own: &'a str,
        allowed: bool,
    ) -> [(&'static str, Option<&'a str>, Met); 7] {
        let allowed = if allowed { Met::Called } else { Met::NotPermitted };
        [
            ("its own scope", Some(own), allowed),
            ("every scope", Some(&self.everything), allowed),
            ("another client", Some(&self.stranger), Met::NotPermitted),
            ("no key", None, Met::Unknown),
            ("a bad key", Some(&self.bad), Met::Unknown),
            ("an expired key", Some(&self.expired), Met::Unknown),
            ("a revoked key", Some(&self.revoked), Met::Unknown),
        ]
    }

    /// Makes a call, and looks whether what it was to change has changed, which it has only if the call was made.
    #[track_caller]
    fn check(&self, what: &str, row: &Row, expected: Met, call: impl FnOnce() -> Met) {
        let root = self.appliance.root();
        fs::write(root.join("doomed.txt"), "").unwrap();
        fs::remove_file(root.join("written.txt")).ok();
        assert_eq!(call(), expected, "{what}: {}", row.tool);
        if let Some(changed) = row.effect {
            assert_eq!(changed(root), expected == Met::Called, "{what}: effect of {}", row.tool);
        }
    }

    fn post(&self, key: Option<&str>, bend: impl FnOnce(Request) -> Request) -> Met {
        let request = Request::new(self.appliance.port(), key.unwrap_or_default());
        let request = if key.is_none() { request.without("Authorization") } else { request };
        let response = bend(request).send();
        match response.status {
            // The one, or the other where many wrong ones have come.
            401 | 429 => Met::Unknown,
            200 | 404 => met(&response.json()),
            other => panic!("{other}"),
        }
    }

    /// A WebSocket that shows its key in the handshake.
    fn early(&self, shown: ShowKey<'_>, call: impl FnOnce(&mut WebSocket) -> Value) -> Met {
        match WebSocket::open(self.appliance.port(), shown) {
            Ok(mut socket) => met(&call(&mut socket)),
            Err(status) => {
                assert!([401, 429].contains(&status.as_u16()), "{status}");
                Met::Unknown
            }
        }
    }

    /// A WebSocket that shows its key in the first frame, or sends its call as that.
    fn late(&self, key: Option<&str>, call: impl FnOnce(&mut WebSocket) -> Value) -> Met {
        let mut socket = WebSocket::open(self.appliance.port(), ShowKey::Later).unwrap();
        let known = key.map(|key| met(&legacy(&mut socket, "mcp.auth", &json!([key]))));
        let met = match known {
            Some(Met::Called) | None => met(&call(&mut socket)),
            Some(other) => other,
        };
        if met == Met::Unknown {
            assert_eq!(socket.closed(), Some(POLICY));
        }
        met
    }
}

#[test]
fn by_post() {
    let stage = Stage::new();
    let own: Vec<String> = ROWS.iter().map(|row| stage.client_of(row)).collect();
    let shown = |key: &str| {
        let request = Request::new(stage.appliance.port(), key);
        names(&request.modern("tools/list", &json!({})).send().json()["result"]["tools"])
    };
    for (at, tier) in TIERS.into_iter().enumerate() {
        stage.appliance.set_tier(tier);
        for (row, own) in ROWS.iter().zip(&own) {
            for (kind, key, expected) in stage.kinds(own, row.tiers[at]) {
                stage.check(&format!("{tier}, {kind}"), row, expected, || {
                    stage.post(key, |request| request.modern("tools/call", &row.params()))
                });
                // This door does not have the legacy dialect, for nobody.
                let expected = if expected == Met::Unknown { expected } else { Met::NoMethod };
                stage.check(&format!("{tier}, {kind}, legacy"), row, expected, || {
                    stage.post(key, |request| request.legacy(row.method, &(row.arguments)()))
                });
            }
            let listed = if row.tiers[at] { vec![row.tool] } else { Vec::new() };
            assert!(shown(own).iter().eq(&listed), "{tier} {}", row.tool);
        }
        assert_eq!(shown(&stage.everything), named(allowed(at), Dialect::Mcp), "{tier}");
        assert!(shown(&stage.stranger).is_empty());
    }
}

#[test]
fn by_websocket() {
    let stage = Stage::new();
    let own: Vec<String> = ROWS.iter().map(|row| stage.client_of(row)).collect();
    let open = |key| WebSocket::open(stage.appliance.port(), ShowKey::Header(key)).unwrap();
    for (at, tier) in TIERS.into_iter().enumerate() {
        stage.appliance.set_tier(tier);
        for dialect in DIALECTS {
            for (row, own) in ROWS.iter().zip(&own) {
                for (kind, key, expected) in stage.kinds(own, row.tiers[at]) {
                    let check = |how: &str, call: &dyn Fn() -> Met| {
                        let what = format!("{tier}, {kind} in {how}, {dialect:?}");
                        stage.check(&what, row, expected, call);
                    };
                    let ask = |socket: &mut WebSocket| ask(socket, dialect, row);
                    check("the first frame", &|| stage.late(key, ask));
                    let Some(key) = key else { continue };
                    check("the header", &|| stage.early(ShowKey::Header(key), ask));
                    check("a sub-protocol", &|| stage.early(ShowKey::Protocol(key), ask));
                }
                let listed = allowed(at).filter(|other| other.tool == row.tool);
                let listed = named(listed, dialect);
                assert_eq!(shown(&mut open(own), dialect), listed, "{tier} {}", row.tool);
            }
            let all = named(allowed(at), dialect);
            assert_eq!(shown(&mut open(&stage.everything), dialect), all, "{tier}");
            assert!(shown(&mut open(&stage.stranger), dialect).is_empty());
        }
    }
}

/// Whoever can open the socket is known by that: the tier alone decides, and a key that is shown there, whatever it is
/// worth, changes nothing.
#[test]
fn by_the_local_socket() {
    let stage = Stage::new();
    let keys = ROWS.iter().map(|row| stage.client_of(row)).collect::<Vec<_>>();
    for (at, tier) in TIERS.into_iter().enumerate() {
        stage.appliance.set_tier(tier);
        for (dialect, end) in DIALECTS.into_iter().flat_map(|d| [(d, End::Nul), (d, End::Newline)])
        {
            for (row, own) in ROWS.iter().zip(&keys) {
                let expected = if row.tiers[at] { Met::Called } else { Met::NotPermitted };
                for (kind, key, _) in stage.kinds(own, row.tiers[at]) {
                    let what = format!("{tier}, {kind}, {dialect:?}, {end:?}");
                    let mut door = stage.appliance.local(end);
                    if let Some(key) = key {
                        let reply = legacy(&mut door, "mcp.auth", &json!([key]));
                        assert_eq!(met(&reply), Met::NoMethod, "{what}");
                    }
                    stage.check(&what, row, expected, || met(&ask(&mut door, dialect, row)));
                    assert_eq!(shown(&mut door, dialect), named(allowed(at), dialect), "{what}");
                }
            }
        }
    }
}
