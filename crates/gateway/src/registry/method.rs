//! A method of the legacy dialect, and what it is to its server.

use std::sync::Arc;

use capfile::{MethodName, ToolName};
use serde_json::Value;

use crate::registry::Declared;
use crate::registry::schema::Schema;
use crate::upstream::Server;

/// Where the errors of a server count down from that says nothing else.
const DEFAULT_ERROR_BASE: i32 = -32_000;

/// A method that can be called in the legacy dialect.
pub(crate) struct Method {
    pub(crate) server: Arc<Server>,
    pub(crate) name: MethodName,
    /// Of its positional parameters.
    pub(crate) positional: Schema,
    pub(crate) kind: Kind,
    pub(crate) declared: Arc<Declared>,
    error_base: i32,
}

/// What a method is to its server.
pub(crate) enum Kind {
    /// A tool, which is called in MCP.
    Tool(Box<Tool>),
    /// A method of a server of the old kind, which is spoken to in the legacy dialect.
    Old,
}

/// The tool that a method is.
pub(crate) struct Tool {
    pub(crate) name: ToolName,
    /// The names of its arguments, in the order of the positional parameters.
    pub(crate) arguments: Vec<String>,
    /// Of its arguments by name.
    pub(crate) named: Schema,
    /// The member of the structured content that is the result; all of it if there is none.
    pub(crate) result_member: Option<String>,
}

impl Method {
    /// The method that a cap file declares, with the name of its tool if it is one.
    pub(super) fn new(
        server: Arc<Server>,
        error_base: Option<i32>,
        tool: Option<ToolName>,
        method: &capfile::Method,
        declared: Arc<Declared>,
    ) -> Self {
        let kind = match tool {
            None => Kind::Old,
            Some(name) => {
                let text = method.tool.as_ref().map_or("null", |tool| tool.get());
                let mut tool: Value = serde_json::from_str(text).unwrap_or_default();
                let schema = tool.get_mut("inputSchema").map(Value::take).unwrap_or_default();
                let properties = schema.get("properties").and_then(Value::as_object);
                let arguments =
                    properties.map(|found| found.keys().cloned().collect()).unwrap_or_default();
                let result_member = method.result_member.clone();
                let named = Schema::new(schema);
                Kind::Tool(Box::new(Tool { name, arguments, named, result_member }))
            }
        };
        Self {
            server,
            name: method.method.clone(),
            positional: Schema::new(method.params_schema.clone()),
            kind,
            declared,
            error_base: error_base.unwrap_or(DEFAULT_ERROR_BASE),
        }
    }

    /// The error code of the legacy dialect that is so far below the server's base.
    pub(crate) fn error_code(&self, below: i32) -> i32 {
        self.error_base.saturating_sub(below)
    }
}
