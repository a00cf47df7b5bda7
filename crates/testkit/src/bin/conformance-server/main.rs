//! A capability server that says all that MCP has: the fixture that the official conformance suite asks for, behind the
//! gateway. It must never ship.
//!
//! It stands for any server of yours. So it is not built on the framework of our own servers, which have tools alone: it
//! speaks MCP 2026-07-28 on a UNIX socket, each message ended by NUL, and nothing of the older era.
//!
//! `conformance-server SOCKET CAP_FILE` binds the socket, writes the cap file, and ends when its standard input does:
//! whoever started it holds that open, so that it never outlives them.

mod call;
mod complete;
mod connection;
mod content;
mod declare;
mod dispatch;
mod inputs;
mod prompts;
mod resources;
mod seal;
mod tools;

use std::error::Error;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::UnixListener;
use tokio::runtime::Runtime;

use dispatch::Fixture;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(socket), Some(cap_file), None) = (words.next(), words.next(), words.next()) else {
        return Err("usage: conformance-server SOCKET CAP_FILE".into());
    };
    let runtime = Runtime::new()?;
    let listener = runtime.block_on(async { UnixListener::bind(&socket) })?;
    let fixture = Arc::new(Fixture::new(cap_file)?);
    runtime.spawn(connection::accept(listener, fixture));
    // Nothing is ever sent.
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
