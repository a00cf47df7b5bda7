//! Requests on a link: each finds its answer, is cancelled when nobody waits, and ends with the link.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what is missing fails the test")]

use std::time::Duration;

use mcp_client::{CallError, Client, Progress, Target};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// The gateway's end of a link.
struct Gateway(BufReader<UnixStream>);

impl Gateway {
    async fn hear(&mut self) -> Value {
        let mut frame = Vec::new();
        let read = timeout(PATIENCE, self.0.read_until(0, &mut frame)).await.expect("a message");
        assert_eq!((read.unwrap(), frame.pop()), (frame.len() + 1, Some(0)));
        serde_json::from_slice(&frame).unwrap()
    }

    async fn say(&mut self, message: &Value) {
        self.0.write_all(format!("{message}\0").as_bytes()).await.unwrap();
    }
}

async fn connect() -> (Client, Gateway) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let client = Client::connect(&Target::Unix(path), None).await.unwrap();
    (client, Gateway(BufReader::new(listener.accept().await.unwrap().0)))
}

#[tokio::test]
async fn answers_are_told_apart_whatever_their_order() {
    let (client, mut gateway) = connect().await;
    let gateway = async {
        let (first, second) = (gateway.hear().await, gateway.hear().await);
        assert_eq!(first["params"], json!(["/"]));
        assert_eq!(first["method"], "mcp.fs.list");
        assert_eq!(second.get("params"), None, "`null` is left out");
        // An answer to nobody, and a notification of no interest, are passed over.
        gateway.say(&json!({ "jsonrpc": "2.0", "id": 999, "result": 0 })).await;
        gateway.say(&json!({ "jsonrpc": "2.0", "method": "notifications/message" })).await;
        let error = json!({ "code": -32012, "message": "no", "data": { "a": 1 } });
        gateway.say(&json!({ "jsonrpc": "2.0", "id": second["id"], "error": error })).await;
        gateway.say(&json!({ "jsonrpc": "2.0", "id": first["id"], "result": [1] })).await;
    };
    let list = json!(["/"]);
    let (listed, refused, ()) = tokio::join!(
        client.request("mcp.fs.list", &list),
        client.request("mcp.hello", &Value::Null),
        gateway
    );
    assert_eq!(listed, Ok(json!([1])));
    let data = Some(json!({ "a": 1 }));
    assert_eq!(refused, Err(CallError::Rpc { code: -32012, message: "no".to_owned(), data }));
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_is_cancelled() {
    let (client, mut gateway) = connect().await;
    let params = json!({});
    {
        let call = client.request("slow", &params);
        tokio::pin!(call);
        let heard = tokio::select! {
            _ = &mut call => None,
            heard = gateway.hear() => Some(heard),
        };
        assert_eq!(heard.unwrap()["id"], 1);
    }
    let cancelled = gateway.hear().await;
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], 1);
    assert_eq!(cancelled.get("id"), None);

    // One that was answered is not; and the late answer of the other reaches nobody.
    gateway.say(&json!({ "jsonrpc": "2.0", "id": 1, "result": "late" })).await;
    let answer = async {
        let id = gateway.hear().await["id"].clone();
        gateway.say(&json!({ "jsonrpc": "2.0", "id": id, "result": "in time" })).await;
        gateway.hear().await
    };
    let calls = async {
        assert_eq!(client.request("quick", &params).await, Ok(json!("in time")));
        // What is heard next is this, and no cancellation before it.
        timeout(Duration::from_millis(1), client.request("next", &params)).await.ok();
    };
    let (next, ()) = tokio::join!(answer, calls);
    assert_eq!(next["method"], "next");
}

#[tokio::test]
async fn progress_is_told_in_order_before_the_result() {
    let (client, mut gateway) = connect().await;
    let gateway = async {
        let request = gateway.hear().await;
        let token = &request["params"]["_meta"]["progressToken"];
        assert_eq!(request["params"]["path"], "/");
        assert_eq!(request["params"]["_meta"]["other"], 1, "what was there stays");
        for (token, progress) in [(token, 1), (&json!(999), 7), (token, 2)] {
            let params = json!({ "progressToken": token, "progress": progress, "total": 2 });
            gateway
                .say(&json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }))
                .await;
        }
        gateway.say(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": "done" })).await;
    };
    let mut steps = Vec::new();
    let params = json!({ "path": "/", "_meta": { "other": 1 } });
    let call = client.request_with_progress("slow", &params, |step| steps.push(step));
    let (result, ()) = tokio::join!(call, gateway);
    assert_eq!(result, Ok(json!("done")));
    let step = |progress| Progress { progress, total: Some(2.0), message: None };
    assert_eq!(steps, [step(1.0), step(2.0)]);
}

#[tokio::test]
async fn the_end_of_the_link_ends_every_wait() {
    let (client, mut gateway) = connect().await;
    let params = json!({});
    let calls = async { tokio::join!(client.request("a", &params), client.request("b", &params)) };
    let end = async {
        gateway.hear().await;
        gateway.hear().await;
        assert!(!client.is_closed());
        drop(gateway);
    };
    let ((a, b), ()) = tokio::join!(calls, end);
    assert_eq!((a, b), (Err(CallError::Closed), Err(CallError::Closed)));
    timeout(PATIENCE, client.closed()).await.expect("it has ended");
    assert!(client.is_closed());
    assert_eq!(client.request("c", &params).await, Err(CallError::Closed));
}

#[tokio::test]
async fn what_cannot_be_sent_is_said_and_what_cannot_be_understood_too() {
    let (client, mut gateway) = connect().await;
    assert_eq!(client.request("m", &json!(1)).await, Err(CallError::Params));
    let long = json!(["x".repeat(mcp_wire::limits::MAX_MESSAGE_BYTES)]);
    assert_eq!(client.request("m", &long).await, Err(CallError::TooLarge));
    let answer = async {
        let id = gateway.hear().await["id"].clone();
        gateway.say(&json!({ "jsonrpc": "2.0", "id": id, "error": "no object" })).await;
    };
    let params = json!({});
    let (outcome, ()) = tokio::join!(client.request("m", &params), answer);
    assert_eq!(outcome, Err(CallError::Malformed));
}

#[tokio::test]
async fn a_server_that_asks_is_answered() {
    let (_client, mut gateway) = connect().await;
    gateway.say(&json!({ "jsonrpc": "2.0", "id": "x", "method": "ping" })).await;
    assert_eq!(gateway.hear().await, json!({ "jsonrpc": "2.0", "id": "x", "result": {} }));
    gateway.say(&json!({ "jsonrpc": "2.0", "id": 2, "method": "roots/list" })).await;
    assert_eq!(gateway.hear().await["error"]["code"], -32601);
}

#[tokio::test]
async fn the_last_clone_closes_the_link() {
    let (client, mut gateway) = connect().await;
    let clone = client.clone();
    drop(client);
    assert!(!clone.is_closed());
    drop(clone);
    let mut rest = Vec::new();
    let read = timeout(PATIENCE, gateway.0.read_until(0, &mut rest)).await.expect("its end");
    assert_eq!(read.unwrap(), 0);
}
