//! What the shell and the bridge take from the environment; they have no file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use mcp_client::{Target, TargetError};
use serde::{Serialize, Serializer};
use settings::{Report, SettingsError, Sources};

/// An address, shown without what may be secret in it.
struct Address(Target);

impl FromStr for Address {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The settings of the programs that people start.
pub(super) fn report() -> Result<Report, SettingsError> {
    settle(Sources::new(Path::new("")))
}

fn settle(mut sources: Sources) -> Result<Report, SettingsError> {
    sources.optional::<Address>("url", &["LLMBDO_GATEWAY_WS_URL"], None)?;
    sources.optional::<Address>("socket", &["LLMBDO_GATEWAY_UNIX_SOCKET_PATH"], None)?;
    sources.secret("key", &["LLMBASEDOS_KEY"])?;
    sources.optional::<PathBuf>("certificate authority", &["LLMBASEDOS_CA_FILE"], None)?;
    let level = ["LLMBDO_SHELL_LOG_LEVEL", "LLMBDO_LOG_LEVEL"];
    sources.word("log level", &level, &telemetry::LOG_LEVELS, "nothing is logged")?;
    let format = ["LLMBDO_SHELL_LOG_FORMAT", "LLMBDO_LOG_FORMAT"];
    sources.word("log format", &format, &telemetry::LOG_FORMATS, "text")?;
    sources.word("edit mode", &["LLMBDO_SHELL_EDIT_MODE"], &["emacs", "vi"], "emacs")?;
    Ok(sources.report("luca-shell"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::ffi::OsString;

    use super::*;

    fn shown(variables: &[(&str, &str)]) -> Result<String, SettingsError> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), value.into()));
        let known: HashMap<String, OsString> = owned.collect();
        let lookup = move |name: &str| known.get(name).cloned();
        let report = settle(Sources::with_environment("".as_ref(), lookup))?;
        Ok(serde_json::to_string(&report).unwrap())
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = shown(&[
            ("LLMBASEDOS_KEY", "llmb_hunter2"),
            ("LLMBDO_GATEWAY_WS_URL", "ws://127.0.0.1:8000/ws?key=hunter2"),
        ])
        .unwrap();
        assert!(shown.contains("ws://127.0.0.1:8000/ws"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let error = shown(&[("LLMBDO_GATEWAY_WS_URL", "ftp://x")]).unwrap_err().to_string();
        assert!(error.contains("`LLMBDO_GATEWAY_WS_URL`"), "{error}");
    }
}
