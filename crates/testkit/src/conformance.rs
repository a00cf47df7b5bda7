//! The fixture of the conformance suite, registered with an appliance: `src/bin/conformance-server/`.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::appliance::{Appliance, is_fresh, programs};
use crate::until;

/// How long its start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running fixture. Dropping it ends it; its cap file stays, as that of a daemon that died.
pub struct ConformanceServer {
    process: Child,
    socket: PathBuf,
}

impl ConformanceServer {
    /// Starts it with its socket, cap file and log in this folder, and waits until it can be reached.
    pub fn start(folder: &Path, log: &Path) -> Self {
        let program = programs().join("conformance-server");
        assert!(
            is_fresh(&program),
            "`conformance-server` is not built or stale: run `cargo build --profile ci --workspace --bins`"
        );
        let socket = folder.join("conformance.sock");
        let process = Command::new(&program)
            .arg(&socket)
            .arg(folder.join("conformance.cap.json"))
            // Its end tells the server that we are gone.
            .stdin(Stdio::piped())
            .stderr(File::create(log).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { process, socket };
        until("the conformance server's socket", PATIENCE, || {
            let ended = server.process.try_wait().unwrap();
            assert!(ended.is_none(), "it ended with {ended:?}");
            UnixStream::connect(&server.socket).ok()
        });
        server
    }

    /// A connection to it, past the gateway.
    pub fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }
}

impl Appliance {
    /// Starts the fixture beside the appliance's own servers, and waits until the gateway lists its tools.
    pub fn conformance_server(&self) -> ConformanceServer {
        let state = self.state();
        let server =
            ConformanceServer::start(&state.join("run"), &state.join("log/conformance.log"));
        until("the conformance server's tools", PATIENCE, || {
            self.tools().iter().any(|tool| tool == "test_simple_text").then_some(())
        });
        server
    }
}

impl Drop for ConformanceServer {
    fn drop(&mut self) {
        // It may have ended already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
