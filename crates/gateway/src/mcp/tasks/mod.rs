//! Calls that go on as tasks (MCP's extension `io.modelcontextprotocol/tasks`): how one is made, told of, and cancelled.
//!
//! A call that waits for a person becomes one, if its client knows what that is. Once somebody has answered, [`mod@follow`] makes the
//! call, or ends the task: the client need not come again for that, nor need the gateway have run all the while.

mod follow;
mod room;
mod subscribed;

use ::tasks::{Cancel, New, Refused, Task};
use approvals::limits::{GRANT_LASTS, WAITS};
use approvals::{Approval, State};
use capfile::{TextSource, TextSources};
use mcp_types::{Era, TASKS_EXTENSION, TaskAcknowledged, TaskStatus, meta};
use mcp_wire::{Edit, Object, RpcError, code, result_reply};
use serde_json::json;
use serde_json::value::RawValue;

pub(crate) use follow::follow;
pub(crate) use room::Room;
pub(super) use subscribed::Followed;

use crate::access::{Refused as NotAllowed, Talk};
use crate::mcp::{Asked, Failure, Mcp, label, word};

/// The one method whose calls become tasks.
const CALL: &str = "tools/call";
/// What goes with a request, and not with the call that is made later: nobody is there to be asked or told by then.
const LATER: [(&str, Edit<'static>); 4] = [
    (meta::CLIENT_CAPABILITIES, Edit::Raw("{}")),
    (meta::PROGRESS_TOKEN, Edit::Remove),
    (meta::LOG_LEVEL, Edit::Remove),
    (meta::TIMEOUT_MS, Edit::Remove),
];

impl Mcp {
    /// Has a call that waits for a person go on as a task, and gives the answer that says so. The same call, repeated while it waits,
    /// gives the same task. `None`: the client knows no tasks, or can have no more.
    pub(super) async fn as_task(
        &self,
        asked: &Asked<'_>,
        approval: &Approval,
        answered: bool,
    ) -> Option<Vec<u8>> {
        let is_call = asked.era == Era::Modern && asked.request.method == CALL;
        let is_task = matches!(asked.door.talk, Talk::Task(_));
        if !is_call || is_task || approval.state != State::Pending || !knows_tasks(asked) {
            return None;
        }
        let new = New {
            client: asked.door.client.name().to_string(),
            method: CALL.to_owned(),
            params: params(asked, answered)?,
            approval: Some(approval.id.clone()),
            request: asked.door.request_id.to_owned(),
            version: asked.metadata.get_str(meta::PROTOCOL_VERSION)?.into_owned(),
            status_message: Some(word::of_task(approval)),
            // What becomes of the approval is known before, so that it is what the task ends with.
            ttl: Some(WAITS + GRANT_LASTS),
        };
        let made = self.tasks.work(move |tasks| tasks.create(&new)).await.ok()?;
        let task =
            made.inspect_err(|error| tracing::warn!(%error, "a call became no task")).ok()?;
        // Somebody may have answered before it was there.
        self.tasks.look();
        Some(result_reply(asked.request.id, &task.created()))
    }

    /// `tasks/get`.
    pub(super) async fn get_task(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
        let (client, id) = whose(asked)?;
        let task = self.tasks.work(move |tasks| tasks.get(&client, &id)).await?.map_err(failure)?;
        // Before the client has the text.
        self.heard(asked.door, self.sources_of(&task)).await;
        Ok(result_reply(asked.request.id, &task.got()))
    }

    /// `tasks/update`: answers to what a task asks. Those to what is not asked are left aside.
    pub(super) async fn update_task(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
        let (client, id) = whose(asked)?;
        let answers = asked.params.get(word::INPUT_RESPONSES).map(RawValue::get);
        let answers = answers.ok_or_else(|| invalid("`inputResponses` must be an object"))?;
        let answers = answers.to_owned();
        let updated = self.tasks.work(move |tasks| tasks.update(&client, &id, &answers)).await?;
        updated.map_err(failure)?;
        Ok(result_reply(asked.request.id, &TaskAcknowledged::new()))
    }

    /// `tasks/cancel`: what has not begun never will, and what is under way is given up.
    pub(super) async fn cancel_task(&self, asked: &Asked<'_>) -> Result<Vec<u8>, Failure> {
        let (client, id) = whose(asked)?;
        let cancelled = self.tasks.work(move |tasks| tasks.cancel(&client, &id)).await?;
        match cancelled.map_err(failure)? {
            Cancel::Ended(task) => self.take_back(task).await?,
            Cancel::Asked(task) => self.tasks.give_up(&task.id),
            Cancel::Over(_) => {}
        }
        Ok(result_reply(asked.request.id, &TaskAcknowledged::new()))
    }

    /// Takes the approval of a cancelled task out of what waits for a person.
    async fn take_back(&self, task: Task) -> Result<(), NotAllowed> {
        let Some(approval) = task.approval else { return Ok(()) };
        let taken =
            self.access.in_inbox(move |inbox| inbox.cancel(&task.client, &approval)).await?;
        match taken {
            // Somebody has denied it meanwhile, say: it is over in any case.
            Ok(_) | Err(approvals::Refused::Answered { .. } | approvals::Refused::Unknown) => {
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the calls that wait for a person cannot be kept");
                Err(NotAllowed::Unavailable)
            }
        }
    }

    /// From where the text comes of what a task has come to. An error has no place that says it.
    fn sources_of(&self, task: &Task) -> TextSources {
        let told = || Some(label::told(&Object::parse(task.outcome.as_ref()?.get()).ok()?));
        match task.status {
            TaskStatus::Completed => told().unwrap_or_default(),
            TaskStatus::Failed if task.has_started => self.may_say(&task.params),
            _ => TextSources::NONE,
        }
    }

    /// From where text of the tool may come that is called with these parameters.
    fn may_say(&self, params: &str) -> TextSources {
        let params = Object::parse(params).ok();
        let name = params.as_ref().and_then(|params| params.get_str("name"));
        let tool = name.and_then(|name| self.registry.table().tool(&name));
        tool.map_or(TextSource::Server.into(), |tool| tool.declared.text_from)
    }
}

/// Whether a client says that it knows what tasks are.
fn knows_tasks(asked: &Asked<'_>) -> bool {
    fn within<'a>(outer: &Object<'a>, key: &str) -> Option<Object<'a>> {
        Object::parse(outer.get(key)?.get()).ok()
    }
    let extensions = within(&asked.metadata, meta::CLIENT_CAPABILITIES)
        .and_then(|capabilities| within(&capabilities, "extensions"));
    extensions.is_some_and(|extensions| within(&extensions, TASKS_EXTENSION).is_some())
}

/// Refuses a client that does not say that it knows what tasks are.
fn must_know_tasks(asked: &Asked<'_>) -> Result<(), RpcError> {
    if knows_tasks(asked) {
        return Ok(());
    }
    let text = format!("this needs a client with the extension `{TASKS_EXTENSION}`");
    let needed = json!({ "requiredCapabilities": { "extensions": { TASKS_EXTENSION: {} } } });
    Err(RpcError::new(code::MISSING_CLIENT_CAPABILITY, text).with_data(needed))
}

/// The client that asks, and the task that it asks about.
fn whose(asked: &Asked<'_>) -> Result<(String, String), RpcError> {
    must_know_tasks(asked)?;
    let id = asked.params.get_str("taskId").ok_or_else(|| invalid("`taskId` must be a string"))?;
    Ok((asked.door.client.name().to_string(), id.into_owned()))
}

/// The parameters of a call as it will be made. `answered`: they hold an answer to a question of ours.
fn params(asked: &Asked<'_>, answered: bool) -> Option<String> {
    let mut edits = vec![("_meta", Edit::Object(&asked.metadata, &LATER))];
    if answered {
        edits.extend(word::WITHOUT_ANSWER);
    }
    let mut out = Vec::new();
    asked.params.write(&edits, &mut out);
    String::from_utf8(out).ok()
}

/// What a client is told of something that is not done with a task.
fn failure(refused: Refused) -> Failure {
    match refused {
        Refused::Store(error) => {
            tracing::error!(%error, "the calls that go on as tasks cannot be kept");
            NotAllowed::Unavailable.into()
        }
        refused => invalid(&refused.to_string()).into(),
    }
}

fn invalid(text: &str) -> RpcError {
    RpcError::new(code::INVALID_PARAMS, text)
}
