//! Files, sockets and devices that belong to others.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Act, Attempt, HIDDEN, READ_ONLY};
use crate::stage::{own_name, read};
use crate::sys::{self, bits};

/// The memory of the machine, and its ports.
const MEMORY: [&str; 3] = ["/dev/mem", "/dev/kmem", "/dev/port"];
/// Where the kernel lists block devices, whether or not they have a node.
const BLOCK_DEVICES: &str = "/sys/block";
/// Block devices that are tried where that list is hidden.
const USUAL_BLOCK_DEVICES: [&str; 5] = ["vda", "vdb", "sda", "nvme0n1", "loop0"];
/// Major 1, minor 3: what `/dev/null` is.
const NULL_DEVICE: usize = 0x103;
/// The mode of a program that everyone may start.
const EXECUTABLE: u32 = 0o755;

pub(super) fn all() -> Vec<Act> {
    let reads = |number, name, prepare| Act { number, name, refusals: HIDDEN, prepare };
    let writes = |number, name, prepare| Act { number, name, refusals: READ_ONLY, prepare };
    vec![
        reads(1, "read /etc/shadow", |_| reading(&["/etc/shadow".into()])),
        reads(2, "read another user's home", |stage| reading(&stage.options.home)),
        reads(3, "list /root", |_| reading(&["/root".into()])),
        writes(4, "write /usr", |_| vec![creating("/usr".into())]),
        writes(5, "write /etc", |_| vec![creating("/etc".into())]),
        writes(6, "write /boot", |_| vec![creating("/boot".into())]),
        writes(7, "create a file in /run/mcp", |stage| vec![creating(stage.caps.clone())]),
        reads(8, "read another daemon's state", |stage| reading(&stage.options.state)),
        reads(9, "read another daemon's credentials", |stage| reading(&stage.options.credentials)),
        reads(10, "open another daemon's socket", |stage| {
            let sockets = stage.options.socket.iter().cloned();
            sockets.map(|path| trying(path, |path| UnixStream::connect(path).map(drop))).collect()
        }),
        reads(11, "read /proc/1/environ", |_| reading(&["/proc/1/environ".into()])),
        reads(16, "read /dev/mem or /dev/kmem", |_| reading(&MEMORY.map(PathBuf::from))),
        reads(17, "open a block device", |_| {
            block_devices()
                .into_iter()
                .map(|path| trying(path, |path| File::open(path).map(drop)))
                .collect()
        }),
        writes(18, "mknod", |stage| stage.writable().into_iter().map(node).collect()),
        writes(37, "execute a file from a writable path", |stage| {
            stage.writable().iter().map(|folder| executing(folder)).collect()
        }),
    ]
}

/// Does `act` on `path`.
fn trying(path: PathBuf, act: fn(&Path) -> io::Result<()>) -> Attempt {
    Attempt::new(path.display().to_string(), move || act(&path))
}

fn reading(paths: &[PathBuf]) -> Vec<Attempt> {
    paths.iter().map(|path| trying(path.clone(), read)).collect()
}

fn creating(folder: PathBuf) -> Attempt {
    trying(folder, |folder| {
        let path = own_name(folder, std::process::id());
        File::create_new(&path)?;
        fs::remove_file(path)
    })
}

fn block_devices() -> Vec<PathBuf> {
    let listed = fs::read_dir(BLOCK_DEVICES).into_iter().flatten().flatten();
    let mut names: Vec<_> = listed.map(|entry| entry.file_name()).collect();
    names.extend(USUAL_BLOCK_DEVICES.map(Into::into));
    names.into_iter().map(|name| Path::new("/dev").join(name)).collect()
}

fn node(folder: PathBuf) -> Attempt {
    trying(folder, |folder| {
        let path = own_name(folder, std::process::id());
        let name = CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)?;
        let name = sys::address(name.as_bytes_with_nul());
        let mode = usize::try_from(libc::S_IFCHR | 0o600).map_err(io::Error::other)?;
        sys::call(libc::SYS_mknodat, &[bits(libc::AT_FDCWD), name, mode, NULL_DEVICE])?;
        fs::remove_file(path)
    })
}

/// Starts a copy of this program that this process wrote, before the daemon would lock itself: so the daemon may have
/// been an intruder's for a while.
fn executing(folder: &Path) -> Attempt {
    let path = own_name(folder, std::process::id());
    let written = write_program(&path);
    Attempt::new(folder.display().to_string(), move || {
        written?;
        let started = Command::new(&path).arg("identity").stdout(Stdio::piped()).output();
        // Under the daemon's own sandbox it stays, and the one who started this process removes it.
        drop(fs::remove_file(&path));
        started
    })
}

fn write_program(path: &Path) -> io::Result<()> {
    let mut own = File::open(std::env::current_exe()?)?;
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(EXECUTABLE).open(path)?;
    io::copy(&mut own, &mut copy).map(drop)
}
