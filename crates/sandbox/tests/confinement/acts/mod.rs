//! The tables: every act, what the sandbox answers, and what the kernel answers without it.

mod allowed;
mod calls;
mod files;
mod memory;
mod network;
mod processes;

use std::io;

use crate::outcome::Outcome;

/// What is declared beyond the two folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Files,
    Tcp,
    Unix,
    TcpAndUnix,
}

/// What the same act comes to without the sandbox: the proof that it is the sandbox that refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Something else: it succeeds, or the kernel fails it for another reason.
    Differs,
    /// Something else for root; another user is refused by the kernel itself with the same error.
    DiffersForRoot,
    /// It is not tried, for this reason.
    NotTried(&'static str),
}

type Rest = Box<dyn FnOnce() -> io::Result<()>>;

/// One row of a table.
pub(crate) struct Act {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
    /// What is made before locking; it gives what is done after.
    pub(crate) prepare: Box<dyn FnOnce() -> io::Result<Rest>>,
    /// What comes of it when locked.
    pub(crate) expected: Outcome,
    pub(crate) control: Control,
}

impl Act {
    /// An act that needs nothing made before.
    fn new<T>(
        name: &'static str,
        expected: Outcome,
        act: impl FnOnce() -> io::Result<T> + 'static,
    ) -> Self {
        Self::prepared(name, expected, || Ok(act))
    }

    /// An act on something that is made before locking.
    fn prepared<T, R>(
        name: &'static str,
        expected: Outcome,
        prepare: impl FnOnce() -> io::Result<R> + 'static,
    ) -> Self
    where
        R: FnOnce() -> io::Result<T> + 'static,
    {
        let prepare = || -> io::Result<Rest> {
            let rest = prepare()?;
            Ok(Box::new(|| rest().map(drop)))
        };
        let control = Control::Differs;
        Self { name, need: Need::Files, prepare: Box::new(prepare), expected, control }
    }

    fn needing(self, need: Need) -> Self {
        Self { need, ..self }
    }

    fn control(self, control: Control) -> Self {
        Self { control, ..self }
    }

    /// Whether the sandbox is to let it through.
    pub(crate) fn is_allowed(&self) -> bool {
        self.expected == Outcome::Done
    }
}

const EPERM: Outcome = Outcome::Errno(libc::EPERM);
const EACCES: Outcome = Outcome::Errno(libc::EACCES);

pub(crate) fn all() -> Vec<Act> {
    [
        files::refused(),
        processes::refused(),
        memory::refused(),
        network::refused(),
        calls::refused(),
        allowed::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(crate) fn named(name: &str) -> Option<Act> {
    all().into_iter().find(|act| act.name == name)
}

/// What is there, or an error that says that it is not.
fn ensure(holds: bool, what: &str) -> io::Result<()> {
    if holds { Ok(()) } else { Err(io::Error::other(format!("not so: {what}"))) }
}
