//! Somebody else does something at the one moment at which it would hurt most.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::fault::{Call, Plan, run};
use crate::{Error, ErrorKind, Recursion, VPath, VRoot, uninterrupted};

struct Host {
    base: tempfile::TempDir,
    root: VRoot,
}

impl Host {
    fn new() -> Self {
        let base = tempfile::tempdir().expect("a folder");
        for name in ["files/a/sub", "files/state", "pending", "outside"] {
            fs::create_dir_all(base.path().join(name)).expect("folders");
        }
        for name in ["files/a/file", "files/a/sub/file", "files/state/secret", "outside/secret"] {
            fs::write(base.path().join(name), "old").expect("a file");
        }
        let at = |name| base.path().join(name);
        let root = VRoot::open(&at("files"), &at("pending"), &[at("files/state")]);
        Self { root: root.expect("a root"), base }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }
}

/// Runs `operation` on a fresh host while somebody else does `meddle` right before the `nth` call
/// of a kind, and returns the host as it is afterwards.
fn with_meddler(
    (nth, call): (usize, Call),
    operation: impl Fn(&VRoot) -> Result<(), Error>,
    meddle: impl FnOnce(&Path) + 'static,
) -> (Host, Result<(), ErrorKind>) {
    // The same operation without anybody else tells which call is meant.
    let calls = run(Plan::Nothing, || operation(&Host::new().root)).1;
    let mut found = (0..calls.len()).filter(|at| calls.get(*at) == Some(&call));
    let at = found.nth(nth).expect("such a call");
    let host = Host::new();
    let base = host.base.path().to_owned();
    let plan = Plan::Meddle(at, Box::new(move || meddle(&base)));
    let result = run(plan, || operation(&host.root)).0;
    (host, result.map_err(|error| error.kind()))
}

fn path(text: &str) -> VPath {
    VPath::parse(text).expect("a path")
}

fn write(text: &'static str) -> impl Fn(&VRoot) -> Result<(), Error> {
    move |root| root.write(&path(text), b"new")
}

fn append(text: &'static str) -> impl Fn(&VRoot) -> Result<(), Error> {
    move |root| root.append(&path(text), b" new")
}

/// Checks the result of a write to `/a/file` or `/a/new` and what is there afterwards.
#[track_caller]
fn check(
    (host, result): (Host, Result<(), ErrorKind>),
    expected: Result<(), ErrorKind>,
    file: &str,
    content: Option<&str>,
) {
    assert_eq!(result, expected);
    assert_eq!(fs::read_to_string(host.at(file)).ok().as_deref(), content);
    assert_eq!(fs::read_to_string(host.at("outside/secret")).expect("a file"), "old");
    assert_eq!(fs::read_to_string(host.at("files/state/secret")).expect("a file"), "old");
    assert_eq!(fs::read_dir(host.at("pending")).expect("a folder").count(), 0);
    for entry in fs::read_dir(host.at("files/a")).expect("a folder") {
        let name = entry.expect("an entry").file_name().into_string().expect("text");
        assert!(!name.starts_with(crate::TEMP_PREFIX), "{name}");
    }
}

/// When the content of the new version is durable, and the target was examined long ago.
const BEFORE_CHECK: (usize, Call) = (1, Call::SyncFile);
/// When the target was examined the last time.
const AFTER_CHECK: (usize, Call) = (0, Call::Rename);

#[test]
fn a_target_that_was_exchanged_is_kept() {
    for operation in [&write("/a/file") as &dyn Fn(&VRoot) -> _, &append("/a/file")] {
        let done = with_meddler(BEFORE_CHECK, operation, |base| {
            fs::write(base.join("other"), "other").expect("a file");
            fs::rename(base.join("other"), base.join("files/a/file")).expect("a rename");
        });
        check(done, Err(ErrorKind::Busy), "files/a/file", Some("other"));
        let done = with_meddler(BEFORE_CHECK, operation, |base| {
            fs::remove_file(base.join("files/a/file")).expect("a removal");
        });
        check(done, Err(ErrorKind::Busy), "files/a/file", None);
        let done = with_meddler(BEFORE_CHECK, operation, |base| {
            fs::remove_file(base.join("files/a/file")).expect("a removal");
            symlink("../../outside/secret", base.join("files/a/file")).expect("a link");
        });
        check(done, Err(ErrorKind::Busy), "files/a/file", Some("old"));
        let done = with_meddler(AFTER_CHECK, operation, |base| {
            fs::remove_file(base.join("files/a/file")).expect("a removal");
            fs::create_dir(base.join("files/a/file")).expect("a folder");
        });
        check(done, Err(ErrorKind::Busy), "files/a/file", None);
    }
}

#[test]
fn a_link_that_appears_after_the_last_look_is_replaced_and_not_followed() {
    let done = with_meddler(AFTER_CHECK, write("/a/file"), |base| {
        fs::remove_file(base.join("files/a/file")).expect("a removal");
        symlink("../../outside/secret", base.join("files/a/file")).expect("a link");
    });
    check(done, Ok(()), "files/a/file", Some("new"));
}

#[test]
fn what_others_append_is_not_lost_by_an_append() {
    let extend = |base: &Path| {
        let mut file =
            fs::File::options().append(true).open(base.join("files/a/file")).expect("a file");
        file.write_all(b" more").expect("a write");
    };
    let done = with_meddler(BEFORE_CHECK, append("/a/file"), extend);
    check(done, Err(ErrorKind::Busy), "files/a/file", Some("old more"));
    // To replace the content is what a write is for.
    let done = with_meddler(BEFORE_CHECK, write("/a/file"), extend);
    check(done, Ok(()), "files/a/file", Some("new"));
    let done = with_meddler((1, Call::Create), append("/a/file"), |base| {
        fs::write(base.join("files/a/file"), "").expect("a file");
    });
    check(done, Err(ErrorKind::Busy), "files/a/file", Some(""));
}

#[test]
fn a_file_that_appears_is_kept() {
    for moment in [BEFORE_CHECK, AFTER_CHECK] {
        for operation in [&write("/a/new") as &dyn Fn(&VRoot) -> _, &append("/a/new")] {
            let done = with_meddler(moment, operation, |base| {
                fs::write(base.join("files/a/new"), "other").expect("a file");
            });
            check(done, Err(ErrorKind::Busy), "files/a/new", Some("other"));
        }
    }
}

#[test]
fn a_folder_that_is_moved_out_is_written_once_and_left_clean() {
    let (host, result) = with_meddler((1, Call::Create), write("/a/file"), |base| {
        fs::rename(base.join("files/a"), base.join("outside/a")).expect("a move");
        fs::create_dir(base.join("files/a")).expect("a folder");
    });
    assert_eq!(result, Ok(()));
    assert_eq!(fs::read_to_string(host.at("outside/a/file")).expect("a file"), "new");
    assert_eq!(fs::read_dir(host.at("outside/a")).expect("a folder").count(), 2);
    assert_eq!(fs::read_dir(host.at("files/a")).expect("a folder").count(), 0);
    assert_eq!(fs::read_dir(host.at("pending")).expect("a folder").count(), 0);
}

#[test]
fn a_tree_is_looked_at_again_while_it_is_removed() {
    let remove = |root: &VRoot| root.remove(&path("/a"), Recursion::Whole, &uninterrupted);
    let (host, result) = with_meddler((0, Call::Unlink), remove, |base| {
        fs::rename(base.join("files/state"), base.join("files/a/sub/state")).expect("a move");
        fs::write(base.join("files/a/late"), "").expect("a file");
    });
    assert_eq!(result, Err(ErrorKind::Protected));
    assert_eq!(fs::read_to_string(host.at("files/a/sub/state/secret")).expect("a file"), "old");

    let (host, result) = with_meddler((0, Call::Unlink), remove, |base| {
        fs::rename(base.join("files/a/sub"), base.join("moved")).expect("a move");
        symlink("../../outside", base.join("files/a/sub")).expect("a link");
        fs::write(base.join("files/a/late"), "").expect("a file");
    });
    assert_eq!(result, Ok(()));
    assert!(fs::symlink_metadata(host.at("files/a")).is_err());
    assert!(host.at("outside/secret").is_file() && host.at("moved/file").is_file());

    // The folder itself is exchanged when all below it is gone.
    let (host, result) = with_meddler((1, Call::RemoveFolder), remove, |base| {
        fs::rename(base.join("files/a"), base.join("moved")).expect("a move");
        fs::rename(base.join("files/state"), base.join("files/a")).expect("a move");
    });
    assert_eq!(result, Err(ErrorKind::NotEmpty));
    assert!(host.at("files/a/secret").is_file());
}

#[test]
fn one_entry_is_removed_as_what_it_was() {
    let remove = |root: &VRoot| root.remove(&path("/a/file"), Recursion::Whole, &uninterrupted);
    let (host, result) = with_meddler((0, Call::Unlink), remove, |base| {
        fs::remove_file(base.join("files/a/file")).expect("a removal");
        fs::rename(base.join("files/a/sub"), base.join("files/a/file")).expect("a move");
    });
    assert_eq!(result, Err(ErrorKind::Busy));
    assert!(host.at("files/a/file/file").is_file());
}
