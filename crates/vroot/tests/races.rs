//! Campaign C2: others exchange, link and move the folders during every operation; none may lead
//! out.
//!
//! `LLMBASEDOS_RACE_SECONDS` sets how long. One round is at least [`OPERATIONS`] long, however slow
//! the machine is.
#![cfg(test)]

#[path = "common/escape_paths.rs"]
mod escape_paths;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use escape_paths::{CANARY, CANARY_NAME, MARK_NAME, Traps};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use vroot::{Recursion, TEMP_PREFIX, VPath, VRoot, uninterrupted};

/// Operations of the shortest round.
const OPERATIONS: u64 = 100_000;

/// How long the control may take to leak.
const CONTROL_SECONDS: u64 = 10;

/// Folders and files that change places all the time.
struct Stage {
    traps: Traps,
    base: PathBuf,
    made: AtomicU64,
    /// The inode of the excluded folder.
    excluded: u64,
}

impl Stage {
    fn new(base: &Path) -> Self {
        let traps = Traps::new(base).expect("traps");
        let excluded = fs::metadata(traps.state()).expect("a folder").ino();
        fs::create_dir(base.join("away")).expect("a folder");
        fs::create_dir(base.join("work")).expect("a folder");
        let stage = Self { traps, base: base.to_owned(), made: AtomicU64::new(0), excluded };
        stage.repair();
        stage
    }

    fn root(&self) -> PathBuf {
        self.traps.root()
    }

    /// Makes again what was removed. Nothing is made by a path that leads through something which
    /// changes places: it is made aside and moved.
    fn repair(&self) {
        for name in ["d", "e", "m", "s"] {
            let new = self.aside();
            fs::create_dir_all(new.join("sub/deep")).expect("a folder");
            for file in ["file", CANARY_NAME, "sub/file"] {
                fs::write(new.join(file), "inside").expect("a file");
            }
            self.place(&new, name);
        }
        for name in ["f", "g"] {
            let new = self.aside();
            fs::write(&new, "inside").expect("a file");
            self.place(&new, name);
        }
        for (name, target) in [
            ("d-link", PathBuf::from("../outside")),
            ("e-link", self.base.join("outside")),
            ("s-link", PathBuf::from("state/sub")),
            ("f-link", Path::new("../outside").join(CANARY_NAME)),
        ] {
            let new = self.aside();
            symlink(target, &new).expect("a link");
            self.place(&new, name);
        }
    }

    /// A new path in a folder that no client reaches.
    fn aside(&self) -> PathBuf {
        self.base.join("work").join(self.made.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// Moves something to a name in the root if it is free.
    fn place(&self, new: &Path, name: &str) {
        let to = self.root().join(name);
        // A folder that is away comes back, so there would be two.
        let away = fs::symlink_metadata(self.base.join("away").join(name)).is_ok();
        if away || renameat_with(CWD, new, CWD, &to, RenameFlags::NOREPLACE).is_err() {
            let removed = fs::remove_dir_all(new).or_else(|_| fs::remove_file(new));
            removed.expect("a removal");
        }
    }

    /// Exchanges two names of the root twice, so that everything is at its place afterwards.
    fn exchange(&self, one: &str, other: &str) {
        let (one, other) = (self.root().join(one), self.root().join(other));
        for _ in 0..2 {
            // One of the two was removed: it will be made again.
            renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).ok();
        }
    }

    /// Brings the excluded folder back to its name, if the folder that had its name meanwhile was
    /// removed.
    fn bring_state_home(&self) {
        let home = self.traps.state();
        for name in ["s", "s-link"] {
            let astray = self.root().join(name);
            if !fs::symlink_metadata(&astray).is_ok_and(|data| data.ino() == self.excluded) {
                continue;
            }
            // Clients make and remove files with that name, so either can come too late.
            let back = |flags| renameat_with(CWD, &astray, CWD, &home, flags).is_ok();
            let moved =
                (0..1000).any(|_| back(RenameFlags::NOREPLACE) || back(RenameFlags::EXCHANGE));
            assert!(moved, "the excluded folder is lost");
        }
    }

    /// Moves a folder out of the root and back.
    fn excursion(&self, name: &str) {
        let (inside, away) = (self.root().join(name), self.base.join("away").join(name));
        if renameat_with(CWD, &inside, CWD, &away, RenameFlags::NOREPLACE).is_ok() {
            let back = renameat_with(CWD, &away, CWD, &inside, RenameFlags::NOREPLACE);
            if back.is_err() {
                fs::remove_dir_all(&away).ok();
            }
        }
    }

    /// One turn of one of the four threads that change things.
    fn disturb(&self, which: usize) {
        match which {
            0 => {
                self.exchange("d", "d-link");
                self.exchange("e", "e-link");
            }
            1 => {
                self.excursion("m");
                self.exchange("m", "g");
            }
            2 => {
                self.exchange("f", "f-link");
                self.exchange("f", "d");
                self.exchange("g", "fifo");
            }
            _ => {
                self.exchange("s", "state");
                self.exchange("s", "s-link");
                self.bring_state_home();
                self.repair();
            }
        }
    }
}

/// Paths over the things that change places, and some of those of the other campaign.
fn paths(traps: &Traps) -> Vec<VPath> {
    let mut paths = Vec::new();
    for name in ["d", "e", "m", "s", "f", "g", "d-link", "e-link", "s-link", "f-link", "state"] {
        for tail in [
            "",
            "/file",
            "/new",
            "/sub/file",
            "/sub/../file",
            "/sub/deep/../../file",
            "/sub/..",
            "/sub/deep/../../..",
            "/..",
            "/../outside",
        ] {
            paths.push(format!("/{name}{tail}"));
        }
        for to in
            ["", "/sub", "/sub/..", "/..", "/../outside", "/sub/../../outside", "/sub/../../d"]
        {
            paths.push(format!("/{name}{to}/{CANARY_NAME}"));
        }
    }
    paths.extend(traps.paths(1, 100));
    paths.iter().filter_map(|path| VPath::parse(path).ok()).collect()
}

fn holds_canary(content: &[u8]) -> bool {
    content.windows(CANARY.len()).any(|part| part == CANARY.as_bytes())
}

/// What one thread saw.
#[derive(Default)]
struct Seen {
    operations: u64,
    leaks: Vec<String>,
    answers: BTreeMap<String, u64>,
}

/// One operation on one path, and whether it saw what it must not see.
fn operate(root: &VRoot, which: usize, path: &VPath) -> Result<bool, vroot::Error> {
    match which {
        0 => root.read(path, 1 << 20).map(|content| holds_canary(&content)),
        1 => root
            .list(path, None, 100, &uninterrupted)
            .map(|page| page.entries.iter().any(|entry| entry.name == MARK_NAME)),
        2 => root.write(path, b"written").map(|()| false),
        3 => root.append(path, b"+").map(|()| false),
        4 => root.remove(path, Recursion::Refuse, &uninterrupted).map(|()| false),
        _ => root.remove(path, Recursion::Whole, &uninterrupted).map(|()| false),
    }
}

/// Works through all paths, from a different one in each thread, until told to stop.
fn work(root: &VRoot, paths: &[VPath], first: usize, total: &AtomicU64, stop: &AtomicBool) -> Seen {
    const NAMES: [&str; 6] = ["read", "list", "write", "append", "remove", "remove tree"];
    let mut seen = Seen::default();
    for turn in first.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let path = &paths[turn * 7 % paths.len()];
        // Reads and lists are most of the work, as with a real client.
        let which = match turn % 16 {
            0 => 2,
            4 => 3,
            8 => 4,
            12 => 5,
            other => other % 2,
        };
        let answer = match operate(root, which, path) {
            Ok(false) => "done".to_owned(),
            Ok(true) => {
                seen.leaks.push(format!("{} of {path}", NAMES[which]));
                "LEAKED".to_owned()
            }
            Err(error) => format!("{:?}", error.kind()),
        };
        *seen.answers.entry(format!("{} {answer}", NAMES[which])).or_default() += 1;
        seen.operations += 1;
        total.fetch_add(1, Ordering::Relaxed);
    }
    seen
}

#[test]
fn no_race_leads_out() {
    let seconds = std::env::var("LLMBASEDOS_RACE_SECONDS")
        .map_or(10, |text| text.parse().expect("a number of seconds"));
    let base = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let pending = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let stage = Stage::new(base.path());
    let root = VRoot::open(&stage.root(), pending.path(), &[stage.traps.state()]).expect("a root");
    let before = stage.traps.snapshot().expect("a snapshot");
    let (stop, total, turns) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let paths = paths(&stage.traps);
    let start = Instant::now();
    let deadline = Duration::from_secs(seconds);

    let workers: Vec<Seen> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|number| {
                let (root, paths, total, stop) = (&root, &paths, &total, &stop);
                scope.spawn(move || work(root, paths, number * 41, total, stop))
            })
            .collect();
        for which in 0..4 {
            let (stage, total, stop, turns) = (&stage, &total, &stop, &turns);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    stage.disturb(which);
                    turns.fetch_add(1, Ordering::Relaxed);
                    if start.elapsed() >= deadline && total.load(Ordering::Relaxed) >= OPERATIONS {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
        workers.into_iter().map(|worker| worker.join().expect("no panic")).collect()
    });

    let operations: u64 = workers.iter().map(|seen| seen.operations).sum();
    let leaks: Vec<_> = workers.iter().flat_map(|seen| &seen.leaks).collect();
    let mut answers = BTreeMap::new();
    for (answer, times) in workers.iter().flat_map(|seen| &seen.answers) {
        *answers.entry(answer.as_str()).or_insert(0) += times;
    }
    let (turns, elapsed) = (turns.into_inner(), start.elapsed());
    println!(
        "C2: {operations} operations, {turns} turns of 4 swappers, {elapsed:.1?}, {} escapes",
        leaks.len()
    );
    println!("C2: {answers:?}");
    assert!(leaks.is_empty(), "{leaks:?}");
    assert_eq!(stage.traps.snapshot().expect("a snapshot"), before);
    assert!(operations >= OPERATIONS);
    for operation in ["read", "list", "write", "append", "remove", "remove tree"] {
        for answer in ["done", "Escape", "NotFound"] {
            let key = format!("{operation} {answer}");
            assert!(answers.contains_key(key.as_str()), "{key} never happened");
        }
    }
    // Nothing is left of the writes that lost.
    assert_eq!(fs::read_dir(pending.path()).expect("a folder").count(), 0);
    let mut folders = vec![base.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("text");
            assert!(!name.starts_with(TEMP_PREFIX), "{:?}", entry.path());
            if entry.file_type().expect("a type").is_dir() {
                folders.push(entry.path());
            }
        }
    }
}

/// What many servers do: resolve, check the text, and open by the text.
#[expect(clippy::disallowed_methods, reason = "this is what must be shown to fail")]
fn naive_read(root: &Path, name: &str) -> Option<Vec<u8>> {
    let path = root.join(name).canonicalize().ok()?;
    if path.starts_with(root) { fs::read(path).ok() } else { None }
}

#[test]
fn the_same_races_defeat_a_check_before_the_use() {
    let base = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let stage = Stage::new(base.path());
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let mut tries = 0_u64;
    let leaked = thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                stage.exchange("d", "d-link");
            }
        });
        let root = stage.root();
        let mut leaked = false;
        while !leaked && start.elapsed() < Duration::from_secs(CONTROL_SECONDS) {
            tries += 1;
            let content = naive_read(&root, &format!("d/{CANARY_NAME}"));
            leaked = content.is_some_and(|content| holds_canary(&content));
        }
        stop.store(true, Ordering::Relaxed);
        leaked
    });
    println!("C2 control: leaked after {tries} tries, {:.2?}", start.elapsed());
    assert!(leaked);
}
