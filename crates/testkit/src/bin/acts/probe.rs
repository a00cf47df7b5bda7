//! The one that starts a process for each act and gathers what they tell.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use listenfd::ListenFd;
use serde_json::{Value, json};

use crate::act::{Input, Told};
use crate::arguments::Options;
use crate::forbidden;
use crate::needed;
use crate::stage::{Daemon, Stage, own_name};

/// What a process that tries one is told to try: one of these and its place in the table.
const FORBIDDEN: &str = "forbidden";
const NEEDED: &str = "needed";

/// Tries all, and says whether all was as expected.
pub(crate) fn run(daemon: Daemon, options: Options) -> io::Result<bool> {
    if let Some(only) = options.only.clone() {
        return try_one(daemon, options, &only).map(|()| true);
    }
    let passed = Passed::take();
    let stage = Stage::read(daemon, options)?;
    let control = stage.options.control;
    let (mut refused, mut done, mut as_expected) = (0, 0, true);
    let acts = forbidden::all();
    for (place, act) in acts.iter().enumerate() {
        let told = ask(&stage, FORBIDDEN, place, Stdio::null())?;
        let expected = told.held == (!control && !stage.options.granted.contains(&act.number));
        refused += usize::from(told.held);
        as_expected &= expected;
        print(&json!({
            "act": act.name, "number": act.number, "refused": told.held, "how": told.how, "expected": expected,
        }))?;
    }
    let needs = needed::all(daemon);
    for (place, need) in needs.iter().enumerate() {
        let told = match passed.input(need.input)? {
            Some(input) => ask(&stage, NEEDED, place, input)?,
            None => Told { held: false, how: "no such socket was passed".to_owned() },
        };
        done += usize::from(told.held);
        as_expected &= told.held;
        print(&json!({
            "needed": need.name, "done": told.held, "how": told.how, "expected": told.held,
        }))?;
    }
    print(&json!({
        "summary": daemon.name(), "own_sandbox": stage.options.own_sandbox,
        "refused": refused, "forbidden": acts.len(), "done": done, "needed": needs.len(), "expected": as_expected,
    }))?;
    Ok(as_expected)
}

fn print(row: &Value) -> io::Result<()> {
    writeln!(io::stdout(), "{row}")
}

/// The sockets that systemd passed.
struct Passed {
    tcp: Option<OwnedFd>,
    unix: Option<OwnedFd>,
}

impl Passed {
    fn take() -> Self {
        let mut sockets = ListenFd::from_env();
        let (mut tcp, mut unix) = (None, None);
        for place in 0..sockets.len() {
            // Each says by an error that it is of the other kind.
            if let Ok(Some(listener)) = sockets.take_tcp_listener(place) {
                tcp = Some(TcpListener::into(listener));
            } else if let Ok(Some(listener)) = sockets.take_unix_listener(place) {
                unix = Some(UnixListener::into(listener));
            }
        }
        Self { tcp, unix }
    }

    /// The standard input of a process that needs this, or nothing where it was not passed.
    fn input(&self, input: Input) -> io::Result<Option<Stdio>> {
        let socket = match input {
            Input::Nothing => return Ok(Some(Stdio::null())),
            Input::Tcp => &self.tcp,
            Input::Unix => &self.unix,
        };
        socket.as_ref().map(|socket| socket.try_clone().map(Stdio::from)).transpose()
    }
}

/// Starts this program again, to try one and tell, and removes what it had to leave.
fn ask(stage: &Stage, table: &str, place: usize, input: Stdio) -> io::Result<Told> {
    let mut one = Command::new(env::current_exe()?);
    one.args(env::args_os().skip(1)).arg("--only").arg(format!("{table}:{place}"));
    let child = one.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let id = child.id();
    let output = child.wait_with_output()?;
    for folder in stage.writable() {
        // Most leave nothing.
        drop(fs::remove_file(own_name(&folder, id)));
    }
    if let Some(signal) = output.status.signal() {
        // What a filter ends is refused.
        let held = signal == libc::SIGSYS;
        return Ok(Told { held, how: format!("ended by signal {signal}") });
    }
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        io::Error::other(format!("`{table}:{place}` told nothing: {complaint}"))
    })
}

/// Tries one, and tells what came of it.
fn try_one(daemon: Daemon, options: Options, only: &str) -> io::Result<()> {
    let own_sandbox = options.own_sandbox;
    let stage = Stage::read(daemon, options)?;
    let opened = stage.open()?;
    let lock = || if own_sandbox { opened.lock().map(drop) } else { Ok(()) };
    let (table, place) = only.split_once(':').unwrap_or_default();
    let place: usize = place.parse().map_err(io::Error::other)?;
    let unknown = || io::Error::other(format!("there is no `{only}`"));
    let told = if table == FORBIDDEN {
        let act = forbidden::all().into_iter().nth(place).ok_or_else(unknown)?;
        let attempts = (act.prepare)(&stage);
        lock()?;
        Told::of_act(&act, attempts)
    } else {
        let need = needed::all(daemon).into_iter().nth(place).ok_or_else(unknown)?;
        match (need.prepare)(&stage) {
            Ok(attempts) => {
                lock()?;
                Told::of_need(attempts)
            }
            Err(error) => Told { held: false, how: error.to_string() },
        }
    };
    print(&json!(told))
}
