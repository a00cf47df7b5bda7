//! One transaction.

use store::rusqlite::{OptionalExtension as _, Transaction};

use crate::error::Refused;
use crate::task::Task;

/// One transaction, and whom it concerns.
pub(crate) struct Work<'a> {
    pub(crate) store: Transaction<'a>,
    pub(crate) now: i64,
    /// The tasks that changed or are gone, whose followers are told once it is on the disk.
    pub(crate) touched: Vec<String>,
}

impl Work<'_> {
    /// The task with this id.
    pub(crate) fn find(&self, id: &str) -> Result<Task, Refused> {
        let mut one = self.store.prepare_cached("SELECT * FROM tasks WHERE id = ?1")?;
        let mut task = one.query_row([id], Task::read).optional()?.ok_or(Refused::Unknown)?;
        if task.status == mcp_types::TaskStatus::InputRequired {
            task.input_requests = Some(self.outstanding(id)?);
        }
        Ok(task)
    }

    /// The task with this id, if this client has made it. Of others it hears what it hears of none.
    pub(crate) fn of(&self, client: &str, id: &str) -> Result<Task, Refused> {
        let whose = "SELECT 1 FROM tasks WHERE id = ?1 AND client = ?2";
        let is_own = self.store.prepare_cached(whose)?.exists((id, client))?;
        if is_own { self.find(id) } else { Err(Refused::Unknown) }
    }

    /// The task with this id, if it is open.
    pub(crate) fn open(&self, id: &str) -> Result<Task, Refused> {
        let task = self.find(id)?;
        if task.status.is_terminal() { Err(Refused::Ended(task.status)) } else { Ok(task) }
    }

    /// Tells that a task has changed, and gives it as it is now.
    pub(crate) fn changed(&mut self, id: &str) -> Result<Task, Refused> {
        let put = "UPDATE tasks SET updated_at = ?2 WHERE id = ?1";
        self.store.prepare_cached(put)?.execute((id, self.now))?;
        self.touched.push(id.to_owned());
        self.find(id)
    }
}
