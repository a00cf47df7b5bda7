//! Kill -9 before every system call of overwriting a file: afterwards there is the old file or the new one, and after
//! a restart no other name.
//!
//! strace attaches itself to one thread of the server and kills the process when that thread is about to make its n-th
//! call of a name; then everything is looked at, and the server is started again. This is done for every call of every
//! thread between the arrival of the request and the reply, as a record of one overwrite shows them, until n is so
//! large that the reply comes. Between two calls a process changes nothing that survives it, so these are all the
//! states that a kill can leave, but for those in the middle of one call.
//!
//! A kill keeps what the kernel holds in memory, so it does not show a missing `fsync`: the order of the calls does.
#![cfg(test)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::XattrFlags;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Programs, Server, Strace, SystemCall, User};

const MIB: usize = 1024 * 1024;
/// What the exposed folder holds, before and after.
const TREE: [&str; 2] = ["notes", "notes/file.txt"];
const FILE: &str = "/notes/file.txt";
/// Attributes that every version of the file has.
const MODE: u32 = 0o640;
const ATTRIBUTE: (&str, &[u8]) = ("user.kept", b"as it was");

/// Calls with which threads wait for each other and for memory: how many there are is left to chance.
const BY_CHANCE: [&str; 8] =
    ["futex", "restart_syscall", "sched_yield", "mmap", "munmap", "mremap", "brk", "madvise"];
/// How strace writes that a thread wakes another by an eventfd(2), which has no other form: whether the other sleeps is
/// left to chance too.
const WAKES: &str = r#""\1\0\0\0\0\0\0\0", 8)"#;
/// More calls of one name than any thread makes.
const ENOUGH: usize = 200;

fn old() -> Vec<u8> {
    vec![b'o'; MIB]
}

/// Of another length, so that a version which is partly one and partly the other shows in every way.
fn new() -> Vec<u8> {
    vec![b'n'; MIB + 1]
}

/// The thread that handles the request: it alone names the file.
fn handler(calls: &[(String, SystemCall)]) -> &str {
    let names_it = |call: &SystemCall| call.arguments.contains("file.txt");
    let (handler, _) = calls.iter().find(|(_, call)| names_it(call)).expect("a call with the file");
    handler
}

/// A server that is killed over and over.
struct Campaign {
    program: &'static str,
    programs: Programs,
    user: User,
    /// What a control does wrong.
    fault: Option<&'static str>,
}

/// One server's folders, with the old file in place.
struct Stage(TempDir);

/// Where a server is killed: before this call of this thread.
struct Point<'a> {
    thread: &'a str,
    call: &'a str,
    nth: usize,
}

/// How an overwrite under threat ended.
#[derive(Debug, PartialEq)]
enum Ended {
    /// The call came before the request did: strace wakes a thread from the call in which it waits, and the thread
    /// makes that once more.
    TooEarly,
    /// The server died and did not answer.
    Killed,
    /// The server answered first.
    Answered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Old,
    New,
    Neither,
}

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The file is neither the old one nor the new one.
    Torn,
    /// The file has lost its mode, owner or extended attribute.
    Attributes,
    /// The server said that the new file is on the disk, and it is not.
    Lost,
    /// The restart changed the file.
    Changed,
    /// After the restart there are other names than before the overwrite.
    Names,
    /// After the restart a record of an unfinished write is left.
    Record,
    /// After the restart the file cannot be written.
    Stuck,
    /// After the restart the history does not tell whether the file was overwritten, or cannot undo it.
    History,
}

/// What came of a campaign.
#[derive(Default)]
struct Tally {
    /// Kills before a call of a thread, by what they left: old and new.
    kills: BTreeMap<(String, String), [usize; 2]>,
    /// Kills that left a temporary file for the restart to remove.
    temporaries: usize,
    /// Kills that left a record of an unfinished write, for the same.
    records: usize,
    faults: Vec<(Fault, String)>,
}

impl Tally {
    fn sum(&self, version: usize) -> usize {
        self.kills.values().map(|counts| counts[version]).sum()
    }

    fn count(&self, fault: Fault) -> usize {
        self.faults.iter().filter(|(found, _)| *found == fault).count()
    }

    fn report(&self, campaign: &Campaign, started: Instant) {
        let mut lines = String::new();
        for ((thread, call), [old, new]) in &self.kills {
            writeln!(lines, "  {thread:16} {call:16} {old:3} old {new:3} new").unwrap();
        }
        println!(
            "{lines}{} as {:?}: killed {} times in {:.1?}: {} old, {} new, {} temporary files, {} records, {} faults",
            campaign.program,
            campaign.user,
            self.sum(0) + self.sum(1) + self.count(Fault::Torn),
            started.elapsed(),
            self.sum(0),
            self.sum(1),
            self.temporaries,
            self.records,
            self.faults.len(),
        );
    }
}

impl Stage {
    fn new(campaign: &Campaign) -> Self {
        let stage = Self(tempfile::Builder::new().prefix("llmb").tempdir().unwrap());
        fs::create_dir_all(stage.file().parent().unwrap()).unwrap();
        fs::create_dir(stage.path("state")).unwrap();
        let mut config = json!({ "root": stage.path("root"), "state": stage.path("state") });
        if let Some(fault) = campaign.fault {
            config["fault"] = fault.into();
        }
        fs::write(stage.path("config.yaml"), config.to_string()).unwrap();
        fs::write(stage.file(), old()).unwrap();
        fs::set_permissions(stage.file(), Permissions::from_mode(MODE)).unwrap();
        let (name, value) = ATTRIBUTE;
        rustix::fs::setxattr(stage.file(), name, value, XattrFlags::empty()).unwrap();
        campaign.user.own(stage.folder());
        // Root replaces other people's files too, and gives the new version to its owner.
        User::unprivileged().own(&stage.file());
        stage
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("root").join(TREE[1])
    }

    fn version(&self) -> Version {
        match fs::read(self.file()).unwrap_or_default() {
            content if content == old() => Version::Old,
            content if content == new() => Version::New,
            _ => Version::Neither,
        }
    }

    /// Mode, owner, group and extended attribute.
    fn attributes(&self) -> Option<(u32, u32, u32, Vec<u8>)> {
        let file = fs::symlink_metadata(self.file()).ok()?;
        let mut value = [0; 64];
        let length = rustix::fs::lgetxattr(self.file(), ATTRIBUTE.0, value.as_mut_slice()).ok()?;
        Some((file.mode(), file.uid(), file.gid(), value[..length].to_vec()))
    }

    /// All that the exposed folder holds.
    fn tree(&self) -> Vec<String> {
        let mut names = names(&self.path("root"), "");
        names.sort();
        names
    }

    /// The records of unfinished writes: whatever files the server's own folder holds, in folders of its choice.
    fn records(&self) -> Vec<String> {
        let state = self.path("state");
        let mut found = names(&state, "");
        // The history of changes is no such record; what it says is asked for.
        found.retain(|name| !state.join(name).is_dir() && !name.starts_with("history"));
        found
    }
}

/// The names below a folder, each with its path from there.
fn names(folder: &Path, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(names(&entry.path(), &format!("{name}/")));
        }
        found.push(name);
    }
    found
}

fn overwrite(server: &mut Server, content: &[u8]) -> Option<Value> {
    let content = std::str::from_utf8(content).unwrap();
    server.call("fs_write", &json!({ "path": FILE, "content": content }))
}

/// Whether the history knows exactly the overwrite that was made, and undoes it.
fn history_is_true(server: &mut Server, stage: &Stage, version: Version) -> bool {
    let history = server.call("fs_history", &json!({})).unwrap();
    let changes = history["result"]["structuredContent"]["changes"].as_array().unwrap().clone();
    if version != Version::New {
        return changes.is_empty();
    }
    let [change] = changes.as_slice() else { return false };
    let undone = server.call("fs_undo", &json!({ "change": change["change"] })).unwrap();
    succeeded(&undone) && stage.version() == Version::Old
}

fn succeeded(reply: &Value) -> bool {
    reply["result"]["isError"] == false
}

impl Campaign {
    fn new(program: &'static str, user: User, fault: Option<&'static str>) -> Self {
        Self { program, programs: Programs::of(program), user, fault }
    }

    fn start(&self, stage: &Stage) -> Server {
        let mut server = Server::start(&self.programs, self.program, stage.folder(), self.user);
        assert!(server.settle());
        server
    }

    /// The calls of one overwrite, each with the name of its thread.
    fn record(&self) -> Vec<(String, SystemCall)> {
        let stage = Stage::new(self);
        let mut server = self.start(&stage);
        let strace = Strace::record(server.pid(), stage.folder(), self.user);
        assert!(server.settle());
        let reply = overwrite(&mut server, &new()).unwrap();
        assert!(succeeded(&reply), "{reply}");
        let threads: BTreeMap<u32, String> = server.threads().into_iter().collect();
        server.kill();
        let mut woken = Vec::new();
        let mut calls = strace.calls();
        calls.retain(|call| {
            // A thread's first call is the one from which strace woke it.
            let first = !woken.contains(&call.thread);
            if first {
                woken.push(call.thread);
            }
            !first
        });
        calls.into_iter().map(|call| (threads[&call.thread].clone(), call)).collect()
    }

    /// Kills the server before every call, until the reply comes.
    fn run(&self) -> Tally {
        let started = Instant::now();
        let calls = self.record();
        let handler = handler(&calls).to_owned();
        let mut recorded = BTreeMap::<_, usize>::new();
        for (thread, call) in calls {
            let certain = !call.arguments.contains(WAKES);
            *recorded.entry((thread, call.name)).or_default() += usize::from(certain);
        }
        let mut tally = Tally::default();
        for ((thread, call), expected) in &recorded {
            let mut kills = 0;
            let answered = (1..ENOUGH).any(|nth| {
                let ended = self.strike(&Point { thread, call, nth }, &mut tally);
                kills += usize::from(ended == Ended::Killed);
                ended == Ended::Answered
            });
            assert!(answered, "`{call}` of `{thread}` has no end");
            // In how many parts a request arrives, and whether a log line is written before the reply, is left to
            // chance too.
            if *thread == handler && !BY_CHANCE.contains(&call.as_str()) {
                let as_expected =
                    if call == "write" { kills >= *expected } else { kills == *expected };
                assert!(as_expected, "{kills} kills before `{call}` of `{thread}`: {expected}");
            }
        }
        tally.report(self, started);
        tally
    }

    /// Kills the server at one point and looks at what is left, before and after a restart.
    fn strike(&self, point: &Point<'_>, tally: &mut Tally) -> Ended {
        let stage = Stage::new(self);
        let attributes = stage.attributes();
        let mut server = self.start(&stage);
        let thread = server.threads().into_iter().find(|(_, name)| name == point.thread);
        let (thread, _) = thread.expect("the thread that was recorded");
        let (folder, Point { call, nth, .. }) = (stage.folder(), point);
        let strace = Strace::kill_before(thread, call, *nth, folder, self.user);
        if !server.settle() {
            return Ended::TooEarly;
        }
        let reply = overwrite(&mut server, &new());
        server.kill();
        drop(strace);
        let mut fault = |fault: Fault, detail: String| {
            let place = format!("killed before `{call}` {nth} of `{}`", point.thread);
            tally.faults.push((fault, format!("{place}: {detail}")));
        };

        let version = stage.version();
        if version == Version::Neither {
            let length = fs::metadata(stage.file()).map(|file| file.len());
            fault(Fault::Torn, format!("the file has {length:?} bytes"));
        }
        let kept = stage.attributes();
        if kept != attributes {
            fault(Fault::Attributes, format!("{kept:?} instead of {attributes:?}"));
        }
        if let Some(reply) = &reply
            && (version != Version::New || !succeeded(reply))
        {
            fault(Fault::Lost, format!("the reply was {reply}"));
        }
        let (left, recorded) = (stage.tree(), stage.records());

        let mut server = self.start(&stage);
        if stage.version() != version {
            fault(Fault::Changed, format!("{version:?} became {:?}", stage.version()));
        }
        if stage.tree() != TREE {
            fault(Fault::Names, format!("{:?}", stage.tree()));
        }
        if !stage.records().is_empty() {
            fault(Fault::Record, format!("{:?}", stage.records()));
        }
        if self.program == "cap-fs" && !history_is_true(&mut server, &stage, version) {
            fault(Fault::History, format!("{version:?}"));
        }
        if stage.attributes() != attributes {
            fault(Fault::Attributes, "after the undo".to_owned());
        }
        let again = overwrite(&mut server, b"again");
        let content = fs::read(stage.file()).unwrap_or_default();
        if !again.as_ref().is_some_and(succeeded) || content != b"again" {
            fault(Fault::Stuck, format!("the reply was {again:?}"));
        }
        server.kill();

        if reply.is_some() {
            return Ended::Answered;
        }
        let kills = tally.kills.entry((point.thread.to_owned(), (*call).to_owned())).or_default();
        match version {
            Version::Old => kills[0] += 1,
            Version::New => kills[1] += 1,
            Version::Neither => {}
        }
        tally.temporaries += usize::from(left != TREE);
        tally.records += usize::from(!recorded.is_empty());
        Ended::Killed
    }
}

fn check(user: User) {
    let tally = Campaign::new("cap-fs", user, None).run();
    assert!(tally.faults.is_empty(), "{:#?}", tally.faults);
    // Else only one side of the overwrite was tried.
    assert!(tally.sum(0) > 0 && tally.sum(1) > 0);
    // Else the restart had nothing to remove.
    assert!(tally.temporaries > 0 && tally.records > tally.temporaries);
}

#[test]
fn killed_before_any_call_of_an_overwrite_the_file_is_old_or_new() {
    check(User::Current);
}

#[test]
fn killed_before_any_call_without_privileges_the_file_is_old_or_new() {
    check(User::unprivileged());
}

#[test]
fn control_a_server_that_truncates_and_writes_is_caught() {
    let tally = Campaign::new("naive-server", User::unprivileged(), Some("truncate")).run();
    assert!(tally.count(Fault::Torn) > 0);
}

#[test]
fn control_a_server_that_forgets_its_temporary_file_is_caught() {
    let tally = Campaign::new("naive-server", User::unprivileged(), Some("forget")).run();
    assert_eq!(tally.count(Fault::Torn), 0);
    assert!(tally.count(Fault::Names) > 0);
}

/// The record is on the disk before the file that it names is made, the file before it is renamed, and the rename
/// before the record is removed. An overwrite that is made in another way needs another list.
#[test]
fn an_overwrite_reaches_the_disk_in_order() {
    let calls = Campaign::new("cap-fs", User::unprivileged(), None).record();
    let handler = handler(&calls);
    let mut found: Vec<&str> = Vec::new();
    for (_, call) in calls.iter().filter(|(thread, _)| thread == handler) {
        let step = match call.name.as_str() {
            "openat2" if call.arguments.contains("O_CREAT") => "create",
            name @ ("write" | "fsync" | "linkat" | "fchmod" | "fsetxattr" | "renameat2"
            | "unlinkat" | "sendto") => name,
            _ => continue,
        };
        if step != "write" || found.last() != Some(&step) {
            found.push(step);
        }
    }
    let record = ["create", "write", "fsync", "fsync"];
    let file = ["create", "write", "fsetxattr", "fchmod", "fsync"];
    // What is replaced is kept and the history knows of the change, before it is made and then that it was: the second of the two is
    // the history's.
    let kept = ["linkat", "fsync", "fsync"];
    let made = ["renameat2", "fsync", "fsync"];
    // The reply goes last.
    let end = ["unlinkat", "sendto"];
    assert_eq!(found, [record.as_slice(), &file, &kept, &made, &end].concat());
}
