//! What can be called, as the gateway lists it.
//!
//! A cap file of a stranger's server may lack what ours have, so everything but the name is read with forbearance: a
//! method whose parameters cannot be told can still be called.

use serde_json::Value;

/// The legacy name of the method that lists cap files.
pub(crate) const LIST_CAPABILITIES: &str = "mcp.listCapabilities";

/// The gateway's own methods, which are in no cap file.
const OWN: [(&str, &str); 3] = [
    ("mcp.hello", "The names of all methods that can be called."),
    ("mcp.licence.check", "The licence: tier, limits, and what is permitted."),
    (LIST_CAPABILITIES, "All servers with their methods, descriptions and parameters."),
];

/// All methods, sorted by name.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    methods: Vec<Method>,
}

/// A method.
#[derive(Debug)]
pub(crate) struct Method {
    /// Its legacy name.
    pub(crate) name: String,
    /// What it does.
    pub(crate) description: String,
    /// Its parameters in their order; `None` where the schema does not tell.
    pub(crate) parameters: Option<Vec<Parameter>>,
}

/// A parameter of a method.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// Its name; servers of old know only positions.
    pub(crate) name: Option<String>,
    /// Whether a call without it is refused.
    pub(crate) required: bool,
    schema: Value,
}

impl Catalogue {
    /// Reads the answer of `mcp.listCapabilities`.
    pub(crate) fn read(cap_files: &Value) -> Self {
        let own = OWN.map(|(name, description)| Method {
            name: name.to_owned(),
            description: description.to_owned(),
            parameters: Some(Vec::new()),
        });
        let listed = items(Some(cap_files)).iter().flat_map(|file| items(file.get("capabilities")));
        let mut methods: Vec<_> = own.into_iter().chain(listed.filter_map(Method::read)).collect();
        methods.sort_by(|a, b| a.name.cmp(&b.name));
        Self { methods }
    }

    /// All methods, sorted by name.
    pub(crate) fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// The method of this name.
    pub(crate) fn method(&self, name: &str) -> Option<&Method> {
        self.methods.iter().find(|method| method.name == name)
    }
}

impl Method {
    fn read(capability: &Value) -> Option<Self> {
        Some(Self {
            name: text(capability, "method")?.to_owned(),
            description: text(capability, "description").unwrap_or_default().to_owned(),
            parameters: capability
                .pointer("/tool/inputSchema")
                .and_then(named)
                .or_else(|| capability.get("params_schema").and_then(positional)),
        })
    }

    /// The parameter of this name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&Parameter> {
        let mut parameters = self.parameters.iter().flatten();
        parameters.find(|parameter| parameter.name.as_deref() == Some(name))
    }

    /// The first sentence of the description.
    pub(crate) fn summary(&self) -> &str {
        let line = self.description.lines().next().unwrap_or_default();
        line.split_inclusive(". ").next().unwrap_or_default().trim_end()
    }
}

/// The parameters by the schema of an MCP tool: an object, whose members stand in the order of the positions.
fn named(schema: &Value) -> Option<Vec<Parameter>> {
    let required = items(schema.get("required"));
    let members = match schema.get("properties") {
        Some(members) => members.as_object()?,
        None => return Some(Vec::new()),
    };
    let parameters = members.iter().map(|(name, schema)| Parameter {
        name: Some(name.clone()),
        required: required.iter().any(|required| required == name),
        schema: schema.clone(),
    });
    Some(parameters.collect())
}

/// The parameters by the schema of an array, in the newer form of JSON Schema or in that of draft 7.
fn positional(schema: &Value) -> Option<Vec<Parameter>> {
    let listed = schema.get("prefixItems").or_else(|| schema.get("items"));
    let Some(listed) = listed.and_then(Value::as_array) else {
        let none = schema.get("maxItems").and_then(Value::as_u64) == Some(0);
        return none.then(Vec::new);
    };
    let required = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
    let parameters = listed.iter().zip(0..).map(|(schema, at)| Parameter {
        name: None,
        required: at < required,
        schema: schema.clone(),
    });
    Some(parameters.collect())
}

impl Parameter {
    /// What it is for.
    pub(crate) fn description(&self) -> &str {
        text(&self.schema, "description").unwrap_or_default()
    }

    /// The types that its value may have, by their names in JSON Schema; none if anything may stand there.
    pub(crate) fn types(&self) -> Vec<&str> {
        let mut types = Vec::new();
        for schema in alternatives(&self.schema) {
            match schema.get("type") {
                Some(Value::String(name)) => types.push(name.as_str()),
                Some(Value::Array(names)) => types.extend(names.iter().filter_map(Value::as_str)),
                _ if schema.get("const").is_some_and(Value::is_string) => types.push("string"),
                _ => {}
            }
        }
        types.dedup();
        types
    }

    /// Whether a value of this type, named as in JSON Schema, is among those that are told to be possible.
    pub(crate) fn takes(&self, kind: &str) -> bool {
        self.types().contains(&kind)
    }

    /// Whether nothing but a string may stand there.
    pub(crate) fn is_text(&self) -> bool {
        let types = self.types();
        !types.is_empty() && types.iter().all(|kind| matches!(*kind, "string" | "null"))
    }

    /// The words that may stand there, if they are few enough for the schema to list them.
    pub(crate) fn choices(&self) -> Vec<String> {
        let mut choices = Vec::new();
        for schema in alternatives(&self.schema) {
            let listed = items(schema.get("enum")).iter().chain(schema.get("const"));
            choices.extend(listed.filter_map(Value::as_str).map(str::to_owned));
        }
        if choices.is_empty() && self.takes("boolean") {
            choices.extend(["true", "false"].map(str::to_owned));
        }
        choices
    }
}

/// The schema itself, and those of which one must hold.
fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    let among = ["oneOf", "anyOf"].into_iter().flat_map(|key| items(schema.get(key)));
    std::iter::once(schema).chain(among)
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// A server like ours, one of old, and one that tells nothing.
    pub(crate) fn example() -> Catalogue {
        Catalogue::read(&json!([
            { "service_name": "fs", "capabilities": [
                {
                    "method": "mcp.fs.read",
                    "description": "Reads a file. As text.",
                    "params_schema": { "type": "array", "prefixItems": [{}, {}] },
                    "tool": { "inputSchema": {
                        "type": "object",
                        "properties": {
                            "path": { "type": "string", "description": "The file." },
                            "encoding": { "oneOf": [{ "const": "text" }, { "const": "base64" }] },
                            "follow": { "type": "boolean" },
                            "limit": { "type": ["integer", "null"] },
                        },
                        "required": ["path"],
                    } },
                },
                { "method": "mcp.fs.list", "tool": { "inputSchema": {
                    "type": "object",
                    "properties": { "path": { "type": "string" } },
                    "required": ["path"],
                } } },
            ] },
            { "capabilities": [
                { "method": "mcp.old.add", "params_schema": {
                    "type": "array",
                    "items": [{ "type": "number" }, { "enum": ["up", "down"] }],
                    "minItems": 1,
                } },
                { "method": "mcp.old.any" },
                { "description": "no name" },
            ] },
            "no cap file",
        ]))
    }

    #[test]
    fn methods_are_sorted_and_the_gateways_own_among_them() {
        let names: Vec<_> = example().methods.into_iter().map(|method| method.name).collect();
        assert_eq!(
            names,
            [
                "mcp.fs.list",
                "mcp.fs.read",
                "mcp.hello",
                "mcp.licence.check",
                "mcp.listCapabilities",
                "mcp.old.add",
                "mcp.old.any",
            ]
        );
        assert_eq!(Catalogue::read(&json!(null)).methods().len(), OWN.len());
    }

    #[test]
    fn parameters_are_read_from_each_form_of_schema() {
        let catalogue = example();
        let read = catalogue.method("mcp.fs.read").unwrap();
        assert_eq!(read.summary(), "Reads a file.");
        let path = read.parameter("path").unwrap();
        assert!(path.required && path.is_text());
        assert_eq!(path.description(), "The file.");
        let encoding = read.parameter("encoding").unwrap();
        assert!(!encoding.required && encoding.is_text());
        assert_eq!(encoding.choices(), ["text", "base64"]);
        assert_eq!(read.parameter("follow").unwrap().choices(), ["true", "false"]);
        assert_eq!(read.parameter("limit").unwrap().types(), ["integer", "null"]);
        assert!(!read.parameter("limit").unwrap().is_text());

        let add = catalogue.method("mcp.old.add").unwrap();
        let parameters = add.parameters.as_ref().unwrap();
        assert_eq!(parameters.iter().map(|p| p.required).collect::<Vec<_>>(), [true, false]);
        assert_eq!(parameters.get(1).unwrap().choices(), ["up", "down"]);
        assert!(catalogue.method("mcp.old.any").unwrap().parameters.is_none());
        assert!(catalogue.method("mcp.hello").unwrap().parameters.as_ref().unwrap().is_empty());
    }
}
