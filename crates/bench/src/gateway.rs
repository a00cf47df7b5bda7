//! The gateway. The goals are those by which the project is held: P1 to P3, P11 and P13.
//!
//! Authentication, the licence, policy, budgets and audit are on, and rates too, but that this licence sets none. The owner has
//! no rules, so that what decides are the policies that are made from licence, scopes and declarations.

use std::time::Duration;

use anyhow::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Common;
use crate::figures::Figure;
use crate::measure::{self, Extent};
use crate::stage::Stage;

/// What is measured where figures are wanted: about two minutes.
const WHOLE: Extent =
    Extent { repeats: 5, calls: 4000, time: Duration::from_secs(2), starts: 20, rounds: 40 };
/// What is measured where only the measuring is tried.
const QUICK: Extent =
    Extent { repeats: 1, calls: 100, time: Duration::from_millis(200), starts: 1, rounds: 1 };

/// Measures the gateway.
pub(crate) fn run(common: &Common) -> Result<Vec<Figure>> {
    // A thousand clients are a thousand descriptors here too.
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let extent = if common.quick { QUICK } else { WHOLE };
    let mut stage = Stage::start(&common.programs()?)?;
    measure::all(&mut stage, extent)
}
