//! The listening socket: from systemd, or bound here.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use listenfd::ListenFd;

/// Who may connect to a socket that is bound here: owner and group, as on the appliance.
const SOCKET_MODE: u32 = 0o660;

/// Why there is no socket to serve on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenError {
    #[error("no socket: systemd passed none, and `--socket` names none")]
    None,
    #[error("`{0}` is in use: another process serves there")]
    InUse(PathBuf),
    #[error("`{0}`: {1}")]
    Bind(PathBuf, io::Error),
    #[error("the socket that systemd passed cannot be used: {0}")]
    Passed(io::Error),
}

/// The socket that systemd passed, else one bound at `path`.
pub(crate) fn listen(path: Option<&Path>) -> Result<UnixListener, ListenError> {
    if let Some(listener) =
        ListenFd::from_env().take_unix_listener(0).map_err(ListenError::Passed)?
    {
        listener.set_nonblocking(true).map_err(ListenError::Passed)?;
        return Ok(listener);
    }
    let path = path.ok_or(ListenError::None)?;
    daemon::bind_unix(path, SOCKET_MODE).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(path.to_owned()),
        _ => ListenError::Bind(path.to_owned(), error),
    })
}
