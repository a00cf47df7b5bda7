//! The forty forbidden acts, in the sandbox that the daemons put on themselves, and without one.
//!
//! On the appliance systemd's sandbox stands around it; the tests of the booted machine try the same acts there.
#![cfg(test)]

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use testkit::User;

/// Takes its standard input and its standard error for the sockets that systemd would pass.
const PASS_TWO: &str = r#"LISTEN_FDS=2 LISTEN_PID=$$ exec "$@" 3<&0 4<&2 </dev/null 2>&1"#;
/// The same with its standard input alone.
const PASS_ONE: &str = r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&0 </dev/null"#;

/// What the acts are tried on. Dropping it ends the bystander.
struct Surroundings {
    folder: TempDir,
    user: User,
    bystander: Child,
    tcp: TcpListener,
    _sockets: Vec<UnixListener>,
}

impl Surroundings {
    fn make() -> Self {
        let folder = tempfile::Builder::new().prefix("llmb").tempdir().unwrap();
        let user = User::unprivileged();
        let path = |name: &str| folder.path().join(name);
        let mode = |name: &str, mode| {
            fs::set_permissions(path(name), Permissions::from_mode(mode)).unwrap();
        };
        // Where every user can start it: the build folder may be closed to others. A copy that is being written while
        // another test starts a program could not be started.
        if fs::hard_link(env!("CARGO_BIN_EXE_acts"), path("acts")).is_err() {
            fs::copy(env!("CARGO_BIN_EXE_acts"), path("acts")).unwrap();
        }
        for name in ["root", "state", "kept", "caps", "home", "other", "credentials"] {
            fs::create_dir(path(name)).unwrap();
        }
        let write = |name: &str, text: String| fs::write(path(name), text).unwrap();
        write("caps/fs.cap.json", "{}".to_owned());
        write("clients.yaml", "clients: []".to_owned());
        let shown = folder.path().display();
        write(
            "gateway.yaml",
            format!(
                "{{clients_file: {shown}/clients.yaml, caps_dir: {shown}/caps, state_dir: {shown}/kept}}"
            ),
        );
        write("fs.yaml", format!("{{root: {shown}/root, state: {shown}/state}}"));
        let names = ["caps/fs.sock", "other.sock"];
        let sockets = names.map(|name| UnixListener::bind(path(name)).unwrap()).into();
        user.own(&path("root"));
        user.own(&path("state"));
        user.own(&path("kept"));
        user.own(&path("caps/fs.sock"));
        for name in ["home", "other", "credentials", "other.sock"] {
            mode(name, 0);
        }
        mode("", 0o755);
        let mut bystander = Command::new(path("acts"));
        let name = path("abstract").display().to_string();
        bystander.args(["bystander", "--name", &name]).stdout(Stdio::piped());
        let mut bystander = bystander.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(bystander.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { folder, user, bystander, tcp, _sockets: sockets }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs the probe in the place of `daemon`; whether it says that all was as expected, and its rows.
    fn probe(&self, daemon: &str, options: &[&str]) -> (bool, Vec<Value>) {
        let mut probe = self.user.command("/bin/sh");
        let passed = tempfile::tempdir_in(self.folder.path()).unwrap();
        let unix: OwnedFd = UnixListener::bind(passed.path().join("socket")).unwrap().into();
        if daemon == "gateway" {
            let tcp: OwnedFd = TcpListener::bind("127.0.0.1:0").unwrap().into();
            probe.args(["-c", PASS_TWO]).stdin(tcp).stderr(unix);
        } else {
            probe.args(["-c", PASS_ONE]).stdin(unix);
        }
        probe.args(["sh", &self.path("acts"), daemon]).args(options);
        probe.args(["--config", &self.path(&format!("{daemon}.yaml"))]);
        probe.args(["--caps", &self.path("caps"), "--abstract-socket", &self.path("abstract")]);
        for (option, name) in [
            ("--home", "home"),
            ("--state", "other"),
            ("--credentials", "credentials"),
            ("--socket", "other.sock"),
        ] {
            probe.args([option, &self.path(name)]);
        }
        probe.args(["--tcp", &self.tcp.local_addr().unwrap().to_string()]);
        let output = probe.env_remove("NOTIFY_SOCKET").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let rows = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no row: {line}")));
        (output.status.success(), rows.collect())
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        self.bystander.kill().unwrap();
        self.bystander.wait().unwrap();
        for name in ["home", "other", "credentials"] {
            // Or the folder could not be removed.
            fs::set_permissions(self.path(name), Permissions::from_mode(0o700)).unwrap();
        }
    }
}

/// The numbers of the acts that were not refused.
fn granted(rows: &[Value]) -> Vec<u64> {
    let granted = rows.iter().filter(|row| row["refused"] == false);
    granted.map(|row| row["number"].as_u64().unwrap()).collect()
}

/// The needs that were not met.
fn unmet(rows: &[Value]) -> Vec<&Value> {
    rows.iter().filter(|row| row["done"] == false).collect()
}

#[test]
fn all_forty_are_refused_and_all_needs_are_met_in_the_daemons_own_sandbox() {
    let surroundings = Surroundings::make();
    for daemon in ["gateway", "fs"] {
        let (fine, rows) = surroundings.probe(daemon, &["--own-sandbox"]);
        let refused: Vec<&Value> = rows.iter().filter(|row| row["refused"] == true).collect();
        assert_eq!((granted(&rows), refused.len()), (vec![], 40), "{daemon}: {rows:#?}");
        assert_eq!(unmet(&rows), Vec::<&Value>::new(), "{daemon}");
        assert_eq!(rows.last().unwrap()["own_sandbox"], true);
        assert!(fine, "{daemon}");
    }
    let left = |folder: &str| {
        let entries = fs::read_dir(Path::new(&surroundings.path(folder))).unwrap();
        entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().contains("acts"))
            .count()
    };
    assert_eq!((left("root"), left("state")), (0, 0), "the probe leaves nothing behind");
}

#[test]
fn without_a_sandbox_what_is_open_is_found_and_must_be_granted_by_name() {
    let surroundings = Surroundings::make();
    let (fine, rows) = surroundings.probe("fs", &[]);
    assert!(!fine);
    let open = granted(&rows);
    // A port, a way out, an abstract socket, memory that runs, a program that was written.
    for number in [33, 34, 35, 36, 37] {
        assert!(open.contains(&number), "{number} of {open:?}");
    }
    // And what the kernel refuses by itself is not taken for open.
    for number in [1, 2, 3, 8, 9, 10, 18, 19, 25, 29, 31] {
        assert!(!open.contains(&number), "{number} of {open:?}");
    }
    // What a unit says that it needs is expected then, and must be there.
    let (fine, rows) = surroundings.probe("fs", &["--granted=33", "--granted=1"]);
    assert!(!fine);
    let expected = |number: u64| {
        rows.iter().find(|row| row["number"] == number).unwrap()["expected"].as_bool().unwrap()
    };
    assert_eq!([33, 34, 1, 2].map(expected), [true, false, false, true]);
}

#[test]
fn a_need_that_is_not_met_is_told() {
    let surroundings = Surroundings::make();
    let root = surroundings.path("root");
    fs::set_permissions(&root, Permissions::from_mode(0o500)).unwrap();
    let (fine, rows) = surroundings.probe("fs", &["--own-sandbox"]);
    let unmet = unmet(&rows);
    assert!(!fine && unmet.len() == 1, "{unmet:?}");
    assert_eq!(unmet[0]["needed"], "read and write in its root");
    assert!(unmet[0]["how"].as_str().unwrap().ends_with("EACCES"), "{unmet:?}");
}
