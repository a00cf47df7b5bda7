//! What the daemon does all day, which its sandbox must leave to it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::act::{Attempt, Input, Need};
use crate::stage::{Daemon, Places, Stage, read};

/// How a folder within the file server's state begins that holds its records of what is under way.
const PENDING: &str = "pending";

pub(crate) fn all(daemon: Daemon) -> Vec<Need> {
    let need = |name, prepare| Need { name, prepare, input: Input::Nothing };
    let mut needs = match daemon {
        Daemon::Gateway => vec![
            need("read the clients again when they change", |stage| match &stage.places {
                Places::Gateway { clients, .. } => Ok(vec![reading(clients.clone())]),
                Places::Fs { .. } => Ok(Vec::new()),
            }),
            need("keep what it counts", |stage| match &stage.places {
                Places::Gateway { state, .. } => Ok(vec![working(state.clone())]),
                Places::Fs { .. } => Ok(Vec::new()),
            }),
            need("have all its descriptors", |_| {
                let limit = getrlimit(Resource::Nofile);
                setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
                Ok(vec![nothing_more()])
            }),
            Need {
                name: "accept by TCP",
                prepare: |_| accepting(|listener| TcpListener::from(listener).accept().map(drop)),
                input: Input::Tcp,
            },
            need("read the cap files", |stage| {
                Ok(each(&stage.caps, "json")?.into_iter().map(reading).collect())
            }),
            need("connect to its servers", |stage| {
                let mut sockets = each(&stage.caps, "sock")?;
                // Those of the other side of the gateway, by which it is called.
                sockets.retain(|path| {
                    !["gateway.sock", "person.sock"].iter().any(|own| path.ends_with(own))
                });
                let connect = |path: PathBuf| {
                    Attempt::new(path.display().to_string(), move || UnixStream::connect(path))
                };
                Ok(sockets.into_iter().map(connect).collect())
            }),
        ],
        Daemon::Fs => vec![
            need("list its root", |stage| {
                Ok(roots(stage).into_iter().map(|(root, _)| reading(root)).collect())
            }),
            need("read and write in its root", |stage| {
                Ok(roots(stage).into_iter().map(|(root, _)| working(root)).collect())
            }),
            need("record what is under way", |stage| {
                let state = roots(stage).into_iter().map(|(_, state)| fs::read_dir(state));
                let entries = state.collect::<io::Result<Vec<_>>>()?.into_iter().flatten();
                let pending = entries.flatten().map(|entry| entry.path()).filter(|path| {
                    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PENDING))
                });
                Ok(pending.map(working).collect())
            }),
        ],
    };
    needs.extend([
        Need {
            name: "accept by UNIX",
            prepare: |_| accepting(|listener| UnixListener::from(listener).accept().map(drop)),
            input: Input::Unix,
        },
        need("start threads", |_| {
            Ok(vec![Attempt::new("a thread", || {
                let thread = std::thread::Builder::new().spawn(|| ())?;
                thread.join().map_err(|_| io::Error::other("it panicked"))
            })])
        }),
        need("draw random numbers", |_| {
            // By the crate that the daemons draw them with, which has more than one way.
            Ok(vec![Attempt::new("a number", || getrandom::u32().map_err(io::Error::other))])
        }),
        need("tell the service manager", |_| {
            let name = std::env::var_os("NOTIFY_SOCKET");
            // None is set for a unit of another type.
            Ok(vec![name.map_or_else(nothing_more, notify)])
        }),
    ]);
    needs
}

/// An attempt for what is done before the daemon locks itself.
fn nothing_more() -> Attempt {
    Attempt::new("", || Ok(()))
}

fn roots(stage: &Stage) -> Option<(PathBuf, PathBuf)> {
    match &stage.places {
        Places::Fs { config, root } => Some((root.clone(), config.state.clone())),
        Places::Gateway { .. } => None,
    }
}

fn reading(path: PathBuf) -> Attempt {
    Attempt::new(path.display().to_string(), move || read(&path))
}

/// The files in `folder` whose names end so.
fn each(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    Ok(paths)
}

/// Writes a file as the file server does: beside, made durable, renamed; and removes it.
fn working(folder: PathBuf) -> Attempt {
    Attempt::new(folder.display().to_string(), move || {
        let own = |name: &str| folder.join(format!(".acts-{name}-{}", std::process::id()));
        let (beside, there) = (own("new"), own("file"));
        let mut file = File::create_new(&beside)?;
        file.write_all(b"text")?;
        file.sync_all()?;
        fs::rename(&beside, &there)?;
        File::open(&folder)?.sync_all()?;
        let text = fs::read(&there)?;
        fs::remove_file(&there)?;
        if text == b"text" { Ok(()) } else { Err(io::Error::other("not what was written")) }
    })
}

/// Accepts on the listener that is this process's standard input. That nobody is there is an answer, too: the kernel
/// looked.
fn accepting(accept: fn(std::os::fd::OwnedFd) -> io::Result<()>) -> io::Result<Vec<Attempt>> {
    let listener = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::io::ioctl_fionbio(&listener, true)?;
    Ok(vec![Attempt::new("the passed socket", move || match accept(listener) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        accepted => accepted,
    })])
}

fn notify(name: std::ffi::OsString) -> Attempt {
    use std::os::unix::ffi::OsStrExt as _;

    Attempt::new(name.to_string_lossy().into_owned(), move || {
        let socket = UnixDatagram::unbound()?;
        let status = b"STATUS=trying acts";
        match name.as_bytes().strip_prefix(b"@") {
            Some(name) => {
                socket.send_to_addr(status, &SocketAddr::from_abstract_name(name)?).map(drop)
            }
            None => socket.send_to(status, name).map(drop),
        }
    })
}
