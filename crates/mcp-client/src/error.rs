//! What can go wrong, and what to do then.

use std::io;

use serde_json::Value;

use crate::key::KeyError;
use crate::limits::CONNECT;
use crate::tls;

/// Why there is no link. No reason holds a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody listens there.
    #[error("nothing answers at `{target}`: start the gateway, or correct the address")]
    Refused {
        /// Where it should be.
        target: String,
    },
    /// There is no such socket.
    #[error("there is no socket at `{target}`: start the gateway, or correct the path")]
    NoSocket {
        /// Where it should be.
        target: String,
    },
    /// The socket may not be opened by this user.
    #[error(
        "this user may not open `{target}`: its group can, so have an administrator add you to it"
    )]
    NotPermitted {
        /// Where it is.
        target: String,
    },
    /// No connection within [`CONNECT`].
    #[error(
        "no connection to `{target}` within {} seconds: check the address and the network",
        CONNECT.as_secs()
    )]
    Timeout {
        /// Where it should be.
        target: String,
    },
    /// The key was missing or wrong.
    #[error("the gateway does not accept the key: give it the client key that it knows")]
    Key,
    /// The server does not want to be addressed by this name.
    #[error(
        "the gateway does not serve this host name, or not without TLS from here (403): use wss:// and a name of \
         `allowed_hosts` of its configuration"
    )]
    Forbidden,
    /// The server answered with another HTTP status than that of a WebSocket.
    #[error(
        "`{target}` answered with HTTP status {status} and opens no WebSocket: correct the address"
    )]
    Status {
        /// What was asked.
        target: String,
        /// What it answered.
        status: u16,
    },
    /// The certificate is nobody's whom this machine trusts, or not for this name.
    #[error("{reason}")]
    Untrusted {
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// Anything else.
    #[error("no connection to `{target}`: {reason}")]
    Other {
        /// Where it should be.
        target: String,
        /// What the library or the kernel said.
        reason: String,
    },
}

impl ConnectError {
    /// The error of a system call that was to connect to `target`.
    pub(crate) fn from_io(target: String, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused { target },
            io::ErrorKind::NotFound => Self::NoSocket { target },
            io::ErrorKind::PermissionDenied => Self::NotPermitted { target },
            io::ErrorKind::TimedOut => Self::Timeout { target },
            _ => match tls::distrust(&target, error) {
                Some(reason) => Self::Untrusted { reason },
                None => Self::Other { target, reason: error.to_string() },
            },
        }
    }
}

impl From<KeyError> for ConnectError {
    fn from(_: KeyError) -> Self {
        Self::Key
    }
}

/// The link has ended: nothing can be sent on it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection to the gateway has ended: connect again")]
pub struct Closed;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server answered with an error.
    #[error("{message} ({code})")]
    Rpc {
        /// The code of JSON-RPC, of MCP or of the server: see [`mcp_wire::code`].
        code: i64,
        /// What went wrong, for people.
        message: String,
        /// What a program needs to act on it.
        data: Option<Value>,
    },
    /// The link ended before the answer came: the call may have been carried out.
    #[error("the connection ended before the answer came: look whether the call was carried out")]
    Closed,
    /// The parameters are neither an object, nor an array, nor `null`.
    #[error("the parameters must be an object or an array")]
    Params,
    /// The message is longer than [`mcp_wire::limits::MAX_MESSAGE_BYTES`].
    #[error(
        "the message is longer than {} bytes: send less at once",
        mcp_wire::limits::MAX_MESSAGE_BYTES
    )]
    TooLarge,
    /// The server's answer is not one of JSON-RPC.
    #[error("the server's answer cannot be understood: it does not speak JSON-RPC 2.0")]
    Malformed,
}

impl From<Closed> for CallError {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}
