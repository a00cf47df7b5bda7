//! Rates and daily budgets, exact under concurrency and kept over a restart.
//!
//! A **rate** says how often somebody may do something; a **budget** how much of something may be used on one day. Both are
//! decided in memory, where 32 calls at once are counted as exactly as one, and kept in a store, so that a restart gives
//! nobody a second share.
//!
//! A budget is reserved from before a call and settled after it. What is never settled, since the call was cut off or the power
//! failed, stays spent: a budget may be used up too early, and is never exceeded by what was reserved.
//!
//! # What a crash costs
//!
//! A process that is killed loses no reservation, and of the rates what happened since the last [`Quota::flush`]. A power cut may
//! take back what happened since then of both.

mod budgets;
mod clock;
pub mod limits;
mod quota;
mod rates;

pub use budgets::{Account, Charge, Exceeded, Refused, Reservation};
pub use capfile::Budget;
pub use clock::{Clock, calendar, wall_clock};
pub use quota::Quota;
pub use rates::{Rate, TooSoon, What, Who};
