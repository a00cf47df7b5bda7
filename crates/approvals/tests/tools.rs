//! What the tools declare, and what is read from them.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::sync::Arc;
use std::time::Duration;

use approvals::tools::{self, Answered, Approve, List, Listed, StatusResult, Waiting, Wanted};
use approvals::{Answerer, Asked, Inbox};
use serde_json::{Value, json};

#[test]
fn each_tool_says_what_it_does_and_people_alone_may_answer() {
    let all = tools::all();
    let names: Vec<_> = all.iter().map(|tool| (tool.name, tool.method, tool.only_person)).collect();
    let expected = [
        ("approvals_list", "mcp.approvals.list", true),
        ("approvals_approve", "mcp.approvals.approve", true),
        ("approvals_deny", "mcp.approvals.deny", true),
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
    let answered = Answered { approval: approved.into() };
    assert_eq!(answered.approval.edited.as_deref(), Some("{}"));
    assert_eq!(answered.approval.answered_by.as_deref(), Some("tty1"));
}

#[test]
fn parameters_are_read_as_they_are_declared() {
    let list: List = serde_json::from_value(json!({ "state": "all", "limit": 3 })).unwrap();
    assert_eq!(list, List { state: Some(Wanted::All), limit: Some(3) });
    assert_eq!(serde_json::to_value(List::default()).unwrap(), json!({}));
    let approve = json!({ "id": "a", "arguments": "{}" });
    assert_eq!(serde_json::from_value::<Approve>(approve).unwrap().arguments.unwrap(), "{}");
    let typo = json!({ "id": "a", "argument": "{}" });
    serde_json::from_value::<Approve>(typo).unwrap_err();
}
