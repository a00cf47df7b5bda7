//! Whose call it is.

use serde::{Deserialize, Serialize};

/// The caller of a call, as the gateway knows it and tells the capability server in
/// `_meta["org.llmbasedos/caller"]`.
///
/// The gateway removes whatever a client put there and sets its own. A server believes it because only
/// the gateway can reach the server's socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// The name under which the client's key was made.
    pub client: String,
    /// The workflow run that makes the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// One id for this call in every log that it touches.
    pub request: String,
    /// The door through which it came.
    pub origin: Origin,
    /// Where the call may work: nothing else may be read, shown, counted or changed by it, by whatever path it is reached.
    pub scopes: Vec<Scope>,
    /// Counts the changes of policy; a scope of an older generation may no longer hold.
    pub policy_generation: u64,
    /// How long the gateway waits for the answer, in milliseconds: a server may give up a call that takes longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// The door through which a call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// `POST /mcp`.
    Http,
    /// `GET /ws`.
    WebSocket,
    /// `gateway.sock`, which only programs of this machine can open.
    Local,
    /// `person.sock`, at which a person sits: the shell on the first console, or the web console.
    Person,
}

impl Origin {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::WebSocket => "websocket",
            Self::Local => "local",
            Self::Person => "person",
        }
    }
}

/// A part of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The collection, such as `files`.
    pub collection: String,
    /// The path which is in it, and everything beneath.
    pub prefix: String,
    /// The paths beneath it that are not, nor anything beneath them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_fixed() {
        let mut caller = Caller {
            client: "anna".into(),
            run: None,
            request: "r-1".into(),
            origin: Origin::WebSocket,
            scopes: Vec::new(),
            policy_generation: 0,
            timeout_ms: None,
        };
        let text = r#"{"client":"anna","request":"r-1","origin":"websocket","scopes":[],"policyGeneration":0}"#;
        assert_eq!(serde_json::to_string(&caller).unwrap(), text);
        assert_eq!(serde_json::from_str::<Caller>(text).unwrap(), caller);

        caller.origin = Origin::Local;
        caller.timeout_ms = Some(250);
        let text = r#"{"client":"anna","request":"r-1","origin":"local","scopes":[],"policyGeneration":0,"timeoutMs":250}"#;
        assert_eq!(serde_json::to_string(&caller).unwrap(), text);
        assert_eq!(serde_json::from_str::<Caller>(text).unwrap(), caller);
    }
}
