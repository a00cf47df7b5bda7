//! What the daemons say of their configuration.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use settings::Report;

/// A daemon, and how it is asked.
pub(super) struct Daemon {
    pub(super) name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    /// Its file in the folder of the configuration, which follows the arguments.
    file: &'static str,
}

/// Every daemon with a configuration.
pub(super) const DAEMONS: [Daemon; 2] = [
    Daemon {
        name: "gateway",
        program: "gateway",
        arguments: &["--show-config", "--config"],
        file: "gateway.yaml",
    },
    Daemon { name: "fs", program: "cap-fs", arguments: &["config", "--config"], file: "fs.yaml" },
];

impl Daemon {
    /// Asks the program in `programs` what it makes of its file in `configs` and of our environment.
    ///
    /// # Errors
    ///
    /// The words in which it refuses them, or why it cannot be asked.
    pub(super) fn ask(&self, programs: &Path, configs: &Path) -> Result<Report, String> {
        let program = programs.join(self.program);
        let output = Command::new(&program)
            .args(self.arguments.iter().map(OsStr::new))
            .arg(configs.join(self.file))
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{}: `{}`: {error}", self.name, program.display()))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim_end().to_owned());
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("{}: `{}` is of another version", self.name, program.display()))
    }
}
