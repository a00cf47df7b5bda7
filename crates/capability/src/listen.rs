//! The listening socket: from systemd, or bound here.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
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
    bind(path).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse(path.to_owned()),
        _ => ListenError::Bind(path.to_owned(), error),
    })
}

/// Binds at `path`; a socket that a dead process left there is replaced, a living one is not.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let is_socket = fs::symlink_metadata(path)?.file_type().is_socket();
            match UnixStream::connect(path) {
                Err(refused) if is_socket && refused.kind() == io::ErrorKind::ConnectionRefused => {
                }
                _ => return Err(error),
            }
            fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sock");
        let living = bind(&path).unwrap();
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(living);
        drop(bind(&path).unwrap());
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, SOCKET_MODE);
    }
}
