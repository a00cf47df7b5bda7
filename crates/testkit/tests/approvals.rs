//! Calls that wait for a person's word, as people and hosts rely on them.
#![cfg(test)]

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Appliance, Door, End, Peer, Request, ShowKey, WebSocket, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where a result tells of an approval.
const APPROVAL: &str = "org.llmbasedos/approval";
/// Has every write asked for, whether it can be undone or not.
const ASK_PERSON: &str = r#"@id("ask") @ask("person") forbid (principal in Kind::"key", action == Action::"mcp.fs.write", resource);"#;

/// What asks is the rule that is tried, and not that a write cannot be undone.
const LIFT: &str =
    r#"@ask("never") permit (principal, action == Action::"mcp.fs.write", resource);"#;

fn asking(rule: &str) -> Appliance {
    Appliance::new().asking().policy("ask", rule).policy("lift", LIFT).start()
}

/// The cap file of a server whose one tool sends something out, to a folder.
fn mailbox_caps() -> Value {
    let schema = json!({
        "type": "object", "properties": { "path": { "type": "string" } }, "required": ["path"],
    });
    json!({
        "service_name": "mailbox", "description": "Sends", "version": "1",
        "capabilities": [{
            "method": "mcp.mailbox.put", "description": "Sends", "effects": ["open_world"],
            "params_schema": { "type": "array" },
            "works_on": [{ "kind": "path", "argument": "path" }], "text_from": [],
            "tool": { "name": "mailbox_put", "inputSchema": schema },
        }],
    })
}

/// That server.
fn mailbox(appliance: &Appliance) -> Peer {
    let peer = appliance.old_peer("mailbox", &mailbox_caps(), |frame| {
        let request: Value = serde_json::from_slice(frame).ok()?;
        let result = json!({ "resultType": "complete", "content": [], "structuredContent": {}, "isError": false });
        let reply = json!({ "jsonrpc": "2.0", "id": request.get("id")?, "result": result });
        Some(format!("{reply}\0").into_bytes())
    });
    until("the tool", PATIENCE, || {
        appliance.tools().contains(&"mailbox_put".to_owned()).then_some(())
    });
    peer
}

fn write(path: &str, content: &str) -> Value {
    json!({ "name": "fs_write", "arguments": { "path": path, "content": content } })
}

fn call_as(appliance: &Appliance, key: &str, params: &Value) -> Value {
    Request::new(appliance.port(), key).modern("tools/call", params).send().json()
}

fn call(appliance: &Appliance, params: &Value) -> Value {
    call_as(appliance, &appliance.facts().key, params)
}

/// The id of the approval that a call waits for.
fn waits(reply: &Value) -> String {
    let result = &reply["result"];
    assert_eq!(result["isError"], true, "{reply}");
    let told = &result["_meta"][APPROVAL];
    let id = told["id"].as_str().unwrap_or_else(|| panic!("no approval: {reply}")).to_owned();
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.contains(&id) || told["state"] == "denied", "{text}");
    id
}

/// Calls one of the tools by which people answer, as the person.
fn person(appliance: &Appliance, tool: &str, arguments: &Value) -> Value {
    let params = json!({ "name": tool, "arguments": arguments });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    appliance.person(End::Nul).ask(&call)["result"].clone()
}

fn content(appliance: &Appliance, path: &str) -> Option<String> {
    fs::read_to_string(appliance.root().join(path)).ok()
}

#[test]
fn a_call_waits_for_a_person_and_is_then_made_once() {
    let appliance = asking(ASK_PERSON);
    let wanted = write("/a.md", "tea");
    let id = waits(&call(&appliance, &wanted));
    assert_eq!(waits(&call(&appliance, &wanted)), id, "the same call waits once");
    assert_eq!(content(&appliance, "a.md"), None);
    let status = || {
        let asked = json!({ "name": "approval_status", "arguments": { "id": id } });
        call(&appliance, &asked)["result"]["structuredContent"]["state"].clone()
    };
    assert_eq!(status(), "pending");
    let listed = person(&appliance, "approvals_list", &json!({}));
    let waiting = &listed["structuredContent"]["approvals"][0];
    assert_eq!((&waiting["id"], &waiting["tool"]), (&json!(id), &json!("fs_write")));
    assert_eq!(waiting["rule"], "ask.cedar:ask");
    let approved = person(&appliance, "approvals_approve", &json!({ "id": id }));
    assert_eq!(approved["isError"], false, "{approved}");
    assert_eq!(status(), "approved");
    assert_eq!(content(&appliance, "a.md"), None, "the client makes it");
    let other = waits(&call(&appliance, &write("/a.md", "coffee")));
    assert_ne!(other, id, "another call is not this one");
    // Members in another order are the same call.
    let again = json!({ "name": "fs_write", "arguments": { "content": "tea", "path": "/a.md" } });
    let made = call(&appliance, &again);
    assert_eq!(made["result"]["isError"], false, "{made}");
    assert_eq!(made["result"]["_meta"][APPROVAL]["id"], id.as_str());
    assert_eq!(content(&appliance, "a.md").as_deref(), Some("tea"));
    assert_eq!(status(), "used");
    assert_ne!(waits(&call(&appliance, &wanted)), id, "a grant is used once");
}

#[test]
fn what_a_person_has_changed_is_done_and_said() {
    let appliance = asking(ASK_PERSON);
    let wanted = write("/a.md", "tea");
    let id = waits(&call(&appliance, &wanted));
    let edited = r#"{"path":"/b.md","content":"mint tea"}"#;
    person(&appliance, "approvals_approve", &json!({ "id": id, "arguments": edited }));
    let made = call(&appliance, &wanted);
    assert_eq!(content(&appliance, "a.md"), None);
    assert_eq!(content(&appliance, "b.md").as_deref(), Some("mint tea"));
    let told = &made["result"]["_meta"][APPROVAL];
    assert_eq!((&told["edited"], &told["arguments"]), (&json!(true), &json!(edited)));
    let note = made["result"]["content"][0]["text"].as_str().unwrap();
    assert!(note.contains("A person changed") && note.contains("/b.md"), "{note}");
    let rows = appliance.audit(&["--kind", "approval"]);
    let outcomes: Vec<&str> = rows.iter().filter_map(|row| row["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["asked", "approved", "used"], "{rows:?}");
    let intents = appliance.audit(&["--kind", "intent"]);
    let made = intents.iter().filter(|row| row["what"] == "mcp.fs.write");
    assert!(made.clone().count() == 1 && made.clone().all(|row| row.to_string().contains("/b.md")));
}

#[test]
fn a_person_may_edit_nothing_that_the_rules_deny() {
    let private = r#"@id("private") forbid (principal, action, resource in Path::"/private") unless { principal in Kind::"person" };"#;
    let appliance = Appliance::new()
        .asking()
        .file("private/keep", "")
        .policy("ask", ASK_PERSON)
        .policy("private", private)
        .policy("lift", LIFT)
        .start();
    let wanted = write("/a.md", "tea");
    let id = waits(&call(&appliance, &wanted));
    let edited = r#"{"path":"/private/a.md","content":"tea"}"#;
    refused(
        &person(&appliance, "approvals_approve", &json!({ "id": id, "arguments": edited })),
        "private.cedar:private",
    );
    // Neither what the tool does not take.
    for (edited, place) in
        [(r#"{"path":7,"content":"tea"}"#, "path"), (r#"{"path":"/b.md"}"#, "content")]
    {
        let answer = json!({ "id": id, "arguments": edited });
        refused(&person(&appliance, "approvals_approve", &answer), place);
    }
    assert_eq!(waits(&call(&appliance, &wanted)), id, "it waits as before");
    // A rule that came after the answer counts too, as does one that came before it.
    let edited = json!({ "id": id, "arguments": r#"{"path":"/late/a.md","content":"tea"}"# });
    assert_eq!(person(&appliance, "approvals_approve", &edited)["isError"], false);
    let generation = || {
        let ready = appliance.request().method("GET").target("/readyz").send();
        ready.json()["policies"].as_u64().unwrap()
    };
    let before = generation();
    // By rename, so that nobody reads half a file.
    let folder = appliance.state().join("config/policies");
    fs::write(folder.join("late.new"), private.replace("private", "late")).unwrap();
    fs::rename(folder.join("late.new"), folder.join("late.cedar")).unwrap();
    until("the rule", PATIENCE, || (generation() > before).then_some(()));
    let told = call(&appliance, &wanted);
    assert_eq!(told["error"]["data"]["rule"], "late.cedar:late", "{told}");
    assert_eq!(content(&appliance, "private/a.md"), None);
}

/// An answer that was not taken, for a reason that names this.
fn refused(result: &Value, reason: &str) {
    assert_eq!(result["isError"], true, "{result}");
    let text = result["content"][0]["text"].as_str().unwrap();
    assert!(text.contains(reason) && text.contains("Nothing was changed"), "{text}");
}

#[test]
fn a_permission_that_spares_no_question_is_refused() {
    // The owner's own rule asks, whatever a person has answered before.
    let appliance = asking(ASK_PERSON);
    let id = waits(&call(&appliance, &write("/a.md", "tea")));
    for folder in [json!(null), json!("/")] {
        let always = json!({ "id": id, "folder": folder });
        refused(&person(&appliance, "approvals_always", &always), "ask.cedar:ask");
    }
    let appliance = Appliance::new().asking().start();
    let server = mailbox(&appliance);
    let put = json!({ "name": "mailbox_put", "arguments": { "path": "/notes/x" } });
    let id = waits(&call(&appliance, &put));
    let elsewhere = json!({ "id": id, "folder": "/else" });
    refused(&person(&appliance, "approvals_always", &elsewhere), "does not work beneath");
    let standing = person(&appliance, "approvals_standing", &json!({}));
    assert_eq!(standing["structuredContent"]["standing"], json!([]), "{standing}");
    let here = person(&appliance, "approvals_always", &json!({ "id": id, "folder": "/notes" }));
    assert_eq!(here["isError"], false, "{here}");
    assert!(here["structuredContent"].get("note").is_none(), "{here}");
    drop(server);
}

#[test]
fn a_yes_to_one_folder_opens_no_other_by_a_link() {
    let rule = |name: &str| {
        format!(
            r#"@id("{name}") @ask("person") forbid (principal in Kind::"key", action in Action::"effect:read_only", resource in Path::"/{name}");"#
        )
    };
    let appliance = Appliance::new()
        .asking()
        .file("private/s", "dear diary")
        .file("work/plain", "tea")
        .policy("work", &rule("work"))
        .policy("private", &rule("private"))
        .start();
    std::os::unix::fs::symlink("../private/s", appliance.root().join("work/link")).unwrap();
    let read = |path: &str| json!({ "name": "fs_read", "arguments": { "path": path } });
    for (path, opens) in [("/work/plain", true), ("/work/link", false), ("/private/s", true)] {
        let id = waits(&call(&appliance, &read(path)));
        person(&appliance, "approvals_approve", &json!({ "id": id }));
        let made = call(&appliance, &read(path));
        assert_eq!(made["result"]["isError"], !opens, "{path}: {made}");
        assert_eq!(made["result"]["_meta"][APPROVAL]["id"], id.as_str(), "{path}: {made}");
    }
}

#[test]
fn a_person_denies_all_of_one_client_at_once() {
    let appliance = asking(ASK_PERSON);
    let other = appliance.client("other", &["*"]);
    let wanted = |n: u32| write(&format!("/{n}.md"), "tea");
    let ids: Vec<String> =
        (0..3).map(|n| waits(&call_as(&appliance, &other, &wanted(n)))).collect();
    let kept = waits(&call(&appliance, &wanted(9)));
    let all = json!({ "client": "other", "reason": "stop it" });
    let denied = person(&appliance, "approvals_deny_all", &all)["structuredContent"].clone();
    assert_eq!((&denied["client"], &denied["denied"]), (&json!("other"), &json!(ids)));
    let told = call_as(&appliance, &other, &wanted(0));
    assert!(told["result"]["content"][0]["text"].as_str().unwrap().contains("stop it"), "{told}");
    let listed = person(&appliance, "approvals_list", &json!({}));
    let waiting = listed["structuredContent"]["approvals"].as_array().unwrap();
    assert_eq!(waiting.iter().map(|it| &it["id"]).collect::<Vec<_>>(), [kept.as_str()]);
    let rows = appliance.audit(&["--kind", "approval"]);
    let denied = rows.iter().find(|row| row["outcome"] == "denied").unwrap();
    assert!(ids.iter().all(|id| denied.to_string().contains(id)), "{denied}");
}

#[test]
fn a_call_whose_server_asks_something_back_needs_one_word() {
    let appliance = Appliance::new().asking().start();
    let server = appliance.old_peer("mailbox", &mailbox_caps(), |frame| {
        let request: Value = serde_json::from_slice(frame).ok()?;
        let answered = request.pointer("/params/inputResponses").is_some();
        let result = if answered {
            json!({ "resultType": "complete", "content": [], "structuredContent": {}, "isError": false })
        } else {
            let form = json!({ "mode": "form", "message": "Which?", "requestedSchema": { "type": "object", "properties": {} } });
            let asked = json!({ "which": { "method": "elicitation/create", "params": form } });
            json!({ "resultType": "input_required", "inputRequests": asked, "requestState": "s" })
        };
        let reply = json!({ "jsonrpc": "2.0", "id": request.get("id")?, "result": result });
        Some(format!("{reply}\0").into_bytes())
    });
    until("the tool", PATIENCE, || {
        appliance.tools().contains(&"mailbox_put".to_owned()).then_some(())
    });
    let key = &appliance.facts().key;
    let put = json!({ "name": "mailbox_put", "arguments": { "path": "/x" } });
    let id = waits(&ask_user(&appliance, key, &put, &json!({})));
    person(&appliance, "approvals_approve", &json!({ "id": id }));
    let asks = ask_user(&appliance, key, &put, &json!({}));
    assert_eq!(asks["result"]["resultType"], "input_required", "{asks}");
    let answer = json!({
        "requestState": "s", "inputResponses": { "which": { "action": "accept", "content": {} } },
    });
    let made = ask_user(&appliance, key, &put, &answer);
    assert_eq!(made["result"]["isError"], false, "{made}");
    // It has been made, so that the next is another.
    assert_ne!(waits(&ask_user(&appliance, key, &put, &answer)), id);
    drop(server);
}

#[test]
fn a_call_that_is_denied_is_not_asked_for_again_at_once() {
    let appliance = asking(ASK_PERSON);
    let wanted = write("/a.md", "tea");
    let id = waits(&call(&appliance, &wanted));
    person(&appliance, "approvals_deny", &json!({ "id": id, "reason": "we drink coffee" }));
    let told = call(&appliance, &wanted);
    assert_eq!(waits(&told), id);
    let text = told["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("denied") && text.contains("we drink coffee"), "{text}");
    assert_eq!(content(&appliance, "a.md"), None);
    let listed = person(&appliance, "approvals_list", &json!({}));
    assert_eq!(listed["structuredContent"]["approvals"], json!([]));
}

#[test]
fn what_is_allowed_for_good_holds_in_its_folder_until_it_is_forgotten() {
    // Of the defaults: those of the owner's own rules are always asked.
    let appliance = Appliance::new().asking().file("notes/x", "").file("else/x", "").start();
    let server = mailbox(&appliance);
    let send = |folder: &str| {
        let params =
            json!({ "name": "mailbox_put", "arguments": { "path": format!("{folder}/x") } });
        call(&appliance, &params)
    };
    let id = waits(&send("/notes"));
    person(&appliance, "approvals_always", &json!({ "id": id, "folder": "/notes" }));
    let goes = |folder: &str| send(folder)["result"]["isError"] == false;
    until("the permission", PATIENCE, || goes("/notes").then_some(()));
    assert!(goes("/notes") && goes("/notes/deep"), "and from then on");
    assert!(!goes("/else") && !goes("/notes2"));
    let standing = person(&appliance, "approvals_standing", &json!({}));
    let one = &standing["structuredContent"]["standing"][0];
    assert_eq!(one["folder"], "/notes", "{standing}");
    person(&appliance, "approvals_forget", &json!({ "id": one["id"] }));
    until("the permission to end", PATIENCE, || (!goes("/notes")).then_some(()));
    drop(server);
}

#[test]
fn race_of_people_who_answer_has_one_winner_and_the_other_is_told() {
    let appliance = asking(ASK_PERSON);
    for round in 0..8 {
        let id = waits(&call(&appliance, &write(&format!("/{round}.md"), "tea")));
        let answers: Vec<Value> = thread::scope(|scope| {
            let answer = |tool| {
                let (appliance, id) = (&appliance, &id);
                scope.spawn(move || person(appliance, tool, &json!({ "id": id })))
            };
            let both = [answer("approvals_approve"), answer("approvals_deny")];
            both.map(|it| it.join().unwrap()).into()
        });
        let won: Vec<&Value> = answers.iter().filter(|it| it["isError"] == false).collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        let lost = answers.iter().find(|it| it["isError"] == true).unwrap();
        let text = lost["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("already") && text.contains("person"), "{text}");
    }
}

#[test]
fn race_of_the_same_call_uses_a_grant_once() {
    let append = json!({ "name": "fs_write", "arguments": { "path": "/log", "content": "x", "append": true } });
    let appliance = asking(ASK_PERSON);
    let id = waits(&call(&appliance, &append));
    person(&appliance, "approvals_approve", &json!({ "id": id }));
    let made = thread::scope(|scope| {
        let callers: Vec<_> = (0..16).map(|_| scope.spawn(|| call(&appliance, &append))).collect();
        let replies = callers.into_iter().map(|it| it.join().unwrap());
        replies.filter(|reply| reply["result"]["isError"] == false).count()
    });
    assert_eq!((made, content(&appliance, "log").as_deref()), (1, Some("x")));
}

#[test]
fn what_waits_and_what_was_approved_outlasts_a_restart() {
    let mut appliance = asking(ASK_PERSON);
    let (one, other) = (write("/1.md", "tea"), write("/2.md", "tea"));
    let (first, second) = (waits(&call(&appliance, &one)), waits(&call(&appliance, &other)));
    person(&appliance, "approvals_approve", &json!({ "id": first }));
    appliance.kill("gateway");
    let made = until("the gateway", PATIENCE, || {
        appliance.tend();
        appliance.request().modern("tools/call", &one).try_send()
    });
    assert_eq!(made.json()["result"]["isError"], false);
    assert_eq!(waits(&call(&appliance, &other)), second);
}

#[test]
fn only_the_person_answers() {
    let appliance = asking(ASK_PERSON);
    let id = waits(&call(&appliance, &write("/a.md", "tea")));
    for tool in ["approvals_approve", "approvals_always", "approvals_list", "approvals_forget"] {
        let params = json!({ "name": tool, "arguments": { "id": id } });
        let reply = call(&appliance, &params);
        assert_eq!(reply["error"]["code"], -32_602, "{tool}: {reply}");
        let local = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        assert_eq!(appliance.local(End::Nul).ask(&local)["error"]["code"], -32_602);
    }
    for method in ["mcp.approvals.approve", "mcp.approvals.always"] {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": { "id": id } });
        assert_eq!(appliance.websocket().ask(&call)["error"]["code"], -32_601, "{method}");
    }
    assert!(!appliance.tools().iter().any(|tool| tool.starts_with("approvals_")));
    let other = appliance.client("other", &["*"]);
    let status = json!({ "name": "approval_status", "arguments": { "id": id } });
    let asked = call_as(&appliance, &other, &status);
    assert_eq!(asked["result"]["isError"], true, "it is none of the others' business: {asked}");
    assert_eq!(waits(&call(&appliance, &write("/a.md", "tea"))), id, "nobody has answered");
}

#[test]
fn the_person_is_not_asked_and_older_dialects_are_told() {
    let appliance = Appliance::new().asking().start();
    let server = mailbox(&appliance);
    let put = json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.mailbox.put", "params": { "path": "/x" } });
    let told = appliance.websocket().ask(&put);
    assert_eq!(told["error"]["code"], -32_002, "{told}");
    let id = told["error"]["data"]["approval"]["id"].as_str().unwrap().to_owned();
    assert!(appliance.person(End::Newline).ask(&put)["result"].is_object());
    let approve = json!({ "jsonrpc": "2.0", "id": 2, "method": "mcp.approvals.approve", "params": { "id": id } });
    assert!(appliance.person(End::Newline).ask(&approve)["result"].is_object());
    assert!(appliance.websocket().ask(&put)["result"].is_object());
    drop(server);
}

const ASK_HOST: &str = r#"@id("ask") @ask("host") forbid (principal in Kind::"key", action == Action::"mcp.fs.write", resource);"#;

/// A call of a client of MCP 2026-07-28 that can ask its user, with more parameters.
fn ask_user(appliance: &Appliance, key: &str, params: &Value, more: &Value) -> Value {
    let mut params = params.clone();
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        params[key] = value.clone();
    }
    let name = params["name"].as_str().unwrap().to_owned();
    Request::new(appliance.port(), key)
        .legacy("tools/call", &params)
        .header("MCP-Protocol-Version", "2026-07-28")
        .header("Mcp-Method", "tools/call")
        .header("Mcp-Name", &name)
        .send()
        .json()
}

#[test]
fn a_host_asks_its_user_in_several_round_trips() {
    let appliance = asking(ASK_HOST);
    let key = &appliance.facts().key;
    let wanted = write("/a.md", "tea");
    let asked = ask_user(&appliance, key, &wanted, &json!({}))["result"].clone();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let question = &asked["inputRequests"]["approval"];
    assert_eq!(question["method"], "elicitation/create");
    let shown = question["params"]["message"].as_str().unwrap();
    assert!(shown.contains("fs_write") && shown.contains("/a.md"), "{shown}");
    let state = asked["requestState"].as_str().unwrap();
    let answer = |state: &str, answer: Value| json!({ "requestState": state, "inputResponses": { "approval": answer } });
    let yes = json!({ "action": "accept", "content": { "approve": true } });
    let other = appliance.client("other", &["*"]);
    for (key, state) in [(key, format!("{state}0")), (&other, state.to_owned())] {
        let reply = ask_user(&appliance, key, &wanted, &answer(&state, yes.clone()));
        assert_ne!(reply["result"]["isError"], false, "{reply}");
    }
    assert_eq!(content(&appliance, "a.md"), None);
    let closed = ask_user(&appliance, key, &wanted, &answer(state, json!({ "action": "cancel" })));
    assert_eq!(closed["result"]["resultType"], "input_required", "it is asked again: {closed}");
    let made = ask_user(&appliance, key, &wanted, &answer(state, yes.clone()));
    assert_eq!(made["result"]["isError"], false, "{made}");
    assert_eq!(content(&appliance, "a.md").as_deref(), Some("tea"));
    fs::remove_file(appliance.root().join("a.md")).unwrap();
    let again = ask_user(&appliance, key, &wanted, &answer(state, yes));
    assert_eq!(again["result"]["resultType"], "input_required", "an answer counts once");
    assert_eq!(content(&appliance, "a.md"), None);
    let state = again["result"]["requestState"].as_str().unwrap();
    let no = answer(state, json!({ "action": "decline" }));
    let denied = ask_user(&appliance, key, &wanted, &no);
    assert_eq!(denied["result"]["_meta"][APPROVAL]["state"], "denied", "{denied}");
}

#[test]
fn a_host_of_the_older_era_asks_its_user_while_the_call_waits() {
    let appliance = asking(ASK_HOST);
    let key = &appliance.facts().key;
    let mut host = WebSocket::open(appliance.port(), ShowKey::Header(key)).unwrap();
    let params = json!({
        "protocolVersion": "2025-06-18",
        "capabilities": { "elicitation": {} },
        "clientInfo": { "name": "t", "version": "1" },
    });
    host.ask(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }));
    let wanted = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": write("/a.md", "tea") });
    for (content_of, action, expected) in
        [(json!({ "approve": true }), "accept", false), (json!({}), "decline", true)]
    {
        host.send_text(&wanted.to_string());
        let question: Value = serde_json::from_str(&host.receive_text()).unwrap();
        assert_eq!(question["method"], "elicitation/create", "{question}");
        // Somebody else's answer is none.
        let answer = json!({ "action": action, "content": content_of });
        let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer });
        let mut stranger = WebSocket::open(
            appliance.port(),
            ShowKey::Header(&appliance.client(&format!("x-{action}"), &["*"])),
        )
        .unwrap();
        stranger.send_text(&answer.to_string());
        let hello = json!({ "jsonrpc": "2.0", "id": 9, "method": "mcp.hello", "params": [] });
        stranger.ask(&hello);
        assert_eq!(content(&appliance, "a.md").is_some(), expected);
        host.send_text(&answer.to_string());
        let made: Value = serde_json::from_str(&host.receive_text()).unwrap();
        assert_eq!(made["result"]["isError"], expected, "{made}");
        assert!(content(&appliance, "a.md").is_some());
    }
}

#[test]
fn a_host_that_cannot_ask_leaves_it_to_the_person() {
    let appliance = asking(ASK_HOST);
    let wanted = write("/a.md", "tea");
    let id = waits(&call(&appliance, &wanted));
    person(&appliance, "approvals_approve", &json!({ "id": id }));
    assert_eq!(call(&appliance, &wanted)["result"]["isError"], false);
}
