//! The link to the gateway, which may end and be made anew.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcp_client::{Client, Key, Target, Trust};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::catalogue::{Catalogue, LIST_CAPABILITIES};
use crate::failure::Failure;
use crate::limits::{CALL_WAIT, CONNECT_WAIT, RECONNECT_PAUSE, RECONNECT_WAIT};

/// How long to try for a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// One attempt.
    Once,
    /// Until [`RECONNECT_WAIT`] is over, since a gateway that restarts is back soon.
    Restart,
}

/// The link to the gateway, and what was learnt over it.
pub(crate) struct Session {
    target: Target,
    key: Option<Key>,
    trust: Trust,
    state: Mutex<State>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    client: Option<Client>,
    /// Ends with the client that it watches; it holds one too, and the link lives as long as any of them.
    _watcher: Option<AbortOnDropHandle<()>>,
    catalogue: Option<Arc<Catalogue>>,
}

impl Session {
    /// A session without a link yet.
    pub(crate) fn new(target: Target, key: Option<Key>, trust: Trust) -> Self {
        Self { target, key, trust, state: Mutex::default(), changed: Arc::default() }
    }

    /// Where it connects to, for a person.
    pub(crate) fn target(&self) -> String {
        self.target.to_string()
    }

    /// Whether the gateway is on this machine, as far as its address tells.
    pub(crate) fn is_local(&self) -> bool {
        self.target.is_local()
    }

    /// Whether it comes in by the door of people, behind which calls are answered.
    pub(crate) fn is_for_people(&self) -> bool {
        crate::place::is_for_people(&self.target)
    }

    /// Whether the link is up.
    pub(crate) fn is_connected(&self) -> bool {
        self.live().is_some()
    }

    /// Resolves each time that the link went down.
    pub(crate) fn went_down(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Ends the link, if there is one.
    pub(crate) fn disconnect(&self) {
        *self.state() = State::default();
    }

    /// Makes a link if there is none.
    pub(crate) async fn connect(&self, patience: Patience) -> Result<Client, Failure> {
        if let Some(client) = self.live() {
            return Ok(client);
        }
        let deadline = Instant::now() + RECONNECT_WAIT;
        loop {
            let reason = match timeout(CONNECT_WAIT, self.attempt()).await {
                Ok(Ok(client)) => return Ok(client),
                Ok(Err(reason)) => reason,
                Err(_) => format!("no answer within {} seconds", CONNECT_WAIT.as_secs()),
            };
            if patience == Patience::Once || Instant::now() >= deadline {
                return Err(Failure::NotConnected(reason));
            }
            sleep(RECONNECT_PAUSE).await;
        }
    }

    async fn attempt(&self) -> Result<Client, String> {
        let client = Client::connect_trusting(&self.target, self.key.as_ref(), &self.trust)
            .await
            .map_err(|error| error.to_string())?;
        let (alive, changed) = (client.clone(), self.went_down());
        let watcher = tokio::spawn(async move {
            alive.closed().await;
            changed.notify_one();
        });
        *self.state() = State {
            client: Some(client.clone()),
            _watcher: Some(AbortOnDropHandle::new(watcher)),
            catalogue: None,
        };
        Ok(client)
    }

    /// Makes a call over the link that is there.
    pub(crate) async fn call(&self, method: &str, params: &Value) -> Result<Value, Failure> {
        let Some(client) = self.live() else { return Err(Failure::Closed) };
        match timeout(CALL_WAIT, client.request(method, params)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Failure::TimedOut),
        }
    }

    /// What can be called; asked for once a link.
    pub(crate) async fn catalogue(&self) -> Result<Arc<Catalogue>, Failure> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let catalogue = Arc::new(Catalogue::read(&self.call(LIST_CAPABILITIES, &json!([])).await?));
        self.state().catalogue = Some(Arc::clone(&catalogue));
        Ok(catalogue)
    }

    /// What can be called, as far as it is known already.
    pub(crate) fn known(&self) -> Option<Arc<Catalogue>> {
        self.state().catalogue.clone()
    }

    fn live(&self) -> Option<Client> {
        self.state().client.clone().filter(|client| !client.is_closed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is one assignment, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
