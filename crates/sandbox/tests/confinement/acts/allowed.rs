//! What a daemon does all day, which must go on working.

use std::{
    fs::{self, File, FileTimes, OpenOptions},
    io::{self, Read, Seek, Write},
    net::{TcpListener, TcpStream},
    os::{
        fd::AsRawFd,
        unix::{
            fs::{FileExt, OpenOptionsExt, PermissionsExt, fchown, symlink},
            net::{UnixDatagram, UnixListener, UnixStream},
        },
    },
    time::SystemTime,
};

use rustix::fs::{
    CWD, Mode, OFlags, RenameFlags, ResolveFlags, XattrFlags, fgetxattr, flistxattr, flock,
    fremovexattr, fsetxattr, openat2, renameat_with, statx,
};

use super::{Act, Need, ensure};
use crate::{
    outcome::Outcome,
    stage::path,
    sys::{self, NO_FD, bits},
};

fn act(name: &'static str, act: fn() -> io::Result<()>) -> Act {
    Act::new(name, Outcome::Done, act)
}

pub(crate) fn all() -> Vec<Act> {
    let mut acts = files();
    acts.extend(metadata());
    acts.extend(sockets());
    acts.extend(runtime());
    acts
}

fn files() -> Vec<Act> {
    vec![
        act("read declared", || {
            ensure(fs::read(path("shared/file"))? == b"shared/file", "the content")?;
            ensure(fs::read_dir(path("shared"))?.count() == 1, "the list")
        }),
        act("read and write declared", || {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(path("inside/new"))?;
            file.write_all(b"text")?;
            file.sync_all()?;
            file.sync_data()?;
            file.set_len(2)?;
            file.rewind()?;
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            file.write_all_at(b"x", 0)?;
            File::open(path("inside"))?.sync_all()?;
            ensure(text == "te", "what was written")
        }),
        act("replace by renaming", || {
            fs::write(path("inside/new"), "new")?;
            fs::rename(path("inside/new"), path("inside/file"))?;
            fs::rename(path("inside/file"), path("inside/sub/moved"))?;
            ensure(fs::read(path("inside/sub/moved"))? == b"new", "the content")
        }),
        act("exchange", || {
            let (one, other) = (path("inside/file"), path("inside/sub/file"));
            renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE)?;
            ensure(fs::read(&other)? == b"inside/file", "the exchange")
        }),
        act("make and remove", || {
            fs::create_dir(path("inside/folder"))?;
            symlink("file", path("inside/link"))?;
            fs::hard_link(path("inside/file"), path("inside/hard"))?;
            fs::rename(path("inside/folder"), path("inside/sub/folder"))?;
            fs::remove_dir(path("inside/sub/folder"))?;
            fs::remove_file(path("inside/link"))?;
            fs::remove_file(path("inside/hard"))
        }),
        act("open beneath", || {
            let folder = File::open(path("inside"))?;
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
            openat2(&folder, "sub/file", flags, Mode::empty(), beneath)?;
            Ok(())
        }),
        act("write a file without a name", || {
            let flags = libc::O_TMPFILE;
            let file = OpenOptions::new().write(true).custom_flags(flags).open(path("inside"))?;
            file.write_all_at(b"x", 0)
        }),
        act("lock a file", || {
            let file = File::open(path("inside/file"))?;
            Ok(flock(&file, rustix::fs::FlockOperation::LockExclusive)?)
        }),
        act("map a file", || {
            let file = OpenOptions::new().read(true).write(true).open(path("inside/file"))?;
            let descriptor = usize::try_from(file.as_raw_fd()).map_err(io::Error::other)?;
            let writable = bits(libc::PROT_READ | libc::PROT_WRITE);
            let shared = bits(libc::MAP_SHARED);
            sys::call(libc::SYS_mmap, &[0, 4096, writable, shared, descriptor, 0])?;
            Ok(())
        }),
        Act::prepared("use what was open", Outcome::Done, || {
            let mut file =
                OpenOptions::new().read(true).write(true).open(path("outside/secret"))?;
            Ok(move || {
                let mut text = String::new();
                file.read_to_string(&mut text)?;
                file.write_all(b"more")
            })
        }),
    ]
}

fn metadata() -> Vec<Act> {
    vec![
        act("set mode, owner and times", || {
            let file = OpenOptions::new().write(true).open(path("inside/file"))?;
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
            fchown(&file, Some(user.as_raw()), Some(group.as_raw()))?;
            file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH))?;
            let flags = rustix::fs::AtFlags::EMPTY_PATH;
            let known = statx(&file, "", flags, rustix::fs::StatxFlags::BASIC_STATS)?;
            ensure(known.stx_mode & 0o777 == 0o600, "the mode")?;
            ensure(known.stx_mtime.tv_sec == 0, "the time")
        }),
        act("extended attributes", || {
            let file = File::open(path("inside/file"))?;
            fsetxattr(&file, "user.test", b"value", XattrFlags::empty())?;
            let mut value = [0; 16];
            let read = fgetxattr(&file, "user.test", &mut value)?;
            ensure(value.starts_with(b"value") && read == 5, "the value")?;
            let mut names = [0_u8; 256];
            ensure(flistxattr(&file, &mut names)? > 0, "the names")?;
            Ok(fremovexattr(&file, "user.test")?)
        }),
        act("watch a folder", || {
            let watch = sys::call(libc::SYS_inotify_init1, &[bits(libc::IN_CLOEXEC)])?;
            let folder = path("inside").into_os_string().into_encoded_bytes();
            let folder = std::ffi::CString::new(folder).map_err(io::Error::other)?;
            let folder = sys::address(folder.as_bytes_with_nul());
            let all = usize::try_from(libc::IN_ALL_EVENTS).map_err(io::Error::other)?;
            sys::call(libc::SYS_inotify_add_watch, &[watch, folder, all]).map(drop)
        }),
    ]
}

fn sockets() -> Vec<Act> {
    vec![
        Act::prepared("accept by TCP", Outcome::Done, || {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            let mut client = TcpStream::connect(listener.local_addr()?)?;
            Ok(move || {
                let (mut server, _) = listener.accept()?;
                server.set_nodelay(true)?;
                talk(&mut client, &mut server)
            })
        })
        .needing(Need::Tcp),
        Act::prepared("accept by UNIX", Outcome::Done, || {
            let listener = UnixListener::bind(path("outside/own.sock"))?;
            let mut client = UnixStream::connect(path("outside/own.sock"))?;
            Ok(move || {
                let (mut server, _) = listener.accept()?;
                talk(&mut client, &mut server)
            })
        }),
        act("a pair of streams", || {
            let (mut one, mut other) = UnixStream::pair()?;
            talk(&mut one, &mut other)
        }),
        act("connect to another daemon", || {
            UnixStream::connect(path("outside/stream.sock")).map(drop)
        })
        .needing(Need::Unix),
        act("tell the service manager", || {
            let socket = UnixDatagram::unbound()?;
            socket.send_to(b"READY=1", path("outside/datagram.sock")).map(drop)
        })
        .needing(Need::Unix),
    ]
}

fn talk(from: &mut (impl Read + Write), to: &mut (impl Read + Write)) -> io::Result<()> {
    let mut heard = [0; 2];
    from.write_all(b"hi")?;
    to.read_exact(&mut heard)?;
    ensure(&heard == b"hi", "what was said")
}

fn runtime() -> Vec<Act> {
    vec![
        act("threads", || {
            let threads: Vec<_> = (0..4)
                .map(|number| std::thread::Builder::new().spawn(move || number * 2))
                .collect::<io::Result<_>>()?;
            let sum: i32 = threads.into_iter().filter_map(|thread| thread.join().ok()).sum();
            ensure(sum == 12, "the sum")
        }),
        Act::prepared("the tokio runtime", Outcome::Done, || {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            listener.set_nonblocking(true)?;
            let client = TcpStream::connect(listener.local_addr()?)?;
            Ok(move || serve(listener, client))
        })
        .needing(Need::Tcp),
        act("signals by descriptor", || {
            let none = 0_u64;
            sys::call(libc::SYS_signalfd4, &[NO_FD, sys::address(&none), 8, 0]).map(drop)
        }),
        act("randomness, limits and clocks", || {
            let mut random = [0_u8; 16];
            sys::call(libc::SYS_getrandom, &[sys::address_mut(&mut random), random.len(), 0])?;
            let mut limit = [0_u64; 2];
            sys::call(libc::SYS_prlimit64, &[0, 7, 0, sys::address_mut(&mut limit)])?;
            ensure(limit[0] > 0, "the limit of open files")?;
            ensure(std::thread::available_parallelism()?.get() > 0, "processors")?;
            ensure(SystemTime::now() > SystemTime::UNIX_EPOCH, "the time")
        }),
    ]
}

/// Accepts, waits, spawns and takes signals, as every daemon does.
fn serve(listener: TcpListener, mut client: TcpStream) -> io::Result<()> {
    use tokio::{io::AsyncReadExt, net, signal::unix, task};

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async move {
        let _terminate = unix::signal(unix::SignalKind::terminate())?;
        let listener = net::TcpListener::from_std(listener)?;
        let heard = task::spawn(async move {
            let (mut server, _) = listener.accept().await?;
            let mut heard = [0; 2];
            server.read_exact(&mut heard).await.map(|_| heard)
        });
        client.write_all(b"hi")?;
        ensure(&heard.await.map_err(io::Error::other)?? == b"hi", "what was said")?;
        let blocking = task::spawn_blocking(|| fs::read(path("shared/file")));
        blocking.await.map_err(io::Error::other)?.map(drop)
    })
}
