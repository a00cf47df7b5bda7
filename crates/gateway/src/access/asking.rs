//! Calls that need somebody's word before they are made.

use std::sync::Arc;

use approvals::{Answerer, Approval, Asked, Audience, Grant, Inbox, State};
use audit::Kind;
use capfile::{TextSource, TextSources};
use policy::{Answer, Approver};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::access::desk::entry;
use crate::access::pass::Pass;
use crate::access::{Access, Action, Ask, Refused, Talk};
use crate::mcp::Door;

/// What has become of a call that nobody forbids.
pub(crate) enum Begun {
    /// It goes on, by this grant if it needed one, with whose arguments it is then made.
    Goes(Box<Pass>, Option<Grant>),
    /// It waits for somebody's word, or somebody has said no a moment ago.
    Waits(Box<Approval>),
}

/// Whose word is needed.
pub(super) struct Wanted {
    pub(super) approver: Approver,
    /// The rule that wants it.
    pub(super) rule: Arc<str>,
    /// What the conversation has read.
    pub(super) untrusted: TextSources,
}

/// What there is of that word.
pub(super) enum Said {
    Granted(Grant),
    Waits(Box<Approval>),
}

impl Access {
    /// Uses up the grant of a call, where there is one; else asks for it.
    pub(super) async fn ask(
        &self,
        door: &Door<'_>,
        action: Action<'_>,
        wanted: Wanted,
    ) -> Result<Said, Refused> {
        // Only the call of a tool can be repeated with a person's word.
        let Some(tool) = action.tool else {
            return Err(Refused::NotPermitted { rule: wanted.rule });
        };
        let (method, arguments) = (&action.declared.name, action.arguments.unwrap_or("{}"));
        let needed = match wanted.approver {
            Approver::Host => Audience::Host,
            Approver::Person => Audience::Person,
        };
        if let Some(grant) = self.take(door, action, needed).await? {
            self.still_allowed(door, &action, &grant, wanted.untrusted)?;
            return Ok(Said::Granted(grant));
        }
        let asked = Asked {
            client: door.client.name().to_string(),
            origin: door.origin.as_str().to_owned(),
            method: method.to_string(),
            tool: tool.to_owned(),
            arguments: arguments.to_owned(),
            rule: wanted.rule.to_string(),
            audience: needed,
            untrusted: wanted.untrusted.iter().map(TextSource::name).map(str::to_owned).collect(),
            request: door.request_id.to_owned(),
            run: None,
        };
        let approval = self.inbox(move |inbox| inbox.ask(asked)).await?;
        self.told(door, "asked", &approval).await?;
        Ok(Said::Waits(Box::new(approval)))
    }

    /// The grant of a call that policy, by now, lets be made without one. Somebody may have changed the call, and a grant is of no more
    /// use once it was made. Of what changes nothing it is looked for only where a task makes it: most calls do not, and none asks
    /// for them to be quick in vain.
    pub(super) async fn given(
        &self,
        door: &Door<'_>,
        action: Action<'_>,
        untrusted: TextSources,
    ) -> Result<Option<Grant>, Refused> {
        let of_task = matches!(door.talk, Talk::Task(_));
        if action.tool.is_none() || (action.declared.read_only && !of_task) {
            return Ok(None);
        }
        let taken = self.take(door, action, Audience::Host).await?;
        if let Some(grant) = &taken {
            self.still_allowed(door, &action, grant, untrusted)?;
        }
        Ok(taken)
    }

    /// Uses up the grant of a call, where there is one.
    async fn take(
        &self,
        door: &Door<'_>,
        action: Action<'_>,
        needed: Audience,
    ) -> Result<Option<Grant>, Refused> {
        if !self.inbox.may_grant() {
            return Ok(None);
        }
        let (client, method) = (door.client.name().to_string(), action.declared.name.to_string());
        let arguments = action.arguments.unwrap_or("{}").to_owned();
        // What cannot be asked for has no grant.
        let taken = self.in_inbox(move |inbox| inbox.take(&client, &method, &arguments, needed));
        let taken = match taken.await? {
            Ok(taken) => taken,
            Err(approvals::Refused::Store(error)) => {
                tracing::error!(%error, "the calls that wait for a person cannot be kept");
                return Err(Refused::Unavailable);
            }
            Err(_) => None,
        };
        if let Some(grant) = &taken {
            self.used(door, action, grant).await?;
        }
        Ok(taken)
    }

    /// Makes the grant of a call good for its next round, since its server has asked something back and done nothing yet.
    pub(crate) async fn resume(&self, door: &Door<'_>, method: &Arc<str>, grant: &Grant) {
        let id = grant.id.clone();
        match self.in_inbox(move |inbox| inbox.resume(&id)).await {
            Ok(Ok(true)) => {}
            // Then it is asked for again.
            Ok(Ok(false)) | Err(_) => return,
            Ok(Err(error)) => {
                tracing::error!(%error, "a grant cannot be resumed");
                return;
            }
        }
        let mut entry = entry(Kind::Approval, door, method.clone());
        entry.outcome = "resumed";
        entry.arguments = Some(json!({ "approval": grant.id, "by": grant.by }).to_string().into());
        if self.audit.record_durably(entry).await.is_err() {
            tracing::error!("that a grant was resumed is not in the record");
        }
    }

    /// Records by whose word a call is about to be made: it is on the disk when this ends.
    async fn used(
        &self,
        door: &Door<'_>,
        action: Action<'_>,
        grant: &Grant,
    ) -> Result<(), Refused> {
        let mut entry = entry(Kind::Approval, door, action.declared.name.clone());
        entry.outcome = "used";
        let told = json!({ "approval": grant.id, "by": grant.by, "edited": grant.edited });
        entry.arguments = Some(told.to_string().into());
        self.audit.record_durably(entry).await.map(drop).map_err(|_| Refused::Unavailable)
    }

    /// Tells whenever somebody has asked for something or answered it.
    pub(crate) fn answers(&self) -> watch::Receiver<u64> {
        self.inbox.changes()
    }

    /// Approves or denies a call as the host of its client, which has asked its user.
    pub(crate) async fn answer_as_host(
        &self,
        door: &Door<'_>,
        id: &str,
        approved: bool,
    ) -> Result<(), Refused> {
        let (id, who) = (id.to_owned(), Answerer::Host(door.client.name().to_string()));
        let approval = self
            .inbox(move |inbox| {
                if approved {
                    return inbox.approve(&id, &who, None);
                }
                inbox.deny(&id, &who, Some("the user of this host said no"))
            })
            .await?;
        self.told(door, approval.state.name(), &approval).await
    }

    /// Whether policy lets a call be made that somebody has approved: with other arguments it is another call, and rules may have
    /// changed since it was asked for. A question has been answered by then.
    fn still_allowed(
        &self,
        door: &Door<'_>,
        action: &Action<'_>,
        grant: &Grant,
        untrusted: TextSources,
    ) -> Result<(), Refused> {
        if !grant.edited {
            return Ok(());
        }
        let arguments = Some(grant.arguments.as_str());
        let ask = Ask { method: &action.declared.name, arguments, untrusted };
        let decision = self.rulebook.decide(door, ask);
        match decision.answer {
            Answer::Deny => Err(Refused::by(decision)),
            Answer::Allow | Answer::Ask(_) => Ok(()),
        }
    }

    /// Records a step on the way to somebody's word: it is on the disk when this ends.
    async fn told(
        &self,
        door: &Door<'_>,
        outcome: &'static str,
        approval: &Approval,
    ) -> Result<(), Refused> {
        let mut entry = entry(Kind::Approval, door, approval.asked.method.as_str().into());
        entry.outcome = if approval.state == State::Denied { "denied" } else { outcome };
        let id = &approval.id;
        entry.arguments = Some(
            json!({
                "approval": id,
                "rule": approval.asked.rule,
                "untrusted": approval.asked.untrusted,
            })
            .to_string()
            .into(),
        );
        self.audit.record_durably(entry).await.map(drop).map_err(|_| Refused::Unavailable)
    }

    /// Works on the inbox, on a thread that may wait for the disk.
    async fn inbox<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inbox) -> Result<T, approvals::Refused> + Send + 'static,
    ) -> Result<T, Refused> {
        match self.in_inbox(work).await? {
            Ok(value) => Ok(value),
            Err(approvals::Refused::Store(error)) => {
                tracing::error!(%error, "the calls that wait for a person cannot be kept");
                Err(Refused::Unavailable)
            }
            Err(refused) => Err(Refused::NotAsked(refused.to_string())),
        }
    }

    /// The same, whatever it gives.
    pub(crate) async fn in_inbox<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inbox) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let inbox = self.inbox.clone();
        let done = tokio::task::spawn_blocking(move || work(&inbox)).await;
        done.map_err(|_| Refused::Unavailable)
    }

    /// Lets one of the gateway's own tools be called, and records it.
    pub(crate) async fn own_tool(
        &self,
        door: &Door<'_>,
        method: &str,
        kind: Kind,
        arguments: &str,
    ) -> Result<Pass, Refused> {
        let mut entry = entry(kind, door, method.into());
        entry.arguments = Some(arguments.into());
        Pass::begin(&self.audit, entry, None, &[]).await
    }

    /// Has what a person has allowed for good hold, or no more: whoever is told so may rely on it at once.
    pub(crate) async fn standing_changed(&self) -> Result<(), Refused> {
        let rulebook = self.rulebook.clone();
        // It waits for the disk.
        let done = tokio::task::spawn_blocking(move || rulebook.standing_changed()).await;
        done.map_err(|_| Refused::Unavailable)
    }

    /// Records what a person has answered, or has taken back.
    pub(crate) async fn answered(
        &self,
        door: &Door<'_>,
        method: &str,
        result: &Value,
    ) -> Result<(), Refused> {
        let text = |place| result.pointer(place).and_then(Value::as_str);
        let mut entry =
            entry(Kind::Approval, door, text("/approval/method").unwrap_or(method).into());
        let all = result.get("denied");
        entry.outcome = match text("/approval/state") {
            Some("approved") => "approved",
            Some("denied") => "denied",
            _ if all.is_some() => "denied",
            _ => "forgotten",
        };
        let edited = result.pointer("/approval/edited").is_some();
        let told = json!({
            "approval": text("/approval/id").map(Value::from).as_ref().or(all),
            "for": text("/approval/client").or(text("/client")),
            "edited": edited,
            "by": method,
        });
        entry.arguments = Some(told.to_string().into());
        self.audit.record_durably(entry).await.map(drop).map_err(|_| Refused::Unavailable)
    }
}
