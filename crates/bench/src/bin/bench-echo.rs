//! The floor under any gateway: bare axum, which reads the envelope and answers by itself. It prints its port.

use std::io::Write as _;
use std::net::Ipv4Addr;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use mcp_wire::{Message, Object};
use tokio::net::TcpListener;

/// Answers as the capability server does, with the arguments as they came.
async fn echo(body: String) -> impl IntoResponse {
    let reply = reply(&body).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], reply)
}

fn reply(body: &str) -> Option<String> {
    let Ok(Message::Request(request)) = Message::parse(body) else { return None };
    let params = Object::parse(request.params?.get()).ok()?;
    let (id, arguments) = (request.id, params.get("arguments")?);
    let text = serde_json::Value::from(arguments.get());
    Some(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete","content":[{{"type":"text","text":{text}}}],"structuredContent":{arguments},"isError":false}}}}"#
    ))
}

#[expect(clippy::disallowed_methods, reason = "it is the floor because it does nothing more")]
fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?.port())?;
        let listener = listener.tap_io(|stream| {
            // Without it an answer in two parts waits for the peer's delayed acknowledgement.
            stream.set_nodelay(true).ok();
        });
        axum::serve(listener, Router::new().route("/mcp", post(echo))).await?;
        Ok(())
    })
}
