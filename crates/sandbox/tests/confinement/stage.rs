//! The folder that an act is tried in, and the user that tries it.
//!
//! ```text
//! probe            this test binary, where another user can start it
//! act-N/inside/    declared for reading and writing, belongs to the user
//! act-N/shared/    declared for reading, belongs to the user
//! act-N/outside/   declared for nothing, belongs to the user: only the sandbox protects it
//! ```

use std::{
    env, fs, io,
    os::unix::{
        fs::{PermissionsExt, chown, symlink},
        net::{UnixDatagram, UnixListener},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

use crate::outcome::Outcome;

/// The user and group that own nothing, by convention `nobody`.
const NOBODY: u32 = 65534;
/// The mode of what everyone may enter or start.
const EVERYONE: u32 = 0o755;

/// Variables that tell a child what to do.
pub(crate) const ACT: &str = "SANDBOX_TEST_ACT";
pub(crate) const LOCKED: &str = "SANDBOX_TEST_LOCKED";
pub(crate) const FOLDER: &str = "SANDBOX_TEST_FOLDER";

/// Who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// Whoever runs the tests.
    Current,
    /// Number 65534, without groups. Only root can become that.
    Nobody,
}

impl User {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Current if is_root() => "root",
            Self::Current => "user",
            Self::Nobody => "nobody",
        }
    }
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

pub(crate) fn is_nobody() -> bool {
    rustix::process::geteuid().as_raw() == NOBODY
}

/// Where all acts of this run have their folders. Removed when dropped.
#[derive(Default)]
pub(crate) struct Stage {
    made: OnceLock<TempDir>,
}

impl Stage {
    /// Tries the act `name` in a child, and says what came of it.
    pub(crate) fn attempt(&self, name: &str, locked: bool, user: User) -> io::Result<Outcome> {
        let stage = self.folder()?;
        let folder = tempfile::Builder::new().prefix("act-").tempdir_in(stage)?;
        open_to_all(folder.path())?;
        let _others = furnish(folder.path(), user)?;
        let mut child = Command::new(stage.join("probe"));
        child.env(ACT, name).env(FOLDER, folder.path()).current_dir("/");
        if locked {
            child.env(LOCKED, "1");
        }
        if user == User::Nobody {
            // The standard library also drops the supplementary groups; the child checks it.
            child.uid(NOBODY).gid(NOBODY);
        }
        Ok(Outcome::heard(&child.output()?))
    }

    fn folder(&self) -> io::Result<&Path> {
        if let Some(made) = self.made.get() {
            return Ok(made.path());
        }
        let folder = tempfile::Builder::new().prefix("sandbox-test-").tempdir()?;
        open_to_all(folder.path())?;
        let (own, probe) = (env::current_exe()?, folder.path().join("probe"));
        if fs::hard_link(&own, &probe).is_err() {
            fs::copy(&own, &probe)?;
            open_to_all(&probe)?;
        }
        Ok(self.made.get_or_init(|| folder).path())
    }
}

fn open_to_all(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(EVERYONE))
}

/// Other daemons' sockets, alive as long as this is.
struct Others {
    _stream: UnixListener,
    _datagram: UnixDatagram,
}

fn furnish(folder: &Path, user: User) -> io::Result<Others> {
    for name in ["inside", "inside/sub", "shared", "outside"] {
        fs::create_dir(folder.join(name))?;
    }
    for name in ["inside/file", "inside/sub/file", "shared/file", "outside/secret"] {
        fs::write(folder.join(name), name)?;
    }
    fs::copy("/bin/true", folder.join("inside/program"))?;
    symlink("../outside/secret", folder.join("inside/way-out"))?;
    let others = Others {
        _stream: UnixListener::bind(folder.join("outside/stream.sock"))?,
        _datagram: UnixDatagram::bind(folder.join("outside/datagram.sock"))?,
    };
    if user == User::Nobody {
        give_all(folder)?;
    }
    Ok(others)
}

fn give_all(path: &Path) -> io::Result<()> {
    chown(path, Some(NOBODY), Some(NOBODY)).or_else(|error| {
        // The link that leads out has nothing of its own to give.
        if path.is_symlink() { Ok(()) } else { Err(error) }
    })?;
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path)? {
            give_all(&entry?.path())?;
        }
    }
    Ok(())
}

/// A path in the folder of the act that this child tries.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env::var_os(FOLDER).unwrap_or_default()).join(name)
}

/// Another process of the same user, started before this one is locked.
pub(crate) struct Other(Child);

impl Other {
    pub(crate) fn start() -> io::Result<Self> {
        // It waits for its standard input to end, which is also when this process does.
        let mut cat = Command::new("/bin/cat");
        Ok(Self(cat.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn end(&mut self) -> io::Result<()> {
        drop(self.0.stdin.take());
        self.0.wait().map(drop)
    }
}
