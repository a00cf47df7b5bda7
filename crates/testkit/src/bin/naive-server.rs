//! A file server that loses data when it is killed: the control of `tests/crash.rs`, which must catch it. It must never
//! ship.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use capability::{BoxError, Call, Effect, ErrorKind, Server, TextSource, Tool, ToolError, Tools};
use sandbox::Needs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one system call writes: a file of 1 MiB is in pieces for a while.
const PIECE_BYTES: usize = 64 * 1024;

/// The configuration of `cap-fs`, and what is done wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    root: PathBuf,
    #[serde(rename = "state")]
    _state: PathBuf,
    fault: Fault,
}

/// What is done wrong.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fault {
    /// The file itself is emptied and written: a crash tears it.
    Truncate,
    /// The file is written beside and renamed, but a crash leaves the temporary file for ever.
    Forget,
}

struct Naive {
    root: PathBuf,
    /// For the sandbox, which wants a handle.
    handle: File,
    fault: Fault,
}

impl Server for Naive {
    const NAME: &'static str = "naive";
    const DESCRIPTION: &'static str = "A control of the crash tests";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = Config;

    fn open(config: Config) -> Result<Self, BoxError> {
        let handle = File::open(&config.root)?;
        Ok(Self { root: config.root, handle, fault: config.fault })
    }

    fn needs(&self) -> Needs<'_> {
        Needs::none().read_write(self.handle.as_fd())
    }

    fn tools(tools: &mut Tools<Self>) {
        tools.add::<Write>();
    }
}

/// Replaces the content of a file, badly.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Write {
    /// The file.
    path: String,
    /// Its new content.
    content: String,
}

#[derive(Serialize, JsonSchema)]
struct Written {
    bytes_written: usize,
}

impl Tool for Write {
    type Server = Naive;
    type Output = Written;
    const NAME: &'static str = "fs_write";
    const METHOD: &'static str = "mcp.naive.write";
    const TITLE: &'static str = "Write a file, badly";
    const EFFECTS: &'static [Effect] = &[Effect::Destructive];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn call(self, naive: &Naive, _: &Call) -> Result<Written, ToolError> {
        let file = naive.root.join(self.path.trim_start_matches('/'));
        let temporary = file.with_extension("new");
        let done = match naive.fault {
            Fault::Truncate => write(&file, self.content.as_bytes()),
            Fault::Forget => write(&temporary, self.content.as_bytes())
                .and_then(|()| fs::rename(&temporary, &file)),
        };
        done.map_err(|error| ToolError::new(ErrorKind::Internal, error.to_string()))?;
        Ok(Written { bytes_written: self.content.len() })
    }
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    content.chunks(PIECE_BYTES).try_for_each(|piece| file.write_all(piece))
}

fn main() -> ExitCode {
    capability::main::<Naive>()
}
