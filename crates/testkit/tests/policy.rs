//! What the owner's rules do, as owners and hosts rely on it.
#![cfg(test)]

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Appliance, Door, End, Request, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// The code of what a rule does not permit.
const NOT_PERMITTED: i64 = -31_407;
const INVALID_PARAMS: i64 = -32_602;

/// Keeps clients out of one folder.
const PRIVATE: &str = r#"
@id("private")
forbid (principal, action, resource in Path::"/private")
unless { principal in Kind::"person" };
"#;

fn read(path: &str) -> Value {
    json!({ "name": "fs_read", "arguments": { "path": path } })
}

fn put(appliance: &Appliance, name: &str, text: &str) {
    fs::write(appliance.state().join("config/policies").join(name), text).unwrap();
}

/// What `/readyz` says.
fn readyz(appliance: &Appliance) -> Value {
    appliance.request().method("GET").target("/readyz").send().json()
}

fn generation(appliance: &Appliance) -> u64 {
    readyz(appliance)["policies"].as_u64().unwrap()
}

/// Puts a file of policies in place, and waits until it is in force or refused.
fn change(appliance: &Appliance, name: &str, text: &str) {
    let before = (generation(appliance), readyz(appliance)["refused"].clone());
    put(appliance, name, text);
    until("the change to be seen", PATIENCE, || {
        let now = (generation(appliance), readyz(appliance)["refused"].clone());
        (now != before).then_some(())
    });
}

fn code(reply: &Value) -> i64 {
    reply["error"]["code"].as_i64().unwrap_or_default()
}

#[test]
fn a_rule_of_the_owners_holds_by_every_door_and_is_named() {
    let appliance = Appliance::new()
        .file("private/diary.md", "dear diary")
        .file("notes/a.md", "tea")
        .policy("own", PRIVATE)
        .start();
    for path in [
        "/private/diary.md",
        "private/diary.md",
        "/notes/../private/diary.md",
        "//private//diary.md",
    ] {
        let reply = appliance.request().modern("tools/call", &read(path)).send().json();
        assert_eq!(code(&reply), NOT_PERMITTED, "{path}: {reply}");
        assert_eq!(reply["error"]["data"]["rule"], "own.cedar:private");
        assert!(!reply.to_string().contains("dear diary"));
    }
    let older = appliance.request().legacy("tools/call", &read("/private/diary.md")).send().json();
    assert_eq!(code(&older), NOT_PERMITTED);
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.fs.read", "params": ["/private/diary.md"] });
    assert_eq!(code(&appliance.websocket().ask(&call)), -32_002);
    assert_eq!(code(&appliance.local(End::Nul).ask(&call)), -32_002);
    assert!(
        appliance.person(End::Nul).ask(&call)["result"].is_object(),
        "who keeps it may read it"
    );
    let other = appliance.call("fs_read", &json!({ "path": "/notes/a.md" }));
    assert_eq!(other["result"]["isError"], false, "{other}");
    // What the rule cannot be asked about is no matter of rights.
    for wrong in [json!({ "path": 7 }), json!({ "path": ["/private/diary.md"] })] {
        let params = json!({ "name": "fs_read", "arguments": wrong });
        let reply = appliance.request().modern("tools/call", &params).send().json();
        assert_eq!(code(&reply), INVALID_PARAMS, "{reply}");
        assert!(reply["error"]["message"].as_str().unwrap().contains("`path`"), "{reply}");
    }
}

#[test]
fn no_link_leads_around_a_rule() {
    let locked =
        r#"forbid (principal, action in Action::"effect:changes", resource in Path::"/locked");"#;
    let appliance = Appliance::new()
        .file("private/diary.md", "dear diary")
        .file("locked/a.md", "tea")
        .file("notes/a.md", "tea")
        .policy("own", PRIVATE)
        .policy("locked", locked)
        .start();
    for (link, target) in [("away", "../private"), ("shut", "../locked"), ("own", "../notes")] {
        symlink(target, appliance.root().join("notes").join(link)).unwrap();
    }
    symlink("../private/diary.md", appliance.root().join("notes/diary")).unwrap();
    let refused = |tool: &str, arguments: Value| {
        let reply = appliance.call(tool, &arguments);
        assert_eq!(reply["result"]["isError"], true, "{tool} {arguments}: {reply}");
        assert!(!reply.to_string().contains("dear"), "{tool} {arguments}: {reply}");
    };
    for path in ["/notes/away/diary.md", "/notes/diary", "/notes/own/away/diary.md"] {
        for tool in ["fs_read", "fs_info", "fs_hash", "fs_delete"] {
            if (tool, path) != ("fs_delete", "/notes/diary") {
                refused(tool, json!({ "path": path }));
            }
        }
        refused("fs_copy", json!({ "source": path, "destination": "/notes/away/copy" }));
        refused("fs_write", json!({ "path": path, "content": "x" }));
    }
    let found = appliance.call("fs_grep", &json!({ "path": "/", "query": "dear" }));
    assert_eq!(found["result"]["structuredContent"]["matches"], json!([]), "{found}");
    // What may only be read is read by a link, and not changed by one.
    let read = appliance.call("fs_read", &json!({ "path": "/notes/shut/a.md" }));
    assert_eq!(read["result"]["structuredContent"]["content"], "tea", "{read}");
    for path in ["/notes/shut/a.md", "/notes/shut/new"] {
        refused("fs_write", json!({ "path": path, "content": "x" }));
        refused("fs_delete", json!({ "path": path }));
        refused("fs_move", json!({ "source": "/notes/a.md", "destination": path }));
    }
    let written = appliance.call("fs_write", &json!({ "path": "/notes/own/b.md", "content": "x" }));
    assert_eq!(written["result"]["isError"], false, "{written}");
}

#[test]
fn a_rule_that_looks_at_arguments_keeps_from_what_it_says_and_no_more() {
    let keys = r#"@id("keys") forbid (principal, action == Action::"mcp.fs.read", resource) when { context.arguments.path like "*.key" };"#;
    let appliance = Appliance::new()
        .file("notes/n.md", "tea")
        .file("notes/n.key", "secret")
        .policy("own", keys)
        .start();
    let reply = appliance.call("fs_read", &json!({ "path": "/notes/n.md" }));
    assert_eq!(reply["result"]["structuredContent"]["content"], "tea", "{reply}");
    let reply = appliance.request().modern("tools/call", &read("/notes/n.key")).send().json();
    assert_eq!(reply["error"]["data"]["rule"], "own.cedar:keys", "{reply}");
}

#[test]
fn lists_show_only_what_may_be_called() {
    let never = r#"forbid (principal, action == Action::"mcp.fs.delete", resource);"#;
    let somewhere =
        r#"forbid (principal, action == Action::"mcp.fs.write", resource in Path::"/private");"#;
    let appliance = Appliance::new().policy("never", never).policy("somewhere", somewhere).start();
    let tools = appliance.tools();
    assert!(!tools.contains(&"fs_delete".to_owned()), "{tools:?}");
    assert!(tools.contains(&"fs_write".to_owned()), "it may be called elsewhere");
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.hello", "params": [] });
    let methods = appliance.websocket().ask(&hello)["result"].to_string();
    assert!(!methods.contains("mcp.fs.delete") && methods.contains("mcp.fs.write"), "{methods}");
    put(&appliance, "never.cedar", "");
    until("the tool to be listed", PATIENCE, || {
        appliance.tools().contains(&"fs_delete".to_owned()).then_some(())
    });
}

#[test]
fn a_broken_file_is_refused_whole_and_the_last_good_one_stays_in_force() {
    let appliance =
        Appliance::new().file("private/diary.md", "dear diary").policy("own", PRIVATE).start();
    let refused = |appliance: &Appliance| {
        let reply = appliance.request().modern("tools/call", &read("/private/diary.md")).send();
        code(&reply.json()) == NOT_PERMITTED
    };
    assert!(refused(&appliance));
    // The second rule is broken; the first, which is not, must not count either.
    change(
        &appliance,
        "own.cedar",
        "permit (principal, action, resource);\n\nforbid (principal, action, resource) when { ;\n",
    );
    assert!(refused(&appliance), "what was good before holds");
    let told = readyz(&appliance)["refused"].clone();
    assert_eq!((told[0]["file"].as_str(), told[0]["line"].as_u64()), (Some("policies"), Some(3)));
    assert!(told[0]["reason"].as_str().unwrap().starts_with("own.cedar: "), "{told}");
    assert!(!told.to_string().contains(appliance.state().to_str().unwrap()));
    let rows = appliance.audit(&["--kind", "admin"]);
    assert!(rows.iter().any(|row| row["what"] == "policies" && row["outcome"] == "refused"));
    change(&appliance, "own.cedar", "// nothing is private any more\n");
    assert!(!refused(&appliance));
    assert_eq!(readyz(&appliance)["refused"], json!([]));
}

#[test]
fn where_rules_are_broken_from_the_start_only_the_person_may_do_anything() {
    let appliance = Appliance::new().file("a.md", "tea").policy("own", "permit (").start();
    let reply = appliance.request().modern("tools/call", &read("/a.md")).send().json();
    assert_eq!(code(&reply), NOT_PERMITTED, "{reply}");
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.fs.read", "params": ["/a.md"] });
    assert!(appliance.person(End::Nul).ask(&call)["result"].is_object());
    change(&appliance, "own.cedar", "");
    let reply = appliance.request().modern("tools/call", &read("/a.md")).send().json();
    assert_eq!(reply["result"]["isError"], false, "{reply}");
}

#[test]
fn rules_that_are_swapped_under_load_lose_no_call_and_hold_for_the_next() {
    const SWAPS: usize = 20;
    let appliance = Appliance::new().file("private/diary.md", "dear diary").start();
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let (mut allowed, mut denied) = (0, 0);
                    while !done.load(Ordering::Acquire) {
                        let request = Request::new(appliance.port(), &appliance.facts().key);
                        let reply = request.modern("tools/call", &read("/private/diary.md")).send();
                        match reply.json() {
                            reply if reply["result"]["isError"] == false => allowed += 1,
                            reply if code(&reply) == NOT_PERMITTED => denied += 1,
                            reply => panic!("a call was lost: {reply}"),
                        }
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    (allowed, denied)
                })
            })
            .collect();
        for swap in 0..SWAPS {
            let (text, forbids) = if swap % 2 == 0 { (PRIVATE, true) } else { ("", false) };
            change(&appliance, "own.cedar", text);
            let reply = appliance.request().modern("tools/call", &read("/private/diary.md")).send();
            assert_eq!(code(&reply.json()) == NOT_PERMITTED, forbids, "swap {swap}");
            let (seen, goal) = (&answered, answered.load(Ordering::Relaxed) + 8);
            until("calls in between", PATIENCE, || {
                (seen.load(Ordering::Relaxed) >= goal).then_some(())
            });
        }
        done.store(true, Ordering::Release);
        let all: Vec<(u32, u32)> = callers.into_iter().map(|it| it.join().unwrap()).collect();
        assert!(all.iter().all(|(allowed, denied)| *allowed > 0 && *denied > 0), "{all:?}");
    });
}
