//! A capability server that behaves, for tests of how calls are cancelled, counted and followed: each call waits, works or
//! tells of progress as it is asked to, and `flow_seen` tells afterwards what every call saw. It must never ship.

use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use capability::{BoxError, Call, Effect, NoConfig, Server, TextSource, Tool, ToolError, Tools};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the calls so far did.
struct Flow {
    seen: Mutex<Vec<Seen>>,
    count: Mutex<u64>,
}

/// What a call did.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Seen {
    /// Its tool.
    tool: &'static str,
    /// What its caller called it.
    label: String,
    /// Where it stands.
    state: State,
    /// When it came to that, in milliseconds after its start; 0 while it runs.
    ms: u128,
    /// With what words it was stopped.
    reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    Running,
    Finished,
    Cancelled,
}

impl Server for Flow {
    const NAME: &'static str = "flow";
    const DESCRIPTION: &'static str = "Calls of the tests that wait, count and tell of progress";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = NoConfig;

    fn open(_: NoConfig) -> Result<Self, BoxError> {
        Ok(Self { seen: Mutex::default(), count: Mutex::default() })
    }

    fn tools(tools: &mut Tools<Self>) {
        tools.add::<Count>().add::<Wait>().add::<Walk>().add::<Spin>().add::<SeenSoFar>();
    }
}

impl Flow {
    /// Does `work` and notes how it ended.
    fn noted<T>(
        &self,
        tool: &'static str,
        label: String,
        work: impl FnOnce() -> Result<T, ToolError>,
    ) -> Result<T, ToolError> {
        let began = Instant::now();
        let at = {
            let mut seen = locked(&self.seen);
            seen.push(Seen { tool, label, state: State::Running, ms: 0, reason: None });
            seen.len() - 1
        };
        let done = work();
        if let Some(seen) = locked(&self.seen).get_mut(at) {
            seen.state = if done.is_ok() { State::Finished } else { State::Cancelled };
            seen.ms = began.elapsed().as_millis();
            seen.reason = done.as_ref().err().map(ToString::to_string);
        }
        done
    }
}

/// Counts this call, waits, and tells how many there have been with it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Count {
    /// How long to wait after counting, in milliseconds.
    #[serde(default)]
    ms: u64,
    /// What `flow_seen` calls it.
    #[serde(default)]
    label: String,
}

#[derive(Serialize, JsonSchema)]
struct Counted {
    /// The calls so far.
    count: u64,
}

impl Tool for Count {
    type Server = Flow;
    type Output = Counted;
    const NAME: &'static str = "flow_count";
    const METHOD: &'static str = "mcp.flow.count";
    const TITLE: &'static str = "Count";
    const EFFECTS: &'static [Effect] = &[];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, flow: &Flow, call: &Call) -> Result<Counted, ToolError> {
        flow.noted(Self::NAME, self.label, || {
            let count = {
                let mut count = locked(&flow.count);
                *count += 1;
                *count
            };
            call.wait(Duration::from_millis(self.ms))?;
            Ok(Counted { count })
        })
    }
}

/// Waits, unless it is cancelled.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wait {
    /// How long, in milliseconds.
    ms: u64,
    /// What `flow_seen` calls it.
    #[serde(default)]
    label: String,
}

#[derive(Serialize, JsonSchema)]
struct Done {
    /// How long it took, in milliseconds.
    ms: u128,
}

impl Tool for Wait {
    type Server = Flow;
    type Output = Done;
    const NAME: &'static str = "flow_wait";
    const METHOD: &'static str = "mcp.flow.wait";
    const TITLE: &'static str = "Wait";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, flow: &Flow, call: &Call) -> Result<Done, ToolError> {
        flow.noted(Self::NAME, self.label, || {
            let began = Instant::now();
            call.wait(Duration::from_millis(self.ms))?;
            Ok(Done { ms: began.elapsed().as_millis() })
        })
    }
}

/// Goes some steps, tells of each as progress, and pauses after it. Steps that are nearer to each other than the framework
/// tells of progress are not all told.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Walk {
    /// How many.
    #[schemars(range(min = 1, max = 10_000))]
    steps: u32,
    /// How long to pause after each, in milliseconds.
    ms: u64,
    /// What `flow_seen` calls it.
    #[serde(default)]
    label: String,
}

impl Tool for Walk {
    type Server = Flow;
    type Output = Done;
    const NAME: &'static str = "flow_steps";
    const METHOD: &'static str = "mcp.flow.steps";
    const TITLE: &'static str = "Go some steps";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, flow: &Flow, call: &Call) -> Result<Done, ToolError> {
        flow.noted(Self::NAME, self.label, || {
            let began = Instant::now();
            for step in 1..=self.steps {
                let message = format!("step {step} of {}", self.steps);
                call.progress(f64::from(step), Some(f64::from(self.steps)), Some(&message));
                call.wait(Duration::from_millis(self.ms))?;
            }
            Ok(Done { ms: began.elapsed().as_millis() })
        })
    }
}

/// Works without a pause, and does nothing but look whether it is cancelled.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Spin {
    /// How long, in milliseconds.
    ms: u64,
    /// What `flow_seen` calls it.
    #[serde(default)]
    label: String,
}

impl Tool for Spin {
    type Server = Flow;
    type Output = Done;
    const NAME: &'static str = "flow_spin";
    const METHOD: &'static str = "mcp.flow.spin";
    const TITLE: &'static str = "Spin";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, flow: &Flow, call: &Call) -> Result<Done, ToolError> {
        flow.noted(Self::NAME, self.label, || {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(self.ms) {
                call.check()?;
            }
            Ok(Done { ms: began.elapsed().as_millis() })
        })
    }
}

/// Tells what the calls before this one did.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SeenSoFar {}

#[derive(Serialize, JsonSchema)]
struct SeenResult {
    /// The calls that began, in that order.
    calls: Vec<Seen>,
}

impl Tool for SeenSoFar {
    type Server = Flow;
    type Output = SeenResult;
    const NAME: &'static str = "flow_seen";
    const METHOD: &'static str = "mcp.flow.seen";
    const TITLE: &'static str = "What was seen";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly];
    const TEXT_FROM: &'static [TextSource] = &[];
    const LEGACY_RESULT: Option<&'static str> = Some("calls");

    fn call(self, flow: &Flow, _: &Call) -> Result<SeenResult, ToolError> {
        Ok(SeenResult { calls: locked(&flow.seen).clone() })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn main() -> ExitCode {
    capability::main::<Flow>()
}
