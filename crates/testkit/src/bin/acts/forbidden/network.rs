//! The network, and sockets that have no file.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{self, UnixStream};
use std::time::Duration;

use rustix::io::Errno;

use super::{Act, Attempt, NO_NETWORK, call};
use crate::stage::Stage;
use crate::sys::bits;

/// How long an answer may take before the packets are known to have left. Only that they left matters.
const ANSWER: Duration = Duration::from_secs(2);
/// Beside the gateway's own, where nobody is expected to listen.
const PORTS: [&str; 3] = ["127.0.0.1:0", "0.0.0.0:8001", "[::]:8001"];
/// All packets of the Ethernet kinds, in network order.
const ALL_PACKETS: usize = 0x0300;
/// Nobody listens there in this name space, so either it is another one or nobody has made the socket.
const NOBODY_THERE: &[Errno] = &[Errno::ACCESS, Errno::PERM, Errno::CONNREFUSED];

pub(super) fn all() -> Vec<Act> {
    let act = |number, name, prepare| Act { number, name, refusals: NO_NETWORK, prepare };
    vec![
        act(31, "open a raw socket", |_| {
            let raw = [bits(libc::AF_INET), bits(libc::SOCK_RAW), bits(libc::IPPROTO_ICMP)];
            vec![call("socket", libc::SYS_socket, raw)]
        }),
        act(32, "open a packet socket", |_| {
            let packet = [bits(libc::AF_PACKET), bits(libc::SOCK_RAW), ALL_PACKETS];
            vec![call("socket", libc::SYS_socket, packet)]
        }),
        act(33, "bind a TCP port", |_| {
            PORTS.map(|address| Attempt::new(address, move || TcpListener::bind(address))).into()
        }),
        act(34, "connect out by TCP", |stage| {
            let to = |address: &SocketAddr| {
                let address = *address;
                Attempt::new(address.to_string(), move || connect(&address))
            };
            stage.options.tcp.iter().map(to).collect()
        }),
        Act {
            number: 35,
            name: "connect to another daemon's abstract socket",
            refusals: NOBODY_THERE,
            prepare: abstract_socket,
        },
    ]
}

/// A connection, or an answer that there is none, or none in time: the packets left in all three.
fn connect(address: &SocketAddr) -> io::Result<()> {
    match TcpStream::connect_timeout(address, ANSWER) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(()),
        connected => connected.map(drop),
    }
}

fn abstract_socket(stage: &Stage) -> Vec<Attempt> {
    let name = stage.options.abstract_socket.clone();
    vec![Attempt::new(format!("@{name}"), move || {
        UnixStream::connect_addr(&net::SocketAddr::from_abstract_name(name)?)
    })]
}
