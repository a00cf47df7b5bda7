//! The policies that follow from licence, scopes, declarations and answers. They are Cedar, as the owner's are, so that they can be
//! shown.

use capfile::TargetKind;
use cedar_policy::Policy;

use crate::answer::Rule;
use crate::error::{PolicyError, Warning};
use crate::input::{Client, Inputs, Standing, Tool};
use crate::limits::MAX_STANDING;
use crate::names::{Names, uid};
use crate::question::Kind;
use crate::resource::Resource;
use crate::rule::{Known, Role};
use crate::schema::Quoted;

/// What cannot be taken back is asked of a person, unless a person does it.
const CANNOT_BE_UNDONE: &str = r#"@id("default:cannot_be_undone")
@ask("person")
forbid (principal, action in Action::"effect:destructive", resource)
unless {
  action in Action::"effect:read_only" ||
  action in Action::"effect:undoable" ||
  principal in Kind::"person"
};"#;

/// What leaves the appliance is asked of a person.
const LEAVES_THE_APPLIANCE: &str = r#"@id("default:leaves_the_appliance")
@ask("person")
forbid (principal, action in Action::"effect:open_world", resource)
unless { principal in Kind::"person" };"#;

/// The same once more after untrusted text was read, so that what lifts the other does not lift this.
const UNTRUSTED: &str = r#"@id("default:untrusted")
@ask("person")
forbid (principal, action in Action::"effect:open_world", resource)
when { !context.untrusted.isEmpty() }
unless { principal in Kind::"person" };"#;

/// Everything that follows, in the order in which it is named.
pub(crate) fn policies(
    inputs: &Inputs,
    tools: &[&Tool],
    names: &Names,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Known>, PolicyError> {
    let mut all = Vec::new();
    all.extend(licence(inputs, tools)?);
    for client in &inputs.clients {
        all.extend(scopes(client, tools)?);
    }
    for kind in [Kind::Local, Kind::Person] {
        let name = format!("kind:{}", kind.as_str());
        let scope = format!("principal in Kind::{}, action, resource", Quoted(kind.as_str()));
        all.push(known(&name, &format!("permit ({scope});"), Role::Permit)?);
    }
    if inputs.standing.len() > MAX_STANDING {
        let reason = format!("there may be at most {MAX_STANDING} standing permissions");
        return Err(PolicyError::made("standing permissions", reason));
    }
    for standing in &inputs.standing {
        match always(standing, tools, names) {
            Some(text) => {
                let role = Role::Lift { untrusted: false };
                all.push(known(&format!("always:{}", standing.id), &text, role)?);
            }
            None => warnings.push(Warning::new(
                PolicyError::made(
                    &format!("always:{}", standing.id),
                    "its method is not there now, or does not work on such a thing: it does not count",
                ),
                true,
            )),
        }
    }
    for (text, role) in [
        (CANNOT_BE_UNDONE, Role::Everyday),
        (LEAVES_THE_APPLIANCE, Role::Everyday),
        (UNTRUSTED, Role::Untrusted),
    ] {
        let name = text.split('"').nth(1).unwrap_or_default();
        all.push(parse(name, text, role)?);
    }
    Ok(all)
}

/// Forbids what the tier does not have.
fn licence(inputs: &Inputs, tools: &[&Tool]) -> Result<Option<Known>, PolicyError> {
    let without = list(tools, |method| !inputs.licence.allows.allow(method));
    let name = format!("licence:{}", inputs.licence.tier);
    let text = without.map(|list| format!("forbid (principal, action in [{list}], resource);"));
    text.map(|text| known(&name, &text, Role::Forbid)).transpose()
}

/// Permits what the client's scopes have.
fn scopes(client: &Client, tools: &[&Tool]) -> Result<Option<Known>, PolicyError> {
    let with = list(tools, |method| client.scopes.allow(method));
    let text = with.map(|list| {
        format!(
            "permit (principal == Client::{}, action in [{list}], resource)\nwhen {{ principal in Kind::\"key\" }};",
            Quoted(&client.name)
        )
    });
    let name = format!("scopes:{}", client.name);
    text.map(|text| known(&name, &text, Role::Permit)).transpose()
}

/// The actions that fit, as Cedar lists them; nothing, if there is none.
fn list(tools: &[&Tool], fits: impl Fn(&str) -> bool) -> Option<String> {
    let fitting = tools.iter().filter(|tool| fits(&tool.method));
    let actions: Vec<String> =
        fitting.map(|tool| format!("\n  Action::{}", Quoted(&tool.method))).collect();
    (!actions.is_empty()).then(|| actions.join(","))
}

/// A person's answer, while it still means something.
fn always(standing: &Standing, tools: &[&Tool], names: &Names) -> Option<String> {
    let tool = tools.iter().find(|tool| tool.method == standing.method)?;
    let resource = match &standing.target {
        None => "resource".to_owned(),
        Some((kind, value)) => {
            let works_on = tool.works_on.iter().any(|target| target.kind == *kind);
            let server = uid(&names.server, &tool.server);
            let on = Resource::new(names, &server, *kind, value).filter(|_| works_on)?;
            let within = if *kind == TargetKind::Path { "in" } else { "==" };
            format!("resource {within} {}", on.uid)
        }
    };
    Some(format!(
        "@ask(\"never\")\npermit (principal == Client::{}, action == Action::{}, {resource});",
        Quoted(&standing.client),
        Quoted(&standing.method)
    ))
}

/// A policy of this name.
fn known(name: &str, text: &str, role: Role) -> Result<Known, PolicyError> {
    parse(name, &format!("@id({})\n{text}", Quoted(name)), role)
}

fn parse(name: &str, text: &str, role: Role) -> Result<Known, PolicyError> {
    let policy = Policy::parse(Some(cedar_policy::PolicyId::new(name)), text)
        .map_err(|error| PolicyError::cedar(name, text, 0, &error))?;
    let shown = Rule { name: name.into(), file: None, line: None, text: text.into() };
    Ok(Known::new(policy, shown, role))
}
