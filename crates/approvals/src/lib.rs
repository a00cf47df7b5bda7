//! Calls that wait for a person: asked, answered, used once, and kept over a restart.
//!
//! Where policy wants somebody to agree, the gateway **asks**: the call is written into the [`Inbox`] with an id, and the client
//! is told the id. Somebody **answers**: approves it, perhaps with other arguments, denies it, or allows its like from then on.
//! The client repeats the call, and the gateway **takes** the grant, which is used up before the call goes on.
//!
//! ```
//! use approvals::{Answerer, Asked, Audience, Inbox, State};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("approvals.db");
//! # let since = std::time::UNIX_EPOCH.elapsed()?;
//! # let clock: approvals::Clock = std::sync::Arc::new(move || since);
//! let inbox = Inbox::open(&path, clock)?;
//! let arguments = r#"{"to":"bob@example.org"}"#;
//! let asked = inbox.ask(Asked {
//!     client: "anna".into(),
//!     method: "mcp.mail.send".into(),
//!     tool: "mail_send".into(),
//!     arguments: arguments.into(),
//!     ..Asked::default()
//! })?;
//! assert_eq!(asked.state, State::Pending);
//! inbox.approve(&asked.id, &Answerer::Person("tty1".into()), None)?;
//! assert!(inbox.take("anna", "mcp.mail.send", arguments, Audience::Person)?.is_some());
//! assert!(inbox.take("anna", "mcp.mail.send", arguments, Audience::Person)?.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//! - A grant is used at most once: the use is on the disk before [`Inbox::take`] returns. If the process dies after that, the grant
//!   is gone and the call was not made; never the other way round.
//! - The first answer counts, and the second is told of it.
//! - A grant is of one call: this client, this method, these arguments. Members of objects may come in another order;
//!   numbers are compared by their text, so that no two are rounded together.
//! - What only a person may answer, a host's answer never grants.
//! - What has expired stays expired, whatever the clock says later.
//!
//! # A clock that is set
//!
//! Times are those of the wall clock, since they must outlast a restart. A clock that is set forward ends things early. One that
//! is set back by more than [`limits::CLOCK_TOLERANCE`] ends at once everything that is open: how long it has waited cannot be told
//! any more, and asking again costs less than a grant that lives on. The same holds for what was written at a time that is yet to
//! come, as after a restart with a wrong clock.

mod answer;
mod approval;
mod canonical;
mod error;
mod grant;
mod inbox;
pub mod limits;
mod read;
mod schema;
mod standing;
pub mod tools;

pub use answer::Answerer;
pub use approval::{Approval, Asked, Audience, State};
pub use canonical::{ArgumentsError, pretty};
pub use error::Refused;
pub use grant::Grant;
pub use inbox::{Clock, Inbox};
pub use standing::{Standing, read_standing};
