//! Looking at what there is.

use crate::answer::find;
use crate::approval::Approval;
use crate::error::Refused;
use crate::inbox::Inbox;
use crate::limits::MAX_LISTED;

impl Inbox {
    /// The approval with this id.
    ///
    /// # Errors
    ///
    /// The store cannot be read, or what has expired not be ended.
    pub fn get(&self, id: &str) -> Result<Option<Approval>, Refused> {
        self.change(|store, _| find(store, id))
    }

    /// The approval with this id, if this client has asked for it: what others ask for is none of its business.
    ///
    /// # Errors
    ///
    /// As [`Inbox::get`].
    pub fn status(&self, client: &str, id: &str) -> Result<Option<Approval>, Refused> {
        Ok(self.get(id)?.filter(|found| found.asked.client == client))
    }

    /// What waits, the oldest first.
    ///
    /// # Errors
    ///
    /// As [`Inbox::get`].
    pub fn pending(&self) -> Result<Vec<Approval>, Refused> {
        let waiting = "SELECT * FROM approvals
                       WHERE state IN ('pending', 'approved') AND state = 'pending'
                       ORDER BY asked_at, id LIMIT ?1";
        self.list(waiting, MAX_LISTED)
    }

    /// What waits and what no longer does, the latest first; [`MAX_LISTED`] at the most.
    ///
    /// # Errors
    ///
    /// As [`Inbox::get`].
    pub fn all(&self, limit: u32) -> Result<Vec<Approval>, Refused> {
        self.list(
            "SELECT * FROM approvals ORDER BY asked_at DESC, id LIMIT ?1",
            limit.min(MAX_LISTED),
        )
    }

    fn list(&self, select: &str, limit: u32) -> Result<Vec<Approval>, Refused> {
        self.change(|store, _| {
            let mut select = store.prepare_cached(select)?;
            let rows = select.query_map([limit], Approval::read)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}
