//! A policy with what this crate knows of it.

use cedar_policy::Policy;
use serde_json::Value;

use crate::answer::{Approver, Rule};
use crate::scope::{self, Scope};

/// A policy, where it is from, and what it does where it matches.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) policy: Policy,
    pub(crate) rule: Rule,
    pub(crate) role: Role,
    /// What its conditions look at.
    pub(crate) looks: Looks,
    /// What its scope says of the resource.
    pub(crate) scope: Scope,
    /// Its conditions, if it has some.
    pub(crate) conditions: Option<Policy>,
}

/// What a policy does where it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It permits.
    Permit,
    /// It takes away the everyday questions, and if it says so also the one about untrusted text. It permits nothing.
    Lift { untrusted: bool },
    /// It denies.
    Forbid,
    /// The owner wants somebody to be asked, whatever else is lifted.
    Ask(Approver),
    /// A person is asked by default.
    Everyday,
    /// A person is asked by default, after untrusted text was read.
    Untrusted,
}

/// What the conditions of a policy look at, beside who calls which method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Looks {
    pub(crate) resource: bool,
    pub(crate) arguments: bool,
    pub(crate) clock: bool,
    pub(crate) now: bool,
    pub(crate) untrusted: bool,
    pub(crate) origin: bool,
}

impl Looks {
    const EVERYWHERE: Self = Self {
        resource: true,
        arguments: true,
        clock: true,
        now: true,
        untrusted: true,
        origin: true,
    };

    /// What the conditions of this policy look at: all, if that cannot be told.
    pub(crate) fn of(policy: &Policy) -> Self {
        let Ok(json) = policy.to_json() else { return Self::EVERYWHERE };
        let mut looks = Self::default();
        looks.walk(json.get("conditions").unwrap_or(&Value::Null));
        looks
    }

    fn walk(&mut self, expression: &Value) {
        match expression {
            Value::Array(all) => all.iter().for_each(|one| self.walk(one)),
            Value::Object(members) => {
                for (operation, operand) in members {
                    match (operation.as_str(), operand) {
                        ("Var", Value::String(name)) => self.variable(name),
                        ("." | "has", Value::Object(_)) if is_context(operand) => {
                            self.attribute(operand.get("attr").and_then(Value::as_str));
                        }
                        _ => self.walk(operand),
                    }
                }
            }
            _ => {}
        }
    }

    fn variable(&mut self, name: &str) {
        match name {
            "resource" => self.resource = true,
            "context" => *self = Self { resource: self.resource, ..Self::EVERYWHERE },
            _ => {}
        }
    }

    fn attribute(&mut self, name: Option<&str>) {
        match name {
            Some("arguments") => self.arguments = true,
            Some("hour" | "weekday") => self.clock = true,
            Some("now") => self.now = true,
            Some("untrusted") => self.untrusted = true,
            Some("origin") => self.origin = true,
            _ => *self = Self { resource: self.resource, ..Self::EVERYWHERE },
        }
    }

    /// What either looks at.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            resource: self.resource || other.resource,
            arguments: self.arguments || other.arguments,
            clock: self.clock || other.clock,
            now: self.now || other.now,
            untrusted: self.untrusted || other.untrusted,
            origin: self.origin || other.origin,
        }
    }

    /// Whether the answer is the same for every call of the conversation.
    pub(crate) fn at_no_call(self) -> bool {
        !(self.resource || self.arguments || self.clock || self.now)
    }
}

/// Whether an access is to the context itself.
fn is_context(access: &Value) -> bool {
    access.get("left").and_then(|left| left.get("Var")).and_then(Value::as_str) == Some("context")
}

impl Known {
    pub(crate) fn new(policy: Policy, shown: Rule, role: Role) -> Self {
        let looks = Looks::of(&policy);
        let (scope, conditions) = (Scope::of(&policy), scope::conditions(&policy));
        Self { policy, rule: shown, role, looks, scope, conditions }
    }
}

impl Role {
    /// Whether a match allows a call that nothing forbids.
    pub(crate) fn permits(self) -> bool {
        self == Self::Permit
    }
}
