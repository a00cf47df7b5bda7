//! An async MCP client over UNIX socket, WebSocket and Streamable HTTP.
//!
//! A [`Link`] carries whole JSON-RPC messages both ways, over any [`Target`], and knows no more of them than its
//! transport needs. A [`Client`] makes requests on a link and finds the answer of each.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let target: mcp_client::Target = "ws://127.0.0.1:8000/ws".parse()?;
//! let key = mcp_client::Key::new(std::env::var("LLMBASEDOS_KEY")?)?;
//! let client = mcp_client::Client::connect(&target, Some(&key)).await?;
//! let listed = client.request("mcp.fs.list", &serde_json::json!(["/"])).await?;
//! # Ok(()) }
//! ```
//!
//! # Invariants
//! - No error, `Debug` or `Display` of this crate shows a key.
//! - Every request on a link gets one answer, or the link ends: what a transport refuses becomes a JSON-RPC error with
//!   the request's id. A request that was cancelled gets none.
//! - Nothing here waits without a bound but for an answer, which the caller may stop waiting for at any time.

mod client;
mod error;
mod http;
mod key;
pub mod limits;
mod link;
mod progress;
mod queue;
mod target;
mod tls;
mod trust;
mod unix;
mod waiters;
mod websocket;

pub use client::Client;
pub use error::{CallError, Closed, ConnectError};
pub use key::{Key, KeyError};
pub use link::{Link, LinkReceiver, LinkSender};
pub use progress::Progress;
pub use reqwest::Url;
pub use target::{Target, TargetError};
pub use trust::{Trust, TrustError};
