//! Calls that wait for a person, as tasks: a client that knows them gets one, asks for it, and has the result of the call that was
//! made for it.
#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Appliance, Door, End, Request, Response, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);
const TASKS: &str = "io.modelcontextprotocol/tasks";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const APPROVAL: &str = "org.llmbasedos/approval";
const SEND: &str = "outside_mail_send";

fn start() -> Appliance {
    Appliance::new().asking().world().start()
}

fn mail(body: &str) -> Value {
    json!({ "account": "private", "to": ["bob@example.org"], "subject": "s", "body": body })
}

/// A client that says that it knows tasks.
struct Client<'a> {
    appliance: &'a Appliance,
    key: String,
}

impl<'a> Client<'a> {
    fn first(appliance: &'a Appliance) -> Self {
        Self { appliance, key: appliance.facts().key.clone() }
    }

    fn another(appliance: &'a Appliance) -> Self {
        let key = appliance.clients(1).pop().unwrap().1;
        Self { appliance, key }
    }

    fn request(&self, method: &str, params: &Value) -> Request {
        let request = Request::new(self.appliance.port(), &self.key).modern(method, params);
        let mut params = params.clone();
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            CAPABILITIES: { "extensions": { TASKS: {} } },
        });
        let request = request.legacy(method, &params);
        match params["taskId"].as_str() {
            Some(id) => request.header("Mcp-Name", id),
            None => request,
        }
    }

    fn ask(&self, method: &str, params: &Value) -> Value {
        self.request(method, params).send().json()
    }

    fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({ "name": tool, "arguments": arguments }))
    }

    /// Makes a call that waits, and gives the id of its task.
    fn task(&self, arguments: &Value) -> String {
        let reply = self.call(SEND, arguments);
        assert_eq!(reply["result"]["resultType"], "task", "{reply}");
        assert_eq!(reply["result"]["status"], "working", "{reply}");
        reply["result"]["taskId"].as_str().unwrap().to_owned()
    }

    fn get(&self, task: &str) -> Value {
        self.ask("tasks/get", &json!({ "taskId": task }))
    }

    /// How a task has ended, once it has.
    fn ended(&self, task: &str) -> Value {
        until("the task to end", PATIENCE, || {
            let answer = self.request("tasks/get", &json!({ "taskId": task })).try_send()?;
            let mut reply = answer.json();
            let status = reply["result"]["status"].as_str()?;
            (status != "working").then(|| reply["result"].take())
        })
    }
}

/// What the person does by this tool with all that waits, the arguments besides the id given; says how much that was.
fn answer(appliance: &Appliance, tool: &str, arguments: &Value) -> usize {
    let mut person = appliance.person(End::Nul);
    let mut call = |tool: &str, arguments: &Value| {
        person.start_call(&json!(1), tool, arguments, &json!({}));
        let reply = person.receive();
        assert_eq!(reply["result"]["isError"], false, "{reply}");
        reply["result"]["structuredContent"].clone()
    };
    let waiting = call("approvals_list", &json!({}))["approvals"].as_array().unwrap().clone();
    for one in &waiting {
        let mut arguments = arguments.clone();
        arguments["id"] = one["id"].clone();
        call(tool, &arguments);
    }
    waiting.len()
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

fn error(response: &Response) -> (u16, i64) {
    (response.status, response.json()["error"]["code"].as_i64().unwrap_or_default())
}

#[test]
fn an_approved_call_is_made_once_and_its_task_has_the_result() {
    let appliance = start();
    let client = Client::first(&appliance);
    let task = client.task(&mail("hello"));
    let working = client.get(&task)["result"].clone();
    assert_eq!(
        (&working["status"], &working["resultType"]),
        (&json!("working"), &json!("complete"))
    );
    assert!(
        working["statusMessage"].as_str().unwrap().contains("do not make it again"),
        "{working}"
    );
    assert_eq!(client.task(&mail("hello")), task, "the same call, while it waits");
    assert_ne!(client.task(&mail("another")), task);
    assert!(appliance.world().ledger().is_empty());
    assert_eq!(answer(&appliance, "approvals_approve", &json!({})), 2);
    let done = client.ended(&task);
    assert_eq!(done["status"], "completed", "{done}");
    let result = &done["result"];
    assert_eq!((&result["isError"], &result["resultType"]), (&json!(false), &json!("complete")));
    assert_eq!(result["_meta"][APPROVAL]["state"], "used", "{result}");
    until("both mails", PATIENCE, || (appliance.world().ledger().len() == 2).then_some(()));
    assert_eq!(client.ended(&task), done, "it can be asked for again");
    // The grant is used up: the same call is a new one.
    assert_ne!(client.task(&mail("hello")), task);
    assert_eq!(appliance.world().ledger().len(), 2);
}

#[test]
fn what_a_person_has_changed_is_what_is_sent_and_the_result_says_so() {
    let appliance = start();
    let client = Client::first(&appliance);
    let task = client.task(&mail("hello"));
    let edited = mail("goodbye");
    answer(&appliance, "approvals_approve", &json!({ "arguments": edited.to_string() }));
    let done = client.ended(&task);
    assert_eq!(done["status"], "completed", "{done}");
    assert!(text(&done["result"]).contains("goodbye"), "{done}");
    let ledger = appliance.world().ledger();
    assert_eq!((ledger.len(), &ledger[0].arguments), (1, &edited));
}

#[test]
fn a_denied_call_is_a_result_that_says_why() {
    let appliance = start();
    let client = Client::first(&appliance);
    let task = client.task(&mail("hello"));
    answer(&appliance, "approvals_deny", &json!({ "reason": "not today" }));
    let done = client.ended(&task);
    assert_eq!((&done["status"], &done["result"]["isError"]), (&json!("completed"), &json!(true)));
    assert!(text(&done["result"]).contains("not today"), "{done}");
    assert!(appliance.world().ledger().is_empty());
}

#[test]
fn what_is_cancelled_is_not_asked_any_more_and_never_made() {
    let appliance = start();
    let client = Client::first(&appliance);
    let task = client.task(&mail("hello"));
    let cancelled = client.ask("tasks/cancel", &json!({ "taskId": task }));
    assert_eq!(cancelled["result"], json!({ "resultType": "complete" }), "{cancelled}");
    assert_eq!(client.get(&task)["result"]["status"], "cancelled");
    assert_eq!(answer(&appliance, "approvals_approve", &json!({})), 0, "nothing waits");
    // What is over stays so.
    assert_eq!(client.ask("tasks/cancel", &json!({ "taskId": task }))["error"], Value::Null);
    assert_eq!(client.get(&task)["result"]["status"], "cancelled");
    assert!(appliance.world().ledger().is_empty());
}

#[test]
fn a_task_is_its_client_s_alone() {
    let appliance = start();
    let (client, other) = (Client::first(&appliance), Client::another(&appliance));
    let task = client.task(&mail("hello"));
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        for id in [task.as_str(), "none"] {
            let answers = json!({ "taskId": id, "inputResponses": {} });
            let refused = other.ask(method, &answers);
            assert_eq!(refused["error"]["code"], -32602, "{method}: {refused}");
        }
    }
    assert_eq!(client.get(&task)["result"]["status"], "working");
    let update = json!({ "taskId": task, "inputResponses": { "k": { "action": "accept" } } });
    let updated = client.ask("tasks/update", &update);
    assert_eq!(updated["result"], json!({ "resultType": "complete" }), "{updated}");
    assert_eq!(client.get(&task)["result"]["status"], "working");
}

#[test]
fn a_call_that_was_approved_is_made_after_a_restart_and_a_task_outlasts_one() {
    let appliance = start();
    let client = Client::first(&appliance);
    let (first, second) = (client.task(&mail("first")), client.task(&mail("second")));
    assert_eq!(answer(&appliance, "approvals_approve", &json!({})), 2);
    let done = client.ended(&first);
    client.ended(&second);
    let waits = client.task(&mail("third"));
    appliance.kill("gateway");
    let still = until("the gateway to be back", PATIENCE, || {
        let reply = client.request("tasks/get", &json!({ "taskId": waits })).try_send()?;
        (reply.status == 200).then(|| reply.json())
    });
    assert_eq!(still["result"]["status"], "working", "{still}");
    assert_eq!(client.ended(&first), done);
    assert_eq!(client.task(&mail("third")), waits);
    assert_eq!(answer(&appliance, "approvals_approve", &json!({})), 1);
    assert_eq!(client.ended(&waits)["status"], "completed");
    let bodies: Vec<_> = appliance.world().ledger().iter().map(|it| it.arguments.clone()).collect();
    assert_eq!(bodies.len(), 3, "{bodies:?}");
}

#[test]
fn a_client_without_tasks_is_told_as_before() {
    let appliance = start();
    let reply = appliance.call(SEND, &mail("hello"));
    assert_eq!(reply["result"]["isError"], true, "{reply}");
    assert!(text(&reply["result"]).contains("make exactly the same call again"), "{reply}");
    let params = json!({ "taskId": "none" });
    let request = appliance.request().modern("tasks/get", &params).header("Mcp-Name", "none");
    let refused = request.send();
    assert_eq!(error(&refused), (400, -32021));
    let needed = json!({ "extensions": { TASKS: {} } });
    assert_eq!(refused.json()["error"]["data"]["requiredCapabilities"], needed);
    // The older era has no such methods.
    let legacy = appliance.request().legacy("tasks/get", &params).send().json();
    assert_eq!(legacy["error"]["code"], -32601, "{legacy}");
}

#[test]
fn the_header_names_the_task_as_the_body_does() {
    let appliance = start();
    let client = Client::first(&appliance);
    let task = client.task(&mail("hello"));
    let params = json!({ "taskId": task, "inputResponses": {} });
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let request = client.request(method, &params);
        assert_eq!(error(&request.clone().header("Mcp-Name", "another").send()), (400, -32020));
        assert_eq!(error(&request.without("Mcp-Name").send()), (400, -32020), "{method}");
    }
}

#[test]
fn the_extension_is_offered_where_it_is_known() {
    let appliance = start();
    let client = Client::first(&appliance);
    let discovered = client.ask("server/discover", &json!({}));
    assert_eq!(discovered["result"]["capabilities"]["extensions"], json!({ TASKS: {} }));
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "0" } });
    let begun = appliance.request().legacy("initialize", &params).send().json();
    assert_eq!(begun["result"]["capabilities"]["extensions"], Value::Null, "{begun}");
}

#[test]
fn a_subscription_tells_of_the_client_s_own_tasks() {
    let appliance = start();
    let (client, other) = (Client::first(&appliance), Client::another(&appliance));
    let (task, strange) = (client.task(&mail("hello")), other.task(&mail("hello")));
    let params = json!({ "notifications": { "taskIds": [task, strange, "none"] } });
    let stream = client.request("subscriptions/listen", &params).stream();
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut told = lines.filter_map(|line| {
        line.strip_prefix("data:")
            .filter(|data| !data.trim().is_empty())
            .map(|data| serde_json::from_str::<Value>(data).unwrap())
    });
    let granted = told.next().unwrap();
    assert_eq!(granted["params"]["notifications"], json!({ "taskIds": [task] }), "{granted}");
    let first = told.next().unwrap();
    assert_eq!(first["method"], "notifications/tasks", "{first}");
    assert_eq!(first["params"]["status"], "working", "{first}");
    answer(&appliance, "approvals_approve", &json!({}));
    let last = told.find(|it| it["params"]["status"] != "working").unwrap();
    assert_eq!(
        (&last["params"]["taskId"], &last["params"]["status"]),
        (&json!(task), &json!("completed"))
    );
    assert_eq!(last["params"]["result"]["isError"], false, "{last}");
}
