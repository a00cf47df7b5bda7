//! Who runs a program in a test.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The user and group `nobody` of most systems; any that is not root will do.
const NOBODY: u32 = 65534;

/// Who runs a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Whoever runs the tests.
    Current,
    /// Somebody without privileges, whom only root can become.
    Nobody,
}

impl User {
    /// Somebody who is not root: whoever runs the tests, unless that is root.
    pub fn unprivileged() -> Self {
        if is_root() { Self::Nobody } else { Self::Current }
    }

    /// A command that this user will run.
    pub fn command(self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir("/");
        if self == Self::Nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// Gives a folder and all that it holds to this user.
    pub fn own(self, path: &Path) {
        if self == Self::Current {
            return;
        }
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                self.own(&entry.unwrap().path());
            }
        }
    }
}

/// Whether root runs the tests: our own entry in `/proc` belongs to our effective user.
fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}
