//! Transitions, races, restarts and bounds, by the hand of a clock.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use mcp_types::TaskStatus;
use serde_json::{Value, json};
use store::rusqlite::Connection;
use tasks::limits::{
    CLOCK_TOLERANCE, KEPT, MAX_INPUT_BYTES, MAX_INPUTS, MAX_KEPT, MAX_KEPT_BYTES,
    MAX_KEPT_BYTES_PER_CLIENT, MAX_KEPT_PER_CLIENT, MAX_NAME_BYTES, MAX_OPEN, MAX_OPEN_PER_CLIENT,
    MAX_OUTCOME_BYTES, MAX_PARAMS_BYTES, MAX_TTL, TTL,
};
use tasks::{Cancel, Clock, New, Refused, Task, Tasks};
use tempfile::TempDir;

/// How many race.
const RACERS: usize = 32;
const START: Duration = Duration::from_secs(1_790_000_000);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const PARAMS: &str = r#"{"name":"mail_send","arguments":{"n":12345678901234567890123}}"#;
const RESULT: &str = r#"{"content":[],"n":12345678901234567890123}"#;
const ERROR: &str = r#"{"code":-32000,"message":"no"}"#;
const ASK: &str =
    r#"{"name":{"method":"elicitation/create","params":{"n":12345678901234567890123}}}"#;

/// The tasks, and what they need.
struct Desk {
    tasks: Tasks,
    now: Arc<AtomicU64>,
    folder: TempDir,
}

fn clock(now: &Arc<AtomicU64>) -> Clock {
    let now = now.clone();
    Arc::new(move || Duration::from_millis(now.load(Ordering::SeqCst)))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

fn before(time: Duration, by: Duration) -> Duration {
    time.checked_sub(by).unwrap()
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicU64::new(milliseconds(START)));
        let tasks = Tasks::open(&folder.path().join("tasks.db"), clock(&now)).unwrap();
        Self { tasks, now, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tasks.db")
    }

    /// As after a restart.
    fn again(self) -> Self {
        let Self { tasks, now, folder } = self;
        drop(tasks);
        let tasks = Tasks::open(&folder.path().join("tasks.db"), clock(&now)).unwrap();
        Self { tasks, now, folder }
    }

    fn pass(&self, time: Duration) {
        self.now.fetch_add(milliseconds(time), Ordering::SeqCst);
    }

    fn back(&self, time: Duration) {
        self.now.fetch_sub(milliseconds(time), Ordering::SeqCst);
    }

    fn create(&self, client: &str) -> Task {
        self.tasks.create(&new(client)).unwrap()
    }

    fn get(&self, id: &str) -> Task {
        self.tasks.get("anna", id).unwrap()
    }

    fn status(&self, id: &str) -> TaskStatus {
        self.get(id).status
    }

    fn is_gone(&self, id: &str) -> bool {
        matches!(self.tasks.get("anna", id), Err(Refused::Unknown))
    }

    /// One that has come to this status.
    fn with(&self, status: TaskStatus) -> String {
        let id = self.create("anna").id;
        match status {
            TaskStatus::Working => self.tasks.working(&id, Some("on it")).unwrap(),
            TaskStatus::InputRequired => self.tasks.input_required(&id, ASK).unwrap(),
            TaskStatus::Completed => self.tasks.complete(&id, RESULT).unwrap(),
            TaskStatus::Failed => self.tasks.fail(&id, ERROR).unwrap(),
            TaskStatus::Cancelled => self.tasks.stopped(&id, None).unwrap(),
        };
        assert_eq!(self.status(&id), status);
        id
    }
}

fn new(client: &str) -> New {
    New {
        client: client.to_owned(),
        method: "tools/call".to_owned(),
        params: PARAMS.to_owned(),
        approval: None,
        request: "r1".to_owned(),
        version: "2026-07-28".to_owned(),
        status_message: Some("waits for a person".to_owned()),
        ttl: None,
    }
}

fn shown(task: &Task) -> Value {
    serde_json::to_value(task.got()).unwrap()
}

fn ttl(task: &Task) -> u64 {
    shown(task)["ttlMs"].as_u64().unwrap()
}

#[test]
fn what_was_made_is_kept_whole_over_a_restart() {
    let desk = Desk::new();
    let new = New { approval: Some("a1".to_owned()), ..new("anna") };
    let made = desk.tasks.create(&new).unwrap();
    let created = serde_json::to_value(made.created()).unwrap();
    let expected = json!({
        "resultType": "task", "taskId": made.id, "status": "working", "statusMessage": "waits for a person",
        "createdAt": "2026-09-21T14:13:20Z", "lastUpdatedAt": "2026-09-21T14:13:20Z",
        "ttlMs": milliseconds(TTL), "pollIntervalMs": 2000,
    });
    assert_eq!(created, expected);
    let desk = desk.again();
    let found = desk.get(&made.id);
    assert_eq!(format!("{found:?}"), format!("{made:?}"));
    assert_eq!(found.params, PARAMS);
    assert_eq!((found.approval.as_deref(), &*found.request), (Some("a1"), "r1"));
    let open = desk.tasks.open_tasks().unwrap();
    assert_eq!(format!("{open:?}"), format!("{:?}", [made]));
}

#[test]
fn an_approval_is_waited_for_once_until_the_work_begins() {
    let desk = Desk::new();
    let of = |client: &str, approval: &str| {
        let approval = Some(approval.to_owned());
        desk.tasks.create(&New { approval, ..new(client) }).unwrap().id
    };
    let waiting = || desk.tasks.waiting().unwrap().into_iter().map(|it| it.id).collect::<Vec<_>>();
    let first = of("anna", "a1");
    assert_eq!(of("anna", "a1"), first);
    let others = [of("anna", "a2"), of("bert", "a1")];
    desk.create("anna");
    assert_eq!(waiting(), [first.clone(), others[0].clone(), others[1].clone()]);
    desk.tasks.starting(&first).unwrap();
    assert_eq!(waiting(), others);
    assert_ne!(of("anna", "a1"), first, "what has begun cannot be waited for");
    desk.tasks.stopped(&others[0], None).unwrap();
    assert_ne!(of("anna", "a2"), others[0]);
}

#[test]
fn ids_are_long_and_alike_in_nothing() {
    let desk = Desk::new();
    let ids: HashSet<String> = (0..20).map(|_| desk.create("anna").id).collect();
    assert_eq!(ids.len(), 20);
    for id in &ids {
        assert_eq!(id.len(), 32);
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    }
    let beginnings: HashSet<&str> = ids.iter().map(|id| id.get(..8).unwrap()).collect();
    assert_eq!(beginnings.len(), 20);
}

type Step = fn(&Tasks, &str) -> Result<TaskStatus, Refused>;

#[test]
fn every_status_goes_where_it_may_and_a_terminal_one_nowhere() {
    use TaskStatus::{Cancelled, Completed, Failed, InputRequired, Working};
    let steps: [(&str, Step, TaskStatus); 5] = [
        ("working", |t, id| Ok(t.working(id, None)?.status), Working),
        ("asks", |t, id| Ok(t.input_required(id, r#"{"new":{}}"#)?.status), InputRequired),
        ("complete", |t, id| Ok(t.complete(id, RESULT)?.status), Completed),
        ("fail", |t, id| Ok(t.fail(id, ERROR)?.status), Failed),
        ("stopped", |t, id| Ok(t.stopped(id, None)?.status), Cancelled),
    ];
    let desk = Desk::new();
    for from in TaskStatus::ALL {
        for (name, step, to) in steps {
            let id = desk.with(from);
            let before = format!("{:?}", desk.get(&id));
            let done = step(&desk.tasks, &id);
            if from.is_terminal() {
                assert!(
                    matches!(done, Err(Refused::Ended(kept)) if kept == from),
                    "{from:?} {name}"
                );
                assert_eq!(format!("{:?}", desk.get(&id)), before);
            } else {
                assert_eq!(done.unwrap(), to, "{from:?} {name}");
                assert_eq!(desk.status(&id), to);
                desk.tasks.complete(&id, RESULT).ok();
            }
        }
        let id = desk.with(from);
        let started = desk.tasks.starting(&id);
        match from {
            Working => assert!(started.unwrap().has_started),
            InputRequired => assert!(matches!(started, Err(Refused::Waiting))),
            _ => assert!(matches!(started, Err(Refused::Ended(kept)) if kept == from)),
        }
    }
    for step in steps {
        assert!(matches!(step.1(&desk.tasks, "none"), Err(Refused::Unknown)));
    }
    assert!(matches!(desk.tasks.starting("none"), Err(Refused::Unknown)));
}

#[test]
fn what_it_came_to_is_told_byte_for_byte() {
    let desk = Desk::new();
    for (status, member, whole) in [
        (TaskStatus::InputRequired, "inputRequests", ASK),
        (TaskStatus::Completed, "result", RESULT),
        (TaskStatus::Failed, "error", ERROR),
    ] {
        let id = desk.with(status);
        let text = serde_json::to_string(&desk.get(&id).got()).unwrap();
        assert!(text.contains(&format!(r#""{member}":{whole}"#)), "{text}");
        assert!(text.contains(&format!(r#""status":"{}""#, status.name())), "{text}");
    }
    let failed = desk.get(&desk.with(TaskStatus::Failed));
    assert_eq!(failed.status_message.as_deref(), Some("no"));
    let done = desk.get(&desk.with(TaskStatus::Completed));
    assert_eq!(done.status_message, None, "it does not wait for a person any more");
}

#[test]
fn race_of_finishers_has_one_winner() {
    let desk = Desk::new();
    let id = desk.create("anna").id;
    desk.tasks.starting(&id).unwrap();
    let barrier = Barrier::new(RACERS);
    let (tasks, id, barrier) = (&desk.tasks, id.as_str(), &barrier);
    let winners: Vec<Task> = thread::scope(|scope| {
        let race = |n: usize| {
            move || {
                barrier.wait();
                match n % 3 {
                    0 => tasks.complete(id, &format!(r#"{{"n":{n}}}"#)),
                    1 => tasks.fail(id, &format!(r#"{{"code":{n},"message":"no"}}"#)),
                    _ => tasks.stopped(id, Some(&n.to_string())),
                }
            }
        };
        let racers: Vec<_> = (0..RACERS).map(|n| scope.spawn(race(n))).collect();
        let ends: Vec<_> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
        let is_told = |end: &Result<Task, Refused>| matches!(end, Ok(_) | Err(Refused::Ended(_)));
        assert!(ends.iter().all(is_told));
        ends.into_iter().filter_map(Result::ok).collect()
    });
    assert_eq!(winners.len(), 1);
    assert_eq!(format!("{:?}", desk.get(id)), format!("{:?}", winners[0]));
}

#[test]
fn race_of_workers_and_a_cancel_begins_the_work_once_or_never() {
    let desk = Desk::new();
    for _ in 0..20 {
        let id = desk.create("anna").id;
        let barrier = Barrier::new(5);
        let (tasks, id, barrier) = (&desk.tasks, id.as_str(), &barrier);
        let (begun, cancelled) = thread::scope(|scope| {
            let start = || {
                barrier.wait();
                tasks.starting(id).is_ok()
            };
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
            barrier.wait();
            let cancel = tasks.cancel("anna", id).unwrap();
            let begun = workers.into_iter().map(|worker| worker.join().unwrap());
            (begun.filter(|is_begun| *is_begun).count(), cancel)
        });
        match cancelled {
            Cancel::Ended(task) => assert_eq!((begun, task.status), (0, TaskStatus::Cancelled)),
            Cancel::Asked(task) => assert_eq!((begun, task.status), (1, TaskStatus::Working)),
            Cancel::Over(task) => unreachable!("{task:?}"),
        }
    }
}

#[test]
fn a_cancel_is_a_request_once_the_work_is_begun() {
    let desk = Desk::new();
    let waits = desk.create("anna").id;
    assert!(matches!(desk.tasks.cancel("anna", &waits).unwrap(), Cancel::Ended(_)));
    assert!(matches!(desk.tasks.starting(&waits), Err(Refused::Ended(TaskStatus::Cancelled))));
    let begun = desk.create("anna").id;
    desk.tasks.starting(&begun).unwrap();
    assert!(matches!(desk.tasks.starting(&begun), Err(Refused::Started)));
    let worker = desk.tasks.follow("anna", &begun).unwrap();
    for _ in 0..2 {
        let Cancel::Asked(task) = desk.tasks.cancel("anna", &begun).unwrap() else {
            panic!("it is under way")
        };
        assert!(task.cancel_asked && task.status == TaskStatus::Working);
    }
    assert_eq!(*worker.borrow(), 1, "it is told once");
    desk.tasks.complete(&begun, RESULT).unwrap();
    assert!(matches!(desk.tasks.cancel("anna", &begun).unwrap(), Cancel::Over(_)));
    assert_eq!(desk.status(&begun), TaskStatus::Completed);
}

#[test]
fn another_client_is_told_what_it_is_told_of_none() {
    let desk = Desk::new();
    let id = desk.with(TaskStatus::InputRequired);
    for id in [id.as_str(), "none"] {
        let said = [
            desk.tasks.get("bob", id).map(drop),
            desk.tasks.update("bob", id, r#"{"name":1}"#).map(drop),
            desk.tasks.cancel("bob", id).map(drop),
            desk.tasks.follow("bob", id).map(drop),
        ];
        for said in said {
            assert_eq!(said.unwrap_err().to_string(), Refused::Unknown.to_string());
        }
    }
    assert_eq!(desk.status(&id), TaskStatus::InputRequired);
}

#[test]
fn what_had_started_fails_over_a_restart_and_the_rest_stays() {
    let desk = Desk::new();
    let [begun, cancelled, waits] = [(); 3].map(|()| desk.create("anna").id);
    let asks = desk.with(TaskStatus::InputRequired);
    let ended = desk.with(TaskStatus::Completed);
    desk.tasks.starting(&begun).unwrap();
    desk.tasks.starting(&cancelled).unwrap();
    desk.tasks.cancel("anna", &cancelled).unwrap();
    desk.pass(HOUR);
    let desk = desk.again();
    for id in [&begun, &cancelled] {
        let task = desk.get(id);
        assert_eq!(task.status, TaskStatus::Failed);
        let error = &shown(&task)["error"];
        assert_eq!(error["code"], -32603);
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("look whether it took effect before you repeat it"), "{message}");
        assert_eq!(task.status_message.as_deref(), Some(message));
    }
    let open: Vec<String> =
        desk.tasks.open_tasks().unwrap().into_iter().map(|task| task.id).collect();
    assert_eq!(open, [waits, asks.clone()]);
    assert_eq!(desk.status(&ended), TaskStatus::Completed);
    desk.tasks.update("anna", &asks, r#"{"name":"Luca"}"#).unwrap();
    assert_eq!(desk.tasks.responses(&asks).unwrap()["name"].get(), r#""Luca""#);
}

#[test]
fn keys_are_used_once_and_answers_to_nothing_are_left_aside() {
    let desk = Desk::new();
    let id = desk.create("anna").id;
    let unasked = desk.tasks.update("anna", &id, r#"{"name":1}"#).unwrap();
    assert_eq!(unasked.status, TaskStatus::Working);
    let asked = r#"{"a":{"method":"x"},"b":{"method":"y"}}"#;
    assert_eq!(desk.tasks.input_required(&id, asked).unwrap().status, TaskStatus::InputRequired);
    // A part, with an answer to what was never asked.
    let part = desk.tasks.update("anna", &id, r#"{"a":1,"z":9}"#).unwrap();
    assert_eq!(part.status, TaskStatus::InputRequired);
    assert_eq!(shown(&part)["inputRequests"], json!({"b": {"method": "y"}}));
    // A second answer does not count.
    desk.tasks.update("anna", &id, r#"{"a":2}"#).unwrap();
    let answered = |id: &str| serde_json::to_value(desk.tasks.responses(id).unwrap()).unwrap();
    assert_eq!(answered(&id), json!({"a": 1}));
    for used in [r#"{"a":{}}"#, r#"{"b":{}}"#, r#"{"new":{},"a":{}}"#] {
        assert!(matches!(desk.tasks.input_required(&id, used), Err(Refused::KeyUsed)), "{used}");
    }
    let all = desk.tasks.update("anna", &id, r#"{"b":null}"#).unwrap();
    assert_eq!(all.status, TaskStatus::Working);
    assert_eq!(answered(&id), json!({"a": 1, "b": null}));
    // What is withdrawn cannot be answered, nor asked again.
    desk.tasks.input_required(&id, r#"{"c":{}}"#).unwrap();
    desk.tasks.working(&id, Some("goes on without")).unwrap();
    desk.tasks.update("anna", &id, r#"{"c":1}"#).unwrap();
    assert_eq!(answered(&id), json!({"a": 1, "b": null}));
    assert!(matches!(desk.tasks.input_required(&id, r#"{"c":{}}"#), Err(Refused::KeyUsed)));
    let other = desk.tasks.input_required(&id, r#"{"d":{}}"#).unwrap();
    assert_eq!(shown(&other)["inputRequests"], json!({"d": {}}));
    desk.tasks.complete(&id, RESULT).unwrap();
    let late = desk.tasks.update("anna", &id, r#"{"c":1}"#).unwrap();
    assert_eq!(late.status, TaskStatus::Completed);
}

#[test]
fn whoever_follows_a_task_hears_of_it_and_of_its_end() {
    let desk = Desk::new();
    let [id, other] = [(); 2].map(|()| desk.create("anna").id);
    let mut ears = desk.tasks.follow("anna", &id).unwrap();
    let mut hears = || {
        let has_changed = ears.has_changed().unwrap();
        ears.mark_unchanged();
        has_changed
    };
    desk.tasks.starting(&other).unwrap();
    desk.get(&id);
    desk.tasks.tick().unwrap();
    assert!(!hears(), "nothing has changed");
    desk.tasks.input_required(&id, ASK).unwrap();
    assert!(hears());
    desk.tasks.update("anna", &id, r#"{"nothing":1}"#).unwrap();
    assert!(!hears());
    desk.tasks.update("anna", &id, r#"{"name":1}"#).unwrap();
    assert!(hears());
    desk.tasks.starting(&id).unwrap();
    assert!(hears());
    desk.pass(TTL);
    desk.tasks.tick().unwrap();
    assert!(hears(), "it has failed");
    desk.pass(KEPT);
    desk.tasks.tick().unwrap();
    assert!(ears.has_changed().is_err(), "it is gone");
}

#[test]
fn what_is_open_for_too_long_fails_and_what_has_ended_is_forgotten() {
    let desk = Desk::new();
    let [waits, begun, done] = [(); 3].map(|()| desk.create("anna").id);
    let short = desk.tasks.create(&New { ttl: Some(HOUR), ..new("anna") }).unwrap();
    let long = desk.tasks.create(&New { ttl: Some(MAX_TTL * 2), ..new("anna") }).unwrap();
    assert_eq!((ttl(&short), ttl(&long)), (milliseconds(HOUR), milliseconds(MAX_TTL)));
    desk.tasks.starting(&begun).unwrap();
    desk.pass(before(HOUR, SECOND));
    assert_eq!(desk.status(&short.id), TaskStatus::Working);
    desk.pass(SECOND);
    assert_eq!(desk.status(&short.id), TaskStatus::Failed);
    let ended = desk.tasks.complete(&done, RESULT).unwrap();
    assert_eq!(ttl(&ended), milliseconds(HOUR + KEPT));
    desk.pass(before(TTL, HOUR + SECOND));
    assert_eq!(desk.status(&waits), TaskStatus::Working);
    desk.pass(SECOND);
    let message = |id: &str| desk.get(id).status_message.unwrap();
    assert!(message(&waits).contains("nothing was done"));
    assert!(message(&begun).contains("look whether it took effect"));
    assert!(matches!(desk.tasks.complete(&begun, RESULT), Err(Refused::Ended(TaskStatus::Failed))));
    desk.pass(before(HOUR + KEPT, TTL + SECOND));
    assert!(!desk.is_gone(&done));
    desk.pass(SECOND);
    assert!(desk.is_gone(&done));
    assert!(!desk.is_gone(&waits));
}

#[test]
fn a_clock_that_is_set_back_lengthens_nothing() {
    let desk = Desk::new();
    let [open, done] = [(); 2].map(|()| desk.create("anna").id);
    desk.tasks.complete(&done, RESULT).unwrap();
    desk.pass(before(TTL, HOUR));
    desk.tasks.tick().unwrap();
    desk.back(HOUR * 1000);
    assert_eq!(desk.status(&open), TaskStatus::Working);
    desk.pass(before(HOUR, SECOND));
    assert_eq!(desk.status(&open), TaskStatus::Working, "nor is it shortened");
    desk.pass(SECOND);
    assert_eq!(desk.status(&open), TaskStatus::Failed);
    desk.pass(before(KEPT, TTL + SECOND));
    assert!(!desk.is_gone(&done));
    desk.pass(SECOND);
    assert!(desk.is_gone(&done));
}

#[test]
fn a_clock_that_was_set_back_over_a_restart_ends_what_is_open() {
    let desk = Desk::new();
    let [open, done] = [(); 2].map(|()| desk.create("anna").id);
    desk.tasks.complete(&done, RESULT).unwrap();
    desk.pass(HOUR);
    desk.tasks.tick().unwrap();
    desk.back(CLOCK_TOLERANCE);
    let desk = desk.again();
    assert_eq!(desk.status(&open), TaskStatus::Working, "a correction is borne");
    desk.pass(CLOCK_TOLERANCE);
    desk.tasks.tick().unwrap();
    desk.back(CLOCK_TOLERANCE + SECOND);
    let desk = desk.again();
    let ended = desk.get(&open);
    assert_eq!(ended.status, TaskStatus::Failed);
    assert!(ended.status_message.unwrap().contains("clock was set back"));
    assert_eq!(desk.status(&done), TaskStatus::Completed);
    desk.pass(before(KEPT, HOUR));
    assert!(desk.is_gone(&done));
}

#[test]
fn a_change_remembers_the_time_over_a_restart() {
    let desk = Desk::new();
    let id = desk.create("anna").id;
    desk.pass(HOUR);
    desk.tasks.working(&id, None).unwrap();
    desk.back(HOUR);
    assert_eq!(desk.again().status(&id), TaskStatus::Failed);
}

#[test]
fn what_has_just_ended_is_never_the_one_that_is_forgotten() {
    let desk = Desk::new();
    let early = desk.create("anna").id;
    for _ in 0..MAX_KEPT_PER_CLIENT {
        desk.with(TaskStatus::Completed);
    }
    // At the same time as all others, and made before them.
    desk.tasks.complete(&early, RESULT).unwrap();
    desk.back(HOUR);
    let later = [(); 2].map(|()| desk.with(TaskStatus::Completed));
    assert!(!later.iter().any(|id| desk.is_gone(id)));
}

#[test]
fn so_many_may_be_open_of_a_client_and_in_all() {
    let desk = Desk::new();
    let mut last = String::new();
    for n in 0..MAX_OPEN {
        last = desk.create(&format!("client-{}", n / MAX_OPEN_PER_CLIENT)).id;
        if n + 1 == MAX_OPEN_PER_CLIENT {
            let full = desk.tasks.create(&new("client-0")).unwrap_err();
            assert!(matches!(full, Refused::Full { limit: MAX_OPEN_PER_CLIENT, .. }), "{full}");
        }
    }
    let full = desk.tasks.create(&new("anna")).unwrap_err();
    assert!(matches!(full, Refused::Full { limit: MAX_OPEN, .. }), "{full}");
    desk.tasks.complete(&last, RESULT).unwrap();
    desk.create("anna");
}

/// Writes tasks that have ended into the file, each of this size, and gives how many of them are left once one more ends.
fn left_of(rows: u32, clients: u32, size: u64) -> (u32, bool) {
    let desk = Desk::new();
    let file = Connection::open(desk.path()).unwrap();
    let put = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < ?1 - 1)
        INSERT INTO tasks (id, client, method, request, version, status, created_at, updated_at, expires_at, ended_at,
                           size, params)
        SELECT 'old-' || n, 'client-' || (n % ?2), 'm', 'r', 'v', 'cancelled', ?4, ?4, ?4 + 1000000, ?4 + n, ?3, '{}' FROM n";
    let at = milliseconds(START) - 1_000_000;
    file.execute(put, (rows, clients, i64::try_from(size).unwrap(), i64::try_from(at).unwrap()))
        .unwrap();
    desk.pass(SECOND);
    file.execute("UPDATE tasks SET expires_at = expires_at + 1000000", ()).unwrap();
    let id = desk.create("client-0").id;
    desk.tasks.complete(&id, RESULT).unwrap();
    desk.tasks.get("client-0", &id).unwrap();
    let count = "SELECT count(*), max(id = 'old-0') FROM tasks WHERE id LIKE 'old-%'";
    let read = |row: &store::rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, Option<bool>>(1)?));
    let (left, has_oldest) = file.query_row(count, (), read).unwrap();
    (left, has_oldest == Some(true))
}

#[test]
fn of_what_has_ended_so_much_is_kept() {
    assert_eq!(left_of(MAX_KEPT_PER_CLIENT, 1, 1), (MAX_KEPT_PER_CLIENT - 1, false));
    assert_eq!(left_of(MAX_KEPT, MAX_KEPT / 100, 1), (MAX_KEPT - 1, false));
    let piece = MAX_KEPT_BYTES_PER_CLIENT / 8;
    assert_eq!(left_of(8, 1, piece), (7, false));
    assert_eq!(left_of(8, 1, piece - 1000), (8, true));
    let pieces = u32::try_from(MAX_KEPT_BYTES / piece).unwrap();
    assert_eq!(left_of(pieces, pieces, piece), (pieces - 1, false));
    assert_eq!(left_of(pieces, pieces, piece - 1000), (pieces, true));
}

#[test]
fn what_is_too_long_or_malformed_changes_nothing() {
    let desk = Desk::new();
    let long = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
    assert_eq!(long(100).len(), 100);
    let with = |params: String| desk.tasks.create(&New { params, ..new("anna") });
    assert!(with(long(MAX_PARAMS_BYTES)).is_ok());
    assert!(matches!(with(long(MAX_PARAMS_BYTES + 1)), Err(Refused::TooLong { .. })));
    for bad in ["", "[]", "1", "{", r#"{"a":1}{}"#, "null"] {
        assert!(matches!(with(bad.to_owned()), Err(Refused::Malformed { .. })), "{bad}");
    }
    let name = "x".repeat(MAX_NAME_BYTES + 1);
    let named = desk.tasks.create(&new(&name));
    assert!(matches!(named, Err(Refused::TooLong { .. })));
    assert_eq!(desk.tasks.open_tasks().unwrap().len(), 1);

    let id = desk.create("anna").id;
    let before = format!("{:?}", desk.get(&id));
    desk.pass(SECOND);
    for bad in ["[]", "{", "null"] {
        assert!(matches!(desk.tasks.complete(&id, bad), Err(Refused::Malformed { .. })));
        assert!(matches!(desk.tasks.input_required(&id, bad), Err(Refused::Malformed { .. })));
        assert!(matches!(desk.tasks.update("anna", &id, bad), Err(Refused::Malformed { .. })));
    }
    for bad in [r#"{"code":1}"#, r#"{"code":1.5,"message":"x"}"#, r#"{"code":1,"message":2}"#] {
        assert!(matches!(desk.tasks.fail(&id, bad), Err(Refused::Malformed { .. })), "{bad}");
    }
    for bad in ["{}", r#"{"a":1}"#, r#"{"a":[]}"#] {
        let asked = desk.tasks.input_required(&id, bad);
        assert!(matches!(asked, Err(Refused::Malformed { .. })), "{bad}");
    }
    let huge = desk.tasks.complete(&id, &long(MAX_OUTCOME_BYTES + 1));
    assert!(matches!(huge, Err(Refused::TooLong { .. })));
    assert_eq!(format!("{:?}", desk.get(&id)), before);
    desk.tasks.complete(&id, &long(MAX_OUTCOME_BYTES)).unwrap();
}

#[test]
fn a_task_asks_and_is_told_so_much_over_its_life() {
    let desk = Desk::new();
    let id = desk.create("anna").id;
    for n in 0..MAX_INPUTS {
        desk.tasks.input_required(&id, &format!(r#"{{"k{n}":{{}}}}"#)).unwrap();
    }
    let more = desk.tasks.input_required(&id, r#"{"more":{}}"#);
    assert!(matches!(more, Err(Refused::TooManyInputs(MAX_INPUTS))));
    let half = |key: &str, bytes: usize| format!(r#"{{"{key}":{{"a":"{}"}}}}"#, "x".repeat(bytes));
    let other = desk.create("anna").id;
    desk.tasks.input_required(&other, &half("a", MAX_INPUT_BYTES / 2)).unwrap();
    let answer = desk.tasks.update("anna", &other, &half("a", MAX_INPUT_BYTES / 2));
    assert!(matches!(answer, Err(Refused::TooLong { .. })));
    assert_eq!(desk.status(&other), TaskStatus::InputRequired);
    desk.tasks.update("anna", &other, &half("a", MAX_INPUT_BYTES / 2 - 1000)).unwrap();
    let again = desk.tasks.input_required(&other, &half("b", 2000));
    assert!(matches!(again, Err(Refused::TooLong { .. })));
}
