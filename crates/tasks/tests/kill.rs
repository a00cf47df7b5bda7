//! What is left when the process is killed at any moment.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::collections::HashMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use mcp_types::TaskStatus;
use tasks::{New, Refused, Tasks};

/// Names the file to the child.
const FILE: &str = "TASKS_TEST_FILE";
/// Makes the child one that does the work before it marks it.
const NAIVE: &str = "TASKS_TEST_NAIVE";
/// How often a child is killed.
const KILLS: usize = 12;
/// The signal that no process survives.
const SIGKILL: i32 = 9;
/// What the child tells, in the order of its work.
const STEPS: [&str; 4] = ["created", "started", "did", "ended"];

fn open(path: &Path) -> Tasks {
    Tasks::open(path, Arc::new(|| UNIX_EPOCH.elapsed().unwrap())).unwrap()
}

fn new() -> New {
    New { client: "anna".to_owned(), params: "{}".to_owned(), ..New::default() }
}

/// As the child of the other tests, which name it a file: takes up what is open, and then makes, begins, does and ends tasks until it is
/// killed, and tells each step once it knows that it is done.
#[test]
fn child() {
    let Some(path) = env::var_os(FILE) else { return };
    let is_naive = env::var_os(NAIVE).is_some();
    let tasks = open(Path::new(&path));
    let tell = |step: &str, id: &str| {
        // One write a line, which a kill does not cut in two.
        std::io::stdout().write_all(format!("\n{step} {id}\n").as_bytes()).unwrap();
    };
    let mut left = tasks.open_tasks().unwrap().into_iter();
    loop {
        let id = left.next().unwrap_or_else(|| tasks.create(&new()).unwrap()).id;
        tell("created", &id);
        if is_naive {
            tell("did", &id);
        }
        tasks.starting(&id).unwrap();
        tell("started", &id);
        if !is_naive {
            tell("did", &id);
        }
        tasks.complete(&id, "{}").unwrap();
        tell("ended", &id);
    }
}

/// How often each step was told of each task.
type Told = HashMap<String, HashMap<&'static str, usize>>;

/// Runs a child, and kills it once it has told this step so often.
fn kill_at(path: &Path, step: &str, count: usize, is_naive: bool, told: &mut Told) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "--nocapture", "child"]).env(FILE, path).stdout(Stdio::piped());
    if is_naive {
        command.env(NAIVE, "1");
    }
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut note = |line: String| {
        let (step, id) = line.split_once(' ')?;
        let step = *STEPS.iter().find(|known| **known == step)?;
        *told.entry(id.to_owned()).or_default().entry(step).or_default() += 1;
        Some(step)
    };
    let mut seen = 0;
    while seen < count {
        seen += usize::from(note(lines.next().unwrap()) == Some(step));
    }
    child.kill().unwrap();
    for line in lines {
        note(line);
    }
    assert_eq!(child.wait().unwrap().signal(), Some(SIGKILL));
}

/// The tasks of which something was told that is not so.
fn broken(path: &Path, told: &Told) -> Vec<String> {
    let tasks = open(path);
    let holds = |id: &str, steps: &HashMap<&str, usize>| {
        // Of what ended, the last are kept, and the others hold.
        let task = match tasks.get("anna", id) {
            Err(Refused::Unknown) => return steps.contains_key("ended"),
            found => found.unwrap(),
        };
        let was_interrupted = task.status == TaskStatus::Failed
            && task.status_message.is_some_and(|message| message.contains("look whether"));
        let is_done = task.status == TaskStatus::Completed;
        if steps.contains_key("ended") {
            is_done
        } else if steps.contains_key("started") || steps.contains_key("did") {
            is_done || was_interrupted
        } else {
            is_done || was_interrupted || (task.status == TaskStatus::Working && !task.has_started)
        }
    };
    let is_once = |steps: &HashMap<&str, usize>| steps.get("did").is_none_or(|did| *did == 1);
    let breaks =
        |(id, steps): &(&String, &HashMap<&str, usize>)| !holds(id, steps) || !is_once(steps);
    told.iter().filter(breaks).map(|(id, _)| id.clone()).collect()
}

#[test]
fn what_was_told_outlasts_a_kill_and_no_work_is_begun_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tasks.db");
    let mut told = Told::new();
    for round in 0..KILLS {
        kill_at(&path, STEPS[round % STEPS.len()], 1 + round, false, &mut told);
        assert_eq!(broken(&path, &told), [""; 0]);
    }
    let ended = told.values().filter(|steps| steps.contains_key("ended")).count();
    assert!(ended >= KILLS, "{ended}");
}

#[test]
fn work_that_is_done_before_it_is_marked_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tasks.db");
    let mut told = Told::new();
    let caught = (0..200).any(|_| {
        kill_at(&path, "did", 1, true, &mut told);
        !broken(&path, &told).is_empty()
    });
    assert!(caught);
}
