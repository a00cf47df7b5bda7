//! A process outside of the sandbox, which acts reach for.

use std::io::{self, Write as _};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

/// Listens on the abstract socket `name`, says so on standard output, and takes connections until it is ended.
pub(crate) fn stand(name: &str) -> io::Result<()> {
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)?;
    writeln!(io::stdout(), "ready")?;
    for connection in listener.incoming() {
        drop(connection?);
    }
    Ok(())
}
