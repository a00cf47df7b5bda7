//! Every change that is told to a ledger can be undone, also after the process died at any call that changes something.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::XattrFlags;
use rustix::io::Errno;
use tempfile::TempDir;

use crate::fault::{Call, Plan, point, run};
use crate::{
    Beyond, Changes, Done, Error, ErrorKind, Expect, Ledger, Recursion, Room, RootOptions, Step,
    VPath, VRoot, uninterrupted,
};

/// More calls than any operation here makes.
const ENOUGH: usize = 200;
const ROOM: Room = Room { bytes: 1000, beyond: Beyond::Refuse };

/// A ledger that outlives the process, and which the death of the process leaves as it is.
struct Book {
    entries: RefCell<Vec<(Step, Option<bool>)>>,
    room: Room,
}

impl Book {
    fn new(room: Room) -> Self {
        Self { entries: RefCell::default(), room }
    }

    fn made(&self) -> Vec<Step> {
        let entries = self.entries.borrow();
        entries
            .iter()
            .filter(|(_, made)| *made == Some(true))
            .map(|(step, _)| step.clone())
            .collect()
    }
}

impl Ledger for Book {
    fn room(&self) -> Room {
        self.room
    }

    fn begin(&self, step: &Step) -> io::Result<i64> {
        point(Call::Ledger)?;
        let mut entries = self.entries.borrow_mut();
        entries.push((step.clone(), None));
        Ok(i64::try_from(entries.len() - 1).expect("few entries"))
    }

    fn end(&self, entry: i64, made: bool) -> io::Result<()> {
        point(Call::Ledger)?;
        self.entries.borrow_mut()[usize::try_from(entry).expect("an entry")].1 = Some(made);
        Ok(())
    }
}

/// Where the folder of kept things lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    /// On the file system of the root.
    Near,
    /// On another one.
    Far,
}

struct Host {
    base: TempDir,
    kept: TempDir,
}

impl Host {
    fn new(store: Store) -> Self {
        // In memory, since this waits for a disk some ten thousand times.
        let base = tempfile::tempdir_in("/dev/shm").expect("a folder");
        let kept = match store {
            Store::Near => tempfile::tempdir_in("/dev/shm"),
            Store::Far => tempfile::tempdir(),
        }
        .expect("a folder");
        let far = fs::metadata(base.path()).expect("a folder").dev()
            != fs::metadata(kept.path()).expect("a folder").dev();
        assert_eq!(far, store == Store::Far, "the folders are not where the test wants them");
        let host = Self { base, kept };
        for folder in ["pending", "files/tree/sub", "files/empty"] {
            fs::create_dir_all(host.base.path().join(folder)).expect("folders");
        }
        for (at, name) in ["file", "one", "tree/x", "tree/sub/y"].into_iter().enumerate() {
            let path = host.at(name);
            fs::write(&path, name).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
            let time = SystemTime::UNIX_EPOCH + Duration::new(1_000_000 + at as u64, 123_456_789);
            fs::File::options()
                .write(true)
                .open(&path)
                .expect("a file")
                .set_modified(time)
                .expect("a time");
        }
        rustix::fs::setxattr(host.at("file"), c"user.mark", b"kept", XattrFlags::empty())
            .expect("an attribute");
        fs::hard_link(host.at("one"), host.at("two")).expect("a link");
        symlink("file", host.at("link")).expect("a link");
        symlink("x", host.at("tree/link")).expect("a link");
        fs::set_permissions(host.at("tree"), fs::Permissions::from_mode(0o750)).expect("a mode");
        host
    }

    fn at(&self, name: &str) -> PathBuf {
        self.base.path().join("files").join(name)
    }

    fn root(&self) -> VRoot {
        let options =
            RootOptions { kept: Some(self.kept.path().to_owned()), ..RootOptions::default() };
        let at = |name| self.base.path().join(name);
        VRoot::open_with(&at("files"), &at("pending"), &[], options).expect("a root")
    }

    /// All that an undo promises to restore.
    fn state(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![self.at("")];
        while let Some(path) = waiting.pop() {
            let data = fs::symlink_metadata(&path).expect("an entry");
            let mut facts = format!("{:o}", data.mode());
            if data.is_dir() {
                waiting.extend(entries(&path));
            } else if data.is_symlink() {
                write!(facts, " {:?}", fs::read_link(&path).expect("a link")).expect("a text");
            } else {
                let mut mark = [0; 8];
                let mark = rustix::fs::getxattr(&path, c"user.mark", &mut mark[..]);
                let (time, content) = (data.modified(), fs::read(&path));
                write!(facts, " {time:?} {content:?} {mark:?}").expect("a text");
            }
            found.insert(path.strip_prefix(self.base.path()).expect("below").to_owned(), facts);
        }
        found
    }

    /// What a new process does: decides about open steps, cleans up, and forgets what no step names.
    fn restart(&self, book: &Book) -> VRoot {
        let root = self.root();
        for (step, made) in book.entries.borrow_mut().iter_mut() {
            made.get_or_insert_with(|| root.was_made(step));
        }
        root.recover().expect("a recovery");
        let named: Vec<String> =
            book.made().into_iter().filter_map(|step| step.kept).map(|kept| kept.name).collect();
        for name in root.kept_names().expect("names") {
            if !named.contains(&name) {
                root.forget(&name).expect("a removal");
            }
        }
        assert_eq!(entries(&self.base.path().join("pending")), Vec::<PathBuf>::new());
        // What is back in the root is still named by the step that took it away.
        assert!(entries(self.kept.path()).len() <= named.len());
        root
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}

fn path(text: &str) -> VPath {
    VPath::parse(text).expect("a path")
}

type Act = (&'static str, fn(&Changes<'_>) -> Result<Done, Error>);

const ANY: Expect<'static> = Expect::Anything;

const ACTS: [Act; 15] = [
    ("make a file", |c| c.write(&path("/new"), b"new", ANY)),
    ("replace a file", |c| c.write(&path("/file"), b"new", ANY)),
    ("replace a file with two names", |c| c.write(&path("/one"), b"new", ANY)),
    ("replace through a link", |c| c.write(&path("/link"), b"new", ANY)),
    ("append", |c| c.append(&path("/file"), b"new", ANY)),
    ("remove a file", |c| c.remove(&path("/file"), Recursion::Refuse, ANY, &uninterrupted)),
    ("remove a link", |c| c.remove(&path("/link"), Recursion::Refuse, ANY, &uninterrupted)),
    ("remove a folder", |c| c.remove(&path("/empty"), Recursion::Refuse, ANY, &uninterrupted)),
    ("remove a tree", |c| c.remove(&path("/tree"), Recursion::Whole, ANY, &uninterrupted)),
    ("make a folder", |c| c.make_folder(&path("/new"))),
    ("make a tree", |c| {
        c.build(&path("/new"), &uninterrupted, &mut |stage| {
            let mut file = stage.file("a/b", 0o644)?;
            io::Write::write_all(&mut file, b"b").expect("a write");
            stage.close(&file)
        })
    }),
    ("copy a file onto another", |c| c.copy(&path("/one"), &path("/file"), ANY, &uninterrupted)),
    ("copy a tree", |c| c.copy(&path("/tree"), &path("/new"), ANY, &uninterrupted)),
    ("move a file", |c| c.rename(&path("/file"), &path("/tree/file"), ANY, &uninterrupted)),
    ("move a tree", |c| c.rename(&path("/tree"), &path("/empty/tree"), ANY, &uninterrupted)),
];

#[test]
fn what_is_undone_is_as_it_was_and_can_be_redone() {
    for store in [Store::Near, Store::Far] {
        for (what, act) in ACTS {
            let (host, book) = (Host::new(store), Book::new(ROOM));
            let before = host.state();
            let root = host.root();
            let changes = root.changes(&book);
            act(&changes).unwrap_or_else(|error| panic!("{what}: {error}"));
            let after = host.state();
            assert_ne!(after, before, "{what}");
            changes
                .undo(&book.made()[0], &uninterrupted)
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(host.state(), before, "{what} {store:?}");
            changes
                .undo(&book.made()[1], &uninterrupted)
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(host.state(), after, "{what} {store:?}");
        }
    }
}

#[test]
fn a_death_at_any_point_leaves_the_old_or_the_new_and_a_history_that_knows() {
    for store in [Store::Near, Store::Far] {
        for (what, act) in ACTS {
            let mut ended = false;
            let (mut old, mut new) = (0, 0);
            for at in 0..ENOUGH {
                let (host, book) = (Host::new(store), Book::new(ROOM));
                let before = host.state();
                let root = host.root();
                let (result, calls) = run(Plan::Die(at), || act(&root.changes(&book)));
                drop(root);
                let root = host.restart(&book);
                let after = host.state();
                let made = book.made();
                assert_eq!(made.len(), usize::from(after != before), "{what} {store:?} at {at}");
                assert!(result.is_err() || !made.is_empty(), "{what} at {at}: lost");
                match made.first() {
                    None => old += 1,
                    Some(step) => {
                        new += 1;
                        root.changes(&book).undo(step, &uninterrupted).expect("an undo");
                        assert_eq!(host.state(), before, "{what} {store:?} at {at}");
                    }
                }
                if calls.len() <= at {
                    ended = true;
                    break;
                }
            }
            assert!(ended && old > 1 && new > 1, "{what} {store:?}: {old} old, {new} new");
        }
    }
}

#[test]
fn an_undo_that_dies_loses_nothing() {
    for store in [Store::Near, Store::Far] {
        for (what, act) in ACTS {
            let mut ended = false;
            for at in 0..ENOUGH {
                let (host, book) = (Host::new(store), Book::new(ROOM));
                let before = host.state();
                let root = host.root();
                act(&root.changes(&book)).expect("a change");
                let after = host.state();
                let step = book.made().remove(0);
                let (_, calls) = run(Plan::Die(at), || {
                    root.changes(&book).undo(&step, &uninterrupted).map(drop)
                });
                drop(root);
                let root = host.restart(&book);
                let now = host.state();
                let undone = book.made().len() == 2;
                assert_eq!(&now, if undone { &before } else { &after }, "{what} {store:?} at {at}");
                let again = book.made().pop().expect("a step");
                root.changes(&book).undo(&again, &uninterrupted).expect("an undo");
                let other = if undone { &after } else { &before };
                assert_eq!(&host.state(), other, "{what} {store:?} at {at}");
                if calls.len() <= at {
                    ended = true;
                    break;
                }
            }
            assert!(ended, "{what}");
        }
    }
}

#[test]
fn a_refusal_at_any_point_changes_nothing_or_is_told() {
    for (what, act) in ACTS {
        for errno in [Errno::IO, Errno::NOSPC] {
            for at in 0..ENOUGH {
                let (host, book) = (Host::new(Store::Near), Book::new(ROOM));
                let before = host.state();
                let root = host.root();
                let (result, calls) = run(Plan::Fail(at, errno), || act(&root.changes(&book)));
                let changed = host.state() != before;
                let told = matches!(result, Ok(_) | Err(Error::Unconfirmed { .. }));
                assert!(!changed || told, "{what} at {at}: {result:?}");
                drop(root);
                host.restart(&book);
                assert_eq!(host.state() != before, changed, "{what} at {at}");
                assert_eq!(book.made().len(), usize::from(changed), "{what} at {at}");
                if calls.len() <= at {
                    break;
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_kept_is_refused_or_said_to_be_lost() {
    let big = vec![b'x'; 1001];
    for (beyond, refused) in [(Beyond::Refuse, true), (Beyond::Forget, false)] {
        let host = Host::new(Store::Near);
        let book = Book::new(Room { bytes: 1000, beyond });
        let root = host.root();
        let changes = root.changes(&book);
        fs::write(host.at("file"), &big).expect("a file");
        fs::write(host.at("tree/big"), &big).expect("a file");
        let results = [
            changes.write(&path("/file"), b"new", ANY),
            changes.remove(&path("/tree"), Recursion::Whole, ANY, &uninterrupted),
        ];
        for result in results {
            match result {
                Err(error) => {
                    assert!(refused && error.kind() == ErrorKind::NotKept, "{error}");
                }
                Ok(_) => assert!(!refused),
            }
        }
        assert!(book.made().iter().all(|step| step.lost && step.kept.is_none()));
        for step in book.made() {
            let error = changes.undo(&step, &uninterrupted).expect_err("an error");
            assert_eq!(error.kind(), ErrorKind::Forgotten);
        }
        assert_eq!(fs::metadata(host.at("tree")).is_ok(), refused);
    }
}

#[test]
fn what_others_changed_since_then_is_not_undone() {
    for (what, act) in ACTS {
        let (host, book) = (Host::new(Store::Near), Book::new(ROOM));
        let root = host.root();
        let changes = root.changes(&book);
        act(&changes).expect("a change");
        let step = book.made().remove(0);
        let at = |text: &str| host.at(text.trim_start_matches('/'));
        let there = at(step.to.as_deref().unwrap_or(&step.path));
        if there.is_dir() {
            fs::write(there.join("theirs"), "theirs").expect("a file");
        } else {
            fs::remove_file(&there).ok();
            fs::write(&there, "theirs").expect("a file");
        }
        let state = host.state();
        let kind = changes.undo(&step, &uninterrupted).expect_err(what).kind();
        assert!(matches!(kind, ErrorKind::Changed | ErrorKind::Exists), "{what}: {kind:?}");
        assert_eq!(host.state(), state, "{what}");
    }
}

#[test]
fn a_change_of_what_is_not_expected_is_refused() {
    let (host, book) = (Host::new(Store::Near), Book::new(ROOM));
    let root = host.root();
    let changes = root.changes(&book);
    let etag = root.stat(&path("/file")).expect("a file").etag;
    let done = changes.write(&path("/file"), b"one", Expect::Etag(&etag)).expect("a write");
    let stale = changes.write(&path("/file"), b"two", Expect::Etag(&etag)).expect_err("stale");
    assert_eq!(stale.kind(), ErrorKind::Changed);
    let fresh = done.etag.expect("a tag");
    assert_eq!(root.stat(&path("/file")).expect("a file").etag, fresh);
    changes.append(&path("/file"), b"two", Expect::Etag(&fresh)).expect("an append");
    let there = changes.write(&path("/file"), b"", Expect::Absent).expect_err("it is there");
    assert_eq!(there.kind(), ErrorKind::Exists);
    let gone = changes.write(&path("/gone"), b"", Expect::Etag(&fresh)).expect_err("it is gone");
    assert_eq!(gone.kind(), ErrorKind::Changed);
    assert_eq!(fs::read(host.at("file")).expect("a file"), b"onetwo");
    let folder = path("/tree");
    let into = changes.rename(&folder, &path("/tree/sub/in"), ANY, &uninterrupted);
    assert_eq!(into.expect_err("into itself").kind(), ErrorKind::IntoItself);
    let into = changes.copy(&folder, &path("/tree/sub/in"), ANY, &uninterrupted);
    assert_eq!(into.expect_err("into itself").kind(), ErrorKind::IntoItself);
    let onto = changes.rename(&folder, &path("/file"), ANY, &uninterrupted);
    assert_eq!(onto.expect_err("onto another").kind(), ErrorKind::Exists);
}
