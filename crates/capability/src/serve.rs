//! Connections, and an orderly end.

use std::future::Future;
use std::sync::Arc;

use tokio::net::UnixListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::connection::{Shared, connection};
use crate::declare::DeclareError;
use crate::dispatch::Dispatcher;
use crate::limits::{ACCEPT_PAUSE, DRAIN, MAX_CALLS, MAX_CONNECTIONS};
use crate::tool::Server;

/// Serves until `stop` is done; then it reads no more, lets the calls that it has read end, for [`DRAIN`] at the most,
/// and closes each connection once the last answer is out. Calls that take longer are given up.
///
/// At the most `workers` handlers run at once, on the pool of blocking threads of the runtime, which must have as many.
pub async fn serve<S: Server>(
    listener: UnixListener,
    server: S,
    workers: usize,
    stop: impl Future<Output = ()>,
) -> Result<(), DeclareError> {
    let shared = Arc::new(Shared {
        dispatcher: Dispatcher::new(server)?,
        places: Arc::new(Semaphore::new(MAX_CALLS)),
        threads: Arc::new(Semaphore::new(workers)),
    });
    // In a set, so that it ends with this.
    let mut signs_of_life = JoinSet::new();
    signs_of_life.spawn(daemon::watchdog());
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, shared.clone(), stopped.clone()));
                }
                // Out of descriptors, or a peer that left at once: the listener itself is still good.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    drop(stopping);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("calls that were still under way have been given up");
        connections.shutdown().await;
    }
    Ok(())
}
