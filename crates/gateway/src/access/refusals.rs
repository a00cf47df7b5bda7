//! The record of what was refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use audit::{Entry, Kind};
use mcp_wire::RpcError;

use crate::access::desk::entry;
use crate::access::{Access, Refused};
use crate::limits::{REFUSAL_PERIOD, REFUSALS_AT_ONCE};
use crate::mcp::Door;

/// The refusals of each client: so many have rows of their own, of the others their number is told. A client that is refused costs
/// nothing else, and could else push out of the record, which is not endless, what others did.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<Arc<str>, Told>>);

struct Told {
    /// Rows that it may still cause now.
    left: u32,
    /// Since when they are counted.
    since: Instant,
    untold: u64,
}

impl Refusals {
    /// Whether one more of a client's has a row of its own; else it is counted.
    fn has_row(&self, client: &Arc<str>, now: Instant) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Told { left: REFUSALS_AT_ONCE, since: now, untold: 0 };
        let told = all.entry(client.clone()).or_insert_with(fresh);
        let periods = periods(now.duration_since(told.since));
        if periods > 0 {
            told.left = told.left.saturating_add(periods).min(REFUSALS_AT_ONCE);
            told.since += REFUSAL_PERIOD * periods;
        }
        if let Some(left) = told.left.checked_sub(1) {
            told.left = left;
            return true;
        }
        told.untold += 1;
        false
    }

    /// How many of each client have no row, since this was last asked. Forgets who is refused no more.
    fn untold(&self, now: Instant) -> Vec<(Arc<str>, u64)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = all.iter_mut().filter_map(|(client, told)| {
            let untold = std::mem::take(&mut told.untold);
            (untold > 0).then(|| (client.clone(), untold))
        });
        let counted = counted.collect();
        all.retain(|_, told| periods(now.duration_since(told.since)) < REFUSALS_AT_ONCE);
        counted
    }
}

fn periods(time: Duration) -> u32 {
    u32::try_from(time.as_nanos() / REFUSAL_PERIOD.as_nanos()).unwrap_or(u32::MAX)
}

impl Access {
    /// Records a refusal, which is on the disk when this ends.
    pub(super) async fn refuse(
        &self,
        door: &Door<'_>,
        what: &str,
        arguments: Option<&str>,
        why: &Refused,
    ) {
        self.refused(door, what, arguments, why.word(), why.to_rpc().code.into()).await;
    }

    /// Records that something was asked for which there is not, or in a way that cannot be.
    pub(crate) async fn misasked(
        &self,
        door: &Door<'_>,
        what: &str,
        arguments: Option<&str>,
        error: &RpcError,
    ) {
        self.refused(door, what, arguments, "misasked", error.code.into()).await;
    }

    async fn refused(
        &self,
        door: &Door<'_>,
        what: &str,
        arguments: Option<&str>,
        word: &'static str,
        code: i64,
    ) {
        if !self.refusals.has_row(door.client.name(), Instant::now()) {
            return;
        }
        let mut entry = entry(Kind::Refusal, door, what.into());
        entry.arguments = arguments.map(Into::into);
        (entry.outcome, entry.code) = (word, code);
        if let Err(error) = self.audit.record_durably(entry).await {
            tracing::warn!(%error, "a refusal could not be recorded");
        }
    }

    /// Records how many refusals had no row of their own. Call it often, and at the end.
    pub(crate) async fn tell_refusals(&self) {
        for (client, untold) in self.refusals.untold(Instant::now()) {
            let mut entry = Entry::new(Kind::Refusal, "refusals");
            (entry.client, entry.outcome) = (client, "too_many");
            entry.arguments = Some(format!(r#"{{"untold":{untold}}}"#).into());
            if let Err(error) = self.audit.record_durably(entry).await {
                tracing::warn!(%error, untold, "refusals could not be recorded");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_some_rows_and_then_one_a_period_and_none_is_lost() {
        let refusals = Refusals::default();
        let (anna, bert): (Arc<str>, Arc<str>) = ("anna".into(), "bert".into());
        let start = Instant::now();
        let rows = |client: &Arc<str>, count: u32, at| {
            (0..count).filter(|_| refusals.has_row(client, at)).count()
        };
        let burst = REFUSALS_AT_ONCE as usize;
        assert_eq!(rows(&anna, REFUSALS_AT_ONCE + 500, start), burst);
        assert_eq!(rows(&bert, 1, start), 1, "what one does is not the other's");
        assert_eq!(refusals.untold(start), [(anna.clone(), 500)]);
        assert_eq!(refusals.untold(start), []);
        let later = start + REFUSAL_PERIOD * 3 + REFUSAL_PERIOD / 2;
        assert_eq!(rows(&anna, 10, later), 3);
        assert_eq!(refusals.untold(later), [(anna.clone(), 7)]);
        let much_later = later + REFUSAL_PERIOD * REFUSALS_AT_ONCE;
        assert_eq!(refusals.untold(much_later), []);
        assert!(refusals.0.lock().unwrap().is_empty(), "who is refused no more is forgotten");
        assert_eq!(rows(&anna, REFUSALS_AT_ONCE + 1, much_later), burst);
    }
}
