//! Changes in a folder of files that we follow.

use std::io;
use std::path::Path;
use std::time::Instant;

use futures_util::StreamExt;
use inotify::{EventStream, Inotify, WatchMask};

use crate::limits::{SETTLE, SETTLE_AT_MOST};

/// The bytes for events of one read; when more happens the kernel says so, and the whole folder is read anyway.
const BUFFER_BYTES: usize = 4096;

/// Tells that something in a folder has changed.
pub(crate) struct Changes(EventStream<[u8; BUFFER_BYTES]>);

impl Changes {
    /// Watches from here on. Files appear by rename, but one that is written in place is seen too.
    pub(crate) fn of(folder: &Path) -> io::Result<Self> {
        let inotify = Inotify::init()?;
        let mask = WatchMask::MOVE
            | WatchMask::CLOSE_WRITE
            | WatchMask::DELETE
            | WatchMask::ATTRIB
            | WatchMask::ONLYDIR;
        inotify.watches().add(folder, mask)?;
        Ok(Self(inotify.into_event_stream([0; BUFFER_BYTES])?))
    }

    /// Waits for a change, and for those that follow it closely. An overflow is a change too: the folder is always
    /// read whole. `false`: nothing can be seen any more.
    pub(crate) async fn next(&mut self) -> bool {
        if !matches!(self.0.next().await, Some(Ok(_))) {
            return false;
        }
        let latest = Instant::now() + SETTLE_AT_MOST;
        while Instant::now() < latest {
            match tokio::time::timeout(SETTLE, self.0.next()).await {
                Ok(Some(Ok(_))) => {}
                Ok(_) => return false,
                Err(_) => return true,
            }
        }
        true
    }
}
