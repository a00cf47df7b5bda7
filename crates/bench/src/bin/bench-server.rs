//! The capability server that is called in every measurement: on the framework that the product's own servers are on, with a
//! tool that does next to nothing, so that what is measured is the way to it.

use std::process::ExitCode;

use capability::{BoxError, Call, Effect, NoConfig, Server, TextSource, Tool, ToolError, Tools};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A server without state.
struct Bench;

impl Server for Bench {
    const NAME: &'static str = "bench";
    const DESCRIPTION: &'static str = "Answers at once, for measurements";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = NoConfig;

    fn open(_: NoConfig) -> Result<Self, BoxError> {
        Ok(Self)
    }

    fn tools(tools: &mut Tools<Self>) {
        tools.add::<Echo>();
        tools.add::<Change>();
    }
}

/// Gives back what it is given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Echo {
    /// What is given back.
    text: String,
}

/// What was given.
#[derive(Serialize, JsonSchema)]
struct Echoed {
    /// The same.
    text: String,
}

impl Tool for Echo {
    type Server = Bench;
    type Output = Echoed;
    const NAME: &'static str = "bench_echo";
    const METHOD: &'static str = "mcp.bench.echo";
    const TITLE: &'static str = "Echo";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, _: &Bench, _: &Call) -> Result<Echoed, ToolError> {
        Ok(Echoed { text: self.text })
    }
}

/// Gives back what it is given, and does not say that it changes nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    /// What is given back.
    text: String,
}

impl Tool for Change {
    type Server = Bench;
    type Output = Echoed;
    const NAME: &'static str = "bench_change";
    const METHOD: &'static str = "mcp.bench.change";
    const TITLE: &'static str = "Change";
    const EFFECTS: &'static [Effect] = &[];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, _: &Bench, _: &Call) -> Result<Echoed, ToolError> {
        Ok(Echoed { text: self.text })
    }
}

fn main() -> ExitCode {
    capability::main::<Bench>()
}
