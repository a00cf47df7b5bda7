//! The sockets on which the gateway listens: those that systemd passed, else those that are bound here.

use std::fmt::Display;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use daemon::BoxError;
use listenfd::ListenFd;

use crate::config::Config;
use crate::limits::MAX_WAITING;

/// By this name (`FileDescriptorName=`) systemd says that a socket is `person.sock`. It is never taken by its place: between the
/// sockets of two units systemd promises no order, and a program that got the person's door by mistake could answer for them.
const PERSON: &str = "person";
/// The places of the others among those that are not the person's: they are of one unit, which keeps its order.
const TCP_SOCKET: usize = 0;
const LOCAL_SOCKET: usize = 1;
/// Who may connect to a `gateway.sock` that is bound here: owner and group, as on the appliance.
const LOCAL_SOCKET_MODE: u32 = 0o660;
/// Who may connect to a `person.sock` that is bound here: the owner. The group of whoever starts the gateway may have others in it.
const PERSON_SOCKET_MODE: u32 = 0o600;
/// The permissions of whoever is neither owner nor of the group.
const FOR_OTHERS: u32 = 0o007;

/// The ways in.
pub(crate) struct Sockets {
    pub(crate) tcp: TcpListener,
    /// Where the first really listens.
    pub(crate) address: SocketAddr,
    /// `gateway.sock`, where there is one.
    pub(crate) local: Option<UnixListener>,
    /// `person.sock`, where there is one.
    pub(crate) person: Option<UnixListener>,
}

impl Sockets {
    /// Takes what systemd passed, and binds the rest as it is configured.
    pub(crate) fn open(config: &Config) -> Result<Self, BoxError> {
        // The next line takes the numbers out of the environment.
        let names = daemon::passed_names()?;
        let mut passed = ListenFd::from_env();
        let is_person = |place: &usize| names.get(*place).is_some_and(|name| name == PERSON);
        let (of_person, others): (Vec<_>, Vec<_>) = (0..passed.len()).partition(is_person);
        let mut passed_unix = |name, place: Option<&usize>| match place {
            Some(place) => take_unix(&mut passed, name, *place),
            None => Ok(None),
        };
        let person = passed_unix("person.sock", of_person.first())?;
        let local = passed_unix("gateway.sock", others.get(LOCAL_SOCKET))?;
        let tcp = match others.get(TCP_SOCKET) {
            Some(place) => passed.take_tcp_listener(*place)?,
            None => None,
        };
        let (tcp, address) = listen(tcp, config.listen)?;
        let local = or_bound(local, config.socket.as_deref(), LOCAL_SOCKET_MODE)?;
        let person = or_bound(person, config.person_socket.as_deref(), PERSON_SOCKET_MODE)?;
        Ok(Self { tcp, address, local, person })
    }
}

/// The socket of files that systemd passed at `place`. Whoever can open it may do everything, so one that everybody can open
/// is refused.
fn take_unix(
    passed: &mut ListenFd,
    name: &str,
    place: usize,
) -> Result<Option<UnixListener>, BoxError> {
    let taken = passed.take_unix_listener(place);
    let Some(listener) = taken.map_err(|error| format!("`{name}`: {error}"))? else {
        return Ok(None);
    };
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let path = address.as_pathname().ok_or_else(|| format!("`{name}` must be a file"))?;
    let mode = fs::symlink_metadata(path).map_err(|e| in_file(path, e))?.mode();
    if mode & FOR_OTHERS != 0 {
        let text = "everybody can open it: set `SocketMode=0660` in its unit";
        return Err(in_file(path, text));
    }
    Ok(Some(listener))
}

/// The socket that was passed, else one bound at `path`, else none.
fn or_bound(
    passed: Option<UnixListener>,
    path: Option<&Path>,
    mode: u32,
) -> Result<Option<UnixListener>, BoxError> {
    let (None, Some(path)) = (&passed, path) else { return Ok(passed) };
    daemon::bind_unix(path, mode).map(Some).map_err(|error| in_file(path, error))
}

fn in_file(path: &Path, error: impl Display) -> BoxError {
    format!("`{}`: {error}", path.display()).into()
}

/// The socket that systemd passed, else one bound at `address`; and the address that it really has.
fn listen(
    passed: Option<TcpListener>,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), BoxError> {
    let listener = match passed {
        Some(listener) => listener,
        None => TcpListener::bind(address).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("{address} is in use: stop what listens there, or choose another port")
            }
            _ => format!("{address}: {error}"),
        })?,
    };
    // The standard library keeps 128 waiting, however it was asked for; who is one too many is connected in its own eyes only.
    rustix::net::listen(&listener, MAX_WAITING)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
