//! The owner's files.

use std::collections::HashSet;

use cedar_policy::{Effect, EntityUid, Policy, PolicyId, PolicySet};

use crate::answer::{Approver, Rule};
use crate::error::{Place, PolicyError};
use crate::input::File;
use crate::limits::{MAX_FILE_BYTES, MAX_FILES, MAX_POLICIES, MAX_RULE_NAME_BYTES};
use crate::resource::{address, domain, host, path, remote_name};
use crate::rule::{Known, Role};
use crate::shape;

/// How a file's name ends, so that no rule of the owner's can have the name of one that is made.
const ENDING: &str = ".cedar";

/// The policies of all files, and why some of these are refused.
pub(crate) fn policies(files: &[File]) -> (Vec<Owned>, Vec<PolicyError>) {
    let (mut all, mut refused) = (Vec::new(), Vec::new());
    let mut names = HashSet::new();
    for (at, file) in files.iter().enumerate() {
        let refuse = |reason: String| PolicyError::of_file(&file.name, reason);
        if at == MAX_FILES {
            refused.push(refuse(format!("there may be at most {MAX_FILES} files: join some")));
            break;
        }
        if !file.name.ends_with(ENDING) || !names.insert(&file.name) {
            let reason = format!("a file of policies has a name of its own with `{ENDING}`");
            refused.push(refuse(reason));
            continue;
        }
        if file.text.len() > MAX_FILE_BYTES {
            refused.push(refuse(format!("it is larger than {MAX_FILE_BYTES} bytes: split it")));
            continue;
        }
        match of_file(file) {
            Ok(policies) => all.extend(policies),
            Err(error) => refused.push(error),
        }
        if all.len() > MAX_POLICIES {
            refused.push(refuse(format!("there are more than {MAX_POLICIES} policies: join some")));
            all.truncate(MAX_POLICIES);
            break;
        }
    }
    (all, refused)
}

/// A policy of the owner's, and where it begins in its file.
pub(crate) struct Owned {
    pub(crate) known: Known,
    pub(crate) start: usize,
}

fn of_file(file: &File) -> Result<Vec<Owned>, PolicyError> {
    let at = |offset, reason: String| PolicyError::at(&file.name, &file.text, offset, reason);
    shape::check(&file.text).map_err(|(offset, reason)| at(offset, reason))?;
    let set: PolicySet =
        file.text.parse().map_err(|error| PolicyError::cedar(&file.name, &file.text, 0, &error))?;
    if let Some(template) = set.templates().next() {
        let start = if let Some(place) = template.as_ref().loc() { place.start() } else { 0 };
        return Err(at(start, "a policy here has no slots: write who or what is meant".to_owned()));
    }
    let start = |policy: &&Policy| {
        if let Some(place) = policy.as_ref().loc() { place.start() } else { 0 }
    };
    let mut policies: Vec<&Policy> = set.policies().collect();
    policies.sort_by_key(start);
    let mut names = HashSet::new();
    let mut all = Vec::with_capacity(policies.len());
    for policy in policies {
        let start = start(&policy);
        let text = policy.to_cedar().unwrap_or_default();
        let place = |annotation: &str| start + text.find(annotation).unwrap_or_default();
        let role = role(policy).map_err(|(of, reason)| at(place(&of), reason))?;
        normal(policy).map_err(|reason| at(start, reason))?;
        let begins = Place::of(&file.text, start);
        let own = own_name(policy, begins, &names).map_err(|reason| at(place("@id"), reason))?;
        if !names.insert(own.clone()) {
            return Err(at(place("@id"), format!("another rule here has the name `{own}`")));
        }
        let name = format!("{}:{own}", file.name);
        let policy = policy.new_id(PolicyId::new(&name));
        let shown = Rule {
            name: name.into(),
            file: Some(file.name.as_str().into()),
            line: Some(begins.line),
            text: text.into(),
        };
        all.push(Owned { known: Known::new(policy, shown, role), start });
    }
    Ok(all)
}

/// The name that the owner gave, else the line, and the column for one that begins on the line of another.
fn own_name(policy: &Policy, begins: Place, taken: &HashSet<String>) -> Result<String, String> {
    let Some(name) = policy.annotation("id") else {
        let Place { line, column } = begins;
        let plain = line.to_string();
        return Ok(if taken.contains(&plain) { format!("{line}.{column}") } else { plain });
    };
    let known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins && name.len() <= MAX_RULE_NAME_BYTES && name.chars().all(known) {
        return Ok(name.to_owned());
    }
    Err(format!(
        "a rule's name has at most {MAX_RULE_NAME_BYTES} letters, digits, `.`, `_` and `-`, and begins with a letter"
    ))
}

/// What the annotations make of a policy, or which of them is wrong, and why.
fn role(policy: &Policy) -> Result<Role, (String, String)> {
    for (name, _) in policy.annotations() {
        if !["ask", "description", "id", "untrusted"].contains(&name) {
            let reason = "there are `@id`, `@description`, `@ask` and `@untrusted`, and no other";
            return Err((format!("@{name}"), reason.to_owned()));
        }
    }
    let wrong = |what: &str, reason: &str| Err((what.to_owned(), reason.to_owned()));
    let untrusted = match (policy.annotation("untrusted"), policy.annotation("ask")) {
        (None, _) => false,
        (Some("ok"), Some("never")) => true,
        _ => return wrong("@untrusted", "it is `@untrusted(\"ok\")`, beside `@ask(\"never\")`"),
    };
    match (policy.annotation("ask"), policy.effect()) {
        (None, Effect::Permit) => Ok(Role::Permit),
        (None, Effect::Forbid) => Ok(Role::Forbid),
        (Some("host"), Effect::Forbid) => Ok(Role::Ask(Approver::Host)),
        (Some("person"), Effect::Forbid) => Ok(Role::Ask(Approver::Person)),
        (Some("never"), Effect::Permit) => Ok(Role::Lift { untrusted }),
        (Some("never"), Effect::Forbid) => wrong("@ask", "`@ask(\"never\")` belongs to a `permit`"),
        (Some("host" | "person"), Effect::Permit) => {
            wrong("@ask", "who is to be asked belongs to a `forbid`, which then asks instead")
        }
        (Some(_), _) => {
            wrong("@ask", "it is `@ask(\"host\")`, `@ask(\"person\")` or `@ask(\"never\")`")
        }
    }
}

/// Refuses names that no call ever works on, because a call's are in normal form.
fn normal(policy: &Policy) -> Result<(), String> {
    policy.entity_literals().iter().try_for_each(spelled)
}

fn spelled(literal: &EntityUid) -> Result<(), String> {
    let name = literal.id().unescaped();
    let kind = literal.type_name().to_string();
    let normal = match kind.as_str() {
        "Path" => path(name),
        "Recipient" => address(name),
        "Domain" => domain(name),
        "Host" if name.is_empty() => return Ok(()),
        "Host" => host(name),
        "Remote" => remote_name(name).map(|_| name.strip_suffix(':').unwrap_or(name).to_owned()),
        _ => return Ok(()),
    };
    match normal {
        Some(normal) if normal == name => Ok(()),
        Some(normal) => {
            Err(format!("nothing is spelled `{literal}`: write `{kind}::\"{normal}\"`"))
        }
        None => Err(format!("nothing is named `{literal}`: no {kind} has such a name")),
    }
}
