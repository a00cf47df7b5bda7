//! The gateway under a supervisor that wants signs of life, as systemd does on the appliance.
#![cfg(test)]

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use testkit::{programs, until};

/// What is asked for: one sign of life in this time.
const ASKED: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(20);

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn hears(socket: &UnixDatagram, what: &str) -> bool {
    let mut text = [0; 4096];
    let length = socket.recv(&mut text).unwrap_or(0);
    String::from_utf8_lossy(&text[..length]).contains(what)
}

/// A gateway whose supervisor listens at this socket.
fn supervised(folder: &Path) -> (Killed, UnixDatagram) {
    let at = |name: &str| folder.join(name);
    fs::write(at("clients.yaml"), "clients: []\n").unwrap();
    for name in ["run", "policies"] {
        fs::create_dir(at(name)).unwrap();
    }
    let config = format!(
        "listen: 127.0.0.1:0\ncaps_dir: {}\nstate_dir: {}\nclients_file: {}\npolicies_dir: {}\n",
        at("run").display(),
        at("gateway").display(),
        at("clients.yaml").display(),
        at("policies").display()
    );
    fs::write(at("gateway.yaml"), config).unwrap();
    let socket = UnixDatagram::bind(at("notify")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let gateway = Command::new(programs().join("gateway"))
        .arg("--config")
        .arg(at("gateway.yaml"))
        .env("NOTIFY_SOCKET", at("notify"))
        .env("WATCHDOG_USEC", ASKED.as_micros().to_string())
        .spawn();
    let gateway = Killed(gateway.unwrap());
    until("it to be ready", PATIENCE, || hears(&socket, "READY=1").then_some(()));
    (gateway, socket)
}

#[test]
fn signs_of_life_come_while_the_gateway_runs_and_not_when_it_hangs() {
    let folder = tempfile::Builder::new().prefix("llmb").tempdir().unwrap();
    let (gateway, socket) = supervised(folder.path());
    socket.set_read_timeout(Some(ASKED)).unwrap();
    for _ in 0..6 {
        assert!(hears(&socket, "WATCHDOG=1"), "none came in time");
    }
    let pid = gateway.0.id();
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
    };
    signal("-STOP");
    until("it to hang", PATIENCE, || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.contains(") T ").then_some(())
    });
    socket.set_nonblocking(true).unwrap();
    while hears(&socket, "=") {}
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(ASKED * 2)).unwrap();
    assert!(!hears(&socket, "WATCHDOG=1"), "one came from a process that hangs");
    signal("-CONT");
    assert!(hears(&socket, "WATCHDOG=1"));
    // Whoever asks it to stop is told that it does.
    signal("-TERM");
    until("it to stop", PATIENCE, || hears(&socket, "STOPPING=1").then_some(()));
}

#[test]
fn what_is_refused_is_told_and_a_supervisor_that_does_not_read_holds_nothing_up() {
    /// More than a socket keeps for who does not read (`net.unix.max_dgram_qlen`, 10 by default).
    const CHANGES: usize = 40;
    let folder = tempfile::Builder::new().prefix("llmb").tempdir().unwrap();
    let (gateway, socket) = supervised(folder.path());
    let put = |text: &str| {
        fs::write(folder.path().join("new"), text).unwrap();
        fs::rename(folder.path().join("new"), folder.path().join("policies/own.cedar")).unwrap();
    };
    put("permit (");
    until("the complaint", PATIENCE, || {
        hears(&socket, "STATUS=refused: policies, line 1").then_some(())
    });
    put("");
    until("all to be well", PATIENCE, || hears(&socket, "STATUS=landlock").then_some(()));
    for change in 0..CHANGES {
        put(if change % 2 == 0 { "permit (" } else { "" });
    }
    put("permit (");
    until("the last word", PATIENCE, || hears(&socket, "STATUS=refused").then_some(()));
    drop(gateway);
}
