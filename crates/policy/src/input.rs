//! What policies are made from.

use capfile::{CapFile, Effect, Patterns, Target, TargetKind};
use serde_json::Value;

/// All that policies are made from.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// What can be called.
    pub tools: Vec<Tool>,
    /// What the licence allows.
    pub licence: Licence,
    /// Who has a key, and for what.
    pub clients: Vec<Client>,
    /// The answers of people that hold from now on.
    pub standing: Vec<Standing>,
    /// The owner's files.
    pub files: Vec<File>,
}

/// A method, as its cap file declares it.
#[derive(Debug, Clone, Default)]
pub struct Tool {
    /// Its name: `mcp.fs.read`.
    pub method: String,
    /// The server that has it: `fs`.
    pub server: String,
    /// What a call may do. None declared: all but undo.
    pub effects: Vec<Effect>,
    /// What a call works on.
    pub works_on: Vec<Target>,
    /// The JSON Schema of its arguments.
    pub input_schema: Option<Value>,
}

impl Tool {
    /// What a server offers: its methods, and its prompts and resources, each as one.
    pub fn of(file: &CapFile) -> impl Iterator<Item = Self> {
        let server = file.service_name.as_str();
        let methods = file.capabilities.iter().map(move |method| Self {
            method: method.method.to_string(),
            server: server.to_owned(),
            effects: method.effects.clone(),
            works_on: method.works_on.clone(),
            input_schema: method.input_schema(),
        });
        methods.chain(["prompts", "resources"].map(|what| Self::reading(server, what)))
    }

    /// What a server offers beside its methods, `prompts` or `resources`, which is only read.
    pub fn reading(server: &str, what: &str) -> Self {
        Self {
            method: format!("mcp.{server}.{what}"),
            server: server.to_owned(),
            effects: vec![Effect::ReadOnly],
            ..Self::default()
        }
    }
}

/// The tier and what it allows.
#[derive(Debug, Clone, Default)]
pub struct Licence {
    /// The tier's name.
    pub tier: String,
    /// The methods that it has.
    pub allows: Patterns,
}

/// A client with a key.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// Its name.
    pub name: String,
    /// The methods that it may call.
    pub scopes: Patterns,
}

/// The answer `always` of a person: what need not be asked again.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Its number or name, for records.
    pub id: String,
    /// Whose calls.
    pub client: String,
    /// Of which method.
    pub method: String,
    /// On what alone, as the argument has it: a path stands for all beneath it. Absent, on everything.
    pub target: Option<(TargetKind, String)>,
}

/// A file of the owner's policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name in the folder: `mail.cedar`.
    pub name: String,
    /// Its text.
    pub text: String,
}
