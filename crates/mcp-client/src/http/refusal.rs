//! What a failure of HTTP means in JSON-RPC, and what to do about it.

use mcp_wire::{RpcError, code};
use reqwest::StatusCode;

use crate::tls;

/// The server refused the request, and did not say why in JSON-RPC.
pub(super) fn status(target: &str, status: StatusCode) -> RpcError {
    let number = status.as_u16();
    let (code, message) = match number {
        300..=399 => (
            code::NOT_FOUND,
            "the address leads on to another: use that one, since a key is not sent after a redirect".to_owned(),
        ),
        401 => (
            code::UNAUTHENTICATED,
            "the gateway does not accept the key: give it the client key that it knows (`LLMBASEDOS_KEY`)".to_owned(),
        ),
        403 => (
            code::FORBIDDEN_ORIGIN,
            "the gateway does not serve this host name, or not without TLS from here: use https:// and a name of \
             `allowed_hosts` of its configuration"
                .to_owned(),
        ),
        404 | 405 => (
            code::NOT_FOUND,
            format!("there is no MCP at `{target}` ({number}): correct the path, which is `/mcp` on a gateway"),
        ),
        413 => (code::TOO_LARGE, "the message is too long for the server: send less at once".to_owned()),
        429 | 503 => (code::OVERLOADED, "the server has too much to do: try again later".to_owned()),
        502 => (code::SERVER_UNAVAILABLE, "the server behind `502` cannot be reached: is it running?".to_owned()),
        504 => (code::SERVER_TIMEOUT, "the server behind `504` did not answer in time".to_owned()),
        _ => (
            code::INTERNAL_ERROR,
            format!("`{target}` answered with HTTP status {number} and no JSON-RPC: look into its log"),
        ),
    };
    RpcError::new(code, message)
}

/// The request did not get through, or its answer did not.
pub(super) fn transport(target: &str, error: &reqwest::Error) -> RpcError {
    let message = if let Some(distrust) = tls::distrust(target, error) {
        distrust
    } else if error.is_timeout() {
        format!("no connection to `{target}` in time: check the address and the network")
    } else if error.is_connect() {
        match cause(error) {
            Some(cause) => {
                format!("nothing answers at `{target}` ({cause}): is the gateway running?")
            }
            None => format!("nothing answers at `{target}`: is the gateway running?"),
        }
    } else {
        lost().to_owned()
    };
    RpcError::new(code::SERVER_UNAVAILABLE, message)
}

/// The connection ended before the answer.
pub(super) fn ended() -> RpcError {
    RpcError::new(code::SERVER_UNAVAILABLE, lost())
}

/// What came is no answer to the request.
pub(super) fn malformed(target: &str, what: &str) -> RpcError {
    let message = format!("`{target}` answered with {what}: is it an MCP server?");
    RpcError::new(code::SERVER_UNAVAILABLE, message)
}

const fn lost() -> &'static str {
    "the connection ended before the answer came: look whether the call was carried out before you repeat it"
}

/// The innermost cause, which says the most: `Connection refused`, a certificate that is not trusted.
fn cause(error: &reqwest::Error) -> Option<String> {
    let mut cause = std::error::Error::source(error)?;
    while let Some(next) = cause.source() {
        cause = next;
    }
    Some(cause.to_string())
}
