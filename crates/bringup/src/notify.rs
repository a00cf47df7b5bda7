//! The supervisor's end of `sd_notify`: how a daemon says that it is ready.

use std::fs;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The size of a message; the longest that our daemons send has about 200 bytes.
const MESSAGE_BYTES: usize = 4096;

/// Where one daemon says how it is.
pub(crate) struct NotifySocket {
    socket: UnixDatagram,
    path: PathBuf,
}

/// What a daemon has said.
#[derive(Debug, Default, Clone)]
pub(crate) struct Said {
    pub(crate) ready: bool,
    pub(crate) status: Option<String>,
    /// The address that the gateway really listens on.
    pub(crate) listen: Option<String>,
}

impl NotifySocket {
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Self { socket: UnixDatagram::bind(path)?, path: path.to_owned() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes what was said so far, which nobody wants to know any more.
    pub(crate) fn forget(&self) -> io::Result<()> {
        self.socket.set_nonblocking(true)?;
        let mut message = [0; MESSAGE_BYTES];
        while self.socket.recv(&mut message).is_ok() {}
        self.socket.set_nonblocking(false)
    }

    /// The next message, or `None` if none comes within `patience`.
    pub(crate) fn next(&self, patience: Duration) -> io::Result<Option<Said>> {
        self.socket.set_read_timeout(Some(patience))?;
        let mut message = [0; MESSAGE_BYTES];
        let length = match self.socket.recv(&mut message) {
            Ok(length) => length,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::Interrupted
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(message.get(..length).unwrap_or_default()).into_owned();
        let mut said = Said::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match key {
                "READY" => said.ready = value == "1",
                "STATUS" => said.status = Some(value.to_owned()),
                "X_LLMBASEDOS_LISTEN" => said.listen = Some(value.to_owned()),
                _ => {}
            }
        }
        Ok(Some(said))
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        // It is only a name by now; the next run removes it if this fails.
        drop(fs::remove_file(&self.path));
    }
}
