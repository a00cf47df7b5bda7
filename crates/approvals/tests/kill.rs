//! What is left when the process is killed at any moment.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::collections::HashSet;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use approvals::{Answerer, Asked, Audience, Inbox};
use store::rusqlite::Connection;
use store::rusqlite::types::FromSql;

/// Names the file to the child.
const FILE: &str = "APPROVALS_TEST_FILE";
/// Makes the child one that forgets to write before it tells.
const NAIVE: &str = "APPROVALS_TEST_NAIVE";
/// How often a child is killed.
const KILLS: usize = 12;
/// The signal that no process survives.
const SIGKILL: i32 = 9;
const METHOD: &str = "mcp.mail.send";

fn open(path: &Path) -> Inbox {
    Inbox::open(path, Arc::new(|| UNIX_EPOCH.elapsed().unwrap())).unwrap()
}

fn asked(arguments: &str) -> Asked {
    Asked {
        client: "anna".to_owned(),
        method: METHOD.to_owned(),
        arguments: arguments.to_owned(),
        ..Asked::default()
    }
}

/// What stands in the file, beside what the inbox says of it.
fn looked_up<T: FromSql>(path: &Path, select: &str, arguments: &str) -> T {
    let file = Connection::open(path).unwrap();
    file.query_row(select, [arguments], |row| row.get(0)).unwrap()
}

fn arguments(n: u32) -> String {
    format!(r#"{{"n":{n}}}"#)
}

/// As the child of the other tests, which name it a file: asks, approves and takes until it is killed, and tells each step once it
/// knows that it is done.
#[test]
fn child() {
    let Some(path) = env::var_os(FILE) else { return };
    let is_naive = env::var_os(NAIVE).is_some();
    let inbox = open(Path::new(&path));
    let tell = |step: &str, n: u32| {
        // One write a line, which a kill does not cut in two.
        std::io::stdout().write_all(format!("\n{step} {n}\n").as_bytes()).unwrap();
    };
    let begin: u32 =
        looked_up(Path::new(&path), "SELECT count(*) FROM approvals WHERE ?1 = ''", "");
    for n in begin.. {
        let id = inbox.ask(asked(&arguments(n))).unwrap().id;
        tell("asked", n);
        inbox.approve(&id, &Answerer::Person("tty1".to_owned()), None).unwrap();
        tell("approved", n);
        if is_naive {
            tell("used", n);
        }
        assert!(inbox.take("anna", METHOD, &arguments(n), Audience::Person).unwrap().is_some());
        if !is_naive {
            tell("used", n);
        }
    }
}

fn start(path: &Path, is_naive: bool) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "--nocapture", "child"]).env(FILE, path).stdout(Stdio::piped());
    if is_naive {
        command.env(NAIVE, "1");
    }
    command.spawn().unwrap()
}

/// Runs a child, kills it once it has told this step so often, and gives all that it has told.
fn killed_at(path: &Path, step: &str, count: usize, is_naive: bool) -> HashSet<(String, u32)> {
    let mut child = start(path, is_naive);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let read = |line: String| {
        let (step, n) = line.split_once(' ')?;
        Some((step.to_owned(), n.parse().ok()?))
    };
    let mut told = HashSet::new();
    let mut seen = 0;
    while seen < count {
        let Some(line) = read(lines.next().unwrap()) else { continue };
        seen += usize::from(line.0 == step);
        told.insert(line);
    }
    child.kill().unwrap();
    told.extend(lines.filter_map(read));
    assert_eq!(child.wait().unwrap().signal(), Some(SIGKILL));
    told
}

/// What was told and is not so.
fn broken(path: &Path, told: &HashSet<(String, u32)>) -> Vec<(String, u32)> {
    let inbox = open(path);
    let state = |n| {
        let select = "SELECT max(state) FROM approvals WHERE arguments = ?1";
        looked_up::<Option<String>>(path, select, &arguments(n))
    };
    let holds = |(step, n): &&(String, u32)| match (step.as_str(), state(*n).as_deref()) {
        ("asked", found) => found.is_some(),
        ("approved", found) => matches!(found, Some("approved" | "used")),
        // Whatever is asked again, it is not granted a second time.
        ("used", found) => {
            let again = inbox.take("anna", METHOD, &arguments(*n), Audience::Person).unwrap();
            found == Some("used") && again.is_none()
        }
        (step, _) => unreachable!("{step}"),
    };
    told.iter().filter(|line| !holds(line)).cloned().collect()
}

#[test]
fn what_was_told_outlasts_a_kill_and_is_used_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("approvals.db");
    let mut told = HashSet::new();
    for round in 0..KILLS {
        let step = ["asked", "approved", "used"][round % 3];
        told.extend(killed_at(&path, step, 1 + round, false));
        assert_eq!(broken(&path, &told), []);
    }
    assert!(told.iter().filter(|(step, _)| step == "used").count() >= KILLS);
}

#[test]
fn a_use_that_is_told_before_it_is_written_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("approvals.db");
    let caught = (0..200).any(|_| {
        let told = killed_at(&path, "used", 1, true);
        !broken(&path, &told).is_empty()
    });
    assert!(caught);
}
