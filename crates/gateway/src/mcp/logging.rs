//! Which log messages a client wants: it says so with each request, and in the older era once for all that follow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use mcp_types::{Era, LogLevel, meta};
use mcp_wire::{RpcError, code, result_reply};
use serde_json::{Map, Value};

use crate::mcp::{Asked, Mcp};

/// How severe a log message must be for a client of the older era to get it (`logging/setLevel`); while it has not said,
/// `info`.
#[derive(Debug)]
pub(crate) struct Level(AtomicU8);

impl Default for Level {
    fn default() -> Self {
        let level = Self(AtomicU8::new(0));
        level.set(LogLevel::default());
        level
    }
}

impl Level {
    fn set(&self, level: LogLevel) {
        self.0.store(level as u8, Ordering::Relaxed);
    }

    fn get(&self) -> LogLevel {
        let at = usize::from(self.0.load(Ordering::Relaxed));
        LogLevel::ALL.get(at).copied().unwrap_or_default()
    }
}

impl Mcp {
    /// `logging/setLevel` (MCP 2025-11-25 and before).
    pub(super) fn set_level(&self, asked: &Asked<'_>) -> Result<Vec<u8>, RpcError> {
        let level = asked.params.get_str("level").and_then(|name| LogLevel::parse(&name));
        let level = level.ok_or_else(|| {
            let text = "`level` must be one of `debug`, `info`, `notice`, `warning`, `error`, `critical`, `alert` and `emergency`";
            RpcError::new(code::INVALID_PARAMS, text)
        })?;
        let kept = self.level_of(asked).ok_or_else(|| {
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
                self.level_of(asked).map_or_else(LogLevel::default, |kept| kept.get()),
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

    /// Where the level of an older client is kept: with its connection, or with its session on `POST /mcp`.
    fn level_of(&self, asked: &Asked<'_>) -> Option<Arc<Level>> {
        let door = asked.door;
        door.level.clone().or_else(|| self.sessions.level(door.client.name(), door.session()?))
    }
}
