//! What the framework promises about a call between its frame and its answer.
//!
//! The caller relies on this: what it cancels stops soon and is never answered, what waits for a thread then never
//! starts, two calls are never mixed up, progress comes before the answer and grows, and a server that is told to stop
//! answers every call that it has run. The author of a handler relies on this: `Call` says when to stop, and why.
#![cfg(test)]

#[path = "common/peer.rs"]
mod peer;
#[path = "common/served.rs"]
mod served;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::Shutdown;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use capability::limits::{DRAIN, MAX_CALLS, MAX_CONNECTIONS, MAX_PROGRESS_TEXT, PROGRESS_INTERVAL};
use capability::{
    BoxError, Call, Effect, ErrorKind, NoConfig, Server, TextSource, Tool, ToolError, Tools,
};
use peer::{PATIENCE, Peer, request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use served::Served;
use testkit::until;

/// Within what time a handler that looks must see that it is cancelled.
const PROMPT: Duration = Duration::from_millis(250);
/// Far longer than any handler of these tests should run, in milliseconds.
const AGES: u64 = 60_000;

/// A server whose handlers note what they see.
#[derive(Clone, Default)]
struct Flow(Arc<Shared>);

#[derive(Default)]
struct Shared {
    begun: AtomicUsize,
    counter: AtomicUsize,
    stopped: Mutex<Vec<Stopped>>,
    leave: Mutex<bool>,
    changed: Condvar,
}

/// A handler that was stopped: by what error, and when.
#[derive(Debug, Clone)]
struct Stopped {
    error: ToolError,
    at: Instant,
}

impl Flow {
    fn begun(&self) -> usize {
        self.0.begun.load(Ordering::SeqCst)
    }

    fn until_begun(&self, handlers: usize) {
        until(&format!("{handlers} handlers"), PATIENCE, || {
            (self.begun() >= handlers).then_some(())
        });
    }

    /// Lets the stubborn leave.
    fn release(&self) {
        *self.0.leave.lock().unwrap() = true;
        self.0.changed.notify_all();
    }

    fn noted<T>(&self, result: Result<T, ToolError>) -> Result<T, ToolError> {
        if let Err(error) = &result {
            let stopped = Stopped { error: error.clone(), at: Instant::now() };
            self.0.stopped.lock().unwrap().push(stopped);
        }
        result
    }

    /// Waits until so many handlers have been stopped.
    fn until_stopped(&self, handlers: usize) -> Vec<Stopped> {
        until(&format!("{handlers} stopped handlers"), PATIENCE, || {
            let stopped = self.0.stopped.lock().unwrap();
            (stopped.len() >= handlers).then(|| stopped.clone())
        })
    }
}

impl Server for Flow {
    const NAME: &'static str = "flow";
    const DESCRIPTION: &'static str = "Notes what its calls see";
    const VERSION: &'static str = "0";
    type Config = NoConfig;

    fn open(_: NoConfig) -> Result<Self, BoxError> {
        Ok(Self::default())
    }

    fn tools(tools: &mut Tools<Self>) {
        tools.add::<Wait>().add::<Spin>().add::<Stubborn>().add::<Walk>().add::<Count>();
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct Done {
    number: usize,
    remaining_ms: Option<u128>,
}

/// Defines a tool of the server.
macro_rules! tool {
    ($tool:ident { $($member:ident: $kind:ty),* }, $name:literal, $method:literal, $call:expr) => {
        /// A tool of a test.
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        struct $tool { $($member: $kind),* }

        impl Tool for $tool {
            type Server = Flow;
            type Output = Done;
            const NAME: &'static str = $name;
            const METHOD: &'static str = $method;
            const TITLE: &'static str = "A tool of a test";
            const EFFECTS: &'static [Effect] = &[];
            const TEXT_FROM: &'static [TextSource] = &[];

            fn call(self, flow: &Flow, call: &Call) -> Result<Done, ToolError> {
                flow.0.begun.fetch_add(1, Ordering::SeqCst);
                let remaining_ms = call.remaining().map(|left| left.as_millis());
                let work: fn(&Self, &Flow, &Call) -> Result<usize, ToolError> = $call;
                flow.noted(work(&self, flow, call)).map(|number| Done { number, remaining_ms })
            }
        }
    };
}

tool!(Wait { ms: u64 }, "flow_wait", "mcp.flow.wait", |wait, _, call| {
    call.wait(Duration::from_millis(wait.ms)).map(|()| 0)
});
tool!(Spin {}, "flow_spin", "mcp.flow.spin", |_, _, call| {
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(AGES) {
        call.check()?;
    }
    Ok(0)
});
// It never looks whether it is cancelled.
tool!(Stubborn {}, "flow_stubborn", "mcp.flow.stubborn", |_, flow, _| {
    let leave = flow.0.leave.lock().unwrap();
    drop(flow.0.changed.wait_while(leave, |leave| !*leave).unwrap());
    Ok(0)
});
tool!(Walk { steps: Vec<f64>, ms: u64, text: String }, "flow_walk", "mcp.flow.walk", |walk, _, call| {
    for step in &walk.steps {
        call.progress(*step, Some(10.0), Some(&walk.text));
        call.wait(Duration::from_millis(walk.ms))?;
    }
    // A thread that outlives the call.
    let late = call.clone();
    thread::spawn(move || {
        drop(late.wait(PROGRESS_INTERVAL * 2));
        late.progress(1e6, None, None);
    });
    Ok(walk.steps.len())
});
tool!(Count {}, "flow_count", "mcp.flow.count", |_, flow, call| {
    call.wait(Duration::from_millis(2))?;
    Ok(flow.0.counter.fetch_add(1, Ordering::SeqCst))
});

fn start(threads: usize) -> (Flow, Served) {
    let flow = Flow::default();
    (flow.clone(), Served::start(flow, threads))
}

fn cancel(id: &Value) -> Value {
    json!({
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": { "requestId": id, "reason": "a test" },
    })
}

/// A request whose caller waits for so long only.
fn hasty(id: u64, tool: &str, arguments: &Value, ms: u64) -> Value {
    let mut request = request(id, tool, arguments);
    request["params"]["_meta"]["org.llmbasedos/caller"]["timeoutMs"] = ms.into();
    request
}

fn with_token(mut request: Value, token: &Value) -> Value {
    request["params"]["_meta"]["progressToken"] = token.clone();
    request
}

/// That the server still answers on a connection, and that nothing else comes before.
fn check_next_is(peer: &mut Peer, id: u64) {
    peer.send(&request(id, "flow_wait", &json!({ "ms": 0 })));
    let reply = peer.next().expect("a reply");
    assert_eq!(reply["id"], id, "{reply}");
    assert_eq!(reply["result"]["isError"], false, "{reply}");
}

/// Cancels one call of a server all of whose threads are busy.
#[track_caller]
fn check_cancelled(tool: &str, arguments: &Value, threads: usize) {
    let (flow, served) = start(threads);
    let mut peer = served.connect();
    for id in 0..threads as u64 {
        peer.send(&request(id, tool, arguments));
    }
    flow.until_begun(threads);
    for id in 0..threads {
        let sent = Instant::now();
        peer.send(&cancel(&json!(id)));
        let stopped = flow.until_stopped(id + 1).pop().unwrap();
        assert_eq!(stopped.error.kind(), ErrorKind::Cancelled);
        assert_eq!(stopped.error.to_string(), "the caller cancelled this call");
        let delay = stopped.at.duration_since(sent);
        assert!(delay < PROMPT, "{tool}: it delay {delay:?}");
    }
    check_next_is(&mut peer, 99);
    peer.check_silence();
}

#[test]
fn a_handler_sees_at_once_that_it_is_cancelled() {
    for threads in [1, 4] {
        check_cancelled("flow_wait", &json!({ "ms": AGES }), threads);
        check_cancelled("flow_spin", &json!({}), threads);
        let walk = json!({ "steps": [1.0, 2.0], "ms": AGES, "text": "" });
        check_cancelled("flow_walk", &walk, threads);
    }
}

#[test]
fn a_call_that_is_cancelled_while_it_waits_for_a_thread_never_starts() {
    let (flow, served) = start(1);
    let mut peer = served.connect();
    peer.send(&request(0, "flow_stubborn", &json!({})));
    flow.until_begun(1);
    for id in 1..MAX_CALLS as u64 {
        peer.send(&request(id, "flow_count", &json!({})));
    }
    peer.send(&request(500, "flow_count", &json!({})));
    let reply = peer.next().unwrap();
    assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(500), &json!(-31_503)), "full");
    for id in 1..MAX_CALLS {
        peer.send(&cancel(&json!(id)));
    }
    // Their places are free at once, although the thread is not.
    until("a free place", PATIENCE, || {
        peer.send(&request(501, "flow_count", &json!({})));
        // The refusal of what is no message tells where that of the call would have been.
        peer.write(b"{}\0");
        let refused = peer.next().unwrap();
        if refused["id"].is_null() {
            return Some(());
        }
        assert_eq!(refused["error"]["code"], -31_503, "{refused}");
        assert!(peer.next().unwrap()["id"].is_null());
        None
    });
    flow.release();
    let replies = peer.replies(2);
    assert_eq!(replies.keys().copied().collect::<Vec<_>>(), [0, 501]);
    assert_eq!(flow.begun(), 2, "a cancelled call was started");
    peer.check_silence();
}

#[test]
fn a_cancelled_call_gets_no_answer_even_from_a_handler_that_does_not_look() {
    let (flow, served) = start(2);
    let mut peer = served.connect();
    peer.send(&request(1, "flow_stubborn", &json!({})));
    flow.until_begun(1);
    peer.send(&cancel(&json!(1)));
    check_next_is(&mut peer, 2);
    flow.release();
    peer.check_silence();
    // And then its id is free again.
    check_next_is(&mut peer, 1);
}

#[test]
fn what_cancels_nothing_is_passed_over() {
    let (flow, served) = start(2);
    let mut peer = served.connect();
    peer.send(&request(1, "flow_stubborn", &json!({})));
    flow.until_begun(1);
    for id in [json!("1"), json!(2), json!(null), json!([1]), json!(1.5), json!({ "id": 1 })] {
        peer.send(&cancel(&id));
    }
    peer.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled" }));
    peer.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": [1] }));
    peer.send(&json!({ "jsonrpc": "2.0", "method": "cancelled", "params": { "requestId": 1 } }));
    check_next_is(&mut peer, 3);
    // Another connection has ids of its own.
    let mut other = served.connect();
    other.send(&cancel(&json!(1)));
    check_next_is(&mut other, 1);
    flow.release();
    let reply = peer.next().unwrap();
    assert_eq!((&reply["id"], &reply["result"]["isError"]), (&json!(1), &json!(false)));
    // It is too late to cancel it.
    peer.send(&cancel(&json!(1)));
    check_next_is(&mut peer, 1);
}

#[test]
fn an_id_that_is_in_use_is_refused_and_the_first_call_goes_on() {
    let (flow, served) = start(4);
    let mut peer = served.connect();
    for (first, second) in
        [(r#""a\"b""#, r#""\u0061\u0022b""#), ("7", "7"), (r#""7""#, r#""\u0037""#)]
    {
        *flow.0.leave.lock().unwrap() = false;
        let begun = flow.begun();
        let text = |id: &str| {
            request(77_777, "flow_stubborn", &json!({}))
                .to_string()
                .replace("\"id\":77777", &format!("\"id\":{id}"))
        };
        peer.write(format!("{}\0", text(first)).as_bytes());
        flow.until_begun(begun + 1);
        peer.write(format!("{}\0", text(second)).as_bytes());
        let reply = peer.next().unwrap();
        assert_eq!(reply["error"]["code"], -32_600, "{first}, {second}: {reply}");
        let id: Value = serde_json::from_str(first).unwrap();
        assert_eq!(reply["id"], id);
        flow.release();
        let reply = peer.next().unwrap();
        assert_eq!((&reply["id"], &reply["result"]["isError"]), (&id, &json!(false)), "{reply}");
        assert_eq!(flow.begun(), begun + 1, "{second}: it was started");
        peer.check_silence();
    }
    // On another connection an id is another call's.
    let mut other = served.connect();
    *flow.0.leave.lock().unwrap() = false;
    let begun = flow.begun();
    for peer in [&mut peer, &mut other] {
        peer.send(&request(1, "flow_stubborn", &json!({})));
    }
    flow.until_begun(begun + 2);
    flow.release();
    for peer in [&mut peer, &mut other] {
        assert_eq!(peer.next().unwrap()["result"]["isError"], false);
    }
}

#[test]
fn a_call_ends_when_its_caller_has_waited_long_enough() {
    const MS: u64 = 300;
    let (flow, served) = start(1);
    let mut peer = served.connect();
    for (tool, arguments) in [("flow_wait", json!({ "ms": AGES })), ("flow_spin", json!({}))] {
        let sent = Instant::now();
        let reply = peer.ask(&hasty(1, tool, &arguments, MS));
        let took = sent.elapsed();
        assert!(took >= Duration::from_millis(MS), "{tool}: too soon, after {took:?}");
        assert!(took < Duration::from_millis(MS) + PROMPT, "{tool}: too late, after {took:?}");
        assert_eq!(reply["result"]["isError"], true, "{reply}");
        assert_eq!(reply["result"]["_meta"]["org.llmbasedos/errorKind"], "cancelled");
        let text = reply["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("the time that the caller waits is over"), "{text}");
    }
    // What is done in time is not touched by it.
    let reply = peer.ask(&hasty(1, "flow_wait", &json!({ "ms": 1 }), AGES));
    let remaining = reply["result"]["structuredContent"]["remaining_ms"].as_u64().unwrap();
    assert!(remaining <= AGES && remaining > AGES / 2, "{reply}");
    let reply = peer.ask(&hasty(1, "flow_wait", &json!({ "ms": 1 }), u64::MAX));
    assert_eq!(reply["result"]["isError"], false, "{reply}");
    let reply = peer.call("flow_wait", &json!({ "ms": 1 }));
    assert_eq!(reply["result"]["structuredContent"]["remaining_ms"], Value::Null);

    // The time counts from the frame: what waits too long for a thread is not started.
    let begun = flow.begun();
    peer.send(&request(1, "flow_stubborn", &json!({})));
    flow.until_begun(begun + 1);
    let sent = Instant::now();
    peer.send(&hasty(2, "flow_count", &json!({}), 50));
    until("its time to be over", PATIENCE, || {
        (sent.elapsed() > Duration::from_millis(60)).then_some(())
    });
    flow.release();
    let replies = peer.replies(2);
    assert_eq!(replies[&1]["result"]["isError"], false);
    assert_eq!(replies[&2]["result"]["_meta"]["org.llmbasedos/errorKind"], "cancelled");
    assert_eq!(flow.begun(), begun + 1, "it was started");
}

/// The progress that comes before the answer of a call.
#[track_caller]
fn progress_of(peer: &mut Peer, request: &Value) -> Vec<Value> {
    peer.send(request);
    let mut told = Vec::new();
    loop {
        let message = peer.next().expect("a message");
        if message.get("method").is_none() {
            assert_eq!(message["id"], request["id"], "{message}");
            assert_eq!(message["result"]["isError"], false, "{message}");
            return told;
        }
        assert_eq!(message["method"], "notifications/progress", "{message}");
        assert!(message.get("id").is_none(), "{message}");
        told.push(message["params"].clone());
    }
}

#[test]
fn progress_comes_before_the_answer_and_grows() {
    let (_, served) = start(2);
    let mut peer = served.connect();
    let pause = u64::try_from(PROGRESS_INTERVAL.as_millis()).unwrap() * 2;
    let walk = |steps: &Value, ms: u64, text: &str| {
        request(5, "flow_walk", &json!({ "steps": steps, "ms": ms, "text": text }))
    };
    for token in [json!(17), json!("a\"b")] {
        let steps = json!([1, 2, 2, 1.5, 2.5, 3]);
        let told = progress_of(&mut peer, &with_token(walk(&steps, pause, "so far"), &token));
        let expected: Vec<Value> = [json!(1), json!(2), json!(2.5), json!(3)]
            .into_iter()
            .map(|progress| {
                json!({
                    "progressToken": token, "progress": progress, "total": 10, "message": "so far",
                })
            })
            .collect();
        assert_eq!(told, expected);
    }
    // After the answer none comes, although a thread that the handler left behind tries.
    peer.check_silence();
    // Without a token, or with one that is none, there is no progress.
    let plain = walk(&json!([1, 2, 3]), 1, "");
    assert_eq!(progress_of(&mut peer, &plain), Vec::<Value>::new());
    for token in [json!(null), json!([1]), json!(1.5), json!(true)] {
        assert_eq!(progress_of(&mut peer, &with_token(plain.clone(), &token)), Vec::<Value>::new());
    }
    // A long text is cut where a character ends.
    let text = "ü".repeat(MAX_PROGRESS_TEXT);
    let told = progress_of(&mut peer, &with_token(walk(&json!([1]), 1, &text), &json!(1)));
    assert_eq!(told[0]["message"].as_str().unwrap().len(), MAX_PROGRESS_TEXT);
}

#[test]
fn progress_is_told_no_more_often_than_somebody_can_follow() {
    let (_, served) = start(2);
    let mut peer = served.connect();
    let steps: Vec<u32> = (1..=200).collect();
    let walk = request(5, "flow_walk", &json!({ "steps": steps, "ms": 1, "text": "" }));
    let began = Instant::now();
    let told = progress_of(&mut peer, &with_token(walk, &json!(1)));
    let most = began.elapsed().as_millis() / PROGRESS_INTERVAL.as_millis() + 1;
    assert!((2..=most).contains(&(told.len() as u128)), "{} of at most {most}", told.len());
}

#[test]
fn a_cancelled_call_tells_of_no_more_progress() {
    let (flow, served) = start(2);
    let mut peer = served.connect();
    let pause = PROGRESS_INTERVAL.as_millis();
    let steps: Vec<u32> = (1..=10_000).collect();
    let walk = request(5, "flow_walk", &json!({ "steps": steps, "ms": pause, "text": "" }));
    peer.send(&with_token(walk, &json!(1)));
    assert_eq!(peer.next().unwrap()["params"]["progress"], 1);
    peer.send(&cancel(&json!(5)));
    flow.until_stopped(1);
    peer.send(&request(6, "flow_wait", &json!({ "ms": 0 })));
    until("the next answer", PATIENCE, || {
        let message = peer.next().unwrap();
        assert_ne!(message["id"], 5, "{message}");
        (message["id"] == 6).then_some(())
    });
    peer.check_silence();
}

#[test]
fn a_caller_that_is_gone_waits_for_nothing() {
    let (flow, served) = start(2);
    let mut peer = served.connect();
    peer.send(&request(1, "flow_wait", &json!({ "ms": AGES })));
    peer.send(&request(2, "flow_spin", &json!({})));
    flow.until_begun(2);
    let left = Instant::now();
    drop(peer);
    for stopped in flow.until_stopped(2) {
        assert!(stopped.at.duration_since(left) < PROMPT, "{stopped:?}");
    }
    // One that will only send no more still gets its answer.
    let mut peer = Peer::connect(served.socket());
    peer.send(&request(1, "flow_wait", &json!({ "ms": 100 })));
    peer.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(peer.next().unwrap()["result"]["isError"], false);
    assert!(peer.next().is_none());
}

#[test]
fn a_server_that_stops_answers_every_call_that_it_runs() {
    /// On as many connections as a server takes, several on each.
    const CALLERS: usize = 32;
    for calls_before in [100, 300, 1000] {
        let (flow, mut served) = start(4);
        let together = Barrier::new(MAX_CONNECTIONS + 1);
        let answers = thread::scope(|scope| {
            let callers: Vec<_> = (0..MAX_CONNECTIONS)
                .map(|_| {
                    let mut peer = served.connect();
                    let together = &together;
                    scope.spawn(move || {
                        check_next_is(&mut peer, 0);
                        together.wait();
                        count_until_closed(&mut peer, CALLERS / MAX_CONNECTIONS)
                    })
                })
                .collect();
            together.wait();
            until("the calls to run", PATIENCE, || {
                (flow.0.counter.load(Ordering::SeqCst) > calls_before).then_some(())
            });
            served.signal();
            callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect::<Vec<_>>()
        });
        served.ended();
        let counted = flow.0.counter.load(Ordering::SeqCst);
        let distinct: BTreeSet<u64> = answers.iter().copied().collect();
        assert_eq!((answers.len(), distinct.len()), (counted, counted));
    }
}

/// Calls `flow_count` until the server closes the connection, `callers` calls at a time, and gives all answers.
fn count_until_closed(peer: &mut Peer, callers: usize) -> Vec<u64> {
    let mut answers = Vec::new();
    let mut sent = 0;
    loop {
        // After the signal a call may not be taken any more.
        while sent < answers.len() + callers {
            sent += 1;
            let message = format!("{}\0", request(sent as u64, "flow_count", &json!({})));
            if peer.stream.write_all(message.as_bytes()).is_err() {
                break;
            }
        }
        let Some(reply) = peer.next() else { return answers };
        let count = reply["result"]["structuredContent"]["number"].as_u64();
        answers.push(count.unwrap_or_else(|| panic!("{reply}")));
    }
}

#[test]
fn a_call_that_outlives_the_drain_is_told_so() {
    let (flow, mut served) = start(2);
    let mut peer = served.connect();
    peer.send(&request(1, "flow_wait", &json!({ "ms": AGES })));
    flow.until_begun(1);
    let began = Instant::now();
    served.signal();
    assert!(!served.is_finished());
    let stopped = flow.until_stopped(1).pop().unwrap();
    assert!(stopped.at.duration_since(began) >= DRAIN, "{stopped:?}");
    assert!(stopped.error.to_string().contains("the server stops"), "{stopped:?}");
    assert!(peer.next().is_none());
    served.ended();
}
