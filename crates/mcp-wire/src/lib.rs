//! JSON-RPC envelopes, ids, error codes and framing, as pure functions over bytes.
//!
//! Nothing here opens a socket or knows MCP: bytes go in, borrowed views or bytes come out, so every
//! function can be fuzzed as it is. Three rules hold throughout:
//!
//! * **Bytes are forwarded, not re-encoded.** A view keeps the text of each member; [`Object::write`]
//!   puts the same text out again, save for the members that the caller edits by name.
//! * **Keys are compared decoded, and a key may stand only once** in each object that is read, so that two
//!   readers of one message cannot see two different values.
//! * **Every bound has a name** in [`limits`].
//!
//! ```
//! use mcp_wire::{Edit, Message, Object};
//!
//! let text = r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":{"big":12345678901234567890123}}"#;
//! let Message::Request(request) = Message::parse(text).unwrap() else { panic!() };
//! assert_eq!(request.method, "ping");
//!
//! let mut out = Vec::new();
//! request.envelope.write(&[("id", Edit::Raw("1"))], &mut out);
//! assert_eq!(
//!     std::str::from_utf8(&out).unwrap(),
//!     r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"big":12345678901234567890123}}"#
//! );
//! ```

mod depth;
mod envelope;
mod error;
mod frame;
mod id;
pub mod limits;
mod mixed;
mod object;
mod reply;

pub use depth::within_depth;
pub use envelope::{Message, Notification, Request, Response};
pub use error::{RpcError, WireError, code};
pub use frame::{FrameDecoder, FrameTooLong, push_frame};
pub use id::Id;
pub use mixed::{Framing, MixedDecoder};
pub use object::{Edit, Member, Object, ObjectError};
pub use reply::{error_reply, result_reply};
