//! Decides by Cedar what may be done: the owner's rules, those that follow from licence, scopes and declarations, and which of them decided.
//!
//! [`Policies`] are built whole from one set of [`Inputs`], and never change: who reloads builds new ones and swaps them in. They
//! have no clock, no file and no socket; whoever asks brings the [`Moment`].
//!
//! # What rules speak of
//!
//! * **principal**: `Client::"claude"`, with the attribute `kind` and in `Kind::"key"` (a client of the network), `Kind::"local"` (a
//!   program through `gateway.sock`) or `Kind::"person"` (at the shell or the console).
//! * **action**: `Action::"mcp.fs.read"`, in `Action::"server:fs"` and in one group for each effect: `Action::"effect:read_only"`,
//!   `effect:destructive`, `effect:idempotent`, `effect:open_world`, `effect:undoable`, and `effect:changes` for what is not read-only.
//!   A method that declares nothing is in all that warn. What a server offers beside methods is `mcp.SERVER.prompts` and
//!   `mcp.SERVER.resources`.
//! * **resource**: each thing that the call works on by the method's declaration, each of which is decided; the strictest answer counts.
//!   All are in `Server::"fs"`.
//!
//!   | kind | resource | is in |
//!   |---|---|---|
//!   | path | `Path::"/notes/a.md"`; an absent argument is `Path::"/"` | every folder above it |
//!   | account | `Account::"work"` | |
//!   | recipient | `Recipient::"anna@mail.example.org"` | `Domain::"mail.example.org"`, `Domain::"example.org"`, … |
//!   | remote | `Remote::"nas:backup"` | `Remote::"nas"` |
//!   | workflow | `Workflow::"tidy"` | |
//!   | url | `Host::"www.example.org"`; `Host::""` for a URL without one | `Host::"example.org"`, … |
//!   | none, or none given | `Tool::"mcp.mail.send"` | |
//!
//! * **context**: `arguments`, typed by the method's schema (text, whole numbers, booleans, lists of text and objects of these);
//!   `hour` (0 to 23) and `weekday` (1 is Monday) on the appliance's clock, `now` (a `datetime`), `origin` (`"http"`, `"websocket"`,
//!   `"local"`, `"console"`), and `untrusted`, the set of where text came from that the conversation has read and nobody vouches for.
//!
//! [`Policies::schema`] is all that as a Cedar schema, and the owner's rules are held to it, strictly.
//!
//! # What decides
//!
//! 1. A plain `forbid` that matches denies, and so does one that fails while it is evaluated. `licence:TIER` is one, so nothing goes
//!    beyond the licence.
//! 2. What nothing permits is denied. `scopes:CLIENT` permits what a client's scopes have, `kind:local` and `kind:person` everything; a
//!    `permit` of the owner's adds to them.
//! 3. A `forbid` with `@ask("person")` or `@ask("host")` asks; a person is stricter than a host. The defaults ask a person, unless a
//!    person calls: `default:cannot_be_undone`, `default:leaves_the_appliance` and `default:untrusted`.
//! 4. Else the call is allowed.
//!
//! A `permit` with `@ask("never")` takes the first two defaults away where it matches, and with `@untrusted("ok")` beside it the third; it
//! permits nothing by itself. What the owner's own rules ask is always asked. A person's answer `always` is such a permit, `always:ID`.
//!
//! Rules are named by `@id`, else by their line, after their file: `mail.cedar:bank`, `mail.cedar:12`.
//!
//! # What is not there
//!
//! A rule may name a method, a server or a client that is not there: it may have been taken away, or be about to come. That is
//! a [`Warning`], and what the rule says of all others holds. A rule about nothing else waits, and is held to the schema once there is
//! something to hold it to.
//!
//! # What fails closed
//!
//! Names are brought into one spelling before they are compared ([`Policies::decide`] never sees `/notes/../private`), and rules must
//! use it. Where a rule that can apply looks at what a call works on or at its arguments, then arguments that are no object, say a thing twice, are of
//! another type than declared, or name what has no normal spelling (a recipient that is no address, a URL that is none), are denied as `arguments` or
//! `arguments:NAME`. Where no rule looks, arguments are not read, and the answer is remembered.
//!
//! An argument may be absent, and what the server then does is its own: a rule that is to hold for the account `work` however it is
//! chosen says `unless { resource == Account::"home" }`. Text within `context.arguments` is as the caller wrote it, in any spelling: rules
//! about folders, addresses and hosts speak of the resource.
//!
//! ```
//! use policy::{Answer, Client, File, Inputs, Kind, Licence, Moment, Origin, Policies, Principal, Question, Tool};
//!
//! let all = capfile::Pattern::all();
//! let inputs = Inputs {
//!     tools: vec![Tool::reading("mail", "prompts")],
//!     licence: Licence { tier: "FREE".to_owned(), allows: [&all].into_iter().collect() },
//!     clients: vec![Client { name: "claude".to_owned(), scopes: [&all].into_iter().collect() }],
//!     standing: vec![],
//!     files: vec![File {
//!         name: "night.cedar".to_owned(),
//!         text: "forbid (principal, action, resource) when { context.hour < 6 };".to_owned(),
//!     }],
//! };
//! let policies = Policies::build(&inputs)?;
//! let mut question = Question {
//!     principal: Principal { name: "claude", kind: Kind::Key },
//!     method: "mcp.mail.prompts",
//!     arguments: None,
//!     moment: Moment { timestamp: 0, hour: 9, weekday: 4 },
//!     origin: Origin::Http,
//!     untrusted: capfile::TextSources::NONE,
//! };
//! assert_eq!(policies.decide(&question).answer, Answer::Allow);
//! question.moment.hour = 3;
//! assert_eq!(&*policies.decide(&question).rule, "night.cedar:1");
//! # Ok::<(), policy::PolicyError>(())
//! ```

mod answer;
mod cell;
mod check;
mod context;
mod error;
mod input;
mod json;
pub mod limits;
mod made;
mod method;
mod missing;
mod names;
mod owner;
mod policies;
mod question;
mod resource;
mod rule;
mod schema;
mod scope;
mod scopes;
mod shape;
mod types;

pub use answer::{Answer, Approver, Decision, Explanation, Rule, Scope};
pub use check::Checked;
pub use error::{Place, PolicyError, Warning};
pub use input::{Client, File, Inputs, Licence, Standing, Tool};
pub use policies::Policies;
pub use question::{Kind, Moment, Origin, Principal, Question};
