//! Campaign C11, the short form: hundreds of clients that are silent, slow or half gone, and one that works.
//!
//! Whoever works relies on this: others that hold connections and do nothing with them cost a call of theirs no time. Whoever
//! runs the appliance relies on this: each of the others is closed at its deadline, and nothing of it stays.
//!
//! The control is `axum::serve` as it is published, which has no deadlines: the same clients are still there when the
//! gateway has closed all of its own.
//!
//! The time of a call is compared within one run. It is the median of the 99th percentiles of short stretches of work, so
//! that a stretch in which the machine did something else counts as one and no more; and what is below [`NOISE`] is no
//! difference, since one turn of the scheduler takes as long.
#![cfg(test)]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use gateway::limits::{FIRST_BYTE, HEAD, MAX_UNAUTHENTICATED_PER_ADDRESS, WRITE_STALL};
use serde_json::json;
use testkit::{Appliance, Door, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How many connect and say nothing.
const SILENT: usize = 400;
/// How many send the head of a request a byte a second.
const DRIPPING: usize = 400;
/// How many send half a head, and then that they send no more.
const HALF_CLOSED: usize = 100;
/// How many ask for the largest answer and do not read it. Each makes the gateway hold 12 MiB until then.
const NOT_READING: usize = 16;
/// How many of the silent and of the dripping go to the control.
const CONTROL: usize = 20;
/// How many of them come from one address: half of what it may have, so that none makes room for another.
const PER_ADDRESS: usize = MAX_UNAUTHENTICATED_PER_ADDRESS / 2;
/// How far from its deadline a connection may be closed.
const LATE: Duration = Duration::from_secs(1);
/// How much earlier the clock of a test may be than that of the gateway.
const EARLY: Duration = Duration::from_millis(100);
/// The calls of one stretch of work, of which one is the slowest but a hundredth.
const STRETCH: usize = 400;
/// One call in so many opens a connection of its own.
const OWN_CONNECTION: usize = 20;
/// What is no difference between two times of a call.
const NOISE: Duration = Duration::from_millis(2);
/// How many of those that are held while nobody attacks may go meanwhile: a request before may not have been over yet.
const GONE: usize = 4;
/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(40);

/// Connects from an address of the loopback network that a few others have too.
async fn connect(port: u16, number: usize) -> TcpStream {
    let [high, low] = u16::try_from(number / PER_ADDRESS).unwrap().to_be_bytes();
    let socket = TcpSocket::new_v4().unwrap();
    // What the kernel takes for a client that does not read must not be the whole answer.
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 1, high, low), 0))).unwrap();
    socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.unwrap()
}

/// When a connection was closed, by the two clocks between which that of the gateway is.
struct Closed {
    /// Since before it was opened.
    at_most: Duration,
    /// Since it was open.
    at_least: Duration,
}

/// Sends a byte a second of what there is to send, and tells how long it took until the peer closed. `before` is when it
/// was not open yet.
async fn until_closed(before: Instant, mut stream: TcpStream, rest: Vec<u8>) -> Closed {
    let open = Instant::now();
    let mut rest = rest.into_iter();
    loop {
        let mut said = [0; 1024];
        // Waiting for an answer is the pause.
        match timeout(Duration::from_secs(1), stream.read(&mut said)).await {
            Ok(Ok(0) | Err(_)) => {
                return Closed { at_most: before.elapsed(), at_least: open.elapsed() };
            }
            Ok(Ok(_)) => {}
            Err(_) => {
                if let Some(byte) = rest.next() {
                    stream.write_all(&[byte]).await.ok();
                }
            }
        }
    }
}

/// Those who are closed by a deadline or at once: what they are, and when each was closed.
struct Slow {
    what: &'static str,
    deadline: Duration,
    closed: Vec<JoinHandle<Closed>>,
}

impl Slow {
    fn silent(runtime: &Runtime, port: u16, numbers: std::ops::Range<usize>) -> Self {
        let client = |number| async move {
            let before = Instant::now();
            until_closed(before, connect(port, number).await, vec![]).await
        };
        let closed = numbers.map(|number| runtime.spawn(client(number))).collect();
        Self { what: "silent", deadline: FIRST_BYTE, closed }
    }

    fn dripping(runtime: &Runtime, port: u16, numbers: std::ops::Range<usize>) -> Self {
        let client = |number| async move {
            let before = Instant::now();
            let mut stream = connect(port, number).await;
            stream.write_all(b"P").await.unwrap();
            until_closed(before, stream, b"OST /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec())
                .await
        };
        let closed = numbers.map(|number| runtime.spawn(client(number))).collect();
        Self { what: "a byte a second", deadline: HEAD, closed }
    }

    fn half_closed(runtime: &Runtime, port: u16, numbers: std::ops::Range<usize>) -> Self {
        let client = |number| async move {
            let before = Instant::now();
            let mut stream = connect(port, number).await;
            // Every other one says nothing at all before.
            if number % 2 == 0 {
                stream.write_all(b"POST /mcp HTTP/1.1\r\nHost: local").await.unwrap();
            }
            stream.shutdown().await.unwrap();
            until_closed(before, stream, vec![]).await
        };
        let closed = numbers.map(|number| runtime.spawn(client(number))).collect();
        Self { what: "half closed", deadline: Duration::ZERO, closed }
    }

    /// Waits until all of them are closed, and checks when each was.
    fn check(self, runtime: &Runtime) {
        let Self { what, deadline, closed } = self;
        let count = closed.len();
        let times: Vec<Closed> = runtime.block_on(async {
            let mut times = Vec::new();
            for closed in closed {
                let closed = timeout(PATIENCE, closed).await;
                times.push(closed.unwrap_or_else(|_| panic!("{what}: it is open")).unwrap());
            }
            times
        });
        let first = times.iter().map(|closed| closed.at_most).min().unwrap();
        let last = times.iter().map(|closed| closed.at_least).max().unwrap();
        println!("{what}: {count} closed after {first:.2?} to {last:.2?}");
        assert!(first + EARLY >= deadline, "{what}: closed early, {first:?}");
        assert!(last <= deadline + LATE, "{what}: closed late, {last:?}");
    }
}

/// Asks for an answer and reads nothing but its beginning; gives the connection, and when it last read.
async fn not_reading(port: u16, number: usize, request: Vec<u8>) -> (TcpStream, Instant) {
    let mut stream = connect(port, number).await;
    stream.write_all(&request).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    (stream, Instant::now())
}

/// Works, and gives the 99th percentile of each stretch, until told to stop and for as many stretches at least.
fn work(appliance: &Appliance, least: usize, stop: &AtomicBool) -> Vec<Duration> {
    let mut socket = appliance.websocket();
    let arguments = json!({ "path": "/small" });
    let mut stretches = Vec::new();
    while stretches.len() < least || !stop.load(Ordering::Relaxed) {
        let mut times: Vec<Duration> = (0..STRETCH)
            .map(|at| {
                let began = Instant::now();
                let reply = if at % OWN_CONNECTION == 0 {
                    appliance.call("fs_read", &arguments)
                } else {
                    socket.start_call(&json!(at), "fs_read", &arguments, &json!({}));
                    socket.receive()
                };
                assert_eq!(reply["result"]["structuredContent"]["content"], "small", "{reply}");
                began.elapsed()
            })
            .collect();
        times.sort();
        stretches.push(times[STRETCH * 99 / 100]);
    }
    stretches
}

/// Says on its end that it is over, so that a failure does not leave the others at work.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The descriptors that the gateway has open.
fn descriptors(appliance: &Appliance) -> usize {
    fs::read_dir(format!("/proc/{}/fd", appliance.facts().pids["gateway"])).unwrap().count()
}

/// Waits until the gateway has so many descriptors open. Whoever works has one more now and then.
fn until_descriptors(appliance: &Appliance, count: usize) -> Instant {
    until(&format!("{count} descriptors"), PATIENCE, || {
        (descriptors(appliance) <= count).then(Instant::now)
    })
}

/// `axum::serve`, as it is published.
#[expect(clippy::disallowed_methods, reason = "what is wrong with it is what the control shows")]
fn bare_server(runtime: &Runtime) -> u16 {
    let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(axum::serve(listener, Router::new()).into_future());
    port
}

/// All of the attack; it ends when each of its connections is closed and the gateway has forgotten them.
fn attack(appliance: &Appliance, runtime: &Runtime, held: usize) {
    let port = appliance.port();
    let read = json!({ "name": "fs_read", "arguments": { "path": "/large" } });
    let request = appliance.request().modern("tools/call", &read).bytes();
    let bare = bare_server(runtime);
    let control = [
        Slow::silent(runtime, bare, 0..CONTROL),
        Slow::dripping(runtime, bare, CONTROL..2 * CONTROL),
    ];
    let (silent, dripping) = (0..SILENT, SILENT..SILENT + DRIPPING);
    let half_closed = dripping.end..dripping.end + HALF_CLOSED;
    let not = half_closed.end..half_closed.end + NOT_READING;
    let slow = [
        Slow::half_closed(runtime, port, half_closed),
        Slow::silent(runtime, port, silent),
        Slow::dripping(runtime, port, dripping),
    ];
    let reading: Vec<_> =
        not.map(|number| runtime.spawn(not_reading(port, number, request.clone()))).collect();
    let reading: Vec<(TcpStream, Instant)> = runtime.block_on(async {
        let mut all = Vec::new();
        for client in reading {
            all.push(client.await.unwrap());
        }
        all
    });
    until("all of them at once", PATIENCE, || {
        (descriptors(appliance) + GONE >= held + SILENT + DRIPPING + NOT_READING).then_some(())
    });
    for slow in slow {
        slow.check(runtime);
    }
    let open = |slow: &Slow| slow.closed.iter().filter(|closed| !closed.is_finished()).count();
    let still: usize = control.iter().map(open).sum();
    println!("control: {still} of {} are open at a server without deadlines", 2 * CONTROL);
    assert_eq!(still, 2 * CONTROL, "the control has deadlines too");

    // Who does not read cannot see the end, but the gateway has its descriptor until then.
    until_descriptors(appliance, held + NOT_READING + 1);
    let closed = until_descriptors(appliance, held);
    let first = reading.iter().map(|(_, at)| *at).min().unwrap();
    let last = reading.iter().map(|(_, at)| *at).max().unwrap();
    let (longest, shortest) = (closed - first, closed - last);
    println!("not reading: {} closed after {shortest:.2?} to {longest:.2?}", reading.len());
    assert!(longest + EARLY >= WRITE_STALL, "closed early: {longest:?}");
    assert!(shortest <= WRITE_STALL + LATE, "closed late: {shortest:?}");
}

#[test]
fn timing_who_works_is_not_disturbed_by_hundreds_who_do_not() {
    let appliance =
        Appliance::new().file("small", "small").file("large", vec![1; 1024 * 1024]).start();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let at_once = AtomicBool::new(true);
    let mut alone = work(&appliance, 10, &at_once);
    // The session of that work is over before what is held is counted, and so is the connection that asked for the figures.
    until("the end of the session", PATIENCE, || {
        let figures = appliance.request().method("GET").target("/metrics").send();
        let text = String::from_utf8(figures.body).unwrap();
        text.contains(r#"llmbasedos_gateway_sessions{door="websocket"} 0"#).then_some(())
    });
    let idle = (0..200).map(|_| descriptors(&appliance)).min().unwrap();
    let over = AtomicBool::new(false);
    let beside = thread::scope(|scope| {
        let working = scope.spawn(|| work(&appliance, 10, &over));
        {
            let _over = Over(&over);
            // Whoever works holds one.
            attack(&appliance, &runtime, idle + 1);
        }
        working.join().unwrap()
    });
    alone.extend(work(&appliance, 10, &at_once));
    until_descriptors(&appliance, idle);
    let stretches = beside.len();
    let (alone, beside) = (median(alone), median(beside));
    println!(
        "p99 of a call: {alone:.2?} alone, {beside:.2?} beside them, over {stretches} stretches"
    );
    assert!(beside <= alone * 2 + NOISE, "{beside:?} instead of {alone:?}");
}
