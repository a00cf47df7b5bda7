//! What becomes of tasks once somebody has answered: the call is made as any call is, or the task ends.

use std::sync::Arc;

use ::tasks::{Refused, Task, Waiting};
use approvals::{Approval, State};
use capfile::TextSource;
use jiff::Timestamp;
use mcp_types::Origin;
use mcp_wire::{Message, Object, RpcError, code};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::access::{Conversation, Talk};
use crate::http::App;
use crate::identity::Identity;
use crate::limits::TIDY;
use crate::mcp::tasks::room::Place;
use crate::mcp::{Door, Failure, Mcp, read, word};

/// How a task ends.
enum End {
    /// With a result, as JSON text.
    Completed(String),
    /// With an error of JSON-RPC, as JSON text.
    Failed(String),
    /// Since it was given up, and what is said of that.
    Stopped(&'static str),
}

impl End {
    fn failed(error: &RpcError) -> Self {
        Self::Failed(json!(error).to_string())
    }

    /// With what the reply to its call says. A server that asks something back is asked again by nobody.
    fn of_reply(reply: &[u8]) -> Self {
        let member = |name: &str| {
            let reply = Object::parse(std::str::from_utf8(reply).ok()?).ok()?;
            Some(reply.get(name)?.get().to_owned())
        };
        let Some(result) = member("result") else {
            let broken = || json!(RpcError::new(code::INTERNAL_ERROR, "the reply was none"));
            return Self::Failed(member("error").unwrap_or_else(|| broken().to_string()));
        };
        let kind =
            Object::parse(&result).ok().and_then(|it| Some(it.get_str("resultType")?.into_owned()));
        if kind.is_some_and(|kind| kind != "complete") {
            let text = "this asks something back, which a task cannot pass on: make the call from a client without tasks";
            return Self::failed(&RpcError::new(code::INVALID_REQUEST, text));
        }
        Self::Completed(result)
    }
}

/// Makes the calls of tasks once they are approved, and ends the tasks whose calls will not be made, until the signal to stop. What was
/// answered while the gateway did not run is taken up at once.
pub(crate) async fn follow(app: Arc<App>) {
    let mut answers = app.mcp.access().answers();
    let mut stopped = app.sessions.stopped.clone();
    loop {
        answers.mark_unchanged();
        for (waiting, approval) in app.mcp.answered_tasks().await {
            if approval.state == State::Approved {
                begin(&app, waiting, approval);
            } else {
                app.mcp.end_unmade(&waiting, &approval).await;
            }
        }
        tokio::select! {
            biased;
            _ = stopped.changed() => return,
            changed = answers.changed() => if changed.is_err() { return },
            () = app.mcp.tasks.looked() => {}
            // What could not be written down is tried again.
            () = tokio::time::sleep(TIDY) => {}
        }
    }
}

/// Makes the call of a task, beside all others. One for which there is no place now is come back to when another has ended.
fn begin(app: &Arc<App>, waiting: Waiting, approval: Approval) {
    let Some(place) = app.mcp.tasks.enter(&waiting.id) else { return };
    let own = app.clone();
    let span = tracing::info_span!("task", client = waiting.client);
    let made = async move {
        let is_over = own.mcp.make(&waiting, &approval, &place).await;
        drop(place);
        if is_over {
            own.mcp.tasks.look();
        }
    };
    app.sessions.tracker.spawn_on(made.instrument(span), app.workers.next());
}

impl Mcp {
    /// The tasks whose approvals do not wait any more, with these.
    async fn answered_tasks(&self) -> Vec<(Waiting, Approval)> {
        let Ok(Ok(waiting)) = self.tasks.work(::tasks::Tasks::waiting).await else {
            tracing::error!("the calls that go on as tasks cannot be read");
            return Vec::new();
        };
        let look = move |inbox: &approvals::Inbox| {
            let answered = waiting.into_iter().filter_map(|task| {
                let approval = inbox.status(&task.client, &task.approval).ok()?;
                // The task of one that is forgotten ends by its time.
                approval.filter(|it| it.state != State::Pending).map(|approval| (task, approval))
            });
            answered.collect()
        };
        self.access.in_inbox(look).await.unwrap_or_default()
    }

    /// Ends a task whose call will not be made.
    async fn end_unmade(&self, task: &Waiting, approval: &Approval) {
        let end = if approval.state == State::Cancelled {
            End::Stopped("its approval was taken back: nothing was done")
        } else {
            let text = word::of_task_that_is_over(approval);
            let mut result = word::not_called(approval, &text);
            result["resultType"] = "complete".into();
            End::Completed(result.to_string())
        };
        self.end_task(&task.id, end).await;
    }

    /// Makes the call of a task that was approved. `false`: it could not even be written down that it is, and was not made.
    async fn make(&self, waiting: &Waiting, approval: &Approval, place: &Place) -> bool {
        let Some(client) = self.client(&waiting.client) else {
            let text = "the key of this client is no longer good: nothing was done";
            let end = End::failed(&RpcError::new(code::NOT_PERMITTED, text));
            return self.end_task(&waiting.id, end).await;
        };
        let id = waiting.id.clone();
        let task = match self.tasks.work(move |tasks| tasks.starting(&id)).await {
            Ok(Ok(task)) => task,
            // Its client was faster, and has cancelled it.
            Ok(Err(Refused::Ended(_) | Refused::Unknown | Refused::Started)) => return true,
            Ok(Err(error)) => {
                tracing::error!(%error, "a task cannot be begun");
                return false;
            }
            Err(_) => return false,
        };
        let revoked = client.revoked();
        let made = self.reply_to_task(&task, approval, &client);
        let end = tokio::select! {
            biased;
            () = place.given_up.cancelled() => {
                End::Stopped("cancelled while it was under way: look what it has done by then")
            }
            () = revoked.cancelled() => {
                End::Stopped("the client's key was taken back while it was under way: look what it has done by then")
            }
            made = made => made,
        };
        self.end_task(&waiting.id, end).await
    }

    /// The client of this name, as it is now.
    fn client(&self, name: &str) -> Option<Arc<Identity>> {
        let of_sockets = [Identity::local(), Identity::person()];
        let of_socket = of_sockets.into_iter().find(|identity| **identity.name() == *name);
        of_socket.map(Arc::new).or_else(|| {
            let rules = self.access.live().rules();
            rules.clients.named(name, Timestamp::now()).cloned()
        })
    }

    /// Makes the call of a task as any call is made, and gives what it came to.
    async fn reply_to_task(&self, task: &Task, approval: &Approval, client: &Identity) -> End {
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"{}","params":{}}}"#,
            task.method, task.params
        );
        let unreadable = || RpcError::new(code::INTERNAL_ERROR, "the call could not be read again");
        let Ok(Message::Request(request)) = Message::parse(&text) else {
            return End::failed(&unreadable());
        };
        // Nobody listens for what comes before the answer.
        let (outlet, _) = mpsc::channel(1);
        let read_by_then = approval.asked.untrusted.iter();
        let read_by_then = read_by_then.filter_map(|name| TextSource::named(name)).collect();
        let door = Door {
            client,
            request_id: &task.request,
            origin: origin(&approval.asked.origin),
            headers: None,
            timeout: None,
            handshake: None,
            // With nothing read, policy might not ask, and the call would be made without the person's changes.
            talk: Talk::Task(Arc::new(Conversation::that_has_read(read_by_then))),
            outlet,
        };
        let asked = match read(&door, &request) {
            Ok(asked) => asked,
            Err(error) => return End::failed(&error),
        };
        match self.call_tool(&asked).await {
            Ok(reply) | Err(Failure::Theirs { reply, .. }) => End::of_reply(&reply),
            Err(Failure::NotAllowed(refused)) => End::failed(&refused.to_rpc()),
            Err(Failure::Ours(error)) => {
                self.misasked(&asked, &error).await;
                End::failed(&error)
            }
        }
    }

    /// Ends a task. `false`: it cannot be written down.
    async fn end_task(&self, id: &str, end: End) -> bool {
        let id = id.to_owned();
        let ended = self.tasks.work(move |tasks| match &end {
            End::Completed(result) => match tasks.complete(&id, result) {
                Err(Refused::TooLong { .. } | Refused::Malformed { .. }) => {
                    let text = "the call was made, and its result is too large for a task";
                    tasks.fail(&id, &json!(RpcError::new(code::TOO_LARGE, text)).to_string())
                }
                ended => ended,
            },
            End::Failed(error) => match tasks.fail(&id, error) {
                Err(Refused::TooLong { .. } | Refused::Malformed { .. }) => {
                    let text = "the call failed, and its error is too large for a task";
                    tasks.fail(&id, &json!(RpcError::new(code::TOO_LARGE, text)).to_string())
                }
                ended => ended,
            },
            End::Stopped(message) => tasks.stopped(&id, Some(message)),
        });
        match ended.await {
            // The first end counts.
            Ok(Ok(_) | Err(Refused::Ended(_) | Refused::Unknown)) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "the end of a task cannot be kept");
                false
            }
            Err(_) => false,
        }
    }
}

/// The door through which the call came first: rules may speak of it.
fn origin(name: &str) -> Origin {
    serde_json::from_value(Value::from(name)).unwrap_or(Origin::Http)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_call_came_to_is_what_its_reply_says() {
        let end = |reply: &str| match End::of_reply(reply.as_bytes()) {
            End::Completed(text) => format!("completed {text}"),
            End::Failed(text) => format!("failed {text}"),
            End::Stopped(text) => text.to_owned(),
        };
        let result = r#"{"resultType":"complete","content":[]}"#;
        assert_eq!(
            end(&format!(r#"{{"jsonrpc":"2.0","id":0,"result":{result}}}"#)),
            format!("completed {result}")
        );
        let error = r#"{"code":-1,"message":"no"}"#;
        assert_eq!(
            end(&format!(r#"{{"jsonrpc":"2.0","id":0,"error":{error}}}"#)),
            format!("failed {error}")
        );
        let asks = r#"{"jsonrpc":"2.0","id":0,"result":{"resultType":"input_required"}}"#;
        assert!(end(asks).starts_with("failed"));
        assert!(end("[]").starts_with("failed"));
    }

    #[test]
    fn every_door_is_known_by_its_name() {
        for door in [Origin::Http, Origin::WebSocket, Origin::Local, Origin::Person] {
            assert_eq!(origin(door.as_str()), door);
        }
        assert_eq!(origin("elsewhere"), Origin::Http);
    }
}
