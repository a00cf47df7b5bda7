//! A directory handle from which no path escapes, and every file operation on it.
//!
//! A [`VRoot`] exposes one folder of the host. A client names entries by a [`VPath`], which is
//! text; no text is ever compared to decide what may be reached. Instead every operation walks the
//! path on handles, one component at a time, and acts on the handle, or the single name in a
//! handle, at which the walk ended. There is no second lookup that somebody could win a race
//! against.
//!
//! # Invariants
//!
//! - Nothing outside of the exposed folder is opened, listed, changed or removed, whatever the
//!   path, the links in the tree, and the renames that others do meanwhile.
//! - Excluded folders cannot be reached either, by no path and through no link, and are not
//!   confirmed to exist. Each step of a walk compares the folder that it entered with them.
//! - `..` goes back to the handle from which the walk came; the kernel is never asked for it.
//! - A link is read and its components are walked like those of the path. Absolute links lead
//!   outside by definition.
//! - FIFOs, devices and sockets are never opened, and the file systems of the kernel such as
//!   `/proc` are never entered. Nothing here waits for another process.
//! - A write is atomic and durable, and leaves no temporary file after [`VRoot::recover`].
//! - [`Error`] names virtual paths only.
//!
//! What the administrator of the host does on purpose is not undone: a mount, or a hard link to a
//! file outside, inside of the exposed folder exposes what it shows. And a folder that
//! another program moves out of the root during an operation on it is still the folder which that
//! operation acts on, once.
//!
//! # Why not `cap-std`
//!
//! Its `Dir` resolves a whole path in one call, and is safe. But an excluded folder may lie
//! anywhere inside of the root, so every single folder that a walk enters has to be checked, those
//! entered through links and `..` included; a resolution in one call has no place for that check.
//!
//! # Confinement
//!
//! All works under Landlock with nothing allowed but what is beneath [`VRoot::handles`], and
//! without `/proc`.

mod attributes;
mod browse;
mod changes;
mod copy;
#[cfg(test)]
mod crash_tests;
mod error;
mod fault;
mod gate;
mod handle;
mod interrupt;
mod keep;
mod kernel_fs;
mod ledger;
pub mod limits;
mod list;
mod lock;
#[cfg(test)]
mod meddle_tests;
mod mutate;
mod open;
mod open_error;
mod pending;
mod publish;
mod put_back;
mod read;
mod recover;
mod remove;
mod rename;
mod root;
mod shown;
mod stage;
mod target;
mod temp_name;
mod tree;
#[cfg(test)]
mod undo_tests;
mod vpath;
mod walk;
mod write;

pub use browse::{Browse, Visited};
pub use changes::{Changes, Done};
pub use error::{Denial, Error, ErrorKind, PathFault, Protection};
pub use gate::{Gate, Sight};
pub use interrupt::{Interrupt, uninterrupted};
pub use ledger::{Act, Beyond, Expect, Kept, Ledger, Look, Room, Step, Witness};
pub use list::{Entry, Kind, Page};
pub use open::{Opened, Stat};
pub use open_error::{OpenError, Role};
pub use recover::Recovered;
pub use remove::Recursion;
pub use root::{RootOptions, VRoot};
pub use stage::Stage;
pub use temp_name::TEMP_PREFIX;
pub use vpath::VPath;
