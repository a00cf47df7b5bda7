//! What a process will still have to do once it is locked.

use std::os::fd::BorrowedFd;

/// What may be done beneath a declared directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Read files and list directories.
    Read,
    /// Everything but execute files and make or drive device nodes.
    ReadWrite,
}

/// What the process needs after [`lock`](crate::lock()). All else is refused.
///
/// Directories are open handles, never paths: the handle that the daemon keeps and the one that
/// the kernel allows are then the same directory, whatever happens to its name.
///
/// What is already open stays usable: Landlock judges the opening of a file, not its use. So a
/// log on standard error or a listener that systemd passed needs no declaration.
///
/// ```
/// use std::{fs::File, os::fd::AsFd};
///
/// let root = File::open("/usr/share")?;
/// let needs = sandbox::Needs::none().read(root.as_fd()).unix_connect();
/// # drop(needs);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "needs have no effect until they are given to `lock`"]
pub struct Needs<'a> {
    pub(crate) directories: Vec<(BorrowedFd<'a>, Reach)>,
    pub(crate) tcp_accept: bool,
    pub(crate) unix_connect: bool,
}

impl<'a> Needs<'a> {
    /// Computes, and uses what is already open.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads files and lists directories beneath `dir`, which may be an `O_PATH` handle.
    ///
    /// A plain file may be given in the place of a directory: it alone is then readable.
    pub fn read(mut self, dir: BorrowedFd<'a>) -> Self {
        self.directories.push((dir, Reach::Read));
        self
    }

    /// Does anything beneath `dir` but execute a file and make or drive a device node.
    pub fn read_write(mut self, dir: BorrowedFd<'a>) -> Self {
        self.directories.push((dir, Reach::ReadWrite));
        self
    }

    /// Accepts TCP connections on a listener that it has already.
    ///
    /// It may not make an IP socket, bind, listen or connect. The kernel cannot tell the accept of
    /// one kind of listener from that of another, so a process that inherited a TCP listener and
    /// did not declare this is not stopped from accepting on it: the declaration is for the
    /// [`Report`](crate::Report), where an undeclared need would be visible to a reviewer.
    pub fn tcp_accept(mut self) -> Self {
        self.tcp_accept = true;
        self
    }

    /// Makes UNIX sockets and connects them: to other daemons and to systemd's notify socket.
    ///
    /// Which sockets it reaches is for their owner and mode to say. Abstract sockets of processes
    /// outside are refused from Landlock ABI 6 on.
    pub fn unix_connect(mut self) -> Self {
        self.unix_connect = true;
        self
    }
}

/// What to do where the kernel cannot confine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement {
    /// Refuse to go on: [`lock`](crate::lock()) is an error.
    Required,
    /// Take what can be had, leave out the rest, and report it. From `--unconfined`.
    Unconfined,
}
