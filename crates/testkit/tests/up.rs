//! `cargo xtask up` as a person runs it: what it writes and prints, that a second one is told, and that Ctrl-C, or
//! whatever else ends it, leaves nothing running.
#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Appliance, Request, Up, until};

/// How long processes may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

fn lives(pid: u32) -> bool {
    // A zombie has ended; it only waits for its parent to look.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

fn nothing_is_left(facts: &bringup::Facts) {
    for (name, pid) in &facts.pids {
        until(&format!("the end of {name}"), PATIENCE, || (!lives(*pid)).then_some(()));
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn what_it_writes_and_prints_is_what_runs() {
    let home = tempfile::tempdir().unwrap();
    let mut up = Up::run(&["cargo", "xtask", "up"], home.path());
    let facts = up.ready();
    let printed = up.printed();
    for fact in [&facts.endpoint, &facts.key, &facts.root.display().to_string()] {
        assert!(printed.contains(fact.as_str()), "`{fact}` is not printed:\n{printed}");
    }
    assert!(printed.contains("--root DIR"), "it says how to expose more:\n{printed}");
    assert!(facts.endpoint.starts_with("http://127.0.0.1:"), "{}", facts.endpoint);
    assert_eq!(facts.root, up.state().join("files"));
    assert!(facts.root.join("README.md").is_file(), "there are sample files");
    assert!(facts.sockets["fs"].starts_with(up.state()));
    assert!(facts.pids.values().all(|pid| lives(*pid)), "{:?}", facts.pids);
    assert!(!facts.pids.values().any(|pid| *pid == std::process::id()));
    for folder in ["", "config", "run", "fs", "log"] {
        assert_eq!(mode(&up.state().join(folder)), 0o700, "`{folder}`");
    }
    for file in ["up.json", "key", "config/clients.yaml"] {
        assert_eq!(mode(&up.state().join(file)), 0o600, "`{file}`");
    }
    let clients = fs::read_to_string(up.state().join("config/clients.yaml")).unwrap();
    assert!(!clients.contains(&facts.key), "the key is stored in the clear");
    for process in facts.pids.values() {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        assert!(status.contains("NoNewPrivs:\t1") && status.contains("Seccomp:\t2"), "{status}");
        let line = fs::read(format!("/proc/{process}/cmdline")).unwrap();
        assert!(
            !String::from_utf8_lossy(&line).contains(&facts.key),
            "the key is on a command line"
        );
    }

    // A second one on the same folder is told why it cannot.
    let mut second = Up::run(&["cargo", "xtask", "up"], home.path());
    assert!(!second.ended().success());
    until("its reason", PATIENCE, || {
        second.printed().contains("is in use by another run").then_some(())
    });
    assert!(facts.pids.values().all(|pid| lives(*pid)), "the first goes on");

    up.signal("-INT", true);
    assert!(up.ended().success(), "{}", up.printed());
    nothing_is_left(&facts);
    assert!(!up.state().join("up.json").is_file(), "facts of a run that is over mislead");

    // The next run has the same key, so that hosts that were given it go on working.
    let mut next = Up::run(&["cargo", "xtask", "up"], home.path());
    let again = next.ready();
    assert_eq!(again.key, facts.key);
    // Only the command is told to stop, as a supervisor does.
    next.signal("-TERM", false);
    assert!(next.ended().success());
    nothing_is_left(&again);
}

#[test]
fn nothing_is_left_running_when_it_is_killed() {
    let home = tempfile::tempdir().unwrap();
    let mut up = Up::run(&["cargo", "xtask", "up"], home.path());
    let facts = up.ready();
    up.signal("-KILL", false);
    assert!(!up.ended().success());
    nothing_is_left(&facts);
    // What it left behind does not stop the next.
    let mut next = Up::run(&["cargo", "xtask", "up"], home.path());
    next.ready();
}

/// The facts as they are now.
fn facts_now(up: &Up) -> bringup::Facts {
    serde_json::from_slice(&fs::read(up.state().join("up.json")).unwrap()).unwrap()
}

#[test]
fn a_daemon_that_ends_by_itself_is_started_again() {
    let home = tempfile::tempdir().unwrap();
    let mut up = Up::run(&["cargo", "xtask", "up"], home.path());
    let first = up.ready();
    let port = first.endpoint.split([':', '/']).nth(4).unwrap().parse().unwrap();
    let list = || {
        let params = json!({ "name": "fs_list", "arguments": { "path": "/" } });
        let request = Request::new(port, &first.key).modern("tools/call", &params);
        let answer = request.try_send()?.json();
        (answer["result"]["isError"] == false).then_some(())
    };
    list().unwrap();
    for name in ["fs", "gateway", "fs"] {
        let before = facts_now(&up).pids[name];
        let killed = std::process::Command::new("kill").args(["-9", &before.to_string()]).status();
        assert!(killed.unwrap().success());
        until("its successor", PATIENCE, || {
            facts_now(&up).pids.get(name).filter(|pid| **pid != before).copied()
        });
        // Hosts go on with the same address and the same key.
        until("calls to work again", PATIENCE, list);
        assert_eq!(facts_now(&up).endpoint, first.endpoint);
        let told = format!("`{name}` is ready again");
        until("the word of it", PATIENCE, || up.printed().contains(&told).then_some(()));
    }
    assert!(up.printed().contains("signal: 9"), "{}", up.printed());
    let facts_at_the_end = facts_now(&up);
    up.signal("-INT", true);
    assert!(up.ended().success());
    nothing_is_left(&facts_at_the_end);
}

#[test]
fn a_second_ctrl_c_waits_for_no_call() {
    let home = tempfile::tempdir().unwrap();
    let mut up = Up::run(&["cargo", "xtask", "up"], home.path());
    let facts = up.ready();
    // A gateway that does not react holds everything up, until the person insists.
    let gateway = facts.pids["gateway"].to_string();
    let stopped = std::process::Command::new("kill").args(["-STOP", &gateway]).status();
    assert!(stopped.unwrap().success());
    up.signal("-INT", true);
    until("the first word", PATIENCE, || up.printed().contains("Stopping").then_some(()));
    let start = std::time::Instant::now();
    up.signal("-INT", true);
    assert!(up.ended().success());
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    nothing_is_left(&facts);
}

#[test]
fn what_cannot_be_is_said_before_anything_runs() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state-home/llmbasedos");
    let config = state.join("config");
    fs::create_dir_all(&config).unwrap();
    // A state folder of an earlier run, known by its lock.
    fs::write(state.join("lock"), "").unwrap();
    let link = home.path().join("link");
    std::os::unix::fs::symlink(&state, &link).unwrap();
    let through_link = link.join("config");
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let long = home.path().join("x".repeat(120));
    // A folder that holds something of somebody's; it must stay as it is.
    let foreign = home.path().join("foreign");
    fs::create_dir_all(foreign.join("config")).unwrap();
    fs::set_permissions(&foreign, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(foreign.join("key"), "a key of something else").unwrap();
    fs::write(foreign.join("config/gateway.yaml"), "db: 1").unwrap();
    let table: [(&[&str], &str); 6] = [
        (&["--state", foreign.to_str().unwrap()], "holds other things"),
        (&["--root", state.to_str().unwrap()], "within the state folder"),
        (&["--root", through_link.to_str().unwrap()], "within the state folder"),
        (&["--root", file.to_str().unwrap()], "is not a folder"),
        (&["--root", "/no/such/folder"], "/no/such/folder"),
        (&["--state", long.to_str().unwrap()], "too long for a socket"),
    ];
    for (arguments, reason) in table {
        let words = [&["cargo", "xtask", "up"], arguments].concat();
        let mut up = Up::run(&words, home.path());
        assert!(!up.ended().success(), "{arguments:?}");
        until(reason, PATIENCE, || up.printed().contains(reason).then_some(()));
    }
    assert_eq!(mode(&foreign), 0o755);
    assert_eq!(fs::read_to_string(foreign.join("config/gateway.yaml")).unwrap(), "db: 1");
}

#[test]
fn only_this_machine_is_served() {
    let appliance = Appliance::new().start();
    let port = appliance.port();
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    // The table of listening sockets: every one of that port is on 127.0.0.1.
    let listening = fs::read_to_string("/proc/net/tcp").unwrap();
    let ours: Vec<&str> = listening
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .filter(|address| address.ends_with(&format!(":{port:04X}")))
        .collect();
    assert!(!ours.is_empty());
    assert!(ours.iter().all(|address| address.starts_with("0100007F:")), "{ours:?}");
    let ipv6 = fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    assert!(!ipv6.contains(&format!(":{port:04X} ")), "{ipv6}");
}

#[test]
fn the_state_folder_is_out_of_reach_though_the_root_contains_it() {
    let appliance = Appliance::new().expose_everything().start();
    let listed = appliance.call("fs_list", &json!({ "path": "/" }));
    let entries = listed["result"]["structuredContent"]["entries"].as_array().unwrap();
    let names: Vec<&Value> = entries.iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, ["root"], "the state folder is not listed");
    assert!(appliance.outside().join("state/key").is_file(), "but it is there");
    std::os::unix::fs::symlink("../state/key", appliance.outside().join("root/link")).unwrap();
    for path in ["/state/key", "/root/link", "/root/../state/key", "/./state//key", "/state"] {
        for tool in ["fs_read", "fs_list", "fs_delete"] {
            let reply = appliance.call(tool, &json!({ "path": path }));
            let denied = reply["result"]["isError"] == true;
            // A link is deleted as a link, and that is no way in.
            assert!(
                denied || (tool, path) == ("fs_delete", "/root/link"),
                "{tool} {path}: {reply}"
            );
        }
    }
    assert!(appliance.outside().join("state/key").is_file());
}
