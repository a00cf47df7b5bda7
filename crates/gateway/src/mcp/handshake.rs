//! What a client of the older era says once, for all that follows: which log messages it wants, and whether its user can be asked.
//! Since MCP 2026-07-28 every request says so itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use mcp_types::{Era, LogLevel, meta};
use mcp_wire::{Object, RpcError, code, result_reply};
use serde_json::{Map, Value};

use crate::mcp::{Asked, Mcp};

/// What a client of the older era has said once.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// How severe a log message must be for it to get it (`logging/setLevel`); while it has not said, `info`.
    level: AtomicU8,
    /// Whether it asks its user what a server wants to know (`capabilities.elicitation` of `initialize`).
    elicits: AtomicBool,
}

impl Default for Handshake {
    fn default() -> Self {
        let said = Self { level: AtomicU8::new(0), elicits: AtomicBool::new(false) };
        said.set(LogLevel::default());
        said
    }
}

impl Handshake {
    /// What `initialize` says, in its parameters.
    pub(super) fn read(&self, params: &Object<'_>) {
        let capabilities = params.get("capabilities").map(|raw| Object::parse(raw.get()));
        let elicits = capabilities.and_then(Result::ok).is_some_and(|it| can_elicit(&it));
        self.elicits.store(elicits, Ordering::Relaxed);
    }

    pub(super) fn elicits(&self) -> bool {
        self.elicits.load(Ordering::Relaxed)
    }

    fn set(&self, level: LogLevel) {
        self.level.store(level as u8, Ordering::Relaxed);
    }

    fn get(&self) -> LogLevel {
        let at = usize::from(self.level.load(Ordering::Relaxed));
        LogLevel::ALL.get(at).copied().unwrap_or_default()
    }
}

/// Whether capabilities of a client say that it shows its user a form (an empty object means that it does, as in the first revision
/// that had it).
pub(super) fn can_elicit(capabilities: &Object<'_>) -> bool {
    let Some(Ok(modes)) = capabilities.get("elicitation").map(|raw| Object::parse(raw.get()))
    else {
        return false;
    };
    modes.members().is_empty() || modes.get("form").is_some()
}

impl Mcp {
    /// `logging/setLevel` (MCP 2025-11-25 and before).
    pub(super) fn set_level(&self, asked: &Asked<'_>) -> Result<Vec<u8>, RpcError> {
        let level = asked.params.get_str("level").and_then(|name| LogLevel::parse(&name));
        let level = level.ok_or_else(|| {
            let text = "`level` must be one of `debug`, `info`, `notice`, `warning`, `error`, `critical`, `alert` and `emergency`";
            RpcError::new(code::INVALID_PARAMS, text)
        })?;
        let kept = self.handshake_of(asked).ok_or_else(|| {
            let text = "a level is kept with the session: send the `Mcp-Session-Id` that `initialize` gave";
            RpcError::new(code::INVALID_REQUEST, text)
        })?;
        kept.set(level);
        Ok(result_reply(asked.request.id, &Map::<String, Value>::new()))
    }

    /// How severe a log message of this request must be for its client to want it; `None` where it wants none.
    pub(super) fn log_level(&self, asked: &Asked<'_>) -> Result<Option<LogLevel>, RpcError> {
        if asked.era == Era::Legacy {
            return Ok(Some(
                self.handshake_of(asked).map_or_else(LogLevel::default, |kept| kept.get()),
            ));
        }
        let Some(stated) = asked.metadata.get(meta::LOG_LEVEL) else { return Ok(None) };
        let name = serde_json::from_str::<&str>(stated.get()).ok();
        let level = name.and_then(LogLevel::parse).ok_or_else(|| {
            let text = format!("`{}` is not a level of MCP", meta::LOG_LEVEL);
            RpcError::new(code::INVALID_PARAMS, text)
        })?;
        Ok(Some(level))
    }

    /// Where it is kept what an older client has said: with its connection, or with its session on `POST /mcp`.
    pub(super) fn handshake_of(&self, asked: &Asked<'_>) -> Option<Arc<Handshake>> {
        let door = asked.door;
        let of_session = || self.sessions.handshake(door.client.name(), door.session()?);
        door.handshake.clone().or_else(of_session)
    }
}
