//! From a tool's struct to its schemas, its cap file entry and its argument check.

use std::num::NonZero;
use std::sync::Arc;

use capfile::{CapFile, Effect, Method, MethodName, NameError, ServiceName, ToolName};
use mcp_types::ToolAnnotations;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

use crate::arguments;
use crate::call::Call;
use crate::limits::GATEWAY_CONNECTIONS;
use crate::tool::{ErrorKind, Server, Tool, ToolError};

/// The tools of a server.
pub struct Tools<S> {
    entries: Vec<Entry<S>>,
    faults: Vec<DeclareError>,
}

/// Why a server's declaration is refused, at its start and in its tests.
#[derive(Debug, thiserror::Error)]
pub enum DeclareError {
    /// A name has not the right form.
    #[error("`{name}`: {source}")]
    Name {
        /// The name.
        name: &'static str,
        /// What is wrong with it.
        source: NameError,
    },
    /// A schema cannot be compiled.
    #[error("`{0}`: its schema is not valid: {1}")]
    Schema(&'static str, String),
    /// The output has no such member as its `LEGACY_RESULT` names.
    #[error("`{0}`: its output has no member `{1}`, which is its result in the legacy dialect")]
    LegacyResult(&'static str, &'static str),
    /// The cap file cannot be written.
    #[error("the cap file cannot be written: {0}")]
    Write(#[from] serde_json::Error),
}

/// What a call gave: the structured output and what a model reads.
pub(crate) struct Outcome {
    pub(crate) structured: Value,
    pub(crate) text: String,
}

type Handler<S> = Arc<dyn Fn(&S, &Call, Value) -> Result<Outcome, ToolError> + Send + Sync>;

pub(crate) struct Entry<S> {
    pub(crate) name: ToolName,
    pub(crate) method: Method,
    pub(crate) tool: mcp_types::Tool,
    pub(crate) run: Handler<S>,
}

impl<S: Server> Tools<S> {
    /// All tools of the server, or everything that is wrong with their declaration.
    pub(crate) fn declared() -> Result<Vec<Entry<S>>, DeclareError> {
        let mut tools = Self { entries: Vec::new(), faults: Vec::new() };
        S::tools(&mut tools);
        match tools.faults.into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(tools.entries),
        }
    }

    /// Adds a tool.
    pub fn add<T: Tool<Server = S>>(&mut self) -> &mut Self {
        match entry::<T>() {
            Ok(entry) => self.entries.push(entry),
            Err(fault) => self.faults.push(fault),
        }
        self
    }
}

/// The cap file of a server, made from its types alone.
pub fn cap_file<S: Server>() -> Result<CapFile, DeclareError> {
    let service_name = ServiceName::try_from(S::NAME)
        .map_err(|source| DeclareError::Name { name: S::NAME, source })?;
    let capabilities = Tools::<S>::declared()?.into_iter().map(|entry| entry.method).collect();
    Ok(CapFile {
        service_name,
        description: S::DESCRIPTION.to_owned(),
        version: S::VERSION.to_owned(),
        error_code_base: Some(S::LEGACY_ERROR_BASE),
        capabilities,
        prompts: Vec::new(),
        resource_uris: Vec::new(),
        connections: NonZero::new(GATEWAY_CONNECTIONS),
        completions: false,
        logging: false,
        third_party: false,
    })
}

fn entry<T: Tool>() -> Result<Entry<T::Server>, DeclareError> {
    let bad_name = |name| move |source| DeclareError::Name { name, source };
    let name = ToolName::try_from(T::NAME).map_err(bad_name(T::NAME))?;
    let method = MethodName::try_from(T::METHOD).map_err(bad_name(T::METHOD))?;
    let (input_schema, description) = described(
        SchemaSettings::draft2020_12().with(inlined).into_generator().into_root_schema_for::<T>(),
    );
    let output = SchemaSettings::draft2020_12().for_serialize().with(inlined);
    let (output_schema, _) = described(output.into_generator().into_root_schema_for::<T::Output>());
    let check = jsonschema::draft202012::new(&input_schema)
        .map_err(|error| DeclareError::Schema(T::NAME, error.to_string()))?;

    let result_schema = match T::LEGACY_RESULT {
        None => output_schema.clone(),
        Some(member) => output_schema
            .get("properties")
            .and_then(|members| members.get(member))
            .cloned()
            .ok_or(DeclareError::LegacyResult(T::NAME, member))?,
    };

    let tool = mcp_types::Tool {
        name: T::NAME.to_owned(),
        title: T::TITLE.to_owned(),
        description: description.clone(),
        input_schema: input_schema.clone(),
        output_schema,
        annotations: annotations(T::EFFECTS),
    };
    let method = Method {
        method,
        description,
        params_schema: positional(&input_schema),
        result_schema: Some(result_schema),
        result_member: T::LEGACY_RESULT.map(ToOwned::to_owned),
        tool: Some(serde_json::value::to_raw_value(&tool)?),
        effects: T::EFFECTS.to_vec(),
        spends: T::spends(),
        works_on: T::works_on(),
        text_from: Some(T::TEXT_FROM.to_vec()),
    };
    let run = move |server: &T::Server, call: &Call, arguments: Value| {
        let parameters: T = arguments::read(&check, arguments)?;
        let output = parameters.call(server, call)?;
        let unwritable =
            |_| ToolError::new(ErrorKind::Internal, "the result could not be written as JSON");
        let structured = serde_json::to_value(&output).map_err(unwritable)?;
        let text = T::text(&output).unwrap_or_else(|| structured.to_string());
        Ok(Outcome { structured, text })
    };
    Ok(Entry { name, method, tool, run: Arc::new(run) })
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

/// The schema without its title, and the doc comment of the struct that became its description.
fn described(schema: Schema) -> (Value, String) {
    let mut schema = schema.to_value();
    let mut description = String::new();
    if let Some(members) = schema.as_object_mut() {
        members.remove("title");
        if let Some(Value::String(text)) = members.remove("description") {
            description = unwrapped(&text);
        }
    }
    (schema, description)
}

/// A doc comment as running text: line ends are where the source was wrapped, empty lines part paragraphs.
fn unwrapped(text: &str) -> String {
    text.split("\n\n").map(|part| part.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}

/// The schema of the positional parameters: the members of the struct in their order, the optional last.
fn positional(schema: &Value) -> Value {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let required = schema.get("required").and_then(Value::as_array).map_or(0, Vec::len);
    // An empty `prefixItems` is no schema in 2020-12.
    if properties.is_empty() {
        return json!({ "type": "array", "maxItems": 0 });
    }
    json!({
        "type": "array",
        "prefixItems": properties.values().collect::<Vec<_>>(),
        "items": false,
        "minItems": required,
        "maxItems": properties.len(),
    })
}

fn annotations(effects: &[Effect]) -> ToolAnnotations {
    ToolAnnotations {
        read_only_hint: effects.contains(&Effect::ReadOnly),
        destructive_hint: effects.contains(&Effect::Destructive),
        idempotent_hint: effects.contains(&Effect::Idempotent),
        open_world_hint: effects.contains(&Effect::OpenWorld),
    }
}
