//! `GET /ws`: one JSON-RPC message is one text frame, in both directions.
//!
//! WebSocket was never a transport of MCP; this one keeps MCP's messages and names the sub-protocol `mcp`, as the
//! clients do that have one. Clients in a browser, and most libraries, cannot set headers: so the key may also come as a
//! second sub-protocol, `llmbasedos.key.` and the key in base64url, or in the first frame, as a call of `mcp.auth`.

use std::sync::Arc;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::SinkExt;
use mcp_types::Origin;
use mcp_wire::limits::MAX_MESSAGE_BYTES;
use mcp_wire::{RpcError, code};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use crate::http::{App, Refusal, bearer};
use crate::identity::Identity;
use crate::limits::{
    FAREWELL, FIRST_FRAME, MAX_STRANGER_BYTES, PING, SILENCE, WEBSOCKET_READ_BUFFER,
    WEBSOCKET_WRITE_BUFFER,
};
use crate::mcp::legacy::Call;
use crate::session::Session;
use crate::transport::Place;

/// The sub-protocol that is spoken.
const PROTOCOL: &str = "mcp";
/// How the sub-protocol begins that is a key.
const KEY_PROTOCOL: &str = "llmbasedos.key.";
/// The method of a first frame that is a key.
const AUTH: &str = "mcp.auth";
/// The code of the legacy dialect for a missing or wrong key.
const LEGACY_UNAUTHENTICATED: i32 = -32_000;

/// Answers the handshake, and serves the session once that is done.
pub(crate) async fn upgrade(
    State(app): State<Arc<App>>,
    Extension(place): Extension<Arc<Place>>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let message = "this page is a WebSocket: send its handshake";
        return Refusal::new(StatusCode::UPGRADE_REQUIRED, code::UPGRADE_REQUIRED, message)
            .with(header::UPGRADE, "websocket")
            .into_response();
    };
    let client = match shown_key(&headers) {
        Shown::Nothing => None,
        Shown::Unclear => return Refusal::unauthenticated(None).into_response(),
        Shown::Key(key) => match app.mcp.access().find(Some(&key), place.peer()) {
            Err(stranger) => {
                let stranger = app.mcp.access().turn_away(stranger).await;
                return Refusal::unauthenticated(Some(stranger)).into_response();
            }
            Ok(client) if place.belongs_to(client.name()) => Some(client),
            Ok(_) => return Refusal::too_many_connections().into_response(),
        },
    };
    if client.is_none() {
        place.may_send(MAX_STRANGER_BYTES);
    }
    let tracker = app.sessions.tracker.clone();
    upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(WEBSOCKET_READ_BUFFER)
        .write_buffer_size(WEBSOCKET_WRITE_BUFFER)
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES)
        .on_upgrade(move |socket| tracker.track_future(connection(socket, app, place, client)))
}

/// What a handshake says of the key.
enum Shown {
    Nothing,
    Unclear,
    Key(String),
}

fn shown_key(headers: &HeaderMap) -> Shown {
    if headers.contains_key(header::AUTHORIZATION) {
        return bearer(headers).map_or(Shown::Unclear, |key| Shown::Key(key.to_owned()));
    }
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let offered = offered.filter_map(|value| value.to_str().ok());
    let mut keys = offered
        .flat_map(|list| list.split(','))
        .filter_map(|protocol| protocol.trim().strip_prefix(KEY_PROTOCOL));
    let key = match (keys.next(), keys.next()) {
        (None, _) => return Shown::Nothing,
        (Some(key), None) => key,
        _ => return Shown::Unclear,
    };
    let key = URL_SAFE_NO_PAD.decode(key).ok().and_then(|key| String::from_utf8(key).ok());
    key.map_or(Shown::Unclear, Shown::Key)
}

/// Serves one WebSocket to its end.
async fn connection(
    mut socket: WebSocket,
    app: Arc<App>,
    place: Arc<Place>,
    client: Option<Arc<Identity>>,
) {
    let client = match client {
        Some(client) => client,
        None => match first_frame(&mut socket, &app, &place).await {
            Some(client) => client,
            None => return,
        },
    };
    let _counted = app.mcp.metrics().session(Origin::WebSocket);
    let (session, waiting) = Session::new(app, client, Origin::WebSocket);
    // Boxed, so that what a session needs while it is idle is one small allocation.
    let ended = Box::pin(session_of(&mut socket, session, waiting)).await;
    let (code, reason) = match ended {
        Ended::Gone => return,
        Ended::Closed => {
            // The farewell of the peer is answered by whatever is sent next; nothing but that is.
            tokio::time::timeout(FAREWELL, socket.close()).await.ok();
            return;
        }
        Ended::Unreadable => (close_code::SIZE, "a message is too large, or a frame is none"),
        Ended::Stopped => (close_code::AWAY, "the gateway is stopping"),
        Ended::Revoked => (close_code::POLICY, "the client key is not good any more"),
        Ended::Silent => (close_code::AWAY, "nothing was heard for too long"),
    };
    close(&mut socket, code, reason).await;
}

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    // Whoever has gone away needs no farewell. The peer's own is waited for: a connection that ends before it looks broken.
    let farewell = async {
        socket.send(Message::Close(Some(frame))).await.ok()?;
        while socket.recv().await?.is_ok() {}
        Some(())
    };
    tokio::time::timeout(FAREWELL, farewell).await.ok();
}

/// Waits for the frame that shows a key, of a client that showed none in the handshake.
async fn first_frame(socket: &mut WebSocket, app: &App, place: &Place) -> Option<Arc<Identity>> {
    let evicted = place.evicted();
    let mut stopped = app.sessions.stopped.clone();
    let received = tokio::select! {
        _ = stopped.changed() => None,
        // The place is another's by now, so nothing more is spent on this one, a farewell included.
        () = evicted.notified() => return None,
        received = tokio::time::timeout(FIRST_FRAME, text(socket)) => received.ok().flatten(),
    };
    let Some(received) = received else {
        let farewell = close(socket, close_code::POLICY, "the first frame must show a key");
        tokio::select! { () = farewell => {}, () = evicted.notified() => {} }
        return None;
    };
    let text = std::str::from_utf8(&received).unwrap_or_default();
    let call = Call::read(text).and_then(Result::ok);
    let key = call.as_ref().filter(|call| call.method == AUTH).and_then(|call| key_of(call));
    let client = match app.mcp.access().find(key.as_deref(), place.peer()) {
        Ok(client) => Some(client),
        Err(stranger) => {
            app.mcp.access().turn_away(stranger).await;
            None
        }
    };
    let Some(client) = client.filter(|client| place.belongs_to(client.name())) else {
        app.mcp.metrics().refusal(Origin::WebSocket);
        let text = "a client key is needed: send `Authorization: Bearer KEY`, or call `mcp.auth` with it first";
        let error = RpcError::new(LEGACY_UNAUTHENTICATED, text);
        let id = call.as_ref().map_or("null", |call| call.id);
        let reply = crate::mcp::legacy::error_reply(id, &error).into();
        let farewell = async {
            send(socket, reply).await.ok();
            close(socket, close_code::POLICY, "a client key is needed").await;
        };
        tokio::select! { () = farewell => {}, () = evicted.notified() => {} }
        return None;
    };
    place.may_send_anything();
    if let Some(call) = call.filter(|call| call.has_id) {
        let reply = call.result(&serde_json::json!({ "client": &**client.name() }).to_string());
        send(socket, reply.into()).await.ok()?;
    }
    Some(client)
}

/// The key that a call of `mcp.auth` holds: `["KEY"]` or `{"key": "KEY"}`.
fn key_of(call: &Call<'_>) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Params {
        Positional([String; 1]),
        Named { key: String },
    }
    Some(match serde_json::from_str(call.params?.get()).ok()? {
        Params::Positional([key]) | Params::Named { key } => key,
    })
}

/// How a session ended.
enum Ended {
    Gone,
    Closed,
    Unreadable,
    Stopped,
    /// The client may not ask any more, or under other terms.
    Revoked,
    Silent,
}

async fn session_of(
    socket: &mut WebSocket,
    mut session: Session,
    mut waiting: mpsc::Receiver<Bytes>,
) -> Ended {
    let mut stopped = session.app.sessions.stopped.clone();
    let client = session.client.clone();
    let mut pings = tokio::time::interval_at(Instant::now() + PING, PING);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    let ended = loop {
        let sent = tokio::select! {
            _ = stopped.changed() => break Ended::Stopped,
            () = client.revoked().cancelled() => break Ended::Revoked,
            received = socket.recv(), if !session.is_full() => {
                heard = Instant::now();
                match received {
                    Some(Ok(Message::Text(text))) => answer(socket, &mut session, text.into()).await,
                    Some(Ok(Message::Binary(bytes))) => answer(socket, &mut session, bytes).await,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                    Some(Ok(Message::Close(_))) => break Ended::Closed,
                    Some(Err(_)) => break Ended::Unreadable,
                    None => break Ended::Gone,
                }
            }
            Some(reply) = waiting.recv() => send(socket, reply).await,
            () = session.ended() => Ok(()),
            now = pings.tick() => {
                // While nothing is read, nothing can be heard.
                if session.is_full() {
                    heard = now;
                }
                if now.duration_since(heard) > SILENCE {
                    break Ended::Silent;
                }
                socket.send(Message::Ping(Bytes::new())).await
            }
        };
        if sent.is_err() {
            break Ended::Gone;
        }
    };
    if matches!(ended, Ended::Stopped) {
        while !session.is_idle() {
            tokio::select! {
                Some(reply) = waiting.recv() => if send(socket, reply).await.is_err() {
                    return Ended::Gone;
                },
                () = session.ended() => {}
            }
        }
        while let Ok(reply) = waiting.try_recv() {
            if send(socket, reply).await.is_err() {
                return Ended::Gone;
            }
        }
    }
    ended
}

async fn answer(
    socket: &mut WebSocket,
    session: &mut Session,
    frame: Bytes,
) -> Result<(), axum::Error> {
    match session.take(&frame) {
        Some(reply) => send(socket, reply.into()).await,
        None => Ok(()),
    }
}

async fn send(socket: &mut WebSocket, reply: Bytes) -> Result<(), axum::Error> {
    // What we send was read as UTF-8 or written by us.
    let text = Utf8Bytes::try_from(reply).map_err(axum::Error::new)?;
    socket.send(Message::Text(text)).await
}

/// The next message that is not of the protocol's own.
async fn text(socket: &mut WebSocket) -> Option<Bytes> {
    loop {
        match socket.recv().await? {
            Ok(Message::Text(text)) => return Some(text.into()),
            Ok(Message::Binary(bytes)) => return Some(bytes),
            Ok(Message::Ping(_) | Message::Pong(_)) => {}
            Ok(Message::Close(_)) | Err(_) => return None,
        }
    }
}
