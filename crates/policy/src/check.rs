//! The owner's policies held to the schema.

use std::collections::HashSet;

use cedar_policy::{PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use crate::error::{PolicyError, Warning};
use crate::input::File;
use crate::missing::Missing;
use crate::owner::Owned;

/// What is found of the owner's policies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// Why they are refused, each reason with its place. With none they are good.
    pub refused: Vec<PolicyError>,
    /// What is likely not meant so.
    pub warnings: Vec<Warning>,
}

/// Holds the policies to the schema. What is not there now is told, and refuses nothing.
pub(crate) fn against(
    schema: &str,
    owned: &[Owned],
    files: &[File],
    missing: &Missing<'_>,
) -> Result<Checked, PolicyError> {
    let schema = format!("{schema}{}", missing.schema());
    let (schema, _) = Schema::from_cedarschema_str(&schema)
        .map_err(|error| PolicyError::made("schema", error))?;
    let policies = owned.iter().map(|owned| owned.known.policy.clone());
    let set =
        PolicySet::from_policies(policies).map_err(|error| PolicyError::made("policies", error))?;
    let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
    let told = |id: &PolicyId, error: &dyn Diagnostic| tell(owned, files, id, error);
    let mut refused: Vec<PolicyError> =
        result.validation_errors().map(|error| told(error.policy_id(), error)).collect();
    // Cedar tells of a place again for each method to which the rule applies.
    refused.sort_by(|a, b| (&a.file, a.place, &a.reason).cmp(&(&b.file, b.place, &b.reason)));
    refused.dedup_by(|a, b| (&a.file, a.place) == (&b.file, b.place));
    // That a rule says nothing is no news where what it speaks of is not there.
    let others = result.validation_warnings().filter(|one| !missing.concerns(one.policy_id()));
    let others = others.map(|one| Warning::new(told(one.policy_id(), one), false));
    Ok(Checked { refused, warnings: once(others.chain(missing.warnings().iter().cloned())) })
}

/// The same is said once, though Cedar says it for each kind of call.
fn once(warnings: impl Iterator<Item = Warning>) -> Vec<Warning> {
    let mut seen = HashSet::new();
    let mut all: Vec<Warning> = warnings.filter(|one| seen.insert(one.to_string())).collect();
    all.sort_by(|a, b| (&a.what.file, a.what.place).cmp(&(&b.what.file, b.what.place)));
    all
}

/// What Cedar says of a policy, with its place.
fn tell(owned: &[Owned], files: &[File], id: &PolicyId, error: &dyn Diagnostic) -> PolicyError {
    let of = owned.iter().find(|owned| owned.known.policy.id() == id);
    let file = of.and_then(|owned| owned.known.rule.file.as_deref());
    let file = file.and_then(|name| files.iter().find(|file| file.name == name));
    match (of, file) {
        (Some(owned), Some(file)) => PolicyError::cedar(&file.name, &file.text, owned.start, error),
        _ => PolicyError::made("policies", error),
    }
}
