//! One call, as its handler sees it.

use mcp_types::Caller;

/// Who calls, and for which request.
#[derive(Debug, Clone)]
pub struct Call {
    caller: Caller,
}

impl Call {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// Whose call it is, as the gateway found.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }
}
