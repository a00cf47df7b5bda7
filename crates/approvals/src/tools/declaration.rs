//! What each tool says of itself.

use capfile::Effect;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Always, Approve, Caller, Deny, DenyAll, Forget, List, ListStanding, Status};
use crate::error::Refused;
use crate::inbox::Inbox;

/// A tool of the gateway itself: the struct holds its parameters.
pub trait Tool: Serialize + DeserializeOwned + JsonSchema {
    /// What a call gives, in the legacy dialect too.
    type Output: Serialize + DeserializeOwned + JsonSchema;
    /// Its name in MCP.
    const NAME: &'static str;
    /// Its name in the legacy dialect.
    const METHOD: &'static str;
    /// Its name for people.
    const TITLE: &'static str;
    /// What a call may do.
    const EFFECTS: &'static [Effect];
    /// Whether only a person may call it, who comes through the socket of people.
    const ONLY_PERSON: bool;

    /// Does it. It waits for the disk.
    fn call(self, inbox: &Inbox, caller: &Caller) -> Result<Self::Output, Refused>;
}

/// A tool, as it is declared to clients.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Its name in MCP.
    pub name: &'static str,
    /// Its name in the legacy dialect.
    pub method: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it does.
    pub description: String,
    /// JSON Schema of its parameters.
    pub input_schema: Value,
    /// JSON Schema of its result.
    pub output_schema: Value,
    /// What a call may do.
    pub effects: &'static [Effect],
    /// Whether only a person may call it.
    pub only_person: bool,
}

/// All of them.
pub fn all() -> Vec<Declaration> {
    vec![
        of::<List>(),
        of::<Approve>(),
        of::<Deny>(),
        of::<DenyAll>(),
        of::<Always>(),
        of::<ListStanding>(),
        of::<Forget>(),
        of::<Status>(),
    ]
}

fn of<T: Tool>() -> Declaration {
    let settings = || SchemaSettings::draft2020_12().with(inlined);
    let (input_schema, description) =
        described(settings().into_generator().into_root_schema_for::<T>());
    let output = settings().for_serialize().into_generator();
    let (output_schema, _) = described(output.into_root_schema_for::<T::Output>());
    Declaration {
        name: T::NAME,
        method: T::METHOD,
        title: T::TITLE,
        description,
        input_schema,
        output_schema,
        effects: T::EFFECTS,
        only_person: T::ONLY_PERSON,
    }
}

/// One self-contained schema a tool: model interfaces resolve `$ref` badly or not at all.
fn inlined(settings: &mut SchemaSettings) {
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    // `uint` and the like are no formats of JSON Schema, and some clients warn of them.
    settings.transforms.push(Box::new(RecursiveTransform(|schema: &mut Schema| {
        if schema.get("type") != Some(&Value::from("string")) {
            schema.remove("format");
        }
    })));
}

/// The schema without its title, and the doc comment of the struct, which is the description.
fn described(schema: Schema) -> (Value, String) {
    let mut schema = schema.to_value();
    let mut description = String::new();
    if let Some(members) = schema.as_object_mut() {
        members.remove("title");
        if let Some(Value::String(text)) = members.remove("description") {
            // Line ends are where the source was wrapped.
            description = text.replace('\n', " ");
        }
    }
    (schema, description)
}
