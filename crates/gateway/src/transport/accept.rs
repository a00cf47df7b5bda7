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
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt;

use crate::http::{App, pages};
use crate::identity::Identity;
use crate::limits::{ACCEPT_PAUSE, DRAIN, HEAD, MAX_HEAD_BYTES, MAX_HEADERS, WRITE_STALL};
use crate::log_gate::LogGate;
use crate::session;
use crate::transport::counted::Counted;
use crate::transport::greet::greet;
use crate::transport::wire::Wire;
use crate::transport::{Place, Places, Terms};

/// Where clients come in.
pub(crate) struct Listeners {
    pub(crate) tcp: TcpListener,
    /// `gateway.sock`, where there is one.
    pub(crate) local: Option<UnixListener>,
    /// `person.sock`, where there is one.
    pub(crate) person: Option<UnixListener>,
    /// On which terms they come in by TCP.
    pub(crate) terms: Terms,
}

/// Serves until `stop` is done, then lets what is under way end, for [`DRAIN`] at the most. Dropping `stopping` is the
/// signal for every connection.
pub(crate) async fn serve(
    listeners: Listeners,
    app: Arc<App>,
    stopping: watch::Sender<()>,
    stop: impl Future<Output = ()>,
) {
    let Listeners { tcp: listener, local, person, terms } = listeners;
    let terms = Arc::new(terms);
    let places = Arc::new(Places::default());
    let (sessions, workers) = (app.sessions.clone(), app.workers.clone());
    if let Some(local) = local {
        sessions.tracker.spawn(session::serve_local(local, app.clone(), Identity::local()));
    }
    if let Some(person) = person {
        sessions.tracker.spawn(session::serve_local(person, app.clone(), Identity::person()));
    }
    let pages = pages(app);
    let stopped = stopping.subscribe();
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // Of a listener for both, an IPv4 address comes in the clothes of IPv6.
                    if let Some(place) = places.take(peer.ip().to_canonical()) {
                        let own = stream.local_addr().ok().map(|own| own.ip().to_canonical());
                        let place = place.at(own);
                        let (pages, stopped) = (pages.clone(), stopped.clone());
                        let terms = terms.clone();
                        // The thread that serves it watches it too.
                        let served = async move {
                            match stream.into_std().and_then(TcpStream::from_std) {
                                Ok(stream) => connection(stream, place, &terms, pages, stopped).await,
                                Err(error) => tracing::warn!(%error, "a connection was lost"),
                            }
                        };
                        connections.spawn_on(served, workers.next());
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
    sessions.tracker.close();
    let ended = async {
        while connections.join_next().await.is_some() {}
        sessions.tracker.wait().await;
    };
    if tokio::time::timeout(DRAIN, ended).await.is_err() {
        tracing::warn!("requests that were still under way have been given up");
    }
}

async fn connection(
    stream: TcpStream,
    place: Place,
    terms: &Terms,
    pages: Router,
    mut stopped: watch::Receiver<()>,
) {
    // Without it an answer in two writes waits 40 ms for the peer's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let evicted = place.evicted();
    let stream = tokio::select! {
        _ = stopped.changed() => return,
        () = evicted.notified() => return,
        greeted = greet(stream, &place, terms) => match greeted {
            Some(stream) => stream,
            None => return,
        },
    };
    let place = Arc::new(place.speaking(stream.scheme()));
    let spoken = place.clone();
    let stream = Counted::new(stalling(stream), place.clone());
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
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    let scheme = spoken.scheme();
                    tracing::debug!(%error, ?scheme, "a connection ended early");
                }
                return;
            }
            () = evicted.notified() => return,
            _ = stopped.changed(), if !stopping => {
                stopping = true;
                // The request that is under way is answered, and the connection then closed.
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Ends a connection whose peer takes nothing of an answer for too long: an answer that nobody reads holds memory.
fn stalling(stream: Wire) -> Pin<Box<TimeoutStream<Wire>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_STALL));
    Box::pin(stream)
}
