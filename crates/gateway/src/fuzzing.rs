//! What the gateway reads out of the head of a request, as a pure function: what the crate `fuzz` drives.

use axum::http::{HeaderMap, Uri};
use mcp_types::Era;
use mcp_wire::{Message, Object};

use crate::http::{AllowedHosts, bearer};
use crate::mcp::era;

/// What the gateway reads out of a head.
#[derive(Debug)]
pub struct Head<'h> {
    /// Whether it is addressed to this gateway, and from no strange page.
    pub passes: bool,
    /// The client key that it shows.
    pub key: Option<&'h str>,
    /// The era that it speaks, if its body says nothing of it; `None` if it is refused.
    pub era: Option<Era>,
}

impl<'h> Head<'h> {
    /// Reads a head as the pages do, for a gateway that may also be addressed by these names.
    pub fn read(allowed_hosts: &[String], target: &Uri, headers: &'h HeaderMap) -> Self {
        let hosts = AllowedHosts::new(allowed_hosts);
        let silent = Message::parse(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        let era = match &silent {
            Ok(Message::Request(request)) => {
                era::decide(request, &Object::empty(), Some(headers)).ok()
            }
            _ => None,
        };
        let passes = hosts.addressed(headers, target, None) && hosts.own_page(headers, None);
        Self { passes, key: bearer(headers), era }
    }
}
