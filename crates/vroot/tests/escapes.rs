//! Campaign C1: thousands of ways out, through every operation; none may lead out.
//!
//! `LLMBASEDOS_ESCAPE_PATHS` sets their number and `LLMBASEDOS_SEED` where they start.
#![cfg(test)]

#[path = "common/escape_paths.rs"]
mod escape_paths;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use escape_paths::{CANARY, CANARY_NAME, MARK_NAME, Traps};
use vroot::{Error, ErrorKind, Page, Recursion, VPath, VRoot, uninterrupted};

/// Longer than any canary.
const READ_MAX: u64 = 1 << 20;

fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

fn holds_canary(content: &[u8]) -> bool {
    content.windows(CANARY.len()).any(|part| part == CANARY.as_bytes())
}

/// Whether a list shows the content of a folder that no client may list.
fn shows_mark(page: &Page) -> bool {
    page.entries.iter().any(|entry| entry.name == MARK_NAME)
}

/// Does something at a path, and tells whether it saw a canary.
type Operation<'a> = dyn Fn(&VPath) -> Result<bool, Error> + 'a;

/// How often each answer came.
#[derive(Default)]
struct Tally(BTreeMap<String, usize>);

impl Tally {
    /// Counts a result, and passes on whether something was done.
    fn count<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        let (key, value) = match result {
            Ok(value) => ("done".to_owned(), Some(value)),
            Err(error) => (format!("{:?}", error.kind()), None),
        };
        *self.0.entry(key).or_default() += 1;
        value
    }
}

#[test]
fn no_path_leads_out() {
    let base = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let pending = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let traps = Traps::new(base.path()).expect("traps");
    let root = VRoot::open(&traps.root(), pending.path(), &[traps.state()]).expect("a root");
    let before = traps.snapshot().expect("a snapshot");
    let seed = number("LLMBASEDOS_SEED", 1) as u64;
    let paths = traps.paths(seed, number("LLMBASEDOS_ESCAPE_PATHS", 2000));

    let mut tally = Tally::default();
    let mut attempts = 0;
    for text in &paths {
        let mut changed = false;
        let operations: [&Operation<'_>; 6] = [
            &|path| root.read(path, READ_MAX).map(|content| holds_canary(&content)),
            &|path| root.list(path, None, 1000, &uninterrupted).map(|page| shows_mark(&page)),
            &|path| root.write(path, b"written").map(|()| false),
            &|path| root.append(path, b"appended").map(|()| false),
            &|path| root.remove(path, Recursion::Refuse, &uninterrupted).map(|()| false),
            &|path| root.remove(path, Recursion::Whole, &uninterrupted).map(|()| false),
        ];
        for (which, operation) in operations.iter().enumerate() {
            attempts += 1;
            let result = VPath::parse(text).and_then(|path| operation(&path));
            if let Some(leaked) = tally.count(result) {
                assert!(!leaked, "operation {which} leaked through {text:?}");
                changed |= which >= 2;
            }
        }
        if changed {
            assert_eq!(traps.snapshot().expect("a snapshot"), before, "changed through {text:?}");
            traps.set().expect("traps");
        }
    }
    assert_eq!(traps.snapshot().expect("a snapshot"), before);
    println!(
        "C1: seed {seed}, {} paths, {attempts} attempts, 0 escapes: {:?}",
        paths.len(),
        tally.0
    );
    // A corpus that is refused for one reason only would prove little.
    for kind in ["done", "Escape", "NotFound", "InvalidPath", "LinkLoop", "NotADirectory"] {
        let times = tally.0.get(kind).copied().unwrap_or_default();
        assert!(times * 200 > attempts, "{kind}: {times} of {attempts}");
    }
}

/// What many servers do: the path is text, and so is the check.
fn naive_path(root: &Path, text: &str) -> Option<std::path::PathBuf> {
    let path = root.join(text.trim_start_matches('/'));
    path.starts_with(root).then_some(path)
}

#[test]
fn the_same_paths_defeat_a_check_of_the_text() {
    let base = tempfile::tempdir_in("/dev/shm").expect("a folder");
    let traps = Traps::new(base.path()).expect("traps");
    let (mut by_dots, mut by_links, mut into_state) = (0, 0, 0);
    for text in traps.paths(1, 2000) {
        let Some(path) = naive_path(&traps.root(), &text) else {
            continue;
        };
        // Only so that the control does not wait for a FIFO.
        if !fs::metadata(&path).is_ok_and(|data| data.is_file()) {
            continue;
        }
        if fs::read(&path).is_ok_and(|content| holds_canary(&content)) {
            if text.contains("state") {
                into_state += 1;
            } else if text.contains("..") {
                by_dots += 1;
            } else {
                by_links += 1;
            }
        }
    }
    println!("C1 control: leaked {by_dots} by dots, {by_links} by links, {into_state} of state");
    assert!(by_dots > 0 && by_links > 0 && into_state > 0);
}

#[test]
fn the_paths_are_the_same_for_the_same_seed() {
    let base = tempfile::tempdir().expect("a folder");
    let traps = Traps::new(base.path()).expect("traps");
    assert_eq!(traps.paths(7, 3000), traps.paths(7, 3000));
    assert_ne!(traps.paths(7, 3000), traps.paths(8, 3000));
    let mut unlike = traps.paths(7, 3000);
    unlike.sort();
    unlike.dedup();
    assert!(unlike.len() > 2000, "{}", unlike.len());
}

#[test]
fn the_canaries_would_tell() {
    let base = tempfile::tempdir().expect("a folder");
    let traps = Traps::new(base.path()).expect("traps");
    let before = traps.snapshot().expect("a snapshot");
    traps.set().expect("traps");
    assert_eq!(traps.snapshot().expect("a snapshot"), before);
    let pending = tempfile::tempdir().expect("a folder");
    let root = VRoot::open(base.path(), pending.path(), &[]).expect("a root");
    let inside = |text: &str| VPath::parse(text).expect("a path");
    let canary = inside(&format!("/outside/{CANARY_NAME}"));
    assert!(holds_canary(&root.read(&canary, READ_MAX).expect("a file")));
    assert!(shows_mark(&root.list(&inside("/outside"), None, 10, &uninterrupted).expect("a list")));
    root.write(&inside("/root/hard"), b"x").expect("a write");
    assert_eq!(traps.snapshot().expect("a snapshot"), before, "a hard link is not written through");
    root.write(&inside("/outside/new"), b"x").expect("a write");
    assert_ne!(traps.snapshot().expect("a snapshot"), before);
    assert_eq!(
        root.remove(&inside("/none"), Recursion::Whole, &uninterrupted)
            .map_err(|error| error.kind()),
        Err(ErrorKind::NotFound)
    );
}
