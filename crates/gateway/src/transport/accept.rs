//! The accept loop. It is our own because published `axum::serve` installs no timer, so that a head may
//! take for ever and a silent connection stays.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::limits::{
    ACCEPT_PAUSE, DRAIN, FIRST_BYTE, HEAD, MAX_HEAD_BYTES, MAX_HEADERS, WRITE_STALL,
};
use crate::log_gate::LogGate;
use crate::transport::{Place, Places};

/// Serves `pages` on `listener` until `stop` is done, then lets the requests that are under way end.
pub(crate) async fn serve(listener: TcpListener, pages: Router, stop: impl Future<Output = ()>) {
    let places = Arc::new(Places::default());
    let graceful = GracefulShutdown::new();
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Some(place) = places.take(peer.ip()) {
                        let (pages, watcher) = (pages.clone(), graceful.watcher());
                        let stopped = stopped.clone();
                        connections.spawn(connection(stream, place, pages, watcher, stopped));
                    } else {
                        // Closing at once tells the peer more, and costs less, than letting it wait.
                        static GATE: LogGate = LogGate::new();
                        if let Some(untold) = GATE.pass() {
                            tracing::warn!(untold, "a connection was refused: no place left");
                        }
                    }
                }
                Err(error) => {
                    static GATE: LogGate = LogGate::new();
                    if let Some(untold) = GATE.pass() {
                        tracing::warn!(%error, untold, "a connection could not be accepted");
                    }
                    // Out of descriptors: without a pause the loop would spin until one is closed.
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    drop(stopping);
    let ended = async {
        graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    };
    if tokio::time::timeout(DRAIN, ended).await.is_err() {
        tracing::warn!("requests that were still under way have been given up");
    }
}

async fn connection(
    stream: TcpStream,
    place: Place,
    pages: Router,
    graceful: Watcher,
    mut stopped: watch::Receiver<()>,
) {
    // Without it an answer in two writes waits 40 ms for the peer's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let evicted = place.evicted();
    tokio::select! {
        _ = stopped.changed() => return,
        () = evicted.notified() => return,
        first = tokio::time::timeout(FIRST_BYTE, stream.readable()) => {
            if !matches!(first, Ok(Ok(()))) {
                return;
            }
        }
    }
    let place = Arc::new(place);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(place.clone());
        pages.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stalling(stream)), service);
    tokio::select! {
        ended = graceful.watch(connection) => if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        },
        () = evicted.notified() => {}
    }
}

/// Ends a connection whose peer takes nothing of an answer for too long: an answer that nobody reads holds memory.
fn stalling(stream: TcpStream) -> Pin<Box<TimeoutStream<TcpStream>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_STALL));
    Box::pin(stream)
}
