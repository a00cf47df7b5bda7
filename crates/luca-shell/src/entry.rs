//! The start of the program.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use mcp_client::{Key, Target, Trust};
use telemetry::Telemetry;

use crate::editor;
use crate::failure::{Exit, Failure};
use crate::options::Options;
use crate::output::{self, Output};
use crate::path::ROOT;
use crate::place;
use crate::script;
use crate::session::{Patience, Session};
use crate::shell::Shell;

/// Runs the program.
pub fn main() -> ExitCode {
    let options = Options::parse();
    let output = Output::of_process(options.json);
    if let Some(shell) = options.completions {
        let written = output::write(&shell.completions());
        return written.map_or(Exit::Failed, |()| Exit::Done).into();
    }
    run(options, output)
        .unwrap_or_else(|failure| {
            output.failure(&failure);
            failure.exit()
        })
        .into()
}

fn run(options: Options, output: Output) -> Result<Exit, Failure> {
    let _telemetry = logs()?;
    let target = place::find(options.url)?;
    let key = key(&target)?;
    let trust = trust()?;
    // One thread keeps the link alive while this one waits for a key press.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut shell = Shell {
        session: Arc::new(Session::new(target, key, trust)),
        cwd: ROOT.to_owned(),
        output,
        patience: Patience::Once,
    };
    match options.command {
        Some(line) => script::one(&mut shell, runtime.handle(), &line),
        None if io::stdin().is_terminal() && io::stdout().is_terminal() => {
            editor::run(&mut shell, runtime.handle(), options.vi)
        }
        None => script::lines(&mut shell, runtime.handle(), options.keep_going),
    }
}

/// Logs go to standard error, where the prompt is: so there are none unless somebody asks for them.
fn logs() -> Result<Option<Telemetry>, Failure> {
    let wanted = ["LLMBDO_SHELL_LOG_LEVEL", "LLMBDO_LOG_LEVEL"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    wanted
        .then(|| telemetry::init("shell"))
        .transpose()
        .map_err(|error| Failure::Usage(error.to_string()))
}

/// The authorities that are trusted besides those of this machine.
fn trust() -> Result<Trust, Failure> {
    let usage = |error: String| Failure::Usage(format!("`LLMBASEDOS_CA_FILE`: {error}"));
    let file =
        settings::env::<PathBuf>("LLMBASEDOS_CA_FILE").map_err(|error| usage(error.to_string()))?;
    let trust = file.map(|file| Trust::with_file(&file)).transpose();
    Ok(trust.map_err(|error| usage(error.to_string()))?.unwrap_or_default())
}

/// The client key, which only a WebSocket needs: a socket of this machine has its mode.
fn key(target: &Target) -> Result<Option<Key>, Failure> {
    let Target::WebSocket(url) = target else { return Ok(None) };
    let usage = |error: String| Failure::Usage(format!("`LLMBASEDOS_KEY`: {error}"));
    let key =
        settings::env::<String>("LLMBASEDOS_KEY").map_err(|error| usage(error.to_string()))?;
    let key = key.map(Key::new).transpose().map_err(|error| usage(error.to_string()))?;
    if key.is_some() && url.scheme() == "ws" && !target.is_local() {
        output::note("Anybody on the way can read the key and all that follows: use wss://");
    }
    Ok(key)
}
