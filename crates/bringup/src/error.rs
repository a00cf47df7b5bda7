//! Why the daemons do not run. The text is for whoever typed the command.

use std::io;
use std::path::PathBuf;

/// Why the daemons do not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be made, read or written.
    #[error("`{}` cannot be used", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another run holds the folder.
    #[error("`{}` is in use by another run: stop that, or choose another folder with `--state`", .0.display())]
    InUse(PathBuf),
    /// The folder holds something else.
    #[error("`{}` holds other things than a state folder does: choose an empty or a new folder with `--state`", .0.display())]
    NotState(PathBuf),
    /// The file of the first client's key holds something else.
    #[error("`{}` does not hold a key: remove it, and a new one is made", .0.display())]
    NotAKey(PathBuf),
    /// The folder belongs to somebody else.
    #[error("`{}` belongs to another user: choose another folder with `--state`", .0.display())]
    NotOurs(PathBuf),
    /// Others could reach the servers' sockets past the gateway.
    #[error("`{}` is not closed to other users: give it to this user with mode 0700, or unset `LLMBDO_MCP_CAPS_DIR`", .0.display())]
    NotClosed(PathBuf),
    /// UNIX socket paths are short.
    #[error("`{}` is too long for a socket, which may have {max} bytes: choose a shorter folder with `--state`", path.display())]
    SocketPath {
        /// The socket that cannot be.
        path: PathBuf,
        /// The longest path that can.
        max: usize,
    },
    /// What is to be exposed is where our own state is.
    #[error("`{}` lies within the state folder, which is never exposed: choose another folder with `--root`", .0.display())]
    RootInState(PathBuf),
    /// What is to be exposed is no folder.
    #[error("`{}` is not a folder: choose one with `--root`", .0.display())]
    RootNotFolder(PathBuf),
    /// A configuration that a person may have changed is not right.
    #[error(transparent)]
    Settings(#[from] settings::SettingsError),
    /// The file of clients is not right, or cannot be written.
    #[error(transparent)]
    Clients(#[from] clients::EditError),
    /// No licence can be made.
    #[error(transparent)]
    Licence(#[from] licence::FirstError),
    /// A name of ours is none.
    #[error(transparent)]
    Name(#[from] clients::NameError),
    /// No randomness for a key.
    #[error("no random key can be made: {0}")]
    Random(#[from] getrandom::Error),
    /// A daemon could not be started, or ended before it was ready.
    #[error("`{name}` did not start: {reason}")]
    NotStarted {
        /// Which.
        name: &'static str,
        /// What is known of it: the end of its log.
        reason: String,
    },
}

impl Error {
    /// For `map_err`: the error of an operation on `path`.
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
