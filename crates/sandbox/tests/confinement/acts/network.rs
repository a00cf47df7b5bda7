//! Sockets: every family, and every way to a connection.

use std::{
    io,
    net::TcpListener,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream},
    },
};

use super::{Act, Control, Control::DiffersForRoot, EACCES, EPERM, Need};
use crate::{
    stage::path,
    sys::{self, bits},
};

fn socket(family: i32, kind: i32) -> io::Result<usize> {
    sys::call(libc::SYS_socket, &[bits(family), bits(kind | libc::SOCK_CLOEXEC), 0])
}

/// A TCP socket that is neither bound nor connected.
fn tcp() -> io::Result<usize> {
    socket(libc::AF_INET, libc::SOCK_STREAM)
}

/// A listener on this machine and its port.
fn listener() -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

pub(crate) fn refused() -> Vec<Act> {
    let mut acts = families();
    acts.extend(tcp_connections());
    acts.extend(unix_connections());
    acts
}

fn families() -> Vec<Act> {
    let made = |name, family: i32, kind: i32| {
        Act::new(name, EPERM, move || socket(family, kind)).needing(Need::TcpAndUnix)
    };
    vec![
        made("make a TCP socket", libc::AF_INET, libc::SOCK_STREAM),
        made("make a TCP socket over IPv6", libc::AF_INET6, libc::SOCK_STREAM),
        made("make a UDP socket", libc::AF_INET, libc::SOCK_DGRAM),
        Act::new("make a raw socket", EPERM, || {
            let (family, kind) = (bits(libc::AF_INET), bits(libc::SOCK_RAW));
            sys::call(libc::SYS_socket, &[family, kind, bits(libc::IPPROTO_ICMP)])
        })
        .needing(Need::TcpAndUnix)
        .control(DiffersForRoot),
        made("make a packet socket", libc::AF_PACKET, libc::SOCK_RAW).control(DiffersForRoot),
        made("make a netlink socket", libc::AF_NETLINK, libc::SOCK_RAW),
        made("make a virtual machine socket", libc::AF_VSOCK, libc::SOCK_STREAM),
        made("make a kernel crypto socket", libc::AF_ALG, libc::SOCK_SEQPACKET),
        made("make a bluetooth socket", libc::AF_BLUETOOTH, libc::SOCK_RAW),
        Act::new("make a TCP socket with a number that is cut", EPERM, || {
            // The kernel reads an `int`: the bit above is the caller's to set.
            let family = bits(libc::AF_INET) | 1 << 40;
            sys::call(libc::SYS_socket, &[family, bits(libc::SOCK_STREAM), 0])
        })
        .needing(Need::TcpAndUnix),
        Act::new("make a UNIX socket undeclared", EPERM, || {
            socket(libc::AF_UNIX, libc::SOCK_STREAM)
        }),
        Act::new("make a pair of datagram sockets undeclared", EPERM, UnixDatagram::pair),
        Act::new("make a pair that the kernel takes for datagrams", EPERM, || {
            let mut pair = [0_i32; 2];
            let pair = sys::address_mut(&mut pair);
            let arguments = [bits(libc::AF_UNIX), bits(libc::SOCK_RAW), 0, pair];
            sys::call(libc::SYS_socketpair, &arguments)
        }),
    ]
}

fn tcp_connections() -> Vec<Act> {
    let bind = || -> io::Result<_> {
        let socket = tcp()?;
        Ok(move || {
            let any = sys::loopback(0);
            sys::call(libc::SYS_bind, &[socket, sys::address(&any), any.len()])
        })
    };
    let connect = || -> io::Result<_> {
        let (socket, (listener, port)) = (tcp()?, listener()?);
        Ok(move || {
            let to = sys::loopback(port);
            let answer = sys::call(libc::SYS_connect, &[socket, sys::address(&to), to.len()]);
            drop(listener);
            answer
        })
    };
    let send = |name, call: fn(usize, &[u8; 16]) -> io::Result<usize>| {
        Act::prepared(name, EPERM, move || {
            let (socket, (listener, port)) = (tcp()?, listener()?);
            Ok(move || {
                let answer = call(socket, &sys::loopback(port));
                drop(listener);
                answer
            })
        })
        .needing(Need::TcpAndUnix)
    };
    vec![
        Act::prepared("bind a TCP port", EPERM, bind),
        Act::prepared("bind a TCP port, accepting declared", EPERM, bind).needing(Need::TcpAndUnix),
        Act::prepared("listen without a bind", EPERM, || {
            let socket = tcp()?;
            Ok(move || sys::call(libc::SYS_listen, &[socket, 1]))
        })
        .needing(Need::TcpAndUnix),
        Act::prepared("connect by TCP", EPERM, connect).needing(Need::Tcp),
        // `connect` is there for UNIX sockets, so it is Landlock that answers.
        Act::prepared("connect by TCP, UNIX declared", EACCES, connect).needing(Need::TcpAndUnix),
        send("connect by sending", |socket, to| {
            let fast = bits(libc::MSG_FASTOPEN);
            sys::call(
                libc::SYS_sendto,
                &[socket, sys::address(to), 1, fast, sys::address(to), to.len()],
            )
        }),
        send("connect by sending a message", |socket, to| {
            // `struct msghdr`: name, its length, vector, its length, control, its length, flags.
            let message = [sys::address(to), to.len(), 0, 0, 0, 0, 0];
            let fast = bits(libc::MSG_FASTOPEN);
            sys::call(libc::SYS_sendmsg, &[socket, sys::address(&message), fast])
        }),
        send("connect by sending messages", |socket, to| {
            let message = [sys::address(to), to.len(), 0, 0, 0, 0, 0, 0];
            let fast = bits(libc::MSG_FASTOPEN);
            match sys::call(libc::SYS_sendmmsg, &[socket, sys::address(&message), 1, fast]) {
                Ok(_) => Ok(0),
                error => error,
            }
        }),
    ]
}

fn unix_connections() -> Vec<Act> {
    vec![
        Act::prepared("connect to an abstract socket outside", EPERM, || {
            let name = format!("sandbox-test-{}", std::process::id());
            let name = SocketAddr::from_abstract_name(name)?;
            let listener = UnixListener::bind_addr(&name)?;
            Ok(move || {
                let answer = UnixStream::connect_addr(&name);
                drop(listener);
                answer
            })
        })
        .needing(Need::Unix),
        Act::new("connect to another daemon undeclared", EPERM, || {
            UnixStream::connect(path("outside/stream.sock"))
        }),
        Act::prepared("connect a socket made before, undeclared", EPERM, || {
            let socket = UnixDatagram::unbound()?;
            Ok(move || socket.connect(path("outside/datagram.sock")))
        }),
        Act::new("bind a UNIX socket", EPERM, || UnixListener::bind(path("inside/new.sock")))
            .needing(Need::Unix),
        Act::new("type into a terminal", EPERM, || sys::call(libc::SYS_ioctl, &[0, 0x5412, 0]))
            .control(Control::Differs),
        Act::new("paste into a console", EPERM, || sys::call(libc::SYS_ioctl, &[0, 0x541C, 0])),
    ]
}
