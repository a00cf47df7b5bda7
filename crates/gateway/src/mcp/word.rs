//! What a client is told of a call that needs somebody's word: it waits for a person, or the host is to ask its user.

use approvals::{Approval, State};
use mcp_types::{Era, meta};
use mcp_wire::{Edit, Object, result_reply};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::access::Refused;
use crate::mcp::handshake::can_elicit;
use crate::mcp::{Asked, Failure, Mcp};

/// The key under which a host is asked, in MCP's multi-round-trip results, and the member of the form.
const KEY: &str = "approval";
const APPROVE: &str = "approve";
/// The members of a request by which a client answers (`InputResponses`, MCP 2026-07-28).
pub(super) const INPUT_RESPONSES: &str = "inputResponses";
pub(super) const REQUEST_STATE: &str = "requestState";

/// What the host of a client has to say to a call that needs its user's word.
pub(super) enum HostSays {
    /// Its user was asked, and the call may be decided on again.
    Answered,
    /// It is to ask its user, as this result says.
    Ask(Vec<u8>),
    /// It cannot.
    Nothing,
}

impl Mcp {
    /// Takes the answer of a host that was asked with the result before, if the request holds one. `true`: what it holds was ours,
    /// and is none of the server's business.
    pub(super) async fn take_answer(&self, asked: &Asked<'_>) -> Result<bool, Failure> {
        let state = asked.params.get_str(REQUEST_STATE);
        let client = asked.door.client.name();
        let id = state.as_deref().and_then(|state| self.seal.open(client, state));
        let Some(id) = id else { return Ok(false) };
        let responses = asked.params.get(INPUT_RESPONSES).map(|raw| Object::parse(raw.get()));
        let answer = responses.and_then(Result::ok);
        let answer = answer.as_ref().and_then(|all| all.get(KEY)).map(RawValue::get);
        let answer: Option<Value> = answer.and_then(|text| serde_json::from_str(text).ok());
        if let Some(approved) = answer.as_ref().and_then(verdict) {
            match self.access.answer_as_host(asked.door, id, approved).await {
                // Somebody was faster: what they said is found when the call is decided on.
                Ok(()) | Err(Refused::NotAsked(_)) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Ok(true)
    }

    /// Has the host of a client ask its user, where that suffices and the host can.
    pub(super) async fn ask_host(
        &self,
        asked: &Asked<'_>,
        approval: &Approval,
    ) -> Result<HostSays, Failure> {
        let for_host = approval.asked.audience == approvals::Audience::Host;
        if !for_host || approval.state != State::Pending {
            return Ok(HostSays::Nothing);
        }
        match asked.era {
            Era::Modern if may_elicit(asked) => {
                let Some(state) = self.seal.seal(asked.door.client.name(), &approval.id) else {
                    return Ok(HostSays::Nothing);
                };
                let result = json!({
                    "resultType": "input_required",
                    "inputRequests": { KEY: { "method": "elicitation/create", "params": form(approval) } },
                    "requestState": state,
                });
                Ok(HostSays::Ask(result_reply(asked.request.id, &result)))
            }
            Era::Modern => Ok(HostSays::Nothing),
            Era::Legacy => self.elicit(asked, approval).await,
        }
    }

    /// Asks a host of the older era, which answers while the call waits (MCP 2025-06-18, "Elicitation").
    async fn elicit(&self, asked: &Asked<'_>, approval: &Approval) -> Result<HostSays, Failure> {
        let elicits = self.handshake_of(asked).is_some_and(|said| said.elicits());
        let outlet = &asked.door.outlet;
        if !elicits || outlet.is_closed() {
            return Ok(HostSays::Nothing);
        }
        let Some(mut question) = self.questions.ask(asked.door.client.name()) else {
            return Ok(HostSays::Nothing);
        };
        // The member `mode` came with a later revision than some who are asked.
        let mut params = form(approval);
        if let Some(members) = params.as_object_mut() {
            members.remove("mode");
        }
        let id = &question.id;
        let message = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"elicitation/create","params":{params}}}"#
        );
        if outlet.send(message.into_bytes().into()).await.is_err() {
            return Ok(HostSays::Nothing);
        }
        let wait = asked.timeout.map_or(self.deadline, |timeout| timeout.min(self.deadline));
        let answer = tokio::time::timeout(wait, question.answer()).await.ok().flatten();
        let Some(approved) = answer.as_ref().and_then(verdict) else {
            return Ok(HostSays::Nothing);
        };
        match self.access.answer_as_host(asked.door, &approval.id, approved).await {
            Ok(()) | Err(Refused::NotAsked(_)) => Ok(HostSays::Answered),
            Err(refused) => Err(refused.into()),
        }
    }
}

/// What a client is told whose call waits for a person: a tool's error, so that a model reads it and can tell its user.
pub(super) fn waits(asked: &Asked<'_>, approval: &Approval) -> Vec<u8> {
    result_reply(asked.request.id, &not_called(asked.era, approval, &text(approval)))
}

/// A tool's error for a call that was not made.
pub(super) fn not_called(era: Era, approval: &Approval, text: &str) -> Value {
    let mut result = json!({
        "content": [{ "type": "text", "text": text }],
        "isError": true,
        "_meta": { meta::APPROVAL: told(approval), meta::ERROR_KIND: "needs_approval" },
    });
    if let (Era::Modern, Some(members)) = (era, result.as_object_mut()) {
        members.insert("resultType".to_owned(), "complete".into());
    }
    result
}

/// The same for programs.
pub(super) fn told(approval: &Approval) -> Value {
    json!({
        "id": approval.id,
        "state": approval.state,
        "rule": approval.asked.rule,
        "expiresAt": approval.expires_at.to_string(),
    })
}

/// The same in words.
pub(super) fn text(approval: &Approval) -> String {
    let Approval { id, asked, state, reason, .. } = approval;
    let tool = &asked.tool;
    if *state == State::Denied {
        let because = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        return format!(
            "`{tool}` was not called: a person has denied it{because}. Do not try it again unless they ask you to."
        );
    }
    let why = why(approval);
    format!(
        "`{tool}` was not called: it needs a person's word{why}. It waits as approval {id}. Tell your user to open `approvals` in the \
         appliance's shell; once it is approved, make exactly the same call again. `approval_status` tells what has become of it."
    )
}

/// What is said of a task whose call waits for a person.
pub(super) fn of_task(approval: &Approval) -> String {
    let (id, tool, why) = (&approval.id, &approval.asked.tool, why(approval));
    format!(
        "`{tool}` needs a person's word{why}, and waits as approval {id}. Tell your user to open `approvals` in the \
         appliance's shell. \
         Once it is approved, the call is made, and this task has its result: do not make it again."
    )
}

/// What is said of a task whose call will not be made, as its approval says.
pub(super) fn of_task_that_is_over(approval: &Approval) -> String {
    let (id, tool) = (&approval.id, &approval.asked.tool);
    match approval.state {
        State::Used => format!(
            "`{tool}` was not called by this task: the same call, made again, has used approval {id}."
        ),
        State::Expired => format!(
            "`{tool}` was not called: approval {id} was not given, or not used, in time. Ask your user whether they still want it \
             before you make the call again."
        ),
        _ => text(approval),
    }
}

/// Why a person's word is needed: the rule, and what was read, which may be its reason.
fn why(approval: &Approval) -> String {
    let rule = &approval.asked.rule;
    let read = approval.asked.untrusted.join(", ");
    if read.is_empty() {
        return format!(" by the rule `{rule}`");
    }
    format!(
        " by the rule `{rule}`, and this conversation has read text that nobody vouches for ({read})"
    )
}

/// The words and the form with which a host asks its user.
fn form(approval: &Approval) -> Value {
    let Approval { asked, .. } = approval;
    let shown = approvals::pretty(&asked.arguments).unwrap_or_else(|_| asked.arguments.clone());
    let read = asked.untrusted.join(", ");
    let warning = if read.is_empty() {
        String::new()
    } else {
        format!("\n\nIt has read text that nobody vouches for: {read}.")
    };
    json!({
        "mode": "form",
        "message": format!("{} wants to call `{}` with\n{shown}{warning}", asked.client, asked.tool),
        "requestedSchema": {
            "type": "object",
            "properties": {
                APPROVE: { "type": "boolean", "title": "Approve", "description": "Let it be done, this once" },
            },
            "required": [APPROVE],
        },
    })
}

/// What a user has said by a form. `None`: they have closed it.
fn verdict(answer: &Value) -> Option<bool> {
    match answer.get("action")?.as_str()? {
        // A form that was not filled in as it says is none.
        "accept" => answer.pointer("/content/approve").and_then(Value::as_bool),
        "decline" => Some(false),
        _ => None,
    }
}

/// Whether a client of the modern era says that it shows its user forms.
fn may_elicit(asked: &Asked<'_>) -> bool {
    let capabilities = asked.metadata.get(meta::CLIENT_CAPABILITIES);
    let capabilities = capabilities.and_then(|raw| Object::parse(raw.get()).ok());
    capabilities.is_some_and(|capabilities| can_elicit(&capabilities))
}

/// What is told, in the result of a call that somebody has approved, of that; and what a model reads of it where the arguments are
/// others than it wrote.
pub(super) struct Note {
    pub(super) metadata: String,
    pub(super) content: Option<String>,
}

impl Note {
    pub(super) fn of(grant: &approvals::Grant) -> Self {
        let mut metadata = json!({ "id": grant.id, "state": "used", "edited": grant.edited });
        let arguments = grant.edited.then_some(&grant.arguments);
        if let (Some(arguments), Some(members)) = (arguments, metadata.as_object_mut()) {
            members.insert("arguments".to_owned(), arguments.as_str().into());
        }
        let content = arguments.map(|arguments| {
            let text = format!(
                "A person changed this call before approving it. It was made with these arguments: {arguments}"
            );
            json!({ "type": "text", "text": text }).to_string()
        });
        Self { metadata: metadata.to_string(), content }
    }

    /// The content of a result with the note before it, as JSON text.
    pub(super) fn before(&self, result: &Object<'_>) -> Option<String> {
        let note = self.content.as_ref()?;
        let given = result.get("content").map_or("[]", |raw| raw.get()).trim();
        let items = given.strip_prefix('[')?.strip_suffix(']')?.trim();
        let comma = if items.is_empty() { "" } else { "," };
        Some(format!("[{note}{comma}{items}]"))
    }
}

/// The edits that take an answer of ours out of a request.
pub(super) const WITHOUT_ANSWER: [(&str, Edit<'static>); 2] =
    [(INPUT_RESPONSES, Edit::Remove), (REQUEST_STATE, Edit::Remove)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        for (answer, expected) in [
            (json!({"action": "accept", "content": {"approve": true}}), Some(true)),
            (json!({"action": "accept", "content": {"approve": false}}), Some(false)),
            (json!({"action": "accept", "content": {"approve": "true"}}), None),
            (json!({"action": "accept"}), None),
            (json!({"action": "decline", "content": {"approve": true}}), Some(false)),
            (json!({"action": "cancel"}), None),
            (json!({}), None),
        ] {
            assert_eq!(verdict(&answer), expected, "{answer}");
        }
    }

    #[test]
    fn a_note_stands_before_what_a_tool_gave() {
        let grant = |edited| approvals::Grant {
            id: "a".into(),
            arguments: r#"{"to":"b"}"#.into(),
            edited,
            by: "person".into(),
            as_person: true,
        };
        let note = Note::of(&grant(true));
        for given in [r#"{"content":[]}"#, r#"{"content":[{"type":"text","text":"x"}]}"#, "{}"] {
            let result = Object::parse(given).unwrap();
            let content: Vec<Value> = serde_json::from_str(&note.before(&result).unwrap()).unwrap();
            assert!(content[0]["text"].as_str().unwrap().contains(r#"{"to":"b"}"#));
        }
        assert!(Note::of(&grant(false)).content.is_none());
    }
}
