//! A capability server that behaves, registered with an appliance: `src/bin/flow-server.rs`.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::appliance::{Appliance, is_fresh, programs};
use crate::until;

/// How long a test waits for what the server must do.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running `flow-server`, which offers `flow_count`, `flow_wait`, `flow_steps`, `flow_spin` and `flow_seen`. Dropping it
/// kills it; its cap file stays, as that of a daemon that died.
pub struct FlowServer {
    process: Child,
}

impl Appliance {
    /// Starts a `flow-server` beside the appliance's own servers, and waits until the gateway lists its tools.
    pub fn flow_server(&self) -> FlowServer {
        self.flow_server_with(&[])
    }

    /// The same with environment variables, such as `LLMBDO_FLOW_WORKERS`.
    pub fn flow_server_with(&self, environment: &[(&str, &str)]) -> FlowServer {
        let program = programs().join("flow-server");
        assert!(
            is_fresh(&program),
            "`flow-server` is not built or stale: run `cargo build --profile ci --workspace --bins`"
        );
        let socket = self.state().join("run/flow.sock");
        let process = Command::new(&program)
            .args(["serve", "--parent", &std::process::id().to_string(), "--socket"])
            .arg(&socket)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stderr(File::create(self.state().join("log/flow.log")).unwrap())
            .spawn()
            .unwrap();
        let mut server = FlowServer { process };
        until("the flow server's socket", PATIENCE, || {
            let ended = server.process.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}:\n{}", self.log("flow"));
            UnixStream::connect(&socket).ok()
        });
        let caps = Command::new(&program).arg("caps").output().unwrap();
        assert!(caps.status.success(), "{caps:?}");
        self.declare("flow", &caps.stdout);
        until("the flow server's tools", PATIENCE, || {
            self.tools().iter().any(|tool| tool == "flow_count").then_some(())
        });
        server
    }

    /// What the calls of the flow server did so far, one object each: `tool`, `label`, `state` (`running`, `finished` or
    /// `cancelled`), and `ms`, after how many milliseconds it came to that.
    pub fn flow_seen(&self) -> Vec<Value> {
        let reply = self.call("flow_seen", &json!({}));
        let calls = reply["result"]["structuredContent"]["calls"].as_array();
        calls.unwrap_or_else(|| panic!("no list of calls: {reply}")).clone()
    }
}

impl FlowServer {
    /// The process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to stop in order.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process has an id"), signal).unwrap();
    }

    /// Waits for its end, which must come.
    pub fn ended(&mut self) -> ExitStatus {
        until("the end of the flow server", PATIENCE, || self.process.try_wait().unwrap())
    }
}

impl Drop for FlowServer {
    fn drop(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
