//! Files: what is outside the declared folders, and what is read-only.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{OpenOptionsExt, symlink},
};

use super::{Act, Control::DiffersForRoot, EACCES, EPERM};
use crate::{
    outcome::Outcome,
    stage::{Other, path},
    sys::{self, NO_FD, bits},
};

/// Moving a file between folders of which one is not declared.
const EXDEV: Outcome = Outcome::Errno(libc::EXDEV);

/// Opens a file without a name, so that nothing is left behind where it can be done.
fn write_in(folder: &str) -> io::Result<File> {
    OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(folder)
}

pub(crate) fn refused() -> Vec<Act> {
    let mut acts = of_the_machine();
    acts.extend(outside());
    acts.extend(within());
    acts
}

fn of_the_machine() -> Vec<Act> {
    let act = |name, act: fn() -> io::Result<()>| Act::new(name, EACCES, act);
    vec![
        act("read /etc/shadow", || read("/etc/shadow")).control(DiffersForRoot),
        act("read /etc/passwd", || read("/etc/passwd")),
        act("list /root", || fs::read_dir("/root").map(drop)).control(DiffersForRoot),
        act("list /", || fs::read_dir("/").map(drop)),
        act("write /usr", || write_in("/usr").map(drop)).control(DiffersForRoot),
        act("write /etc", || write_in("/etc").map(drop)).control(DiffersForRoot),
        act("write /var", || write_in("/var").map(drop)).control(DiffersForRoot),
        act("write /tmp", || write_in("/tmp").map(drop)),
        act("read /proc/self/environ", || read("/proc/self/environ")),
        of_another("read another process's environment", "environ"),
        of_another("open another process's memory", "mem"),
        act("open the kernel's memory or log", || {
            open_first(&["/dev/mem", "/dev/kmem", "/dev/kmsg"])
        })
        .control(DiffersForRoot),
        act("open a block device", || open_first(&["/dev/vda", "/dev/sda", "/dev/nvme0n1"]))
            .control(DiffersForRoot),
        act("open a device", || open_first(&["/dev/null"])),
        act("open a terminal", || open_first(&["/dev/ptmx"])),
    ]
}

/// Opens the first of `names` that this machine has.
fn open_first(names: &[&str]) -> io::Result<()> {
    let there = names.iter().find(|name| fs::symlink_metadata(name).is_ok());
    let name = there.ok_or_else(|| io::Error::other(format!("none of {names:?} is here")))?;
    File::open(name).map(drop)
}

/// Opens a file of `/proc` about a process of the same user.
fn of_another(name: &'static str, file: &'static str) -> Act {
    Act::prepared(name, EACCES, move || {
        let mut other = Other::start()?;
        let file = format!("/proc/{}/{file}", other.id());
        Ok(move || {
            let answer = File::open(file);
            other.end().and(answer)
        })
    })
}

fn read(name: &str) -> io::Result<()> {
    let mut byte = [0; 1];
    File::open(name)?.read_exact(&mut byte)
}

fn outside() -> Vec<Act> {
    let act = |name, act: fn() -> io::Result<()>| Act::new(name, EACCES, act);
    vec![
        act("read outside", || fs::read(path("outside/secret")).map(drop)),
        act("list outside", || fs::read_dir(path("outside")).map(drop)),
        act("write outside", || fs::write(path("outside/secret"), "x")),
        act("create outside", || File::create_new(path("outside/new")).map(drop)),
        act("remove outside", || fs::remove_file(path("outside/secret"))),
        act("make a folder outside", || fs::create_dir(path("outside/new"))),
        act("make a link outside", || symlink("secret", path("outside/new"))),
        act("truncate outside by name", || {
            let name = path("outside/secret").into_os_string().into_encoded_bytes();
            let name = std::ffi::CString::new(name).map_err(io::Error::other)?;
            sys::call(libc::SYS_truncate, &[sys::address(name.as_bytes_with_nul()), 0]).map(drop)
        }),
        act("read through dots", || fs::read(path("inside/../outside/secret")).map(drop)),
        act("read through a link", || fs::read(path("inside/way-out")).map(drop)),
        act("move out", || fs::rename(path("inside/file"), path("outside/file"))),
        act("move in", || fs::rename(path("outside/secret"), path("inside/secret"))),
        Act::new("link in", EXDEV, || fs::hard_link(path("outside/secret"), path("inside/secret"))),
        Act::prepared("read through a folder opened before", EACCES, || {
            let outside = File::open(path("outside"))?;
            Ok(move || rustix_open(&outside, "secret"))
        }),
    ]
}

fn rustix_open(folder: &File, name: &str) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags, openat};
    openat(folder, name, OFlags::RDONLY, Mode::empty())?;
    Ok(())
}

fn within() -> Vec<Act> {
    let act = |name, act: fn() -> io::Result<()>| Act::new(name, EACCES, act);
    let node = |name, mode: u32, control| {
        Act::new(name, EPERM, move || {
            let file = path("inside/node").into_os_string().into_encoded_bytes();
            let file = std::ffi::CString::new(file).map_err(io::Error::other)?;
            let file = sys::address(file.as_bytes_with_nul());
            // The device is that of `/dev/null`.
            sys::call(libc::SYS_mknodat, &[bits(libc::AT_FDCWD), file, mode as usize, 0x103])
        })
        .control(control)
    };
    vec![
        act("write what is read-only", || fs::write(path("shared/file"), "x")),
        act("create in what is read-only", || File::create_new(path("shared/new")).map(drop)),
        act("remove in what is read-only", || fs::remove_file(path("shared/file"))),
        act("move out of what is read-only", || {
            fs::rename(path("shared/file"), path("inside/new"))
        }),
        node("make a device node", libc::S_IFCHR | 0o666, DiffersForRoot),
        node("make a pipe", libc::S_IFIFO | 0o666, super::Control::Differs),
        // A file by its handle is a file without a path.
        Act::new("open by handle", EPERM, || {
            sys::call(libc::SYS_open_by_handle_at, &[NO_FD, 0, 0])
        })
        .control(DiffersForRoot),
    ]
}
