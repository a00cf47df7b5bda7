//! The changes that can be made, in one list.

use std::fs::File;

use crate::error::Error;
use crate::interrupt::Interrupt;
use crate::ledger::{Expect, Ledger, Look, Step};
use crate::put_back;
use crate::remove::{self, Recursion};
use crate::rename;
use crate::root::VRoot;
use crate::stage::{self, Stage};
use crate::vpath::VPath;
use crate::write::{self, Change};

/// The changes of a root, each told to a ledger, if there is one.
///
/// Each is made as a whole or not at all: readers, crashes and an undo see what was before or what is after.
#[derive(Clone, Copy)]
pub struct Changes<'a> {
    pub(crate) root: &'a VRoot,
    pub(crate) ledger: Option<&'a dyn Ledger>,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The number of its entry in the ledger.
    pub entry: Option<i64>,
    /// The tag of what is there now, if it is one file.
    pub etag: Option<String>,
}

impl Changes<'_> {
    /// Makes a file or replaces its content: see [`VRoot::write`].
    pub fn write(&self, path: &VPath, content: &[u8], expect: Expect<'_>) -> Result<Done, Error> {
        write::write(*self, path, &mut Change::Replace(content), expect)
    }

    /// Makes a file or appends to it: see [`VRoot::append`].
    pub fn append(&self, path: &VPath, content: &[u8], expect: Expect<'_>) -> Result<Done, Error> {
        write::write(*self, path, &mut Change::Append(content), expect)
    }

    /// Makes a file or replaces its content by what `fill` writes into a new one, which nobody sees before it is whole.
    pub fn fill(
        &self,
        path: &VPath,
        fill: &mut dyn FnMut(&mut File) -> std::io::Result<()>,
        expect: Expect<'_>,
    ) -> Result<Done, Error> {
        write::write(*self, path, &mut Change::Fill(fill), expect)
    }

    /// Removes an entry: see [`VRoot::remove`]. With a ledger that keeps things it goes as a whole, and `interrupt` is
    /// asked only before.
    pub fn remove(
        &self,
        path: &VPath,
        recursion: Recursion,
        expect: Expect<'_>,
        interrupt: Interrupt<'_>,
    ) -> Result<Done, Error> {
        remove::remove(*self, path, recursion, expect, interrupt)
    }

    /// Gives an entry another name, which must be free; of a link, the link itself.
    pub fn rename(
        &self,
        from: &VPath,
        to: &VPath,
        expect: Expect<'_>,
        interrupt: Interrupt<'_>,
    ) -> Result<Done, Error> {
        rename::rename(*self, from, to, expect, interrupt)
    }

    /// Makes an empty folder at a free name.
    pub fn make_folder(&self, path: &VPath) -> Result<Done, Error> {
        stage::build(*self, path, &|| std::ops::ControlFlow::Continue(()), &mut |_| Ok(()))
    }

    /// Makes a folder at a free name with what `build` puts into it, which nobody sees before it is whole.
    pub fn build(
        &self,
        path: &VPath,
        interrupt: Interrupt<'_>,
        build: &mut dyn FnMut(&mut Stage<'_>) -> Result<(), Error>,
    ) -> Result<Done, Error> {
        stage::build(*self, path, interrupt, build)
    }

    /// Makes a copy of a file, a link or a folder at a free name, or of a file in the place of another. Of a folder, what
    /// may be seen is copied: files, links and folders, with their permission bits.
    pub fn copy(
        &self,
        from: &VPath,
        to: &VPath,
        expect: Expect<'_>,
        interrupt: Interrupt<'_>,
    ) -> Result<Done, Error> {
        stage::copy(*self, from, to, expect, interrupt)
    }

    /// Makes undone what a step did, which [`Ledger::begin`] was told, and nothing else: if what it left was changed since
    /// then, nothing is done. What is there now is replaced, and so kept.
    pub fn undo(&self, step: &Step, interrupt: Interrupt<'_>) -> Result<Done, Error> {
        put_back::undo(*self, step, interrupt)
    }

    /// What is at a path now: `None` if nothing is.
    pub fn look(&self, path: &VPath, interrupt: Interrupt<'_>) -> Result<Option<Look>, Error> {
        put_back::look(self.root, path, interrupt)
    }
}
