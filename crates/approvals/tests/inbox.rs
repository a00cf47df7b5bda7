//! What waits, who answers, and what may be used: by the hand of a clock, in races, and over a restart.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use approvals::limits::{
    CLOCK_TOLERANCE, DENIAL_HOLDS, GRANT_LASTS, KEPT, MAX_ARGUMENTS_BYTES, MAX_FOLDER_BYTES,
    MAX_KEPT_PER_CLIENT, MAX_LISTED, MAX_PENDING, MAX_PENDING_PER_CLIENT, MAX_ROUNDS, MAX_SOURCES,
    WAITS,
};
use approvals::{
    Answerer, Approval, ArgumentsError, Asked, Audience, Clock, Grant, Inbox, Refused, State,
};
use store::rusqlite::Connection;
use tempfile::TempDir;

/// How many race.
const RACERS: usize = 32;
const START: Duration = Duration::from_secs(1_790_000_000);
const SECOND: Duration = Duration::from_secs(1);
const METHOD: &str = "mcp.mail.send";
const LETTER: &str = r#"{"to":"bob@example.org","text":"hello"}"#;

/// A clock that is set by hand.
#[derive(Clone)]
struct Time(Arc<AtomicU64>);

impl Time {
    fn new() -> Self {
        let time = Self(Arc::default());
        time.set(START);
        time
    }

    fn clock(&self) -> Clock {
        let now = self.0.clone();
        Arc::new(move || Duration::from_millis(now.load(Ordering::SeqCst)))
    }

    fn set(&self, to: Duration) {
        self.0.store(u64::try_from(to.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

/// An inbox, and what it needs.
struct Desk {
    inbox: Arc<Inbox>,
    time: Time,
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let (time, folder) = (Time::new(), tempfile::tempdir().unwrap());
        let inbox = open(&folder.path().join("approvals.db"), &time);
        Self { inbox, time, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("approvals.db")
    }

    /// As after a restart.
    fn again(self) -> Self {
        let Self { inbox, time, folder } = self;
        drop(inbox);
        let inbox = open(&folder.path().join("approvals.db"), &time);
        Self { inbox, time, folder }
    }

    fn ask(&self, client: &str, arguments: &str) -> Approval {
        self.inbox.ask(asked(client, arguments)).unwrap()
    }

    fn take(&self, arguments: &str) -> Option<Grant> {
        self.inbox.take("anna", METHOD, arguments, Audience::Person).unwrap()
    }

    fn state(&self, id: &str) -> State {
        self.inbox.get(id).unwrap().unwrap().state
    }
}

fn open(path: &Path, time: &Time) -> Arc<Inbox> {
    Arc::new(Inbox::open(path, time.clock()).unwrap())
}

fn asked(client: &str, arguments: &str) -> Asked {
    Asked {
        client: client.to_owned(),
        origin: "http".to_owned(),
        method: METHOD.to_owned(),
        tool: "mail_send".to_owned(),
        arguments: arguments.to_owned(),
        rule: "outgoing".to_owned(),
        audience: Audience::Person,
        untrusted: vec!["mail".to_owned()],
        request: "r1".to_owned(),
        run: Some("run-1".to_owned()),
    }
}

fn before(time: Duration, by: Duration) -> Duration {
    time.checked_sub(by).unwrap()
}

fn person(name: &str) -> Answerer {
    Answerer::Person(name.to_owned())
}

fn tty() -> Answerer {
    person("tty1")
}

#[test]
fn what_was_asked_is_kept_whole_over_a_restart() {
    let desk = Desk::new();
    let first = desk.ask("anna", LETTER);
    assert_eq!(first.asked, asked("anna", LETTER));
    assert_eq!(first.state, State::Pending);
    assert_eq!(first.asked_at.as_second(), 1_790_000_000);
    assert_eq!(first.expires_at.duration_since(first.asked_at).unsigned_abs(), WAITS);
    let desk = desk.again();
    assert_eq!(desk.inbox.get(&first.id).unwrap().unwrap(), first);
    assert_eq!(desk.inbox.get(&first.id.to_ascii_uppercase()).unwrap().unwrap(), first);
    assert_eq!(desk.inbox.pending().unwrap(), std::slice::from_ref(&first));
    assert!(!desk.inbox.may_grant(), "what waits is no grant");
    desk.inbox.approve(&first.id, &tty(), None).unwrap();
    assert!(desk.inbox.may_grant());
    let desk = desk.again();
    assert!(desk.inbox.may_grant(), "nor is it forgotten");
    let grant = desk.take(LETTER).unwrap();
    let expected = Grant {
        id: first.id.clone(),
        arguments: LETTER.to_owned(),
        edited: false,
        by: "tty1".to_owned(),
        as_person: true,
    };
    assert_eq!(grant, expected);
    assert!(!desk.inbox.may_grant(), "there was one");
    let desk = desk.again();
    assert_eq!(desk.take(LETTER), None, "used once, also over a restart");
    assert_eq!(desk.state(&first.id), State::Used);
}

#[test]
fn a_call_that_is_asked_back_is_resumed_until_it_is_made() {
    let desk = Desk::new();
    let id = desk.ask("anna", LETTER).id;
    assert!(!desk.inbox.resume(&id).unwrap(), "it waits still");
    desk.inbox.approve(&id, &tty(), None).unwrap();
    for _ in 0..MAX_ROUNDS {
        assert_eq!(desk.take(LETTER).unwrap().id, id);
        assert!(desk.inbox.resume(&id).unwrap());
    }
    assert_eq!(desk.take(LETTER).unwrap().id, id);
    assert!(!desk.inbox.resume(&id).unwrap(), "what asks for ever asks a person again");
    assert_eq!(desk.take(LETTER), None);

    let other = desk.ask("anna", LETTER).id;
    desk.inbox.approve(&other, &tty(), None).unwrap();
    assert!(desk.take(LETTER).is_some());
    let third = desk.ask("anna", LETTER).id;
    assert!(!desk.inbox.resume(&other).unwrap(), "a call is open once");
    desk.inbox.deny(&third, &tty(), None).unwrap();
    desk.time.set(START + GRANT_LASTS);
    assert!(!desk.inbox.resume(&other).unwrap(), "it is over when it would have been");
}

#[test]
fn all_of_one_client_is_denied_by_a_person_alone() {
    let desk = Desk::new();
    let ids = ["{}", LETTER].map(|arguments| desk.ask("anna", arguments).id);
    let kept = desk.ask("bert", LETTER).id;
    let host = Answerer::Host("anna".to_owned());
    desk.inbox.deny_all("anna", &host, None).unwrap_err();
    let denied = desk.inbox.deny_all("anna", &tty(), Some("no")).unwrap();
    assert_eq!(HashSet::from_iter(denied), HashSet::from(ids.clone()));
    for id in &ids {
        assert_eq!(desk.state(id), State::Denied);
        assert_eq!(desk.inbox.get(id).unwrap().unwrap().reason.as_deref(), Some("no"));
    }
    assert_eq!(desk.state(&kept), State::Pending);
    assert_eq!(desk.inbox.deny_all("anna", &tty(), None).unwrap(), Vec::<String>::new());
}

#[test]
fn ids_cannot_be_guessed_from_one_another() {
    let desk = Desk::new();
    let mut ids: Vec<String> =
        (0..20).map(|n| desk.ask("anna", &format!(r#"{{"n":{n}}}"#)).id).collect();
    let well_formed =
        |id: &String| id.len() == 10 && id.chars().all(|c| matches!(c, 'a'..='z' | '2'..='7'));
    assert!(ids.iter().all(well_formed), "{ids:?}");
    assert!(!ids.is_sorted(), "twenty random ids are in order once in the age of the universe");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

#[test]
fn the_same_call_asks_once_and_shows_all_that_is_known_of_it() {
    let desk = Desk::new();
    let first = desk.ask("anna", r#"{"a":1,"b":[2,{"c":3,"d":4}]}"#);
    let mut again = asked("anna", r#" { "b" : [2, {"d":4, "c":3}], "a" : 1 } "#);
    again.untrusted = vec!["web\nside".to_owned(), "mail".to_owned()];
    let same = desk.inbox.ask(again).unwrap();
    assert_eq!(same.id, first.id);
    assert_eq!(same.asked.untrusted, ["mail", "web side"]);
    assert_eq!(desk.inbox.get(&first.id).unwrap().unwrap(), same);
    for (client, arguments) in [
        ("bert", r#"{"a":1,"b":[2,{"c":3,"d":4}]}"#),
        ("anna", r#"{"a":1,"b":[{"c":3,"d":4},2]}"#),
        ("anna", r#"{"a":"1","b":[2,{"c":3,"d":4}]}"#),
    ] {
        assert_ne!(desk.ask(client, arguments).id, first.id, "{client} {arguments}");
    }
    let mut other = asked("anna", r#"{"a":1,"b":[2,{"c":3,"d":4}]}"#);
    other.method = "mcp.mail.draft".to_owned();
    assert_ne!(desk.inbox.ask(other).unwrap().id, first.id);
    desk.inbox.approve(&first.id, &tty(), None).unwrap();
    let approved = desk.ask("anna", r#"{"a":1,"b":[2,{"c":3,"d":4}]}"#);
    assert_eq!((approved.id, approved.state), (first.id, State::Approved));
}

#[test]
fn a_grant_is_of_this_call_alone() {
    let desk = Desk::new();
    let big = r#"{"account":12345678901234567890123}"#;
    let first = desk.ask("anna", big);
    desk.inbox.approve(&first.id, &tty(), None).unwrap();
    assert_eq!(desk.take(r#"{"account":12345678901234567890124}"#), None);
    assert_eq!(desk.take(r#"{"account":12345678901234567890123.0}"#), None);
    assert_eq!(desk.take(r#"{"account":"12345678901234567890123"}"#), None);
    let take = |client, method| desk.inbox.take(client, method, big, Audience::Person).unwrap();
    assert_eq!(take("bert", METHOD), None);
    assert_eq!(take("anna", "mcp.mail.draft"), None);
    assert_eq!(take("anna", METHOD).unwrap().arguments, big);
}

#[test]
fn an_edited_call_is_found_by_what_was_asked() {
    let desk = Desk::new();
    let first = desk.ask("anna", LETTER);
    let edited = r#"{"to":"bob@example.org","text":"hi","n":12345678901234567890123}"#;
    let approved = desk.inbox.approve(&first.id, &tty(), Some(edited)).unwrap();
    assert_eq!(approved.edited.as_deref(), Some(edited));
    assert_eq!(desk.take(edited), None, "nobody has asked for that");
    let grant = desk.take(LETTER).unwrap();
    assert_eq!((grant.arguments.as_str(), grant.edited), (edited, true));

    let other = desk.ask("anna", r#"{"a":1,"b":2}"#);
    let same = desk.inbox.approve(&other.id, &tty(), Some(r#"{"b":2,"a":1}"#)).unwrap();
    assert_eq!(same.edited, None, "it is the same call");
}

#[test]
fn a_denial_holds_for_a_while_and_tells_why() {
    let desk = Desk::new();
    let first = desk.ask("anna", LETTER);
    desk.inbox.deny(&first.id, &tty(), Some("not him")).unwrap();
    assert_eq!(desk.take(LETTER), None);
    let status = desk.inbox.status("anna", &first.id).unwrap().unwrap();
    assert_eq!((status.state, status.reason.as_deref()), (State::Denied, Some("not him")));
    let again = desk.ask("anna", LETTER);
    assert_eq!((&again.id, again.state), (&first.id, State::Denied));
    desk.time.set(START + DENIAL_HOLDS);
    assert_eq!(desk.ask("anna", LETTER).state, State::Pending);
}

#[test]
fn a_client_sees_and_cancels_its_own_alone() {
    let desk = Desk::new();
    let first = desk.ask("anna", LETTER);
    assert_eq!(desk.inbox.status("bert", &first.id).unwrap(), None);
    assert!(matches!(desk.inbox.cancel("bert", &first.id), Err(Refused::Unknown)));
    desk.inbox.approve(&first.id, &tty(), None).unwrap();
    desk.inbox.cancel("anna", &first.id).unwrap();
    assert_eq!(desk.take(LETTER), None);
    assert!(matches!(desk.inbox.cancel("anna", &first.id), Err(Refused::Answered { .. })));
    let second = desk.ask("anna", LETTER);
    assert_ne!(second.id, first.id);
    desk.inbox.cancel("anna", &second.id).unwrap();
    let late = desk.inbox.approve(&second.id, &tty(), None).unwrap_err();
    assert!(matches!(late, Refused::Answered { state: State::Cancelled, .. }), "{late}");
}

#[test]
fn a_host_answers_for_its_own_client_where_that_is_enough() {
    let desk = Desk::new();
    let host = Answerer::Host("anna".to_owned());
    let strict = desk.ask("anna", LETTER);
    assert!(matches!(desk.inbox.approve(&strict.id, &host, None), Err(Refused::OnlyAPerson)));
    assert!(matches!(desk.inbox.deny(&strict.id, &host, None), Err(Refused::OnlyAPerson)));
    let lax = |arguments| Asked { audience: Audience::Host, ..asked("anna", arguments) };
    let easy = desk.inbox.ask(lax("{}")).unwrap();
    assert!(matches!(desk.inbox.always(&easy.id, &host, None), Err(Refused::OnlyAPerson)));
    let other = Answerer::Host("bert".to_owned());
    assert!(matches!(desk.inbox.approve(&easy.id, &other, None), Err(Refused::Unknown)));
    desk.inbox.approve(&easy.id, &host, None).unwrap();

    // Policy has become stricter since.
    assert_eq!(desk.take("{}"), None);
    let anew = desk.ask("anna", "{}");
    assert_eq!((anew.state, anew.asked.audience), (State::Pending, Audience::Person));
    assert_ne!(anew.id, easy.id);
    assert_eq!(desk.state(&easy.id), State::Cancelled);

    // And while it waited.
    let easy = desk.inbox.ask(lax(r#"{"a":1}"#)).unwrap();
    assert_eq!(desk.ask("anna", r#"{"a":1}"#).id, easy.id);
    assert!(matches!(desk.inbox.approve(&easy.id, &host, None), Err(Refused::OnlyAPerson)));

    let easy = desk.inbox.ask(lax(r#"{"a":2}"#)).unwrap();
    desk.inbox.approve(&easy.id, &host, None).unwrap();
    let taken = desk.inbox.take("anna", METHOD, r#"{"a":2}"#, Audience::Host).unwrap();
    assert_eq!(taken.unwrap().by, "anna");
}

#[test]
fn the_first_answer_counts_and_the_second_person_is_told() {
    let desk = Desk::new();
    for round in 0..20 {
        let arguments = format!(r#"{{"round":{round}}}"#);
        let id = desk.ask("anna", &arguments).id;
        let both = Barrier::new(2);
        let answer = |name: &str| {
            both.wait();
            let who = person(name);
            if name == "eva" {
                desk.inbox.deny(&id, &who, None)
            } else {
                desk.inbox.approve(&id, &who, None)
            }
        };
        let (eva, adam) = thread::scope(|scope| {
            let eva = scope.spawn(|| answer("eva"));
            let adam = scope.spawn(|| answer("adam"));
            (eva.join().unwrap(), adam.join().unwrap())
        });
        let (won, lost) = match (eva, adam) {
            (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
            both => unreachable!("{both:?}"),
        };
        let Refused::Answered { state, by, at } = &lost else { unreachable!("{lost}") };
        assert_eq!((*state, by, *at), (won.state, &won.answered_by, won.answered_at));
        assert_eq!(desk.take(&arguments).is_some(), won.state == State::Approved);
    }
    let id = desk.ask("anna", LETTER).id;
    desk.inbox.approve(&id, &person("eva"), None).unwrap();
    let late = desk.inbox.deny(&id, &tty(), None).unwrap_err();
    assert_eq!(
        late.to_string(),
        "it was approved already by eva at 2026-09-21T14:13:20Z: nothing was changed"
    );
    assert!(desk.take(LETTER).is_some());
    assert!(matches!(desk.inbox.deny("aaaaaaaaaa", &tty(), None), Err(Refused::Unknown)));
}

#[test]
fn of_32_that_take_a_grant_one_gets_it() {
    let desk = Desk::new();
    // As another process of the gateway would: with a connection of its own.
    let other = open(&desk.path(), &desk.time);
    for round in 0..10 {
        let arguments = format!(r#"{{"round":{round}}}"#);
        let id = desk.ask("anna", &arguments).id;
        desk.inbox.approve(&id, &tty(), None).unwrap();
        let together = Barrier::new(RACERS);
        let take = |inbox: &Inbox| {
            together.wait();
            inbox.take("anna", METHOD, &arguments, Audience::Person).unwrap()
        };
        let taken = thread::scope(|scope| {
            let inboxes = [&desk.inbox, &other].into_iter().cycle().take(RACERS);
            let racers: Vec<_> = inboxes.map(|inbox| scope.spawn(|| take(inbox))).collect();
            racers.into_iter().filter_map(|racer| racer.join().unwrap()).count()
        });
        assert_eq!(taken, 1);
    }
}

#[test]
fn of_32_that_ask_the_same_all_get_one_id() {
    let desk = Desk::new();
    let together = Barrier::new(RACERS);
    let mut ids = thread::scope(|scope| {
        let ask = || {
            together.wait();
            desk.ask("anna", LETTER).id
        };
        let racers: Vec<_> = (0..RACERS).map(|_| scope.spawn(ask)).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect::<Vec<_>>()
    });
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[test]
fn what_nobody_answers_or_uses_in_time_is_over() {
    let desk = Desk::new();
    let unanswered = desk.ask("anna", "{}").id;
    let second = desk.ask("anna", LETTER).id;
    desk.time.set(before(START + WAITS, SECOND));
    desk.inbox.approve(&second, &tty(), None).unwrap();
    assert_eq!(desk.state(&unanswered), State::Pending);
    desk.time.set(START + WAITS);
    assert_eq!(desk.state(&unanswered), State::Expired);
    assert_eq!(desk.state(&second), State::Approved, "a grant has a time of its own");
    let late = desk.inbox.approve(&unanswered, &tty(), None).unwrap_err();
    assert!(matches!(late, Refused::Answered { state: State::Expired, .. }), "{late}");
    desk.time.set(before(START + WAITS, SECOND) + GRANT_LASTS);
    assert_eq!(desk.take(LETTER), None);
    assert_eq!(desk.state(&second), State::Expired);
}

#[test]
fn a_clock_that_is_set_forward_and_back_revives_nothing() {
    let desk = Desk::new();
    let id = desk.ask("anna", LETTER).id;
    desk.inbox.approve(&id, &tty(), None).unwrap();
    desk.time.set(START + 2 * GRANT_LASTS);
    desk.inbox.tick().unwrap();
    desk.time.set(START + SECOND);
    assert_eq!(desk.take(LETTER), None);
}

#[test]
fn a_clock_that_is_set_back_ends_what_is_open() {
    let desk = Desk::new();
    let half = START + GRANT_LASTS / 2;
    let id = desk.ask("anna", LETTER).id;
    desk.inbox.approve(&id, &tty(), None).unwrap();
    desk.time.set(half);
    desk.inbox.tick().unwrap();
    desk.time.set(before(half, CLOCK_TOLERANCE));
    desk.inbox.tick().unwrap();
    assert_eq!(desk.state(&id), State::Approved, "a time server may correct a little");
    // Still after it was approved, so that its row alone tells nothing.
    desk.time.set(before(half, CLOCK_TOLERANCE + SECOND));
    assert_eq!(desk.take(LETTER), None);
    let anew = desk.ask("anna", LETTER);
    assert_eq!(desk.state(&anew.id), State::Pending, "from there on the clock is believed");
}

#[test]
fn what_was_written_in_the_future_is_over_after_a_restart() {
    let desk = Desk::new();
    let granted = desk.ask("anna", LETTER).id;
    desk.inbox.approve(&granted, &tty(), None).unwrap();
    let waiting = desk.ask("anna", "{}").id;
    desk.time.set(before(START, CLOCK_TOLERANCE));
    let desk = desk.again();
    assert_eq!(desk.state(&waiting), State::Pending);
    desk.time.set(before(START, CLOCK_TOLERANCE + SECOND));
    let desk = desk.again();
    assert_eq!(desk.take(LETTER), None);
    assert_eq!((desk.state(&granted), desk.state(&waiting)), (State::Expired, State::Expired));
}

#[test]
fn what_is_over_is_removed_after_a_month() {
    let desk = Desk::new();
    let old = desk.ask("anna", LETTER).id;
    desk.inbox.deny(&old, &tty(), None).unwrap();
    desk.time.set(before(START + KEPT, SECOND));
    desk.inbox.tick().unwrap();
    assert!(desk.inbox.get(&old).unwrap().is_some());
    let new = desk.ask("anna", "{}").id;
    desk.time.set(START + KEPT);
    desk.inbox.tick().unwrap();
    assert_eq!(desk.inbox.get(&old).unwrap(), None);
    assert_eq!(desk.state(&new), State::Pending);
}

#[test]
fn so_many_wait_and_no_more() {
    let desk = Desk::new();
    let numbered = |client: &str, n: u32| desk.inbox.ask(asked(client, &format!(r#"{{"n":{n}}}"#)));
    for n in 0..MAX_PENDING_PER_CLIENT {
        numbered("anna", n).unwrap();
    }
    let full = numbered("anna", MAX_PENDING_PER_CLIENT).unwrap_err();
    assert!(full.to_string().starts_with("32 calls of this client wait"), "{full}");
    numbered("anna", 0).unwrap();
    for n in MAX_PENDING_PER_CLIENT..MAX_PENDING {
        numbered(&format!("client {}", n / 30), n).unwrap();
    }
    let full = numbered("bert", 0).unwrap_err();
    assert!(matches!(full, Refused::Full { limit: MAX_PENDING, .. }), "{full}");
    let one = desk.inbox.pending().unwrap().pop().unwrap();
    desk.inbox.cancel(&one.asked.client, &one.id).unwrap();
    numbered("bert", 0).unwrap();
    assert_eq!(desk.inbox.all(7).unwrap().len(), 7);
}

#[test]
fn a_client_that_asks_and_cancels_fills_no_disk() {
    let desk = Desk::new();
    let kept = desk.ask("bert", LETTER).id;
    desk.inbox.deny(&kept, &tty(), None).unwrap();
    for _ in 0..MAX_KEPT_PER_CLIENT + 20 {
        let id = desk.ask("anna", LETTER).id;
        desk.inbox.cancel("anna", &id).unwrap();
    }
    let file = Connection::open(desk.path()).unwrap();
    let count = "SELECT count(*) FROM approvals WHERE client = 'anna'";
    let own: u32 = file.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(own, MAX_KEPT_PER_CLIENT + 1);
    assert_eq!(desk.inbox.all(u32::MAX).unwrap().len(), MAX_LISTED as usize);
    assert_eq!(desk.state(&kept), State::Denied);
}

#[test]
fn what_is_no_argument_and_what_is_too_long_is_refused() {
    let desk = Desk::new();
    let refused = |arguments: &str| match desk.inbox.ask(asked("anna", arguments)).unwrap_err() {
        Refused::Arguments(error) => error,
        other => unreachable!("{other}"),
    };
    let deep = |n| format!("{}{}{}", r#"{"a":"#.repeat(n), "{}", "}".repeat(n));
    assert_eq!(refused("{"), ArgumentsError::NotJson);
    assert_eq!(refused(r#"{"a":"\ud800"}"#), ArgumentsError::NotJson);
    assert_eq!(refused("[1]"), ArgumentsError::NotAnObject);
    assert_eq!(refused(r#"{"a":1,"\u0061":2}"#), ArgumentsError::Twice);
    assert_eq!(refused(r#"{"b":[{"a":1,"a":1}]}"#), ArgumentsError::Twice);
    assert_eq!(refused(&deep(33)), ArgumentsError::TooDeep);
    assert_eq!(refused(&deep(100_000 / 6)), ArgumentsError::TooDeep);
    desk.ask("anna", &deep(32));
    let large = |n| format!(r#"{{"a":"{}"}}"#, "a".repeat(n - 8));
    assert_eq!(refused(&large(MAX_ARGUMENTS_BYTES + 1)), ArgumentsError::TooLarge);
    let id = desk.ask("anna", &large(MAX_ARGUMENTS_BYTES)).id;
    let edit = |arguments| desk.inbox.approve(&id, &tty(), Some(arguments)).unwrap_err();
    assert!(matches!(edit("[]"), Refused::Arguments(ArgumentsError::NotAnObject)));
    assert!(matches!(edit(r#"{"a":1,"a":2}"#), Refused::Arguments(ArgumentsError::Twice)));
    assert_eq!(desk.state(&id), State::Pending);
    let long = "x".repeat(3000);
    let told = desk.inbox.deny(&id, &tty(), Some(&long)).unwrap_err();
    assert!(matches!(told, Refused::TooLong { .. }), "{told}");
    let told = desk.inbox.ask(Asked { rule: long.clone(), ..asked("anna", "{}") }).unwrap_err();
    assert!(matches!(told, Refused::TooLong { what: "the rule", .. }), "{told}");
    let untrusted = (0..100).map(|n| format!("web {n}")).collect();
    let many = desk.inbox.ask(Asked { untrusted, ..asked("anna", "{}") }).unwrap();
    assert_eq!(many.asked.untrusted.len(), MAX_SOURCES);
}

#[test]
fn what_is_always_allowed_is_kept_until_it_is_forgotten() {
    let desk = Desk::new();
    let first = desk.ask("anna", LETTER);
    for folder in ["notes", "/a/../b", "/a/./b", "/a\nb", ""] {
        let refused = desk.inbox.always(&first.id, &tty(), Some(folder)).unwrap_err();
        assert!(matches!(refused, Refused::NotAFolder), "{folder:?}: {refused}");
    }
    let long = format!("/{}", "a".repeat(MAX_FOLDER_BYTES));
    desk.inbox.always(&first.id, &tty(), Some(&long)).unwrap_err();
    assert_eq!(desk.inbox.standing().unwrap(), []);
    let approved = desk.inbox.always(&first.id, &tty(), Some("/notes//deep/")).unwrap();
    assert_eq!(approved.state, State::Approved);
    assert_eq!(desk.inbox.standing().unwrap().len(), 1);
    assert!(desk.take(LETTER).is_some(), "the call itself is approved too");
    let second = desk.ask("anna", "{}");
    desk.inbox.always(&second.id, &tty(), None).unwrap();
    let third = desk.ask("anna", r#"{"a":1}"#);
    desk.inbox.always(&third.id, &person("eva"), None).unwrap();

    let desk = desk.again();
    let standing = desk.inbox.standing().unwrap();
    let shown: Vec<_> = standing
        .iter()
        .map(|it| (it.client.as_str(), it.method.as_str(), it.folder.as_deref(), it.by.as_str()))
        .collect();
    let expected = [("anna", METHOD, None, "tty1"), ("anna", METHOD, Some("/notes/deep"), "tty1")];
    assert_eq!(shown, expected, "allowed twice is allowed once");
    desk.inbox.forget(&standing.first().unwrap().id).unwrap();
    assert!(matches!(desk.inbox.forget("nothing"), Err(Refused::Unknown)));
    assert_eq!(desk.again().inbox.standing().unwrap().len(), 1);
}

#[test]
fn whoever_waits_learns_of_an_answer_at_once() {
    let desk = Desk::new();
    let mut changes = desk.inbox.changes();
    let id = desk.ask("anna", LETTER).id;
    assert!(changes.has_changed().unwrap(), "of what is asked too");
    changes.mark_unchanged();
    desk.inbox.pending().unwrap();
    desk.inbox.get(&id).unwrap();
    desk.ask("anna", LETTER);
    desk.inbox.approve("aaaaaaaaaa", &tty(), None).unwrap_err();
    assert!(!changes.has_changed().unwrap(), "looking changes nothing");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            runtime.block_on(changes.changed()).unwrap();
            desk.state(&id)
        });
        desk.inbox.deny(&id, &tty(), None).unwrap();
        assert_eq!(waiter.join().unwrap(), State::Denied);
    });
    desk.time.set(START + WAITS);
    let other = desk.ask("anna", "{}").id;
    let mut changes = desk.inbox.changes();
    desk.time.set(START + 2 * WAITS);
    desk.inbox.tick().unwrap();
    assert!(changes.has_changed().unwrap(), "what expires is told too");
    changes.mark_unchanged();
    assert_eq!(desk.state(&other), State::Expired);
}

#[test]
fn a_file_of_a_later_version_or_another_program_is_refused() {
    let desk = Desk::new();
    desk.ask("anna", LETTER);
    let path = desk.path();
    let Desk { inbox, time, folder } = desk;
    drop(inbox);
    let file = Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    let error = Inbox::open(&path, time.clock()).unwrap_err();
    assert!(error.to_string().contains("a later version"), "{error}");
    file.pragma_update(None, "user_version", 2).unwrap();
    assert_eq!(Inbox::open(&path, time.clock()).unwrap().pending().unwrap().len(), 1);
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    let error = Inbox::open(&other, time.clock()).unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");
}

#[test]
fn what_cannot_be_written_down_is_not_allowed() {
    let desk = Desk::new();
    let id = desk.ask("anna", LETTER).id;
    desk.inbox.approve(&id, &tty(), None).unwrap();
    let file = Connection::open(desk.path()).unwrap();
    file.execute_batch(
        "CREATE TRIGGER full BEFORE UPDATE ON approvals BEGIN SELECT raise(ABORT, 'full'); END",
    )
    .unwrap();
    let refused = desk.inbox.take("anna", METHOD, LETTER, Audience::Person).unwrap_err();
    assert!(matches!(refused, Refused::Store(_)), "{refused}");
    file.execute_batch("DROP TRIGGER full").unwrap();
    assert!(desk.take(LETTER).is_some());
}
