//! What was called, and what has become of it.

use std::time::Duration;

use jiff::Timestamp;
use mcp_types::{
    CreateTaskResult, DetailedTask, GetTaskResult, TaskDetail, TaskHandle, TaskStatus,
};
use serde_json::value::RawValue;
use store::rusqlite::types::Type;
use store::rusqlite::{self, Row};

use crate::limits::POLL_INTERVAL;

/// A call that is to go on as a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct New {
    /// The client that makes it, which alone sees the task.
    pub client: String,
    /// The method of the request.
    pub method: String,
    /// The parameters: the JSON text of an object, as the client wrote it.
    pub params: String,
    /// The id of the approval that it waits for.
    pub approval: Option<String>,
    /// The request that made it.
    pub request: String,
    /// The revision of MCP that it was made in, which its result will be in.
    pub version: String,
    /// For people and models: how it stands.
    pub status_message: Option<String>,
    /// How long it may be open, if not for [`crate::limits::TTL`]; no longer than [`crate::limits::MAX_TTL`].
    pub ttl: Option<Duration>,
}

/// A task that waits for an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its id.
    pub id: String,
    /// The client that made it.
    pub client: String,
    /// The id of the approval.
    pub approval: String,
}

/// A call that goes on as a task, or has ended.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its id, which nobody guesses.
    pub id: String,
    /// The client that made it.
    pub client: String,
    /// The method of the request.
    pub method: String,
    /// The parameters: the JSON text of an object, as the client wrote it.
    pub params: String,
    /// The id of the approval that it waits for.
    pub approval: Option<String>,
    /// The request that made it.
    pub request: String,
    /// The revision of MCP that it was made in.
    pub version: String,
    /// What has become of it.
    pub status: TaskStatus,
    /// For people and models: how it stands.
    pub status_message: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub last_updated_at: Timestamp,
    /// When it fails if it is open, and is forgotten if it has ended.
    pub expires_at: Timestamp,
    /// Whether its work was begun.
    pub has_started: bool,
    /// Whether its client wants it no more.
    pub cancel_asked: bool,
    /// What it asks its client and is not answered yet, while it waits for that: an object.
    pub input_requests: Option<Box<RawValue>>,
    /// The result or the error, once it is completed or failed.
    pub outcome: Option<Box<RawValue>>,
}

impl Task {
    /// The answer to the request that made it.
    pub fn created(&self) -> CreateTaskResult<'_> {
        CreateTaskResult::new(self.status, self.handle())
    }

    /// The answer to `tasks/get`.
    pub fn got(&self) -> GetTaskResult<'_> {
        GetTaskResult::new(self.detailed())
    }

    /// All that its client may know of it, as a notification tells it.
    pub fn detailed(&self) -> DetailedTask<'_> {
        let outcome = self.outcome.as_deref().unwrap_or(RawValue::NULL);
        let detail = match self.status {
            TaskStatus::Working => TaskDetail::Working,
            TaskStatus::InputRequired => {
                let asked = self.input_requests.as_deref().unwrap_or(RawValue::NULL);
                TaskDetail::InputRequired { input_requests: asked }
            }
            TaskStatus::Completed => TaskDetail::Completed { result: outcome },
            TaskStatus::Failed => TaskDetail::Failed { error: outcome },
            TaskStatus::Cancelled => TaskDetail::Cancelled,
        };
        DetailedTask { handle: self.handle(), detail }
    }

    fn handle(&self) -> TaskHandle<'_> {
        let ttl = self.expires_at.as_millisecond() - self.created_at.as_millisecond();
        TaskHandle {
            task_id: &self.id,
            status_message: self.status_message.as_deref(),
            created_at: self.created_at,
            last_updated_at: self.last_updated_at,
            // Where the clock was set back, the end may lie before the beginning.
            ttl_ms: u64::try_from(ttl).unwrap_or(0),
            poll_interval_ms: u64::try_from(POLL_INTERVAL.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Reads a whole row of `tasks`. What it asks stands elsewhere.
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let outcome = row.get::<_, Option<String>>("outcome")?;
        Ok(Self {
            id: row.get("id")?,
            client: row.get("client")?,
            method: row.get("method")?,
            params: row.get("params")?,
            approval: row.get("approval")?,
            request: row.get("request")?,
            version: row.get("version")?,
            status: status(&row.get::<_, String>("status")?)?,
            status_message: row.get("message")?,
            created_at: time(row.get("created_at")?),
            last_updated_at: time(row.get("updated_at")?),
            expires_at: time(row.get("expires_at")?),
            has_started: row.get::<_, Option<i64>>("started_at")?.is_some(),
            cancel_asked: row.get::<_, Option<i64>>("cancel_asked_at")?.is_some(),
            input_requests: None,
            outcome: outcome.map(raw).transpose()?,
        })
    }
}

/// One that is not known was written by nobody that we trust.
fn status(name: &str) -> rusqlite::Result<TaskStatus> {
    let known = TaskStatus::ALL.into_iter().find(|status| status.name() == name);
    known.ok_or_else(|| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, "status".into()))
}

/// JSON as it is kept, which was checked when it was written.
pub(crate) fn raw(text: String) -> rusqlite::Result<Box<RawValue>> {
    let bad = |error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error));
    RawValue::from_string(text).map_err(bad)
}

/// A time as it is kept. One beyond what can be told was written by nobody.
fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or_default()
}
