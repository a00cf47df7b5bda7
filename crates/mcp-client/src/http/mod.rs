//! Streamable HTTP: each message is one `POST`, and its answer is the answer of that `POST`.
//!
//! Requests run side by side, each on its own connection while it is under way. Cancelling one drops its `POST`: the
//! closed stream is what tells a modern server; one of the older era is also sent the notification.

mod answer;
mod endpoint;
mod head;
mod refusal;
mod session;
mod under_way;

use std::sync::Arc;

use mcp_wire::{Message, error_reply};
use tokio::task::JoinSet;

pub(crate) use endpoint::{Endpoint, endpoint};

use crate::http::head::Head;
use crate::http::under_way::UnderWay;
use crate::limits::{MAX_NOTIFICATIONS, MAX_REQUESTS};
use crate::link::Ends;

/// Carries messages until nobody sends any more and everything is answered.
pub(crate) async fn run(endpoint: Endpoint, ends: Ends) {
    let Ends { mut outgoing, incoming } = ends;
    let mut driver = Driver {
        endpoint: Arc::new(endpoint),
        incoming,
        requests: JoinSet::new(),
        notifications: JoinSet::new(),
        under_way: UnderWay::default(),
    };
    let mut open = true;
    while open || !driver.requests.is_empty() || !driver.notifications.is_empty() {
        tokio::select! {
            message = outgoing.next(), if open => match message {
                Some(message) => driver.take(message.text).await,
                None => open = false,
            },
            Some(ended) = driver.requests.join_next_with_id() => {
                let id = match ended { Ok((id, ())) => id, Err(error) => error.id() };
                driver.under_way.ended(id);
            }
            Some(_) = driver.notifications.join_next() => {}
        }
    }
    driver.endpoint.end_session().await;
}

struct Driver {
    endpoint: Arc<Endpoint>,
    incoming: tokio::sync::mpsc::Sender<String>,
    requests: JoinSet<()>,
    notifications: JoinSet<()>,
    under_way: UnderWay,
}

impl Driver {
    /// Starts what the message asks for; nothing here waits for the server.
    async fn take(&mut self, text: String) {
        let refused = match Message::parse(&text) {
            Ok(Message::Request(request)) => {
                let head = Head::of(&request.method, request.params);
                match self.under_way.admit(request.id, MAX_REQUESTS) {
                    Ok(place) => {
                        let (endpoint, incoming) = (self.endpoint.clone(), self.incoming.clone());
                        let (id, modern) = (request.id.as_str().to_owned(), head.is_modern());
                        let task = self.requests.spawn(async move {
                            endpoint.request(&head, &id, text, &incoming).await;
                        });
                        self.under_way.started(place, task, modern);
                        return;
                    }
                    Err(error) => error_reply(Some(request.id), &error),
                }
            }
            Ok(Message::Notification(note)) => {
                let head = Head::of(&note.method, note.params);
                if note.method == "notifications/cancelled"
                    && self.under_way.cancel(note.params).unwrap_or(head.is_modern())
                {
                    return;
                }
                return self.note(head, text);
            }
            Ok(Message::Response(_)) => return self.note(Head::of_response(), text),
            Err(error) => error_reply(None, &error.to_rpc()),
        };
        // A link whose receiver is gone is ended from there.
        self.incoming.send(String::from_utf8_lossy(&refused).into_owned()).await.ok();
    }

    /// Sends what has no answer.
    fn note(&mut self, head: Head, text: String) {
        if self.notifications.len() >= MAX_NOTIFICATIONS {
            return tracing::warn!("the server takes no notifications: one is left out");
        }
        let endpoint = self.endpoint.clone();
        self.notifications.spawn(async move { endpoint.note(&head, text).await });
    }
}
