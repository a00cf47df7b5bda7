//! The document itself.

use std::collections::HashSet;
use std::num::NonZero;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::header::{self, HeaderParameter};
use crate::names::{MethodName, PromptName, ServiceName, ToolName, UriPrefix};
use crate::spend::Spend;
use crate::target::{Target, TextSource};

/// The size of a cap file, in bytes.
///
/// A hundred tools with long schemas take about 200 kB; what is larger is not meant for a model anyway.
pub const MAX_CAP_FILE_BYTES: usize = 1024 * 1024;

/// How deep a tool may nest: as deep as a message may, less what a list of tools adds around it.
const MAX_TOOL_DEPTH: usize = 60;

/// A cap file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CapFile {
    /// The server's name; also that of the file and of the socket.
    pub service_name: ServiceName,
    /// What the server is for, in a sentence.
    pub description: String,
    /// Its version.
    pub version: String,
    /// From which its errors count down in the legacy dialect: one less is a wrong value, two less a lack of permission,
    /// three less something that is not there. Absent, it is -32000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code_base: Option<i32>,
    /// What can be called.
    pub capabilities: Vec<Method>,
    /// Its MCP prompts, as text: what is shown to clients is exactly what the server declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Box<RawValue>>,
    /// With what the URIs of its MCP resources begin. Which there are is asked of the server itself, since they come and go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_uris: Vec<UriPrefix>,
    /// How many connections of the gateway it serves at the same time: one for each of the gateway's threads is quickest. Absent,
    /// it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<NonZero<u8>>,
    /// Whether it completes arguments of its prompts and resource templates (`completion/complete`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub completions: bool,
    /// Whether it sends log messages to clients that ask for them (`notifications/message`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub logging: bool,
    /// Whether it is somebody else's: what it says of itself, such as the descriptions of its tools, is then text that nobody has
    /// vouched for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub third_party: bool,
}

/// One thing that can be called, by its legacy name and as an MCP tool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Method {
    /// The name in the legacy dialect.
    pub method: MethodName,
    /// What it does.
    pub description: String,
    /// JSON Schema of the positional parameters of the legacy dialect. Absent, there are none.
    #[serde(default = "no_parameters")]
    pub params_schema: Value,
    /// JSON Schema of the result of the legacy dialect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_schema: Option<Value>,
    /// The member of the tool's structured content that is the result of the legacy dialect. Absent, all of it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_member: Option<String>,
    /// The MCP tool, as text: what is shown to clients is exactly what the server declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Box<RawValue>>,
    /// What a call may do.
    #[serde(default)]
    pub effects: Vec<Effect>,
    /// What a call uses up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spends: Vec<Spend>,
    /// What a call works on. Absent, it is known by its name only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub works_on: Vec<Target>,
    /// From where text in its result may come. Absent, it may come from anywhere; an empty list says that all text is the
    /// server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_from: Option<Vec<TextSource>>,
}

/// What a method takes that does not say it (contract of the servers from before MCP).
fn no_parameters() -> Value {
    serde_json::json!({ "type": "array", "maxItems": 0 })
}

/// What a call may do to the world. Policy, approval, the shell's warnings and MCP's annotations are all
/// read from this one declaration; a method that declares nothing is taken to be capable of all but undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It changes nothing.
    ReadOnly,
    /// It may remove or replace something.
    Destructive,
    /// The same call again changes nothing more.
    Idempotent,
    /// It reaches outside of the appliance.
    OpenWorld,
    /// What it did can be undone.
    Undoable,
}

/// Why a cap file is refused; the whole file is, not a part.
#[derive(Debug, thiserror::Error)]
pub enum CapFileError {
    /// The file is larger than [`MAX_CAP_FILE_BYTES`].
    #[error("the file is larger than {MAX_CAP_FILE_BYTES} bytes")]
    TooLarge,
    /// The text is not JSON of this shape.
    #[error("not a cap file: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The server's name differs from that of the file.
    #[error("`service_name` is `{found}`, but the file is named `{expected}.cap.json`")]
    OtherName {
        /// The name in the document.
        found: ServiceName,
        /// The name that the file has.
        expected: ServiceName,
    },
    /// A tool is not of MCP's form: a client could refuse the whole list for it.
    #[error("the tool of `{0}` is not of MCP's form: {1}")]
    NotATool(MethodName, &'static str),
    /// A prompt is not of MCP's form.
    #[error("a prompt is not of MCP's form: {0}")]
    NotAPrompt(&'static str),
    /// A method, tool or prompt stands twice.
    #[error("`{0}` is declared twice")]
    Duplicate(String),
}

/// The one member of a tool or prompt that we route by.
#[derive(Deserialize)]
struct Named<N> {
    name: N,
}

impl<N: DeserializeOwned> Named<N> {
    fn of(text: &RawValue) -> Result<N, serde_json::Error> {
        serde_json::from_str::<Self>(text.get()).map(|named| named.name)
    }
}

impl CapFile {
    /// Reads the cap file of the server `name` and checks it whole.
    pub fn parse(name: &ServiceName, text: &[u8]) -> Result<Self, CapFileError> {
        if text.len() > MAX_CAP_FILE_BYTES {
            return Err(CapFileError::TooLarge);
        }
        let file: Self = serde_json::from_slice(text)?;
        if file.service_name != *name {
            return Err(CapFileError::OtherName {
                found: file.service_name,
                expected: name.clone(),
            });
        }
        let mut seen = HashSet::new();
        for method in &file.capabilities {
            method.check_tool()?;
            let tool = method.tool_name()?.map(|tool| tool.to_string());
            for name in tool.into_iter().chain([method.method.to_string()]) {
                if !seen.insert(name.clone()) {
                    return Err(CapFileError::Duplicate(name));
                }
            }
        }
        let mut seen = HashSet::new();
        for name in file.prompt_names()? {
            if !seen.insert(name.clone()) {
                return Err(CapFileError::Duplicate(name.into()));
            }
        }
        file.prompts.iter().try_for_each(|prompt| check_prompt(prompt))?;
        Ok(file)
    }

    /// The names of its prompts, in their order.
    pub fn prompt_names(&self) -> Result<Vec<PromptName>, serde_json::Error> {
        self.prompts.iter().map(|prompt| Named::of(prompt)).collect()
    }
}

/// Checks what every client reads of a prompt (`Prompt` in MCP's schema). Members that are not known pass.
fn check_prompt(text: &RawValue) -> Result<(), CapFileError> {
    let prompt: Value = serde_json::from_str(text.get())?;
    if depth(&prompt) > MAX_TOOL_DEPTH {
        return Err(CapFileError::NotAPrompt("it nests too deep"));
    }
    if !["title", "description"].iter().all(|key| prompt.get(key).is_none_or(Value::is_string)) {
        return Err(CapFileError::NotAPrompt("`title` and `description` must be strings"));
    }
    let is_argument = |it: &Value| it.get("name").is_some_and(Value::is_string);
    let are_arguments =
        |value: &Value| value.as_array().is_some_and(|all| all.iter().all(is_argument));
    if !prompt.get("arguments").is_none_or(are_arguments) {
        return Err(CapFileError::NotAPrompt("`arguments` must be objects with a `name`"));
    }
    Ok(())
}

impl Method {
    /// Checks what every client reads of a tool (`Tool` in MCP's schema). Members that are not known pass.
    fn check_tool(&self) -> Result<(), CapFileError> {
        let Some(text) = &self.tool else { return Ok(()) };
        let wrong = |what| Err(CapFileError::NotATool(self.method.clone(), what));
        // Beyond its own depth the JSON library refuses, and names the place.
        let tool: Value = serde_json::from_str(text.get())?;
        if depth(&tool) > MAX_TOOL_DEPTH {
            return wrong("it nests too deep");
        }
        let is_schema = |value: &Value| value.get("type").is_some_and(|kind| kind == "object");
        if !tool.get("inputSchema").is_some_and(is_schema) {
            return wrong("`inputSchema` must be a schema of type `object`");
        }
        if !["title", "description"].iter().all(|key| tool.get(key).is_none_or(Value::is_string)) {
            return wrong("`title` and `description` must be strings");
        }
        if !["outputSchema", "annotations", "_meta"]
            .iter()
            .all(|key| tool.get(key).is_none_or(Value::is_object))
        {
            return wrong("`outputSchema`, `annotations` and `_meta` must be objects");
        }
        tool.get("inputSchema").map_or(Ok(Vec::new()), header::parameters).map(drop).or_else(wrong)
    }

    /// The arguments of its MCP tool that clients repeat in HTTP headers.
    pub fn header_parameters(&self) -> Vec<HeaderParameter> {
        // A tool whose schema does not bear reading has had the whole file refused.
        let text = self.tool.as_ref().map_or("null", |tool| tool.get());
        let tool: Value = serde_json::from_str(text).unwrap_or_default();
        tool.get("inputSchema")
            .and_then(|schema| header::parameters(schema).ok())
            .unwrap_or_default()
    }

    /// The JSON Schema of the arguments of its MCP tool, if it is one.
    pub fn input_schema(&self) -> Option<Value> {
        let mut tool: Value = serde_json::from_str(self.tool.as_ref()?.get()).ok()?;
        tool.get_mut("inputSchema").map(Value::take)
    }

    /// The name of its MCP tool, if it is one.
    pub fn tool_name(&self) -> Result<Option<ToolName>, serde_json::Error> {
        self.tool.as_ref().map(|tool| Named::of(tool)).transpose()
    }
}

/// How deep a value nests; the JSON library has bounded it already.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(method: &str, tool: &str) -> String {
        format!(
            r#"{{"method":"{method}","description":"","params_schema":{{}},"tool":{{"name":"{tool}","inputSchema":{{"type":"object"}},"x-new":[1]}}}}"#
        )
    }

    fn check(name: &str, methods: &[String], expected: Result<(), &str>) {
        let text = format!(
            r#"{{"service_name":"{name}","description":"d","version":"1","capabilities":[{}]}}"#,
            methods.join(",")
        );
        let parsed = CapFile::parse(&ServiceName::try_from("fs").unwrap(), text.as_bytes());
        match (parsed, expected) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err(reason)) => assert!(error.to_string().contains(reason), "{error}"),
            (parsed, expected) => panic!("{parsed:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_good_file_keeps_the_text_of_its_tools() {
        check("fs", &[method("mcp.fs.list", "fs_list"), method("mcp.fs.read", "fs_read")], Ok(()));
        let name = ServiceName::try_from("fs").unwrap();
        let text = format!(
            r#"{{"service_name":"fs","description":"","version":"","capabilities":[{}]}}"#,
            method("mcp.fs.list", "fs_list")
        );
        let file = CapFile::parse(&name, text.as_bytes()).unwrap();
        let tool = file.capabilities.first().unwrap().tool.as_ref().unwrap();
        assert_eq!(tool.get(), r#"{"name":"fs_list","inputSchema":{"type":"object"},"x-new":[1]}"#);
    }

    #[test]
    fn what_the_legacy_dialect_needs_may_be_absent_and_is_kept() {
        let name = ServiceName::try_from("fs").unwrap();
        let plain = r#"{"service_name":"fs","description":"","version":"","capabilities":[{"method":"mcp.fs.a","description":"","params_schema":{},"effects":[]}]}"#;
        let full = plain
            .replace(r#""capabilities""#, r#""error_code_base":-32010,"capabilities""#)
            .replace(r#""effects""#, r#""result_member":"entries","effects""#);
        for (text, base, member) in [(plain, None, None), (&full, Some(-32_010), Some("entries"))] {
            let file = CapFile::parse(&name, text.as_bytes()).unwrap();
            assert_eq!(file.error_code_base, base);
            assert_eq!(file.capabilities.first().unwrap().result_member.as_deref(), member);
            assert_eq!(serde_json::to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn prompts_and_resources() {
        let name = ServiceName::try_from("fs").unwrap();
        let with = |more: &str| {
            let text = format!(
                r#"{{"service_name":"fs","description":"","version":"","capabilities":[]{more}}}"#
            );
            CapFile::parse(&name, text.as_bytes()).inspect(|file| {
                assert_eq!(serde_json::to_string(file).unwrap(), text, "nothing is lost");
            })
        };
        let file = with(
            r#","prompts":[{"name":"p","arguments":[{"name":"a"}],"x-new":1}],"resource_uris":["test://"],"connections":8,"completions":true,"logging":true"#,
        )
        .unwrap();
        assert_eq!(file.prompt_names().unwrap().first().unwrap().as_str(), "p");
        assert!(file.completions && file.logging);
        for (more, reason) in [
            (r#","prompts":[{"name":"p"},{"name":"p"}]"#, "`p` is declared twice"),
            (r#","prompts":[{"name":"p p"}]"#, "must match"),
            (r#","prompts":[{"name":"p","title":1}]"#, "strings"),
            (r#","prompts":[{"name":"p","arguments":[{}]}]"#, "with a `name`"),
            (r#","resource_uris":["no scheme"]"#, "must match"),
            (r#","connections":0"#, "nonzero"),
        ] {
            let error = with(more).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_bad_file_is_refused_whole() {
        check("sf", &[], Err("`service_name` is `sf`"));
        check("../fs", &[], Err("must match"));
        check("fs", &[method("list", "fs_list")], Err("must match"));
        check("fs", &[method("mcp.fs.list", "fs list")], Err("must match"));
        let twice = [method("mcp.fs.list", "fs_list"), method("mcp.fs.read", "fs_list")];
        check("fs", &twice, Err("declared twice"));
        let twice = [method("mcp.fs.list", "a"), method("mcp.fs.list", "b")];
        check("fs", &twice, Err("declared twice"));
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(70), "]".repeat(70));
        let tools = [
            (r#"{"name":"t"}"#.to_owned(), "`inputSchema` must be"),
            (r#"{"name":"t","inputSchema":5}"#.to_owned(), "`inputSchema` must be"),
            (
                r#"{"name":"t","inputSchema":{"type":"object"},"description":[]}"#.to_owned(),
                "strings",
            ),
            (
                r#"{"name":"t","inputSchema":{"type":"object"},"annotations":1}"#.to_owned(),
                "objects",
            ),
            (format!(r#"{{"name":"t","inputSchema":{{"type":"object","x":{deep}}}}}"#), "too deep"),
            (
                r#"{"name":"t","inputSchema":{"type":"object","properties":{"a":{"type":"number","x-mcp-header":"A"}}}}"#
                    .to_owned(),
                "integer or boolean",
            ),
        ];
        for (tool, reason) in tools {
            let method = format!(
                r#"{{"method":"mcp.fs.t","description":"","params_schema":{{}},"tool":{tool}}}"#
            );
            check("fs", &[method], Err(reason));
        }
        let huge = vec![b' '; MAX_CAP_FILE_BYTES + 1];
        let name = ServiceName::try_from("fs").unwrap();
        assert!(matches!(CapFile::parse(&name, &huge), Err(CapFileError::TooLarge)));
    }
}
