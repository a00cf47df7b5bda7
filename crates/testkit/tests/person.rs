//! `person.sock`: who comes through it is the person, who comes through another door is not, and not everybody may.
#![cfg(test)]

use std::fs::{self, Permissions};
use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Appliance, Door, End, Local, Request, programs, until};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

fn hello() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.hello", "params": [] })
}

/// Whether a gateway counts this many open sessions at a door.
fn has_sessions(port: u16, door: &str, number: u32) -> bool {
    let metrics = Request::new(port, "").method("GET").target("/metrics").send().body;
    let metrics = String::from_utf8(metrics).unwrap();
    let line = format!("llmbasedos_gateway_sessions{{door=\"{door}\"}} {number}");
    metrics.lines().any(|one| one == line)
}

#[test]
fn who_comes_through_it_is_the_person_and_who_comes_through_another_door_is_not() {
    let appliance = Appliance::new().file("a.txt", "a").start();
    let read = json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.fs.read", "params": ["/a.txt"] });
    let mut doors = [
        (appliance.person(End::Nul), "person"),
        (appliance.person(End::Newline), "person"),
        (appliance.local(End::Nul), "local"),
    ];
    for (door, _) in &mut doors {
        let reply = door.ask(&read);
        assert!(reply["result"].is_object() || reply["result"].is_string(), "{reply}");
        // And in MCP, by the tool's name.
        door.start_call(&json!(2), "fs_list", &json!({ "path": "/" }), &json!({}));
        let listed = door.receive();
        assert_eq!(
            listed["result"]["structuredContent"]["entries"][0]["name"], "a.txt",
            "{listed}"
        );
    }
    for (door, number) in [("person", 2), ("local", 1)] {
        assert!(has_sessions(appliance.port(), door, number), "{door}");
    }
    let rows = until("the record", PATIENCE, || {
        Some(appliance.audit(&["--kind", "read", "--tool", "mcp.fs.*"]))
            .filter(|rows| rows.len() == 2 * doors.len())
    });
    let text = |row: &Value, member: &str| row[member].as_str().unwrap().to_owned();
    let mut found: Vec<_> =
        rows.iter().map(|row| (text(row, "client"), text(row, "origin"))).collect();
    found.sort();
    let mut wanted =
        doors.map(|(_, name)| [(name.to_owned(), name.to_owned()); 2].to_vec()).concat();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[test]
fn the_owner_alone_can_open_it_and_no_key_has_its_name() {
    let appliance = Appliance::new().start();
    let socket = fs::metadata(&appliance.facts().sockets["person"]).unwrap();
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    let refused = appliance.admin(&["client", "add", "person"]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("neither `local` nor `person`"), "{said}");
    // One that is written by hand is refused as well, and those before it stay.
    let ready = || appliance.request().method("GET").target("/readyz").send().json();
    assert_eq!(ready()["refused"], json!([]));
    let file = appliance.state().join("config/clients.yaml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("name: first"), "{text}");
    fs::write(&file, text.replace("name: first", "name: person")).unwrap();
    until("it to be refused", PATIENCE, || ready()["refused"].get(0).cloned());
    assert_eq!(appliance.status_of(&appliance.facts().key), 200);
}

/// Passes its standard input and output as systemd would, under the names that stand first.
const PASS: &str = r#"names=$1; shift
LISTEN_FDS=2 LISTEN_FDNAMES=$names LISTEN_PID=$$ exec "$@" 3<&0 4<&1 </dev/null >/dev/null"#;

/// A gateway to which two sockets were passed: first one of files, with this mode, then a port.
struct Activated {
    folder: tempfile::TempDir,
    process: Child,
    address: SocketAddr,
}

impl Activated {
    fn start(names: &str, mode: u32) -> Self {
        let folder = tempfile::Builder::new().prefix("llmb").tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("clients.yaml"), "clients: []\n").unwrap();
        fs::create_dir(at("run")).unwrap();
        let paths = [("caps_dir", "run"), ("clients_file", "clients.yaml"), ("state_dir", "state")];
        let paths = paths.map(|(name, file)| format!("{name}: {}\n", at(file).display()));
        fs::write(at("gateway.yaml"), paths.concat()).unwrap();
        let unix = UnixListener::bind(at("passed.sock")).unwrap();
        fs::set_permissions(at("passed.sock"), Permissions::from_mode(mode)).unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        // The port first where no name says otherwise, as in the unit.
        let (first, second): (OwnedFd, OwnedFd) = match names.split_once(':') {
            Some(("person", _)) => (unix.into(), tcp.into()),
            _ => (tcp.into(), unix.into()),
        };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", PASS, "sh", names]).arg(programs().join("gateway"));
        command.arg("--config").arg(at("gateway.yaml")).env_clear();
        command.stdin(first).stdout(second).stderr(Stdio::piped());
        let process = command.spawn().unwrap();
        Self { folder, process, address }
    }

    /// The door at which whoever opens the socket is.
    fn door(&self) -> &'static str {
        let mut local = Local::open(&self.folder.path().join("passed.sock"), End::Nul);
        assert_eq!(local.ask(&hello())["id"], 1);
        let doors = ["person", "local"];
        let mut open = doors.into_iter().filter(|door| has_sessions(self.address.port(), door, 1));
        let door = open.next().expect("it is open");
        assert_eq!(open.next(), None);
        door
    }
}

impl Drop for Activated {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

#[test]
fn what_systemd_passes_is_the_person_s_by_its_name_and_never_by_its_place() {
    for (names, door) in [
        ("person:llmbasedos-gateway.socket", "person"),
        ("llmbasedos-gateway.socket:person", "person"),
        ("llmbasedos-gateway.socket:llmbasedos-gateway.socket", "local"),
    ] {
        assert_eq!(Activated::start(names, 0o660).door(), door, "{names}");
    }
}

#[test]
fn one_that_everybody_can_open_is_refused() {
    for mode in [0o666, 0o662, 0o661] {
        let mut refused = Activated::start("person:llmbasedos-gateway.socket", mode);
        let mut said = String::new();
        refused.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(refused.process.wait().unwrap().code(), Some(1), "{mode:o}: {said}");
        assert!(said.contains("everybody can open it: set `SocketMode=0660`"), "{said}");
    }
}
