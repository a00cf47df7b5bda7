//! The state of a call that goes through several rounds: the client carries it, and cannot change it.

use std::hash::{BuildHasher, RandomState};

use mcp_wire::RpcError;

use crate::call::{Call, invalid};

/// Seals states with a keyed hash, whose keys are those of this process. That is enough to show that a state is checked,
/// and too short for anything that ships.
#[derive(Default)]
pub(crate) struct Seal(RandomState);

impl Seal {
    /// A state that a client may carry.
    pub(crate) fn seal(&self, state: &str) -> String {
        format!("{state}.{:016x}", self.0.hash_one(state))
    }

    /// The state that a call carries. One that was not sealed here is an error.
    pub(crate) fn open<'a>(&self, call: &'a Call) -> Result<Option<&'a str>, RpcError> {
        let sealed = call.param("requestState");
        if sealed.is_null() {
            return Ok(None);
        }
        let state = sealed.as_str().and_then(|sealed| Some(sealed.rsplit_once('.')?.0));
        let state = state.filter(|state| sealed.as_str() == Some(&self.seal(state)));
        state.map(Some).ok_or_else(|| invalid("`requestState` is not what was given out"))
    }
}
