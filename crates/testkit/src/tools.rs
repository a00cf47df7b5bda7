//! The programs that other people wrote and `cargo xtask tools` installs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of installed tools.
pub struct Tools(PathBuf);

/// The top of the checkout.
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate is in `crates/`")
}

impl Tools {
    /// The folder that `cargo xtask test` names, or its default. Without it a test fails: nothing is skipped.
    pub fn installed() -> Self {
        let cache = || {
            env::var_os("LLMBASEDOS_CACHE")
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(env::var_os("XDG_CACHE_HOME")?).join("llmbasedos")))
                .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache/llmbasedos")))
        };
        let folder = env::var_os("LLMBASEDOS_TOOLS")
            .map(PathBuf::from)
            .or_else(|| Some(cache()?.join("tools")))
            .expect("`HOME` is set");
        assert!(folder.is_dir(), "the tests' tools are missing: run `cargo xtask tools`");
        Self(folder)
    }

    /// A file among them, such as a published schema.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.0.join(relative)
    }

    /// Python with the official client.
    pub fn python(&self) -> Command {
        self.command("python/bin/python")
    }

    /// Python with the last official client that speaks WebSocket.
    pub fn python_with_websocket(&self) -> Command {
        self.command("python-websocket/bin/python")
    }

    /// Node with the official clients.
    pub fn node(&self) -> Command {
        self.command("node/node_modules/.bin/node")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.0.join(program));
        command.env("LLMBASEDOS_TOOLS", &self.0);
        command
    }
}
