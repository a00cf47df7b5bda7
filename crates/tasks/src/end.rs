//! How a task ends, which it does once.

use mcp_types::TaskStatus;

use crate::check::{object, rpc_error, short};
use crate::error::Refused;
use crate::limits::{KEPT, MAX_MESSAGE_BYTES, MAX_OUTCOME_BYTES};
use crate::schema::trim;
use crate::task::Task;
use crate::tasks::{Tasks, milliseconds};
use crate::work::Work;

/// What a client's wish to cancel has come to.
#[derive(Debug, Clone)]
pub enum Cancel {
    /// The work was not begun: the task is cancelled, and never will be.
    Ended(Task),
    /// The work is under way: whoever does it is to stop it, and to say so by [`Tasks::stopped`]. If it is done first, that counts.
    Asked(Task),
    /// It had ended before.
    Over(Task),
}

/// How a task ends.
pub(crate) struct Outcome<'a> {
    pub(crate) status: TaskStatus,
    /// The result or the error.
    pub(crate) json: Option<&'a str>,
    /// In the place of the message that it had.
    pub(crate) message: Option<&'a str>,
}

impl Tasks {
    /// Ends a task with this result, the JSON text of an object. A result that says that the tool failed is one too.
    ///
    /// # Errors
    ///
    /// There is none, it has ended, the result is no object or too large, or it cannot be written down. After a result that is
    /// refused the task is open still: end it by [`Tasks::fail`].
    pub fn complete(&self, id: &str, result: &str) -> Result<Task, Refused> {
        object("the result", result, MAX_OUTCOME_BYTES)?;
        self.end(id, &Outcome { status: TaskStatus::Completed, json: Some(result), message: None })
    }

    /// Ends a task with this error, the JSON text of the `error` of a JSON-RPC reply. Its message is that of the task too, if
    /// it is short.
    ///
    /// # Errors
    ///
    /// As [`Tasks::complete`].
    pub fn fail(&self, id: &str, error: &str) -> Result<Task, Refused> {
        let message = rpc_error(error, MAX_OUTCOME_BYTES)?;
        let message = Some(message.as_str()).filter(|message| message.len() <= MAX_MESSAGE_BYTES);
        self.end(id, &Outcome { status: TaskStatus::Failed, json: Some(error), message })
    }

    /// Ends a task as cancelled, since its work was stopped.
    ///
    /// # Errors
    ///
    /// There is none, it has ended, the message is too long, or it cannot be written down.
    pub fn stopped(&self, id: &str, message: Option<&str>) -> Result<Task, Refused> {
        self.end(id, &Outcome { status: TaskStatus::Cancelled, json: None, message })
    }

    /// Notes that the client wants a task of its own no more. What was not begun never will be; what is under way goes on until whoever
    /// works on it, and hears of this by [`Tasks::follow`], has stopped it.
    ///
    /// # Errors
    ///
    /// There is none for this client, or it cannot be written down.
    pub fn cancel(&self, client: &str, id: &str) -> Result<Cancel, Refused> {
        self.change(|work| {
            let task = work.of(client, id)?;
            if task.status.is_terminal() {
                return Ok(Cancel::Over(task));
            }
            if !task.has_started {
                let outcome = Outcome { status: TaskStatus::Cancelled, json: None, message: None };
                return end(work, &task, &outcome).map(Cancel::Ended);
            }
            if task.cancel_asked {
                return Ok(Cancel::Asked(task));
            }
            let put = "UPDATE tasks SET cancel_asked_at = ?2 WHERE id = ?1";
            work.store.prepare_cached(put)?.execute((id, work.now))?;
            work.changed(id).map(Cancel::Asked)
        })
    }

    fn end(&self, id: &str, outcome: &Outcome<'_>) -> Result<Task, Refused> {
        short("the message", outcome.message.unwrap_or_default(), MAX_MESSAGE_BYTES)?;
        self.change(|work| {
            let task = work.open(id)?;
            end(work, &task, outcome)
        })
    }
}

/// Ends a task that is open. One transaction writes at a time, and it has seen that this one is.
pub(crate) fn end(
    work: &mut Work<'_>,
    task: &Task,
    outcome: &Outcome<'_>,
) -> Result<Task, Refused> {
    // A message such as "waits for approval" does not hold any more.
    let put =
        "UPDATE tasks SET status = ?2, outcome = ?3, message = ?4, ended_at = ?5, expires_at = ?6,
                               size = size + coalesce(octet_length(?3), 0)
               WHERE id = ?1 AND ended_at IS NULL";
    let kept_until = work.now.saturating_add(milliseconds(KEPT));
    let row =
        (&task.id, outcome.status.name(), outcome.json, outcome.message, work.now, kept_until);
    work.store.prepare_cached(put)?.execute(row)?;
    work.store.prepare_cached("DELETE FROM inputs WHERE task = ?1")?.execute([&task.id])?;
    trim(work, &task.id)?;
    work.changed(&task.id)
}
