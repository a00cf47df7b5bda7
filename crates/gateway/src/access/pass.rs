//! A call that may be made, until it has ended.

use std::time::Instant;

use audit::{Audit, Entry, Kind, Place};
use capfile::{Budget, Spend};
use mcp_wire::{RpcError, code};
use quota::Reservation;
use serde_json::Value;
use store::rusqlite;

use crate::access::Refused;
use crate::mcp::forward::NOTHING_DONE;

/// How a call has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ended<'a> {
    /// With a reply of MCP that has a result.
    Answered(&'a [u8]),
    /// With a result of the legacy dialect.
    Result(&'a str),
    /// Without one, and with this code; what it has done nobody knows.
    Failed(i64),
    /// With this code, before anything was done.
    NotMade(i64),
}

/// A call that may be made. Dropped, it was given up: then it has used all that it had reserved, and that is recorded too.
#[must_use = "a call that has ended must be settled and recorded"]
pub(crate) struct Pass {
    reserved: Option<Reservation>,
    spends: Vec<Spend>,
    begun: Instant,
    /// What is recorded at the end, and where.
    record: Option<(Place, Entry)>,
}

impl Pass {
    /// Records what is about to be done, or keeps a place for it where it changes nothing.
    pub(super) async fn begin(
        audit: &Audit,
        mut entry: Entry,
        reserved: Option<Reservation>,
        spends: &[Spend],
    ) -> Result<Self, Refused> {
        let begun = Instant::now();
        let recorded = async {
            if entry.kind == Kind::Intent {
                let arguments = entry.arguments.take();
                let intent = Entry { arguments, ..entry.clone() };
                entry.refers = Some(audit.intent(intent).await?);
                entry.kind = Kind::Outcome;
            }
            let place = audit.place().await?;
            Ok((place, entry))
        };
        let recorded: Result<_, audit::Closed> = recorded.await;
        if let Ok(record) = recorded {
            return Ok(Self { reserved, spends: spends.to_vec(), begun, record: Some(record) });
        }
        // What cannot be recorded is not done.
        if let Some(reserved) = reserved {
            told(reserved.cancel());
        }
        Err(Refused::Unavailable)
    }

    /// Ends a call.
    pub(crate) fn end(mut self, ended: Ended<'_>) {
        let (outcome, code, bytes) = match ended {
            Ended::Answered(reply) => ("ok", 0, reply.len()),
            Ended::Result(result) => ("ok", 0, result.len()),
            Ended::Failed(code) => ("failed", code, 0),
            Ended::NotMade(code) => ("not_made", code, 0),
        };
        self.record(outcome, code, bytes);
        let Some(reserved) = self.reserved.take() else { return };
        match ended {
            Ended::NotMade(_) => told(reserved.cancel()),
            Ended::Failed(_) => drop(reserved),
            Ended::Answered(reply) => settle(reserved, &self.spends, STRUCTURED, reply),
            Ended::Result(result) => settle(reserved, &self.spends, "", result.as_bytes()),
        }
    }

    fn record(&mut self, outcome: &'static str, code: i64, bytes: usize) {
        let Some((place, mut entry)) = self.record.take() else { return };
        (entry.outcome, entry.code, entry.bytes) = (outcome, code, bytes as u64);
        entry.micros = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        place.record(entry);
    }
}

/// Where a reply of MCP holds what a tool gave for programs.
const STRUCTURED: &str = "/result/structuredContent";

impl Drop for Pass {
    fn drop(&mut self) {
        self.record("given_up", 0, 0);
    }
}

impl Ended<'_> {
    /// A call without an answer.
    pub(crate) fn failed(error: &RpcError) -> Self {
        let nothing_done = error.data.as_ref().and_then(|data| data.get(NOTHING_DONE));
        let code = error.code.into();
        if nothing_done == Some(&Value::Bool(true)) {
            Self::NotMade(code)
        } else {
            Self::Failed(code)
        }
    }

    /// A call to which the server has answered with an error of JSON-RPC.
    pub(crate) fn refused_by_server(code: i64) -> Self {
        let not_made = [code::INVALID_PARAMS, code::METHOD_NOT_FOUND].map(i64::from);
        if not_made.contains(&code) { Self::NotMade(code) } else { Self::Failed(code) }
    }
}

/// Gives back what was not used, as the result says, which is in a text at `place`.
fn settle(reserved: Reservation, spends: &[Spend], place: &str, text: &[u8]) {
    let whole: Value = serde_json::from_slice(text).unwrap_or_default();
    let result = whole.pointer(place);
    let used = spends.iter().filter_map(|spend| {
        let found = result?.pointer(spend.used.as_deref()?)?;
        Some((spend.budget, found.as_u64()?))
    });
    let used: Vec<(Budget, u64)> = used.collect();
    told(reserved.settle(&used));
}

fn told(settled: rusqlite::Result<()>) {
    if let Err(error) = settled {
        tracing::error!(%error, "a budget could not be settled: what was reserved stays spent");
    }
}
