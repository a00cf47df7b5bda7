//! The owner's policies held to the schema.

use std::collections::HashSet;

use cedar_policy::{EntityUid, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use crate::error::{PolicyError, Warning};
use crate::input::{Client, File};
use crate::owner::Owned;

/// Refuses the policies that the schema refuses, and returns what is likely not meant so.
pub(crate) fn against(
    schema: &str,
    owned: &[Owned],
    files: &[File],
) -> Result<Vec<Warning>, PolicyError> {
    let (schema, _) =
        Schema::from_cedarschema_str(schema).map_err(|error| PolicyError::made("schema", error))?;
    let policies = owned.iter().map(|owned| owned.known.policy.clone());
    let set =
        PolicySet::from_policies(policies).map_err(|error| PolicyError::made("policies", error))?;
    let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
    let told = |id: &PolicyId, error: &dyn Diagnostic| tell(owned, files, id, error);
    let mut errors: Vec<PolicyError> =
        result.validation_errors().map(|error| told(error.policy_id(), error)).collect();
    errors.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
    match errors.into_iter().next() {
        Some(first) => Err(first),
        None => {
            Ok(once(result.validation_warnings().map(|warning| told(warning.policy_id(), warning))))
        }
    }
}

/// The same is said once, though Cedar says it for each kind of call.
fn once(warnings: impl Iterator<Item = Warning>) -> Vec<Warning> {
    let mut seen = HashSet::new();
    let mut all: Vec<Warning> = warnings.filter(|one| seen.insert(one.to_string())).collect();
    all.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
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

/// Warns of clients that there are not: the name may be wrong, and then the rule says nothing.
pub(crate) fn clients(owned: &[Owned], files: &[File], known: &[Client]) -> Vec<Warning> {
    let is_unknown = |uid: &EntityUid| {
        let name = uid.id().unescaped();
        uid.type_name().basename() == "Client" && known.iter().all(|client| client.name != name)
    };
    let warn = |owned: &Owned, uid: EntityUid| {
        let of = owned.known.rule.file.as_deref().unwrap_or_default();
        let text = files.iter().find(|file| file.name == of).map_or("", |file| file.text.as_str());
        PolicyError::at(of, text, owned.start, format!("no client with a key is named `{uid}`"))
    };
    let each = owned.iter().flat_map(|owned| {
        let names = owned.known.policy.entity_literals().into_iter().filter(is_unknown);
        names.map(move |uid| warn(owned, uid))
    });
    once(each)
}
