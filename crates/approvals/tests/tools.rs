//! What the tools declare, and what is read from them.

use std::sync::Arc;
use std::time::Duration;

use approvals::tools::{
    self, Answered, Approve, Caller, Fault, List, Listed, StatusResult, Waiting, Wanted,
};
use approvals::{Answerer, Asked, Inbox, Refused};
use serde_json::{Value, json};

#[test]
fn each_tool_says_what_it_does_and_people_alone_may_answer() {
    let all = tools::all();
    let names: Vec<_> = all.iter().map(|tool| (tool.name, tool.method, tool.only_person)).collect();
    let expected = [
        ("approvals_list", "mcp.approvals.list", true),
        ("approvals_approve", "mcp.approvals.approve", true),
        ("approvals_deny", "mcp.approvals.deny", true),
        ("approvals_deny_all", "mcp.approvals.deny_all", true),
        ("approvals_always", "mcp.approvals.always", true),
        ("approvals_standing", "mcp.approvals.standing", true),
        ("approvals_forget", "mcp.approvals.forget", true),
        ("approval_status", "mcp.approval.status", false),
    ];
    assert_eq!(names, expected);
    for tool in all {
        let all_of_it = format!("{}{}", tool.input_schema, tool.output_schema);
        assert!(!all_of_it.contains("$ref"), "{all_of_it}");
        assert!(!tool.description.is_empty() && !tool.description.contains('\n'));
        let properties = tool.input_schema["properties"].as_object();
        for (name, schema) in properties.into_iter().flatten() {
            assert!(schema["description"].is_string(), "{}: {name}", tool.name);
        }
        assert_eq!(tool.input_schema["additionalProperties"], json!(false), "{}", tool.name);
        assert_eq!(tool.output_schema["type"], "object", "{}", tool.name);
    }
}

#[test]
fn what_is_written_is_read_again_with_every_digit() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(|| Duration::from_secs(1_790_000_000));
    let inbox = Inbox::open(&folder.path().join("approvals.db"), clock).unwrap();
    let arguments = r#"{"account":12345678901234567890123}"#;
    let asked = Asked {
        client: "anna".into(),
        tool: "pay".into(),
        arguments: arguments.into(),
        ..Asked::default()
    };
    let id = inbox.ask(asked).unwrap().id;
    let listed =
        Listed { approvals: inbox.pending().unwrap().into_iter().map(Waiting::from).collect() };
    // As a client reads it that takes numbers for doubles.
    let value: Value = serde_json::to_value(&listed).unwrap();
    let shown = &value["approvals"][0];
    assert_eq!(shown["arguments"], arguments);
    assert_eq!(shown["state"], "pending");
    assert_eq!(shown["asked_at"], "2026-09-21T14:13:20Z");
    assert!(shown.get("run").is_none());
    assert_eq!(serde_json::from_value::<Listed>(value).unwrap(), listed);
    let approved = inbox.approve(&id, &Answerer::Person("tty1".into()), Some("{}")).unwrap();
    let status = StatusResult::from(approved.clone());
    assert_eq!(
        serde_json::to_value(&status).unwrap(),
        json!({
            "id": id, "tool": "pay", "state": "approved", "until": "2026-09-21T15:13:20Z", "edited": true,
        })
    );
    let answered = Answered::from(approved);
    assert_eq!(answered.approval.edited.as_deref(), Some("{}"));
    assert_eq!(answered.approval.answered_by.as_deref(), Some("tty1"));
}

#[test]
fn parameters_are_read_as_they_are_declared() {
    let list: List = serde_json::from_value(json!({ "state": "all", "limit": 3 })).unwrap();
    assert_eq!(list, List { state: Some(Wanted::All), limit: Some(3), id: None });
    assert_eq!(serde_json::to_value(List::default()).unwrap(), json!({}));
    let approve = json!({ "id": "a", "arguments": "{}" });
    assert_eq!(serde_json::from_value::<Approve>(approve).unwrap().arguments.unwrap(), "{}");
    let typo = json!({ "id": "a", "argument": "{}" });
    serde_json::from_value::<Approve>(typo).unwrap_err();
}

#[test]
fn people_call_all_of_them_and_clients_only_ask_for_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(|| Duration::from_secs(1_790_000_000));
    let inbox = Inbox::open(&folder.path().join("approvals.db"), clock).unwrap();
    let ask = |n: u32| {
        let arguments = format!(r#"{{"n":{n}}}"#);
        let (client, method) = ("anna".to_owned(), "mcp.mail.send".to_owned());
        inbox.ask(Asked { client, method, arguments, ..Asked::default() }).unwrap().id
    };
    let ids: Vec<_> = (0..4).map(ask).collect();
    let [first, second, third, fourth] = ids.as_slice() else { unreachable!() };
    let person = Caller::Person("tty1".to_owned());
    let call = |name: &str, arguments: Value| tools::call(&inbox, name, arguments, &person);
    let state = |id: &str| call("approval_status", json!({ "id": id })).unwrap()["state"].clone();
    let listed = |arguments| {
        let listed = call("approvals_list", arguments).unwrap();
        listed["approvals"].as_array().unwrap().len()
    };
    for tool in tools::all().iter().filter(|tool| tool.only_person) {
        let client = Caller::Client("anna".to_owned());
        let arguments = if tool.input_schema["required"].is_array() {
            json!({ "id": first })
        } else {
            json!({})
        };
        for name in [tool.name, tool.method] {
            let refused = tools::call(&inbox, name, arguments.clone(), &client).unwrap_err();
            assert!(matches!(refused, Fault::Refused(Refused::OnlyAPerson)), "{name}: {refused}");
        }
    }
    assert_eq!(state(first), "pending");
    let edited = json!({ "id": first, "arguments": "{}" });
    assert_eq!(call("mcp.approvals.approve", edited).unwrap()["approval"]["edited"], "{}");
    call("approvals_deny", json!({ "id": second, "reason": "no" })).unwrap();
    call("approvals_always", json!({ "id": third, "folder": "/notes" })).unwrap();
    assert_eq!([first, second, third].map(|id| state(id)), ["approved", "denied", "approved"]);
    assert_eq!(listed(json!({})), 1);
    assert_eq!(listed(json!({ "state": "all" })), 4);
    assert_eq!(listed(json!({ "state": "all", "limit": 2 })), 2);
    let long = format!(r#"{{"text":"{}"}}"#, "é".repeat(5000));
    let id = inbox.ask(Asked { arguments: long.clone(), ..Asked::default() }).unwrap().id;
    let shown = call("approvals_list", json!({ "state": "all" })).unwrap();
    let shown: Listed = serde_json::from_value(shown).unwrap();
    let cut = shown.approvals.iter().find(|listed| listed.id == id).unwrap();
    assert!(cut.cut && cut.arguments.len() <= 2048 && long.starts_with(&cut.arguments));
    let shown = call("approvals_list", json!({ "id": id })).unwrap();
    assert_eq!(shown["approvals"][0]["arguments"], long);
    assert!(matches!(call("approvals_list", json!({ "id": "a" })), Err(Fault::Refused(_))));
    let standing = call("approvals_standing", json!({})).unwrap();
    let permission = &standing["standing"][0];
    assert_eq!((&permission["client"], &permission["folder"]), (&json!("anna"), &json!("/notes")));
    call("approvals_forget", json!({ "id": permission["id"] })).unwrap();
    assert_eq!(call("approvals_standing", json!({})).unwrap(), json!({ "standing": [] }));

    let status = |client: &str| {
        let client = Caller::Client(client.to_owned());
        tools::call(&inbox, "mcp.approval.status", json!({ "id": fourth }), &client)
    };
    assert_eq!(status("anna").unwrap()["state"], "pending");
    assert!(matches!(status("bert"), Err(Fault::Refused(Refused::Unknown))));
    assert!(matches!(call("approvals_deny", json!({ "ID": "a" })), Err(Fault::Parameters(_))));
    assert!(matches!(call("approvals_burn", json!({})), Err(Fault::NoSuchTool)));
}
