//! A call that may be made, until it has ended.

use std::time::Instant;

use audit::{Audit, Entry, Kind, Place};
use capfile::{Budget, Spend};
use mcp_types::meta;
use mcp_wire::{Object, RpcError, code};
use quota::Reservation;
use serde_json::Value;
use store::rusqlite;

use crate::access::Refused;
use crate::mcp::forward::NOTHING_DONE;

/// The kinds of a tool's error that say that it has done nothing.
const DOES_NOTHING: [&str; 5] =
    ["invalid_arguments", "not_found", "denied", "conflict", "too_large"];
/// The member of an error's data, in the legacy dialect, that has the kind.
pub(crate) const KIND: &str = "kind";

/// How a call has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ended<'a> {
    /// With a reply of MCP that has a result, which may be a tool's error.
    Answered(&'a [u8]),
    /// With a result of the legacy dialect.
    Result(&'a str),
    /// With a tool's error, whose code is that of the legacy dialect.
    Refused { code: i64, nothing_done: bool },
    /// Without one, and with this code; what it has done nobody knows.
    Failed(i64),
    /// With this code, before anything was done.
    NotMade(i64),
}

/// A call that may be made. Dropped, it was given up, which is recorded; what had been made by then has used all that it had
/// reserved.
#[must_use = "a call that has ended must be settled and recorded"]
pub(crate) struct Pass {
    reserved: Option<Reservation>,
    spends: Vec<Spend>,
    begun: Instant,
    /// Whether what it needs is recorded, so that it is made.
    made: bool,
    /// What is recorded at the end, and where.
    record: Option<(Place, Entry)>,
}

impl Pass {
    /// Records what is about to be done, or keeps a place for it where it changes nothing.
    pub(super) async fn begin(
        audit: &Audit,
        entry: Entry,
        reserved: Option<Reservation>,
        spends: &[Spend],
    ) -> Result<Self, Refused> {
        let mut pass = Self {
            reserved,
            spends: spends.to_vec(),
            begun: Instant::now(),
            made: false,
            record: None,
        };
        let Ok(()) = pass.record_intent(audit, entry).await else {
            // What cannot be recorded is not done.
            return Err(Refused::Unavailable);
        };
        pass.made = true;
        Ok(pass)
    }

    /// From its first step on, whoever goes away leaves a pass behind that tells its end.
    async fn record_intent(
        &mut self,
        audit: &Audit,
        mut entry: Entry,
    ) -> Result<(), audit::Closed> {
        if entry.kind != Kind::Intent {
            self.record = Some((audit.place().await?, entry));
            return Ok(());
        }
        let arguments = entry.arguments.take();
        let (place, durable) = audit.begin(Entry { arguments, ..entry.clone() }).await?;
        entry.kind = Kind::Outcome;
        self.record = Some((place, entry));
        durable.wait().await.map(drop)
    }

    /// Ends a call.
    pub(crate) fn end(mut self, ended: Ended<'_>) {
        let refused = match ended {
            Ended::Answered(reply) => tool_error(reply),
            _ => None,
        };
        let (outcome, code, bytes) = match ended {
            Ended::Answered(reply) if refused.is_some() => ("error", 0, reply.len()),
            Ended::Answered(reply) => ("ok", 0, reply.len()),
            Ended::Result(result) => ("ok", 0, result.len()),
            Ended::Refused { code, .. } => ("error", code, 0),
            Ended::Failed(code) => ("failed", code, 0),
            Ended::NotMade(code) => ("not_made", code, 0),
        };
        self.record(outcome, code, bytes);
        let Some(reserved) = self.reserved.take() else { return };
        match ended {
            Ended::NotMade(_) | Ended::Refused { nothing_done: true, .. } => {
                told(reserved.cancel());
            }
            Ended::Answered(_) if refused.is_some_and(|error| error.nothing_done) => {
                told(reserved.cancel());
            }
            Ended::Failed(_) | Ended::Refused { .. } => drop(reserved),
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

/// The member of a result of MCP that says that it is a tool's error.
const IS_ERROR: &str = "isError";
/// Where a reply of MCP holds what a tool gave for programs.
const STRUCTURED: &str = "/result/structuredContent";

impl Drop for Pass {
    fn drop(&mut self) {
        self.record(if self.made { "given_up" } else { "not_made" }, 0, 0);
        if let Some(reserved) = self.reserved.take().filter(|_| !self.made) {
            told(reserved.cancel());
        }
    }
}

impl Ended<'_> {
    /// A call without a result.
    pub(crate) fn failed(error: &RpcError) -> Self {
        let data = |member| error.data.as_ref().and_then(|data| data.get(member));
        let code = error.code.into();
        if let Some(kind) = data(KIND) {
            let nothing_done = kind.as_str().is_some_and(does_nothing);
            return Self::Refused { code, nothing_done };
        }
        if data(NOTHING_DONE) == Some(&Value::Bool(true)) {
            Self::NotMade(code)
        } else {
            Self::refused_by_server(code)
        }
    }

    /// A call to which the server has answered with an error of JSON-RPC.
    pub(crate) fn refused_by_server(code: i64) -> Self {
        let not_made = [code::INVALID_PARAMS, code::METHOD_NOT_FOUND].map(i64::from);
        if not_made.contains(&code) { Self::NotMade(code) } else { Self::Failed(code) }
    }
}

/// A tool's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ToolError {
    nothing_done: bool,
}

/// The tool's error that is in a reply of MCP. `None`: it has a result.
fn tool_error(reply: &[u8]) -> Option<ToolError> {
    // Nearly no reply has the word, and some have megabytes.
    memchr::memmem::find(reply, IS_ERROR.as_bytes())?;
    let reply = Object::parse(std::str::from_utf8(reply).ok()?).ok()?;
    let result = Object::parse(reply.get("result")?.get()).ok()?;
    if result.get(IS_ERROR)?.get() != "true" {
        return None;
    }
    let metadata = result.get("_meta").and_then(|raw| Object::parse(raw.get()).ok());
    let kind = metadata.as_ref().and_then(|metadata| metadata.get_str(meta::ERROR_KIND));
    Some(ToolError { nothing_done: kind.is_some_and(|kind| does_nothing(&kind)) })
}

fn does_nothing(kind: &str) -> bool {
    DOES_NOTHING.contains(&kind)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_s_error_is_told_from_a_result_that_speaks_of_errors() {
        let check = |result: &str, expected: Option<bool>| {
            let reply = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
            let found = tool_error(reply.as_bytes()).map(|error| error.nothing_done);
            assert_eq!(found, expected, "{result}");
        };
        let kind =
            |kind| format!(r#"{{"isError": true,"_meta":{{"{}":"{kind}"}}}}"#, meta::ERROR_KIND);
        check(&kind("not_found"), Some(true));
        check(&kind("no_space"), Some(false));
        check(r#"{"content":[],"isError":true}"#, Some(false));
        check(r#"{"content":[],"isError":false}"#, None);
        check(r#"{"content":[{"type":"text","text":"\"isError\":true"}]}"#, None);
        check(r#"{"structuredContent":{"isError":true}}"#, None);
        check("{}", None);
    }
}
