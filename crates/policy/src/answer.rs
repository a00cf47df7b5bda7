//! What policies answer.

use std::sync::Arc;

use serde::Serialize;

/// The answer to a question, and the rule that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What may be done.
    pub answer: Answer,
    /// The rule's name: `licence:FREE`, `scopes:claude`, `default:leaves_the_appliance`, `always:7`, or for a rule of the owner's its
    /// file with its name or its line, `mail.cedar:bank` or `mail.cedar:12`.
    pub rule: Arc<str>,
}

/// What may be done. The strictest is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Go on.
    Allow,
    /// Somebody has to agree first.
    Ask(Approver),
    /// No.
    Deny,
}

/// Who has to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Approver {
    /// The host asks its user, or answers for itself.
    Host,
    /// A person at the shell or the console.
    Person,
}

impl Decision {
    pub(crate) fn new(answer: Answer, rule: impl Into<Arc<str>>) -> Self {
        Self { answer, rule: rule.into() }
    }

    pub(crate) fn deny(rule: impl Into<Arc<str>>) -> Self {
        Self::new(Answer::Deny, rule)
    }
}

/// How a question was decided, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The answer.
    pub decision: Decision,
    /// The rule that decided. Absent, no rule did: nothing permits the call, or its arguments are not what the method takes.
    pub rule: Option<Rule>,
    /// What the call works on, each of which was decided: `Path::"/notes/a.md"`.
    pub resources: Vec<String>,
    /// Every rule that matched for one of them, those that did not decide too.
    pub matched: Vec<Rule>,
}

/// A rule, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// The owner's file that has it. Absent, it follows from licence, scopes, declarations or answers.
    pub file: Option<Arc<str>>,
    /// Its line there.
    pub line: Option<usize>,
    /// Its text.
    pub text: Arc<str>,
}

/// A part of the tree of paths that may be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// All at or beneath this path,
    pub allowed: String,
    /// but nothing at or beneath these.
    pub except: Vec<String>,
}
