//! The ledger of one call.

use std::io;

use capability::Call;
use vroot::{Ledger, Room, Step};

use super::{Entry, History};
use crate::roots::Root;

/// Whose change it is.
#[derive(Debug, Clone)]
pub(crate) struct By {
    pub(crate) client: String,
    pub(crate) run: Option<String>,
    pub(crate) tool: &'static str,
}

impl By {
    pub(crate) fn of(call: &Call, tool: &'static str) -> Self {
        let caller = call.caller();
        Self { client: caller.client.clone(), run: caller.run.clone(), tool }
    }
}

/// Writes the changes of a call to a root into the history.
pub(crate) struct Recorder<'a> {
    pub(crate) history: &'a History,
    pub(crate) root: &'a Root,
    pub(crate) by: By,
    /// What the change undoes.
    pub(crate) undoes: Option<&'a Entry>,
}

impl Ledger for Recorder<'_> {
    fn room(&self) -> Room {
        self.history.room()
    }

    fn begin(&self, step: &Step) -> io::Result<i64> {
        self.history.begin(&self.root.key, &self.by, self.undoes, step).map_err(failed)
    }

    fn end(&self, entry: i64, made: bool) -> io::Result<()> {
        self.history.end(self.root, entry, made).map_err(failed)
    }
}

fn failed(error: store::rusqlite::Error) -> io::Error {
    tracing::error!(%error, "the history of changes cannot be written");
    io::Error::other(error)
}
