//! What we say of tasks is what the extension's specification shows, member by member, and what MCP's published JSON Schema asks of
//! every result and notification. The extension publishes its own schema in no package yet.
#![cfg(test)]

use std::collections::BTreeSet;
use std::fs;

use jsonschema::Validator;
use mcp_types::{
    CreateTaskResult, DetailedTask, GetTaskResult, TASKS_EXTENSION, TaskAcknowledged, TaskDetail,
    TaskHandle, TaskNotification, TaskStatus,
};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

const ID: &str = "786512e2-9e0d-44bd-8f29-789f320fe840";
/// The parts of an example in the specification that every task has.
const OF_ALL: [&str; 6] =
    ["taskId", "status", "createdAt", "lastUpdatedAt", "ttlMs", "pollIntervalMs"];

/// The validator of a definition of the published schema.
fn published(name: &str) -> Validator {
    let path = testkit::Tools::installed().path("schema/2026-07-28.json");
    let document: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert!(document["$defs"][name].is_object(), "{name}");
    let schema = json!({ "$ref": format!("#/$defs/{name}"), "$defs": document["$defs"] });
    jsonschema::draft202012::new(&schema).unwrap()
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

fn handle(message: Option<&str>) -> TaskHandle<'_> {
    TaskHandle {
        task_id: ID,
        status_message: message,
        created_at: "2025-11-25T10:30:00Z".parse().unwrap(),
        last_updated_at: "2025-11-25T10:40:00Z".parse().unwrap(),
        ttl_ms: 60_000,
        poll_interval_ms: 5000,
    }
}

fn value(what: &impl serde::Serialize) -> Value {
    // By way of the text, since a value of raw JSON is one only there.
    serde_json::from_str(&serde_json::to_string(what).unwrap()).unwrap()
}

/// The example of "Task Creation".
fn created() -> Value {
    json!({
        "resultType": "task",
        "taskId": ID,
        "status": "working",
        "statusMessage": "The operation is now in progress.",
        "createdAt": "2025-11-25T10:30:00Z",
        "lastUpdatedAt": "2025-11-25T10:40:00Z",
        "ttlMs": 60000,
        "pollIntervalMs": 5000,
    })
}

/// What "Task Status" says that a task of each status has besides, as the example flow shows it.
fn examples() -> [(TaskStatus, Option<(&'static str, Value)>); 5] {
    let asks = json!({
        "name": {
            "method": "elicitation/create",
            "params": {
                "mode": "form",
                "message": "Please enter your name.",
                "requestedSchema": {
                    "type": "object",
                    "properties": { "name": { "type": "string" } },
                    "required": ["name"],
                },
            },
        },
    });
    let result =
        json!({ "content": [{ "type": "text", "text": "Hello, Luca!" }], "isError": false });
    let error = json!({ "code": -32603, "message": "API rate limit exceeded" });
    [
        (TaskStatus::Working, None),
        (TaskStatus::InputRequired, Some(("inputRequests", asks))),
        (TaskStatus::Completed, Some(("result", result))),
        (TaskStatus::Failed, Some(("error", error))),
        (TaskStatus::Cancelled, None),
    ]
}

fn detail(status: TaskStatus, of: &RawValue) -> TaskDetail<'_> {
    match status {
        TaskStatus::Working => TaskDetail::Working,
        TaskStatus::InputRequired => TaskDetail::InputRequired { input_requests: of },
        TaskStatus::Completed => TaskDetail::Completed { result: of },
        TaskStatus::Failed => TaskDetail::Failed { error: of },
        TaskStatus::Cancelled => TaskDetail::Cancelled,
    }
}

#[test]
fn a_task_that_is_made_is_told_as_the_specification_shows() {
    let message = Some("The operation is now in progress.");
    let said = value(&CreateTaskResult::new(TaskStatus::Working, handle(message)));
    assert_eq!(said, created());
    assert!(published("Result").is_valid(&said));
    let mut without = created();
    without.as_object_mut().unwrap().remove("statusMessage");
    let said = value(&CreateTaskResult::new(TaskStatus::Working, handle(None)));
    assert_eq!(said, without);
}

#[test]
fn a_task_of_each_status_has_what_belongs_to_it_and_nothing_else() {
    let (result, notification) = (published("Result"), published("JSONRPCNotification"));
    for (status, of) in examples() {
        let payload = raw(of.as_ref().map_or(&Value::Null, |(_, payload)| payload));
        let task = || DetailedTask { handle: handle(None), detail: detail(status, &payload) };
        let got = value(&GetTaskResult::new(task()));
        let mut expected = created();
        let members = expected.as_object_mut().unwrap();
        members.remove("statusMessage");
        members.insert("resultType".to_owned(), json!("complete"));
        members.insert("status".to_owned(), json!(status.name()));
        if let Some((member, payload)) = &of {
            members.insert((*member).to_owned(), payload.clone());
        }
        assert_eq!(got, expected);
        assert!(result.is_valid(&got), "{got}");

        let id = raw(&json!(7));
        let told = value(&TaskNotification::new(&id, task()));
        assert_eq!(told["method"], "notifications/tasks");
        assert!(notification.is_valid(&told), "{told}");
        let params = told["params"].as_object().unwrap();
        assert_eq!(params["_meta"], json!({ "io.modelcontextprotocol/subscriptionId": 7 }));
        let said: BTreeSet<&str> = params.keys().map(String::as_str).collect();
        let besides = of.as_ref().map(|(member, _)| *member);
        let allowed: BTreeSet<&str> = OF_ALL.into_iter().chain(besides).chain(["_meta"]).collect();
        assert_eq!(said, allowed);
    }
}

#[test]
fn what_a_task_came_to_passes_byte_for_byte() {
    let result = RawValue::from_string(r#"{"b":12345678901234567890123,"a":1.0}"#.into()).unwrap();
    let detail = TaskDetail::Completed { result: &result };
    let text =
        serde_json::to_string(&GetTaskResult::new(DetailedTask { handle: handle(None), detail }));
    assert!(text.unwrap().contains(result.get()));
}

#[test]
fn the_parts_of_a_task_are_those_of_the_published_schema() {
    for (name, status) in
        [("InputRequests", TaskStatus::InputRequired), ("Error", TaskStatus::Failed)]
    {
        let (_, of) = examples().into_iter().find(|(of, _)| *of == status).unwrap();
        assert!(published(name).is_valid(&of.unwrap().1), "{name}");
        assert!(!published(name).is_valid(&json!([])), "{name} takes anything");
    }
}

#[test]
fn an_acknowledgement_says_only_that_it_is_complete() {
    let said = value(&TaskAcknowledged::new());
    assert_eq!(said, json!({ "resultType": "complete" }));
    assert!(published("EmptyResult").is_valid(&said));
    assert!(!published("EmptyResult").is_valid(&json!({})));
}

#[test]
fn names_are_those_of_the_wire() {
    for status in TaskStatus::ALL {
        assert_eq!(value(&status), json!(status.name()));
        let ends = ["completed", "failed", "cancelled"].contains(&status.name());
        assert_eq!(status.is_terminal(), ends);
    }
    assert_eq!(TASKS_EXTENSION, "io.modelcontextprotocol/tasks");
}
