//! A request that is under way: what it carries, and what may be said before its answer.

use std::time::Duration;

use mcp_wire::{RpcError, code};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

/// The client lacks what the answer needs (MCP 2026-07-28).
const MISSING_CLIENT_CAPABILITY: i32 = -32021;
/// Names the request that a log message belongs to. MCP has no member for that where many requests share a channel; the
/// gateway takes it off again.
const REQUEST: &str = "org.llmbasedos/request";
/// The levels of log messages, the least severe first.
const LEVELS: [&str; 8] =
    ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];
/// The pause between two steps of a tool that the suite watches: it asks for about so long.
const STEP: Duration = Duration::from_millis(50);

/// A request.
pub(crate) struct Call {
    id: Value,
    params: Value,
    out: mpsc::Sender<Vec<u8>>,
}

impl Call {
    pub(crate) fn new(id: &str, params: Value, out: mpsc::Sender<Vec<u8>>) -> Self {
        let id = serde_json::from_str(id).unwrap_or(Value::Null);
        Self { id, params, out }
    }

    /// A member of the parameters; `null` where there is none.
    pub(crate) fn param(&self, name: &str) -> &Value {
        &self.params[name]
    }

    /// A text among the parameters.
    pub(crate) fn text(&self, name: &str) -> Result<&str, RpcError> {
        self.param(name).as_str().ok_or_else(|| invalid(format!("`{name}` must be a string")))
    }

    /// An argument of the tool or prompt; `null` where there is none, as there may be no arguments at all.
    pub(crate) fn argument(&self, name: &str) -> &Value {
        &self.params["arguments"][name]
    }

    /// An argument that must be there, as text.
    pub(crate) fn text_argument(&self, name: &str) -> Result<&str, RpcError> {
        let text = self.argument(name).as_str();
        text.ok_or_else(|| invalid(format!("the argument `{name}` must be a string")))
    }

    /// A member of the metadata that MCP defines.
    pub(crate) fn metadata(&self, name: &str) -> &Value {
        &self.params["_meta"][format!("io.modelcontextprotocol/{name}")]
    }

    /// What the client has answered to what it was asked. `None`: this is the first round.
    pub(crate) fn answers(&self) -> Result<Option<&Map<String, Value>>, RpcError> {
        match self.params.get("inputResponses") {
            None => Ok(None),
            Some(Value::Object(answers)) => Ok(Some(answers)),
            Some(_) => Err(invalid("`inputResponses` must be an object")),
        }
    }

    /// Whether the client declares that it can be asked this.
    pub(crate) fn can(&self, capability: &str) -> bool {
        self.metadata("clientCapabilities")[capability].is_object()
    }

    /// Refuses a client that cannot be asked this.
    pub(crate) fn needs(&self, capability: &str) -> Result<(), RpcError> {
        if self.can(capability) {
            return Ok(());
        }
        let text = format!("the client must declare the capability `{capability}`");
        Err(RpcError::new(MISSING_CLIENT_CAPABILITY, text)
            .with_data(json!({ "requiredCapabilities": { capability: {} } })))
    }

    /// Tells how far the call has come, if the caller asked for that.
    pub(crate) async fn progress(&self, progress: u32, total: u32) {
        let token = &self.params["_meta"]["progressToken"];
        if !token.is_null() {
            let params = json!({ "progressToken": token, "progress": progress, "total": total });
            self.notify("notifications/progress", &params).await;
        }
    }

    /// Sends a log message of the level `info`, if the caller asked for messages of that level.
    pub(crate) async fn log(&self, text: &str) {
        let place = |level: &str| LEVELS.iter().position(|known| *known == level);
        let wanted = self.metadata("logLevel").as_str().and_then(place);
        if wanted.is_some_and(|wanted| Some(wanted) <= place("info")) {
            let params = json!({ "level": "info", "data": text, "_meta": { REQUEST: self.id } });
            self.notify("notifications/message", &params).await;
        }
    }

    /// Waits for as long as one step of the tools takes.
    pub(crate) async fn step(&self) {
        tokio::time::sleep(STEP).await;
    }

    async fn notify(&self, method: &str, params: &Value) {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        self.send(message.to_string().into_bytes()).await;
    }

    /// Sends a message. A peer that is gone gets none, and this call ends with its connection.
    pub(crate) async fn send(&self, message: Vec<u8>) {
        drop(self.out.send(message).await);
    }
}

/// The parameters do not fit.
pub(crate) fn invalid(text: impl Into<String>) -> RpcError {
    RpcError::new(code::INVALID_PARAMS, text)
}
