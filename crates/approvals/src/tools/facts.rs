//! What a person should know of a call before they answer, in order; each program shows it in its own dress.

use super::Waiting;
use crate::approval::{Audience, State};
use crate::canonical::pretty;

/// Something to know of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub label: &'static str,
    /// What it says, as strangers wrote it: escape it before a terminal sees it.
    pub text: String,
    /// Whether it is a reason to look twice.
    pub is_warning: bool,
}

impl Waiting {
    /// What is to know of it, without its arguments.
    pub fn facts(&self) -> Vec<Fact> {
        let fact = |label, text: String| Fact { label, text, is_warning: false };
        let mut facts = vec![
            fact("State", self.state_text()),
            fact("Client", beside(&self.client, &self.origin)),
            fact("Tool", beside(&self.tool, &self.method)),
            fact("Rule", self.rule.clone()),
        ];
        if self.audience == Audience::Host {
            facts.push(fact("Answer", "by the host too".to_owned()));
        }
        if !self.untrusted.is_empty() {
            let text = format!("has read {}, for which nobody vouches", self.untrusted.join(", "));
            facts.push(Fact { is_warning: true, ..fact("Untrusted", text) });
        }
        facts.extend(self.run.iter().map(|run| fact("Run", run.clone())));
        facts.push(fact("Request", self.request.clone()));
        facts.push(fact("Asked", self.asked_at.clone()));
        if let (Some(by), Some(at)) = (&self.answered_by, &self.answered_at) {
            facts.push(fact("Answered", format!("by {by} at {at}")));
        }
        facts.extend(self.reason.iter().map(|reason| fact("Reason", reason.clone())));
        facts
    }

    /// The arguments that were asked for, one member a line.
    pub fn shown_arguments(&self) -> String {
        readable(&self.arguments)
    }

    /// The arguments that it was approved with, where they are others.
    pub fn shown_edited(&self) -> Option<String> {
        self.edited.as_deref().map(readable)
    }

    fn state_text(&self) -> String {
        match (self.state, &self.usable_until) {
            (State::Pending, _) => format!("waits for an answer until {}", self.expires_at),
            (State::Approved, Some(until)) => format!("approved, and can be made until {until}"),
            (state, _) => state.name().to_owned(),
        }
    }
}

fn beside(first: &str, second: &str) -> String {
    if second.is_empty() { first.to_owned() } else { format!("{first} ({second})") }
}

/// What cannot be read as arguments, such as those that are cut, is shown as it is.
fn readable(arguments: &str) -> String {
    pretty(arguments).unwrap_or_else(|_| arguments.replace(['\n', '\r'], " "))
}
