//! A capability server that stands for all that lies outside: mail, the web, a calendar, documents, storage and text messages,
//! each with true declarations. What its reading tools give, a test has written into files; what its sending tools would send
//! goes into a ledger, which is how a test knows what left. It must never ship.

mod reads;
mod sends;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;

use capability::{BoxError, ErrorKind, Server, ToolError, Tools};
use sandbox::Needs;
use serde::{Deserialize, Serialize};

/// Where the test writes and reads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The folder of the texts, `texts/ID`, and of the ledger, `ledger`.
    folder: PathBuf,
}

struct Outside {
    folder: PathBuf,
    /// For the sandbox, which wants a handle.
    handle: File,
}

impl Server for Outside {
    const NAME: &'static str = "outside";
    const DESCRIPTION: &'static str = "Mail, web, calendar and documents of the tests";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    type Config = Config;

    fn open(config: Config) -> Result<Self, BoxError> {
        let handle = File::open(&config.folder)?;
        Ok(Self { folder: config.folder, handle })
    }

    fn needs(&self) -> Needs<'_> {
        Needs::none().read_write(self.handle.as_fd())
    }

    fn tools(tools: &mut Tools<Self>) {
        reads::add(tools);
        sends::add(tools);
    }
}

/// A call that sent something, as the ledger keeps it.
#[derive(Serialize)]
struct Sent<'a, T> {
    tool: &'a str,
    arguments: &'a T,
}

impl Outside {
    /// The text that the test wrote under this id.
    fn text(&self, id: &str) -> Result<String, ToolError> {
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let text = plain.then(|| fs::read_to_string(self.folder.join("texts").join(id)).ok());
        text.flatten().ok_or_else(|| ToolError::new(ErrorKind::NotFound, "there is no such text"))
    }

    /// Notes that a call sent something. It is in the ledger before the call is answered.
    fn sent<T: Serialize>(&self, tool: &str, arguments: &T) -> Result<(), ToolError> {
        let line = || -> io::Result<()> {
            let mut line = serde_json::to_vec(&Sent { tool, arguments })?;
            line.push(b'\n');
            let file =
                OpenOptions::new().create(true).append(true).open(self.folder.join("ledger"));
            file?.write_all(&line)
        };
        line().map_err(|error| ToolError::new(ErrorKind::Internal, error.to_string()))
    }
}

fn main() -> ExitCode {
    capability::main::<Outside>()
}
