//! Calls whose answers come later: made once, asked for by id, and kept over a restart.
//!
//! The durable half of MCP's extension of tasks (`io.modelcontextprotocol/tasks`, SEP-2663). A call that waits for a person, or takes
//! long, becomes a **task**: the gateway **creates** it, tells its client the id, and does the work: it marks that it is **starting**,
//! and **completes** the task with what the call came to, or **fails** it. The client asks for it, answers what it asks, and may cancel
//! it.
//!
//! ```
//! use mcp_types::TaskStatus;
//! use tasks::{New, Tasks};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("tasks.db");
//! # let since = std::time::UNIX_EPOCH.elapsed()?;
//! # let clock: tasks::Clock = std::sync::Arc::new(move || since);
//! let tasks = Tasks::open(&path, clock)?;
//! let task = tasks.create(&New {
//!     client: "anna".into(),
//!     method: "tools/call".into(),
//!     params: r#"{"name":"mail_send"}"#.into(),
//!     ..New::default()
//! })?;
//! tasks.starting(&task.id)?;
//! tasks.complete(&task.id, r#"{"content":[]}"#)?;
//! assert_eq!(tasks.get("anna", &task.id)?.status, TaskStatus::Completed);
//! assert!(tasks.get("bob", &task.id).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//! - A task is on the disk before its id is told, and so is every change before anybody hears of it.
//! - A task ends once: the first end counts, and whoever comes later is told which it was.
//! - Work that is marked by [`Tasks::starting`] is begun once. If the process dies before the end is written, the task fails, and its
//!   error says to look whether it took effect; what was not begun waits to be taken up ([`Tasks::open_tasks`]).
//! - A client sees its own tasks and nothing of others.
//! - The key of a question is used once in a task, answered or not.
//!
//! # A clock that is set
//!
//! Times are those of the wall clock, since they must outlast a restart. A clock that is set forward ends things early. One that is
//! set back lengthens nothing: every end moves back with it. Where that is seen only after a restart, by more than
//! [`limits::CLOCK_TOLERANCE`], nobody knows how much time has passed: what is open ends, and what has ended is kept for longer by as
//! much as the process was gone.

mod check;
mod end;
mod error;
mod input;
pub mod limits;
mod schema;
mod task;
mod tasks;
mod work;

pub use end::Cancel;
pub use error::Refused;
pub use task::{New, Task, Waiting};
pub use tasks::{Clock, Tasks};
