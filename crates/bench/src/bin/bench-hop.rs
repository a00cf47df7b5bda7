//! The least that any gateway costs: bare axum, which passes each call on to a capability server as it came. It is given the
//! server's socket, and prints its port.
//!
//! It looks at nothing, checks nobody, and has one thread, so that no call goes from one to another.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};

/// The server, and the connections to it that nobody uses.
struct Upstream {
    socket: OsString,
    idle: Mutex<Vec<UnixStream>>,
}

impl Upstream {
    async fn call(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut stream = match idle {
            Some(stream) => stream,
            None => UnixStream::connect(&self.socket).await?,
        };
        stream.write_all(&[message, b"\0"].concat()).await?;
        let mut reply = Vec::with_capacity(4096);
        // There is one call on it, so the first NUL is the end of what comes.
        while reply.pop_if(|last| *last == 0).is_none() {
            if stream.read_buf(&mut reply).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
        Ok(reply)
    }
}

async fn hop(State(upstream): State<Arc<Upstream>>, body: Bytes) -> impl IntoResponse {
    // What came without an answer has none, which whoever measures takes for an error.
    let reply = upstream.call(&body).await.unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], reply)
}

#[expect(clippy::disallowed_methods, reason = "it is the least because it does nothing more")]
fn main() -> anyhow::Result<()> {
    let socket = std::env::args_os().nth(1).context("the socket of a server is to be given")?;
    let upstream = Arc::new(Upstream { socket, idle: Mutex::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
        let listener = listener.tap_io(|stream| {
            // Without it an answer in two parts waits for the peer's delayed acknowledgement.
            stream.set_nodelay(true).ok();
        });
        axum::serve(listener, Router::new().route("/mcp", post(hop)).with_state(upstream)).await?;
        Ok(())
    })
}
