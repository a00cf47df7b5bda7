//! `approvals`: calls that wait for the person in front of the shell, and their answers.

mod action;
mod notice;

pub(crate) use action::{ACTIONS, Action};
pub(crate) use notice::{Notice, keep_looking};

use approvals::tools::{
    Always, Approve, Deny, DenyAll, Forget, List, ListStanding, Tool, Waiting, Wanted,
};
use serde_json::Value;

use crate::escape;
use crate::failure::Failure;
use crate::output;
use crate::shell::{Shell, typed};
use crate::view;

impl Shell {
    /// Does what is to be done with calls that wait.
    pub(crate) async fn approvals(&self, action: Action) -> Result<(), Failure> {
        match action {
            Action::List { all } => {
                let state = if all { Wanted::All } else { Wanted::Pending };
                let list = List { state: Some(state), ..List::default() };
                self.shown(&list, |listed, colours| view::approvals(&listed.approvals, all, colours))
                    .await
            }
            Action::Show { id } => {
                let list = List { id: Some(id), ..List::default() };
                let show = |waiting: &Waiting, colours| view::approval(waiting, colours);
                let none = || "There is none.".to_owned();
                self.shown(&list, |listed, colours| {
                    listed.approvals.first().map_or_else(none, |waiting| show(waiting, colours))
                })
                .await
            }
            Action::Approve { id } => {
                let approve = Approve { id, arguments: None };
                self.shown(&approve, |done, _| approved(&done.approval)).await
            }
            Action::Edit { id, arguments } => {
                let Some(text) = arguments else {
                    let text = "with nobody to edit them, the arguments must be given: `approvals edit ID JSON`";
                    return Err(Failure::Usage(text.to_owned()));
                };
                check(&text)?;
                let approve = Approve { id, arguments: Some(text) };
                self.shown(&approve, |done, _| approved(&done.approval)).await
            }
            Action::Deny { id, reason } => {
                self.shown(&Deny { id, reason }, |done, _| {
                    format!("Denied {}", named(&done.approval))
                })
                .await
            }
            Action::DenyAll { client, reason } => {
                self.shown(&DenyAll { client, reason }, |done, _| {
                    let client = escape::line(&done.client);
                    match done.denied.len() {
                        0 => format!("Nothing of {client} waits"),
                        count => format!("Denied {count} of {client}"),
                    }
                })
                .await
            }
            Action::Always { id, folder } => {
                self.shown(&Always { id, folder }, |done, _| {
                    let mut text = format!(
                        "{}\nThe like of it needs no answer any more: `approvals standing` shows that",
                        approved(&done.approval)
                    );
                    if let Some(note) = &done.note {
                        text.push('\n');
                        text.push_str(&escape::line(note));
                    }
                    text
                })
                .await
            }
            Action::Standing => {
                self.shown(&ListStanding {}, |listed, colours| {
                    view::standing(&listed.standing, colours)
                })
                .await
            }
            Action::Forget { id } => {
                self.shown(&Forget { id }, |done, _| {
                    let gone = &done.forgotten;
                    let (client, method) = (escape::line(&gone.client), escape::line(&gone.method));
                    format!("Such calls of {client} are asked for again: {method}")
                })
                .await
            }
        }
    }

    /// The arguments that a call asked for, to be edited.
    pub(crate) async fn arguments_of(&self, id: &str) -> Result<String, Failure> {
        let list = List { id: Some(id.to_owned()), ..List::default() };
        let listed: approvals::tools::Listed = typed(self.tool(&list).await?, name::<List>())?;
        let waiting = listed.approvals.into_iter().next();
        let waiting = waiting.ok_or(Failure::Unexpected(name::<List>()))?;
        Ok(escape::json(&waiting.shown_arguments()))
    }

    /// Calls one of the tools, and shows what it gives.
    async fn shown<T: Tool>(
        &self,
        tool: &T,
        text: impl FnOnce(&T::Output, bool) -> String,
    ) -> Result<(), Failure> {
        let result = self.tool(tool).await?;
        if self.output.json {
            return self.output.value(&result);
        }
        let result: T::Output = typed(result, name::<T>())?;
        output::line(&text(&result, self.output.colours))
    }

    async fn tool<T: Tool>(&self, tool: &T) -> Result<Value, Failure> {
        let params =
            serde_json::to_value(tool).map_err(|error| Failure::Client(error.to_string()))?;
        self.call(T::METHOD, &params).await
    }
}

/// Refuses what are no arguments before anybody else does, and so without losing them.
pub(crate) fn check(arguments: &str) -> Result<(), Failure> {
    approvals::pretty(arguments).map(drop).map_err(|error| Failure::Usage(error.to_string()))
}

fn name<T: Tool>() -> &'static str {
    T::METHOD.trim_start_matches("mcp.")
}

fn approved(waiting: &Waiting) -> String {
    let until = waiting.usable_until.as_deref().unwrap_or("it expires");
    let with = if waiting.edited.is_some() { " with other arguments" } else { "" };
    let until = escape::line(until);
    format!("Approved {}{with}: it can be made once, until {until}", named(waiting))
}

fn named(waiting: &Waiting) -> String {
    let parts = [&waiting.id, &waiting.tool, &waiting.client].map(|part| escape::line(part));
    let [id, tool, client] = parts;
    format!("{id}, {tool} for {client}")
}
