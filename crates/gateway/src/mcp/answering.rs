//! What a person's answer would come to, looked at before it is taken: one that would not do what it says is refused.

use approvals::tools::{Always, Approve, Fault, Tool as _};
use approvals::{Approval, Refused, State};
use policy::Answer;
use serde_json::Value;

use crate::mcp::Mcp;
use crate::registry::{self, Kind};

/// What is told where a permission from now on does not hold for what the conversation had read.
const STILL_ASKED: &str = "Such calls are asked for all the same in a conversation that has read text for which nobody \
     vouches, as this one has: only a policy of the owner's with `@untrusted(\"ok\")` can allow that";

impl Mcp {
    /// Looks at an answer. What it gives is to be told with it.
    ///
    /// # Errors
    ///
    /// The answer would not do what it says. What is wrong with it otherwise is left to the tool to tell.
    pub(super) async fn look_at_answer(
        &self,
        tool: &str,
        arguments: &Value,
    ) -> Result<Option<&'static str>, Fault> {
        match tool {
            Approve::NAME => {
                let asked: Option<Approve> = serde_json::from_value(arguments.clone()).ok();
                let Some(Approve { id, arguments }) = asked else { return Ok(None) };
                let Some(approval) = self.waiting(id).await else { return Ok(None) };
                let arguments = arguments.unwrap_or_else(|| approval.asked.arguments.clone());
                self.look_at_call(&approval, &arguments).map(|()| None)
            }
            Always::NAME => {
                let asked: Option<Always> = serde_json::from_value(arguments.clone()).ok();
                let Some(Always { id, folder }) = asked else { return Ok(None) };
                let Some(approval) = self.waiting(id).await else { return Ok(None) };
                self.look_at_always(&approval, folder.as_deref())
            }
            _ => Ok(None),
        }
    }

    async fn waiting(&self, id: String) -> Option<Approval> {
        let found = self.access.in_inbox(move |inbox| inbox.get(&id)).await.ok()?.ok()?;
        found.filter(|approval| approval.state == State::Pending)
    }

    /// What is approved must be a call of the tool, and one that policy does not forbid by now: with other arguments it is another call, and
    /// rules may have changed since it was asked for.
    fn look_at_call(&self, approval: &Approval, edited: &str) -> Result<(), Fault> {
        let Ok(value) = serde_json::from_str::<Value>(edited) else { return Ok(()) };
        let (tool, method) = (&approval.asked.tool, &approval.asked.method);
        let known = self.registry.table().method(method);
        if let Some(Kind::Tool(tool)) = known.as_ref().map(|method| &method.kind)
            && let Err(registry::Fault::Parameter { path, reason }) = tool.named.check(&value)
        {
            let place = if path.is_empty() { "the whole".to_owned() } else { path.join(" -> ") };
            return Err(no_use(format!(
                "these arguments are not those of `{}`: {place}: {reason}",
                tool.name
            )));
        }
        let edited = approvals::Asked { arguments: edited.to_owned(), ..approval.asked.clone() };
        let decision = self.access.rulebook().decide_asked(&edited);
        if decision.answer == Answer::Deny {
            let rule = decision.rule;
            return Err(no_use(format!("`{tool}` with these arguments is forbidden by `{rule}`")));
        }
        Ok(())
    }

    /// A permission from now on must spare a question: this one, or at least that of a conversation that has read nothing.
    fn look_at_always(
        &self,
        approval: &Approval,
        folder: Option<&str>,
    ) -> Result<Option<&'static str>, Fault> {
        let rulebook = self.access.rulebook();
        // What is no folder the tool refuses by itself.
        let Ok(decision) = rulebook.decide_with(&approval.asked, folder) else { return Ok(None) };
        if decision.answer == Answer::Allow {
            return Ok(None);
        }
        let clean = approvals::Asked { untrusted: Vec::new(), ..approval.asked.clone() };
        let clean = rulebook.decide_with(&clean, folder);
        if clean.is_ok_and(|clean| clean.answer == Answer::Allow) {
            return Ok(Some(STILL_ASKED));
        }
        let everywhere = folder.and_then(|_| rulebook.decide_with(&approval.asked, None).ok());
        if everywhere.is_some_and(|decision| decision.answer == Answer::Allow) {
            return Err(no_use(
                "this call does not work beneath that folder, so that it would be asked for all the same: name another, or none"
                    .to_owned(),
            ));
        }
        Err(no_use(format!(
            "the rule `{}` would ask for such calls all the same: approve this one, or change that rule",
            decision.rule
        )))
    }
}

fn no_use(reason: String) -> Fault {
    Fault::Refused(Refused::NoUse(reason))
}
