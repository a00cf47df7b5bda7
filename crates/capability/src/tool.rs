//! What a server and a tool are.

use std::fmt;

use capfile::{Effect, Spend, Target, TextSource};
use daemon::BoxError;
use sandbox::Needs;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use settings::Sources;

use crate::call::Call;
use crate::declare::Tools;

/// A capability server: its name, its state, and what it needs.
pub trait Server: Sized + Send + Sync + 'static {
    /// The name of socket, cap file and unit: `fs`.
    const NAME: &'static str;
    /// What it is for, in a sentence.
    const DESCRIPTION: &'static str;
    /// Its version.
    const VERSION: &'static str;
    /// From which its errors count down in the legacy dialect (see `capfile::CapFile::error_code_base`).
    const LEGACY_ERROR_BASE: i32 = -32_000;
    /// Its configuration file; use `#[serde(deny_unknown_fields)]`.
    type Config: DeserializeOwned;

    /// Tells `sources` each value of the configuration, for `llmbasedos config show`, and refuses what
    /// [`Server::open`] would refuse of it. It opens nothing.
    fn tell(_config: Self::Config, _sources: &mut Sources) -> Result<(), BoxError> {
        Ok(())
    }

    /// Opens what the server works on. It runs before the sandbox is locked, so whatever must be opened by
    /// a host path is opened here.
    fn open(config: Self::Config) -> Result<Self, BoxError>;

    /// What the sandbox must leave open.
    fn needs(&self) -> Needs<'_> {
        Needs::none()
    }

    /// Runs once within the sandbox, before the first call: what an earlier process left unfinished is
    /// finished here.
    fn recover(&self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Adds the server's tools.
    fn tools(tools: &mut Tools<Self>);
}

/// A tool: the struct holds its parameters, in the order that the legacy dialect passes them.
pub trait Tool: DeserializeOwned + JsonSchema + Send + 'static {
    /// The server that the tool is a part of.
    type Server: Server;
    /// What a call gives: a struct, since MCP before 2026-07-28 knows objects only.
    type Output: Serialize + JsonSchema;
    /// Its name in MCP: `fs_list`.
    const NAME: &'static str;
    /// Its name in the legacy dialect: `mcp.fs.list`.
    const METHOD: &'static str;
    /// Its name for people.
    const TITLE: &'static str;
    /// What a call may do. Policy, approval and MCP's annotations are made from this, so it must be true.
    const EFFECTS: &'static [Effect];
    /// The member of [`Tool::Output`] that is the result in the legacy dialect; all of it where this is `None`.
    const LEGACY_RESULT: Option<&'static str> = None;

    /// From where text in its result may come that nobody has vouched for; none where all of it is the server's own. What a call
    /// really gave may be less: see [`Call::text_from`].
    const TEXT_FROM: &'static [TextSource];

    /// What a call works on: the arguments by which the owner's rules decide.
    fn works_on() -> Vec<Target> {
        Vec::new()
    }

    /// What a call uses up, of what there is a budget for each day.
    fn spends() -> Vec<Spend> {
        Vec::new()
    }

    /// Does the work. It may block: it has a thread of its own.
    fn call(self, server: &Self::Server, call: &Call) -> Result<Self::Output, ToolError>;

    /// What a model reads, where that is not the output as JSON.
    fn text(_output: &Self::Output) -> Option<String> {
        None
    }
}

/// The configuration of a server that has none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// Why a tool could not do it. The text is for a model and the person behind it: what happened and what to
/// do next, with no host path and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolError {
    kind: ErrorKind,
    message: String,
}

/// The kind of a [`ToolError`], for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The arguments make no sense.
    InvalidArguments,
    /// What the call names is not there.
    NotFound,
    /// The caller, or the appliance, may not do this.
    Denied,
    /// The state of things does not allow it now.
    Conflict,
    /// It is larger than a call may carry.
    TooLarge,
    /// No room is left.
    NoSpace,
    /// Nobody waits for the answer any more: see [`Call::check`].
    Cancelled,
    /// A fault that is not the caller's.
    Internal,
}

impl ToolError {
    /// An error of a kind, with what happened and what to do next.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ToolError {}
