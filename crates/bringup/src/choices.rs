//! What the environment says of a run.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use settings::{SettingsError, Sources};

const HOST: &str = "LLMBDO_GATEWAY_HOST";
const PORT: &str = "LLMBDO_GATEWAY_WEB_PORT";
const SOCKET: &str = "LLMBDO_GATEWAY_UNIX_SOCKET_PATH";
const CAPS_DIR: &str = "LLMBDO_MCP_CAPS_DIR";
const PLAIN: &str = "LLMBASEDOS_PLAIN";
const ROOT: [&str; 3] =
    ["LLMBDO_FS_VIRTUAL_ROOT", "LLMBDO_FS_DATA_ROOT", "LLMBDO_DEFAULT_VIRTUAL_ROOT"];

/// What is taken from the environment and written into the daemons' configuration.
///
/// The daemons know the same variables, but get none of them: what `up` said on the screen, or what a test asked for,
/// would not be what they do.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// The address to bind, where it is not to be 127.0.0.1: `LLMBDO_GATEWAY_HOST`.
    pub host: Option<IpAddr>,
    /// The port, where the command line names none: `LLMBDO_GATEWAY_WEB_PORT`.
    pub port: Option<u16>,
    /// Where `gateway.sock` is, where it is not to be in the state folder: `LLMBDO_GATEWAY_UNIX_SOCKET_PATH`.
    pub socket: Option<PathBuf>,
    /// The folder of the servers' sockets and cap files, where it is not to be in the state folder:
    /// `LLMBDO_MCP_CAPS_DIR`. Nobody else may be able to enter it.
    pub caps_dir: Option<PathBuf>,
    /// The folder to expose, where the command line names none: `LLMBDO_FS_VIRTUAL_ROOT`, else `LLMBDO_FS_DATA_ROOT`,
    /// else `LLMBDO_DEFAULT_VIRTUAL_ROOT`.
    pub root: Option<PathBuf>,
    /// From where plain HTTP is accepted, where it is not to be from this machine alone: `LLMBASEDOS_PLAIN`.
    pub plain: Option<gateway::Plain>,
}

impl Choices {
    /// Reads the environment of this process.
    pub(crate) fn from_env() -> Result<Self, SettingsError> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    fn from_lookup(
        lookup: impl Fn(&str) -> Option<OsString> + 'static,
    ) -> Result<Self, SettingsError> {
        let mut sources = Sources::with_environment("".as_ref(), lookup);
        Ok(Self {
            host: sources.optional("host", &[HOST], None)?,
            port: sources.optional("port", &[PORT], None)?,
            socket: sources.optional("socket", &[SOCKET], None)?,
            caps_dir: sources.optional("caps_dir", &[CAPS_DIR], None)?,
            root: sources.optional("root", &ROOT, None)?,
            plain: sources.optional("plain", &[PLAIN], None)?,
        })
    }
}

/// Whether a variable is one of those that the daemons do not get.
pub(crate) fn is_taken(variable: &str) -> bool {
    [HOST, PORT, SOCKET, CAPS_DIR, PLAIN].contains(&variable) || ROOT.contains(&variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_that_is_read_is_kept_from_the_daemons() {
        let value = |name: &str| {
            assert!(is_taken(name), "{name}");
            let value = match name {
                HOST => "::1",
                PLAIN => "private",
                _ => "7",
            };
            Some(value.into())
        };
        let choices = Choices::from_lookup(value).unwrap();
        assert_eq!((choices.host, choices.port), (Some("::1".parse().unwrap()), Some(7)));
        assert_eq!(choices.root, Some("7".into()));
        assert_eq!(choices.plain, Some(gateway::Plain::Private));
        assert!(!is_taken("LLMBDO_LOG_LEVEL") && !is_taken("LLMBDO_FS_WORKERS"));
    }

    #[test]
    fn the_newest_name_of_the_root_counts() {
        let of = |known: &'static [&str]| {
            let value = |name: &str| known.contains(&name).then(|| name.into());
            Choices::from_lookup(value).unwrap().root
        };
        assert_eq!(of(&ROOT), Some(ROOT[0].into()));
        assert_eq!(of(&[ROOT[2], ROOT[1]]), Some(ROOT[1].into()));
        assert_eq!(of(&[ROOT[2]]), Some(ROOT[2].into()));
        assert_eq!(of(&[]), None);
    }
}
