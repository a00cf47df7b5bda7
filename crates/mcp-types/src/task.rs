//! Tasks: calls whose answers come later (MCP's extension `io.modelcontextprotocol/tasks`, SEP-2663).

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::result::ResultType;
use crate::subscription::Meta;

/// The name of the extension, under which client and server say that they have it.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// What has become of a task (`TaskStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It is being worked on.
    Working,
    /// It waits for answers of the client.
    InputRequired,
    /// It has a result, which may say that the tool failed.
    Completed,
    /// It has ended with a JSON-RPC error.
    Failed,
    /// It was cancelled before it had ended.
    Cancelled,
}

/// What is said of every task (`Task` without its status).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskHandle<'a> {
    /// The id to ask for it by.
    pub task_id: &'a str,
    /// For people and models: how it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_message: Option<&'a str>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub last_updated_at: Timestamp,
    /// For how many milliseconds from its making it can be asked for.
    pub ttl_ms: u64,
    /// How many milliseconds a client should let pass before it asks again.
    pub poll_interval_ms: u64,
}

/// The answer to a call that goes on as a task (`CreateTaskResult`).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateTaskResult<'a> {
    result_type: ResultType,
    status: TaskStatus,
    #[serde(flatten)]
    handle: TaskHandle<'a>,
}

/// A task with what it has come to (`DetailedTask`).
#[derive(Debug, Clone, Serialize)]
pub struct DetailedTask<'a> {
    /// What is said of every task.
    #[serde(flatten)]
    pub handle: TaskHandle<'a>,
    /// Its status, and what belongs to it.
    #[serde(flatten)]
    pub detail: TaskDetail<'a>,
}

/// The status of a task, and what a task of that status has besides.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "status", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum TaskDetail<'a> {
    /// It is being worked on (`WorkingTask`).
    Working,
    /// It waits for answers of the client (`InputRequiredTask`).
    InputRequired {
        /// What is asked and not answered yet: an object.
        input_requests: &'a RawValue,
    },
    /// It has a result (`CompletedTask`).
    Completed {
        /// The result, as the call would have had it.
        result: &'a RawValue,
    },
    /// It has ended with a JSON-RPC error (`FailedTask`).
    Failed {
        /// The error.
        error: &'a RawValue,
    },
    /// It was cancelled (`CancelledTask`).
    Cancelled,
}

/// The answer to `tasks/get` (`GetTaskResult`).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetTaskResult<'a> {
    result_type: ResultType,
    #[serde(flatten)]
    task: DetailedTask<'a>,
}

/// The answer to `tasks/update` and `tasks/cancel`, which says only that they have arrived (`UpdateTaskResult`, `CancelTaskResult`).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskAcknowledged {
    result_type: ResultType,
}

/// Tells on a subscription how a task stands (`TaskStatusNotification`).
#[derive(Debug, Clone, Serialize)]
pub struct TaskNotification<'a> {
    jsonrpc: &'static str,
    method: &'static str,
    params: Params<'a>,
}

#[derive(Debug, Clone, Serialize)]
struct Params<'a> {
    #[serde(flatten)]
    task: DetailedTask<'a>,
    #[serde(rename = "_meta")]
    meta: Meta<'a>,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Working, Self::InputRequired, Self::Completed, Self::Failed, Self::Cancelled];

    /// As it stands on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::InputRequired => "input_required",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether a task of this status never changes again.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl<'a> CreateTaskResult<'a> {
    /// Tells of a task that was just made.
    pub const fn new(status: TaskStatus, handle: TaskHandle<'a>) -> Self {
        Self { result_type: ResultType::Task, status, handle }
    }
}

impl<'a> GetTaskResult<'a> {
    /// Tells how a task stands.
    pub const fn new(task: DetailedTask<'a>) -> Self {
        Self { result_type: ResultType::Complete, task }
    }
}

impl TaskAcknowledged {
    /// The one that there is.
    pub const fn new() -> Self {
        Self { result_type: ResultType::Complete }
    }
}

impl Default for TaskAcknowledged {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> TaskNotification<'a> {
    /// Tells the subscription that the request with this `id` opened.
    pub const fn new(id: &'a RawValue, task: DetailedTask<'a>) -> Self {
        let params = Params { task, meta: Meta { subscription_id: id } };
        Self { jsonrpc: "2.0", method: "notifications/tasks", params }
    }
}
