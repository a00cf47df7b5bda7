//! A capability server on a thread of the test.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use capability::{Server, serve};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::peer::Peer;

/// A running server; dropping it stops it and waits for its end.
pub(crate) struct Served {
    socket: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl Served {
    /// Starts it with so many threads for handlers.
    pub(crate) fn start(server: impl Server, threads: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("probe.sock");
        let (stop, stopped) = oneshot::channel::<()>();
        let listener = UnixListener::bind(&socket).unwrap();
        listener.set_nonblocking(true).unwrap();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(threads)
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::UnixListener::from_std(listener).unwrap();
                let stop = async { drop(stopped.await) };
                serve(listener, server, threads, stop).await.unwrap();
            });
            // A handler that never leaves must not hold the test.
            runtime.shutdown_background();
        });
        Self { socket, stop: Some(stop), thread: Some(thread), _folder: folder }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn connect(&self) -> Peer {
        Peer::connect(&self.socket)
    }

    /// Gives the signal to stop.
    pub(crate) fn signal(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.thread.as_ref().unwrap().is_finished()
    }

    /// Waits for the end.
    pub(crate) fn ended(&mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && !std::thread::panicking()
        {
            thread.join().unwrap();
        }
    }
}
