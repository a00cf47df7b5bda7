//! The disk refuses, or the process dies, at every single call that changes something.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::fault::{Call, Plan, run};
use crate::{Error, Recovered, Recursion, TEMP_PREFIX, VPath, VRoot, uninterrupted};

const OLD: &[u8] = b"the old content";
const ADDED: &[u8] = b"the added content";
/// More calls than any operation here makes.
const ENOUGH: usize = 100;

struct Host {
    folder: tempfile::TempDir,
}

/// A way to change `/a/file`, which may exist before.
#[derive(Clone, Copy, Debug)]
enum Case {
    Create,
    Replace,
    AppendNew,
    Append,
}

const CASES: [Case; 4] = [Case::Create, Case::Replace, Case::AppendNew, Case::Append];

impl Case {
    fn before(self) -> Option<Vec<u8>> {
        match self {
            Self::Create | Self::AppendNew => None,
            Self::Replace | Self::Append => Some(OLD.to_vec()),
        }
    }

    fn after(self) -> Vec<u8> {
        match self {
            Self::Append => [OLD, ADDED].concat(),
            _ => ADDED.to_vec(),
        }
    }

    fn act(self, root: &VRoot) -> Result<(), Error> {
        let path = VPath::parse("/a/file").expect("a path");
        match self {
            Self::Create | Self::Replace => root.write(&path, ADDED),
            Self::AppendNew | Self::Append => root.append(&path, ADDED),
        }
    }
}

impl Host {
    fn new(case: Case) -> Self {
        let host = Self { folder: tempfile::tempdir().expect("a folder") };
        fs::create_dir_all(host.path("files/a")).expect("folders");
        fs::create_dir(host.path("pending")).expect("a folder");
        if let Some(before) = case.before() {
            fs::write(host.file(), before).expect("a file");
            fs::set_permissions(host.file(), fs::Permissions::from_mode(0o640)).expect("a mode");
        }
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("files/a/file")
    }

    fn root(&self) -> VRoot {
        VRoot::open(&self.path("files"), &self.path("pending"), &[]).expect("a root")
    }

    fn content(&self) -> Option<Vec<u8>> {
        fs::read(self.file()).ok()
    }

    /// Temporary files and records that are left.
    fn litter(&self) -> usize {
        names(&self.path("files/a")).iter().filter(|name| name.starts_with(TEMP_PREFIX)).count()
            + names(&self.path("pending")).len()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect()
}

#[test]
fn each_step_is_durable_before_the_next_relies_on_it() {
    let host = Host::new(Case::Replace);
    let root = host.root();
    let (result, calls) = run(Plan::Nothing, || Case::Replace.act(&root));
    result.expect("a write");
    let record = [Call::Create, Call::Write, Call::Write, Call::SyncFile, Call::SyncFolder];
    let file = [Call::Create, Call::Write, Call::Write, Call::SetMode, Call::SyncFile];
    let end = [Call::Rename, Call::SyncFolder, Call::Unlink];
    let expected = [&record[..], &file, &end].concat();
    // Labels that the host gives to every file are carried too.
    let plain = |call: &Call| !matches!(call, Call::SetAttribute | Call::RemoveAttribute);
    assert_eq!(calls.into_iter().filter(plain).collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_undone_is_durably_gone_before_its_record_is() {
    let host = Host::new(Case::Replace);
    let root = host.root();
    let calls = run(Plan::Nothing, || Case::Replace.act(&root)).1;
    let at = calls.iter().position(|call| *call == Call::Rename).expect("a rename");
    let calls = run(Plan::Fail(at, Errno::IO), || Case::Replace.act(&root)).1;
    assert_eq!(calls[at..], [Call::Rename, Call::Unlink, Call::SyncFolder, Call::Unlink]);
}

#[test]
fn a_removal_is_durable() {
    for recursion in [Recursion::Refuse, Recursion::Whole] {
        let host = Host::new(Case::Replace);
        let root = host.root();
        let path = VPath::parse("/a/file").expect("a path");
        let (result, calls) = run(Plan::Nothing, || root.remove(&path, recursion, &uninterrupted));
        result.expect("a removal");
        assert_eq!(calls, [Call::Unlink, Call::SyncFolder]);
    }
}

#[test]
fn a_death_at_any_point_leaves_the_old_or_the_new_file() {
    for case in CASES {
        let mut ended = false;
        for at in 0..ENOUGH {
            let host = Host::new(case);
            let root = host.root();
            let (result, calls) = run(Plan::Die(at), || case.act(&root));
            drop(root);
            let content = host.content();
            let renamed = content.as_deref() == Some(&case.after());
            assert!(renamed || content == case.before(), "{case:?} at {at}: {content:?}");
            assert!(renamed || result.is_err(), "{case:?} at {at}: acknowledged but lost");

            // The recovery dies as well, at every point, and another one ends it.
            let first = run(Plan::Die(at % 4), || host.root().recover()).0;
            let second = host.root().recover().expect("a recovery");
            assert_eq!(second.kept, 0, "{case:?} at {at} after {first:?}");
            assert_eq!(host.litter(), 0, "{case:?} at {at} after {first:?}");
            assert_eq!(host.content(), content, "{case:?} at {at}: a recovery changed the file");
            let third = host.root().recover().expect("a recovery");
            assert_eq!(third, Recovered::default(), "{case:?} at {at}");
            if calls.len() <= at {
                ended = true;
                break;
            }
        }
        assert!(ended, "{case:?} has more than {ENOUGH} calls");
    }
}

#[test]
fn a_refusal_at_any_point_is_told_and_cleaned_up() {
    for case in CASES {
        for errno in [Errno::IO, Errno::NOSPC, Errno::PERM] {
            let mut ended = false;
            for at in 0..ENOUGH {
                let host = Host::new(case);
                let root = host.root();
                let (result, calls) = run(Plan::Fail(at, errno), || case.act(&root));
                let content = host.content();
                let failed = calls.get(at).copied();
                match &result {
                    Ok(()) => {
                        assert_eq!(content, Some(case.after()), "{case:?} at {at}");
                        // A record that could not be removed does no harm.
                        let harmless = matches!(failed, None | Some(Call::Unlink));
                        assert!(harmless, "{case:?} at {at}: {failed:?} was ignored");
                    }
                    Err(Error::Unconfirmed { .. }) => {
                        assert_eq!(content, Some(case.after()), "{case:?} at {at}");
                        assert_eq!(host.litter(), 0, "{case:?} at {at}");
                    }
                    Err(_) => {
                        assert_eq!(content, case.before(), "{case:?} at {at}");
                        assert_eq!(host.litter(), 0, "{case:?} at {at}");
                    }
                }
                root.recover().expect("a recovery");
                assert_eq!(host.litter(), 0, "{case:?} at {at}");
                if failed.is_none() {
                    ended = true;
                    break;
                }
            }
            assert!(ended, "{case:?} has more than {ENOUGH} calls");
        }
    }
}

#[test]
fn a_record_stays_while_its_file_cannot_be_removed() {
    let host = Host::new(Case::Replace);
    let root = host.root();
    let renaming = run(Plan::Nothing, || Case::Replace.act(&root)).1;
    let at = renaming.iter().position(|call| *call == Call::Rename).expect("a rename");
    run(Plan::Die(at), || Case::Replace.act(&root)).0.expect_err("a death");
    assert_eq!(host.litter(), 2);
    let refused = run(Plan::Fail(0, Errno::PERM), || root.recover()).0.expect("a recovery");
    assert_eq!(refused, Recovered { files: 0, records: 0, kept: 1 });
    let done = root.recover().expect("a recovery");
    assert_eq!(done, Recovered { files: 1, records: 1, kept: 0 });
    assert_eq!(host.litter(), 0);
}

#[test]
fn an_interrupted_removal_can_be_repeated() {
    let path = VPath::parse("/a").expect("a path");
    let mut ended = false;
    for at in 0..ENOUGH {
        let host = Host::new(Case::Replace);
        for name in ["x/y", "x/z"] {
            fs::create_dir_all(host.path("files/a").join(name)).expect("folders");
            fs::write(host.path("files/a").join(name).join("file"), b"").expect("a file");
        }
        let root = host.root();
        let (result, calls) =
            run(Plan::Fail(at, Errno::IO), || root.remove(&path, Recursion::Whole, &uninterrupted));
        if calls.len() <= at {
            result.expect("a removal");
            ended = true;
        } else {
            result.expect_err("a failed removal");
            if calls.get(at) != Some(&Call::SyncFolder) {
                root.remove(&path, Recursion::Whole, &uninterrupted).expect("a removal");
            }
        }
        assert_eq!(names(&host.path("files")), Vec::<String>::new());
        if ended {
            break;
        }
    }
    assert!(ended);
}

#[test]
fn a_temporary_file_shows_nothing_to_others() {
    let host = Host::new(Case::Replace);
    fs::set_permissions(host.file(), fs::Permissions::from_mode(0o600)).expect("a mode");
    let root = host.root();
    let calls = run(Plan::Nothing, || Case::Replace.act(&root)).1;
    for at in
        calls.iter().position(|call| *call == Call::SyncFolder).expect("a record")..calls.len()
    {
        let host = Host::new(Case::Replace);
        fs::set_permissions(host.file(), fs::Permissions::from_mode(0o600)).expect("a mode");
        let root = host.root();
        run(Plan::Die(at), || Case::Replace.act(&root)).0.ok();
        for folder in ["files/a", "pending"] {
            for name in names(&host.path(folder)) {
                let mode = fs::metadata(host.path(folder).join(&name)).expect("a file").mode();
                assert_eq!(mode & 0o777, 0o600, "{name} at {at}");
            }
        }
    }
}
