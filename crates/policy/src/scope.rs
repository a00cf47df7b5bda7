//! The part of a policy before its conditions, which is compared and not evaluated.
//!
//! What a scope says is so plain (everything, one entity, what is in one, a type) that comparing is all that Cedar does with it,
//! too. So policies are sorted by their scopes beforehand, and only conditions are left to Cedar, without their scopes: that is
//! what makes a decision quick.

use cedar_policy::{
    ActionConstraint, EntityTypeName, EntityUid, Policy, PrincipalConstraint, ResourceConstraint,
};
use serde_json::json;

use crate::resource::Resource;

/// What a policy's scope says of the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    Any,
    Equal(EntityUid),
    In(EntityUid),
    Is(EntityTypeName),
    IsIn(EntityTypeName, EntityUid),
}

impl Scope {
    pub(crate) fn of(policy: &Policy) -> Self {
        match policy.resource_constraint() {
            ResourceConstraint::Any => Self::Any,
            ResourceConstraint::Eq(uid) => Self::Equal(uid),
            ResourceConstraint::In(uid) => Self::In(uid),
            ResourceConstraint::Is(kind) => Self::Is(kind),
            ResourceConstraint::IsIn(kind, uid) => Self::IsIn(kind, uid),
        }
    }

    /// Whether it has the resource.
    pub(crate) fn has(&self, resource: &Resource) -> bool {
        match self {
            Self::Any => true,
            Self::Equal(uid) => resource.uid == *uid,
            Self::In(uid) => resource.is_in(uid),
            Self::Is(kind) => resource.uid.type_name() == kind,
            Self::IsIn(kind, uid) => resource.uid.type_name() == kind && resource.is_in(uid),
        }
    }
}

/// Whether the scope has one who is any of `principals`, who does what is any of `actions`.
pub(crate) fn concerns(policy: &Policy, principals: &[EntityUid], actions: &[EntityUid]) -> bool {
    let principal = match policy.principal_constraint() {
        // There is one type of principals.
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => true,
        PrincipalConstraint::In(uid)
        | PrincipalConstraint::IsIn(_, uid)
        | PrincipalConstraint::Eq(uid) => principals.contains(&uid),
    };
    principal
        && match policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::In(uids) => uids.iter().any(|uid| actions.contains(uid)),
            ActionConstraint::Eq(uid) => actions.contains(&uid),
        }
}

/// The policy's conditions alone; nothing, if it has none.
pub(crate) fn conditions(policy: &Policy) -> Option<Policy> {
    if !policy.has_non_scope_constraint() {
        return None;
    }
    let without = || {
        let mut json = policy.to_json().ok()?;
        let members = json.as_object_mut()?;
        for part in ["principal", "action", "resource"] {
            members.insert(part.to_owned(), json!({ "op": "All" }));
        }
        Policy::from_json(Some(policy.id().clone()), json).ok()
    };
    // With its scope it says the same, only more slowly.
    Some(without().unwrap_or_else(|| policy.clone()))
}
