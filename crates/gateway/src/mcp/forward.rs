//! One call on its way to a capability server, whichever dialect it came in.

use std::time::{Duration, Instant};

use approvals::Grant;
use bytes::Bytes;
use mcp_types::Caller;
use mcp_wire::{RpcError, code};
use serde_json::json;

use crate::limits::VERDICT;
use crate::mcp::{Door, Mcp};
use crate::registry::Declared;
use crate::upstream::{CallError, Interim, Server};

/// The member of an error's data that says that the call was not made, so that it can be repeated.
pub(crate) const NOTHING_DONE: &str = "nothingDone";

/// What goes with a call.
pub(super) struct Call {
    /// The caller member, as JSON text: whose call it is, as we know it.
    pub(super) caller: String,
    /// How long the answer may take: what the client says that it waits, but no longer than our own bound.
    pub(super) deadline: Duration,
}

impl Mcp {
    /// What goes with a call that came through this door, whose client waits for `timeout` at the most.
    pub(super) fn call_of(
        &self,
        door: &Door<'_>,
        (declared, arguments): (&Declared, Option<&str>),
        grant: Option<&Grant>,
        timeout: Option<Duration>,
    ) -> Result<Call, RpcError> {
        let deadline = timeout.map_or(self.deadline, |timeout| timeout.min(self.deadline));
        let caller = Caller {
            client: door.client.name().to_string(),
            run: None,
            request: door.request_id.to_owned(),
            origin: door.origin,
            scopes: self.access.scopes(door, declared, arguments, grant),
            policy_generation: self.access.rulebook().generation(),
            timeout_ms: u64::try_from((deadline + VERDICT).as_millis()).ok(),
        };
        let caller = serde_json::to_string(&caller)
            .map_err(|_| RpcError::new(code::INTERNAL_ERROR, "the caller could not be written"))?;
        Ok(Call { caller, deadline })
    }

    /// Passes a call to its server and gives the reply, as the server wrote it.
    pub(super) async fn forward(
        &self,
        server: &Server,
        message: impl FnOnce(&str) -> Vec<u8>,
        call: &Call,
        interim: Option<Interim>,
    ) -> Result<Bytes, RpcError> {
        self.counted(server, server.call(message, call.deadline, interim)).await
    }

    /// The same for a server of the time before MCP.
    pub(super) async fn forward_alone(
        &self,
        server: &Server,
        message: impl FnOnce(&str) -> Vec<u8>,
        call: &Call,
    ) -> Result<Bytes, RpcError> {
        self.counted(server, server.call_alone(message, call.deadline)).await
    }

    async fn counted(
        &self,
        server: &Server,
        call: impl Future<Output = Result<Bytes, CallError>>,
    ) -> Result<Bytes, RpcError> {
        let mut counted = self.metrics.call(server.name(), Instant::now());
        let reply = call.await;
        counted.ended(reply.as_ref().err().copied());
        reply.map_err(|error| {
            tracing::warn!(server = server.name(), %error, "a call failed");
            failed(error)
        })
    }
}

/// The error of a call that got no answer.
pub(super) fn failed(error: CallError) -> RpcError {
    let code = match error {
        CallError::Unreachable | CallError::Died | CallError::Broken => code::SERVER_UNAVAILABLE,
        CallError::Overloaded => code::OVERLOADED,
        CallError::TimedOut => code::SERVER_TIMEOUT,
    };
    let told = RpcError::new(code, error.to_string());
    match error {
        CallError::Unreachable | CallError::Overloaded => {
            told.with_data(json!({ NOTHING_DONE: true }))
        }
        CallError::Died | CallError::Broken | CallError::TimedOut => told,
    }
}
