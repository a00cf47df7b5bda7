//! One request, as it is read before it is routed.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use mcp_types::{Era, meta};
use mcp_wire::{Object, Request, RpcError, code};
use serde_json::value::RawValue;

use crate::mcp::{Door, era, modern};

/// One request with what was read of it.
pub(super) struct Asked<'a> {
    pub(super) door: &'a Door<'a>,
    pub(super) request: &'a Request<'a>,
    pub(super) params: Object<'a>,
    pub(super) metadata: Object<'a>,
    pub(super) era: Era,
    /// How long the client waits, where it says so.
    pub(super) timeout: Option<Duration>,
    /// Whether a decision on it is in the record.
    pub(super) recorded: AtomicBool,
}

/// Reads what a request is routed by, and decides its era. An error here has status 400.
pub(super) fn read<'a>(
    door: &'a Door<'a>,
    request: &'a Request<'a>,
) -> Result<Asked<'a>, RpcError> {
    let invalid = |text: &str| RpcError::new(code::INVALID_PARAMS, text);
    let params = request.params.map_or(Ok(Object::empty()), |raw| Object::parse(raw.get()));
    let params = params.map_err(|error| invalid(&format!("`params`: {error}")))?;
    let metadata = params.get("_meta").map_or(Ok(Object::empty()), |raw| Object::parse(raw.get()));
    let metadata = metadata.map_err(|error| invalid(&format!("`_meta`: {error}")))?;
    let era = era::decide(request, &metadata, door.headers)?;
    if era == Era::Modern {
        modern::check(request, &params, &metadata, door.headers)?;
    }
    let stated = metadata.get(meta::TIMEOUT_MS).map(timeout).transpose()?;
    // Where a client says it twice, the smaller counts.
    let timeout = stated.into_iter().chain(door.timeout).min();
    Ok(Asked { door, request, params, metadata, era, timeout, recorded: AtomicBool::new(false) })
}

/// How long a client says that it waits.
fn timeout(raw: &RawValue) -> Result<Duration, RpcError> {
    raw.get().parse().ok().filter(|ms| *ms > 0).map(Duration::from_millis).ok_or_else(|| {
        let text = format!("`{}` must be a number of milliseconds, at least 1", meta::TIMEOUT_MS);
        RpcError::new(code::INVALID_PARAMS, text)
    })
}
