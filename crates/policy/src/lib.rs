//! Decides by Cedar what may be done: the owner's rules, those that follow from licence, scopes and declarations, and which of them decided.

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
mod names;
mod owner;
mod policies;
mod question;
mod resource;
mod rule;
mod schema;
mod scope;
mod scopes;
mod types;

pub use answer::{Answer, Approver, Decision, Explanation, Rule, Scope};
pub use error::{Place, PolicyError, Warning};
pub use input::{Client, File, Inputs, Licence, Standing, Tool};
pub use policies::Policies;
pub use question::{Kind, Moment, Origin, Principal, Question};
