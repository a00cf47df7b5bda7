//! The names of Cedar's entity types, parsed once.

use std::collections::HashSet;

use cedar_policy::{EntityId, EntityTypeName, EntityUid};

use crate::error::PolicyError;
use crate::question::Kind;

/// Which of the five effects, and `changes`, an action's group stands for.
pub(crate) const EFFECTS: [&str; 6] =
    ["changes", "destructive", "idempotent", "open_world", "read_only", "undoable"];

/// The entity types of policies.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) client: EntityTypeName,
    pub(crate) kind: EntityTypeName,
    pub(crate) action: EntityTypeName,
    pub(crate) server: EntityTypeName,
    pub(crate) tool: EntityTypeName,
    pub(crate) path: EntityTypeName,
    pub(crate) account: EntityTypeName,
    pub(crate) recipient: EntityTypeName,
    pub(crate) domain: EntityTypeName,
    pub(crate) remote: EntityTypeName,
    pub(crate) workflow: EntityTypeName,
    pub(crate) host: EntityTypeName,
}

impl Names {
    pub(crate) fn new() -> Result<Self, PolicyError> {
        Self::parse()
            .ok_or_else(|| PolicyError::made("entity types", "Cedar does not know such names"))
    }

    fn parse() -> Option<Self> {
        Some(Self {
            client: "Client".parse().ok()?,
            kind: "Kind".parse().ok()?,
            action: "Action".parse().ok()?,
            server: "Server".parse().ok()?,
            tool: "Tool".parse().ok()?,
            path: "Path".parse().ok()?,
            account: "Account".parse().ok()?,
            recipient: "Recipient".parse().ok()?,
            domain: "Domain".parse().ok()?,
            remote: "Remote".parse().ok()?,
            workflow: "Workflow".parse().ok()?,
            host: "Host".parse().ok()?,
        })
    }

    pub(crate) fn client(&self, name: &str) -> EntityUid {
        uid(&self.client, name)
    }

    pub(crate) fn kind(&self, kind: Kind) -> EntityUid {
        uid(&self.kind, kind.as_str())
    }

    pub(crate) fn action(&self, method: &str) -> EntityUid {
        uid(&self.action, method)
    }
}

/// The entity of this type and name.
pub(crate) fn uid(kind: &EntityTypeName, name: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name))
}

/// The groups that an action is in: its server, and one for each of its effects.
pub(crate) fn groups(server: &str, effects: &[capfile::Effect]) -> HashSet<String> {
    use capfile::Effect;
    let has = |effect| effects.contains(&effect);
    let undeclared = effects.is_empty();
    let each = [
        ("changes", !has(Effect::ReadOnly)),
        ("destructive", has(Effect::Destructive) || undeclared),
        ("idempotent", has(Effect::Idempotent)),
        ("open_world", has(Effect::OpenWorld) || undeclared),
        ("read_only", has(Effect::ReadOnly)),
        ("undoable", has(Effect::Undoable)),
    ];
    let effects = each.into_iter().filter(|(_, is_in)| *is_in);
    effects.map(|(name, _)| format!("effect:{name}")).chain([format!("server:{server}")]).collect()
}
