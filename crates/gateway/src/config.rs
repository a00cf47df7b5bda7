//! The gateway's configuration: its file, and what comes of the file and the environment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use capfile::Pattern;
use licence::{ISSUERS_FILE, LICENCE_FILE, TIERS_FILE};
use secrets::VaultConfig;
use serde::{Deserialize, Serialize};
use settings::{Count, Report, SettingsError, Sources};

use crate::access::Files;
use crate::limits::{CALL, MAX_WORKERS};
use crate::tls::TlsFile;
use crate::transport::Plain;

/// The port that hosts expect.
const PORT: u16 = 8000;
/// Where cap files and sockets are on the appliance.
const CAPS_DIR: &str = "/run/mcp";
/// Where the gateway keeps what it makes and must not forget, on the appliance.
const STATE_DIR: &str = "/var/lib/llmbasedos/gateway";
/// The folder of the owner's policies.
const POLICIES_FOLDER: &str = "policies";
/// The variable by which whoever starts the gateway says from where plain HTTP is accepted.
const PLAIN: &str = "LLMBASEDOS_PLAIN";
/// The credential by which whoever boots the machine says from where plain HTTP is accepted.
const PLAIN_CREDENTIAL: &str = "llmbasedos.plain";

/// `gateway.yaml`.
///
/// An environment variable that names the same thing counts before the file, and what neither names has a default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// The address to bind, where systemd passes no socket; 127.0.0.1:8000 if it is not here. Port 0 takes a free one.
    /// `LLMBDO_GATEWAY_HOST` and `LLMBDO_GATEWAY_WEB_PORT` replace its parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// Where `gateway.sock` is bound, where systemd passes none; without it there is no such door.
    /// `LLMBDO_GATEWAY_UNIX_SOCKET_PATH` replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// Where `person.sock` is bound, where systemd passes none; without it there is no such door. Whoever can open it is the
    /// person who sits at the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_socket: Option<PathBuf>,
    /// The folder of `*.cap.json` and `*.sock`; `/run/mcp` if it is not here. `LLMBDO_MCP_CAPS_DIR` replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caps_dir: Option<PathBuf>,
    /// The file of client keys.
    pub clients_file: PathBuf,
    /// Names, besides `localhost`, `127.0.0.1` and `[::1]`, under which the gateway may be addressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_hosts: Option<Vec<String>>,
    /// How long a call may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_timeout_seconds: Option<u32>,
    /// How many threads serve; one for each processor if it is not here. `LLMBDO_GATEWAY_EXECUTOR_MAX_WORKERS`, else
    /// `LLMBDO_GATEWAY_EXECUTOR_WORKERS`, replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<Count<MAX_WORKERS>>,
    /// The folder of what the gateway keeps, such as the audit log and its own authority for certificates;
    /// `/var/lib/llmbasedos/gateway` if it is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
    /// The administrator's certificate; one of the appliance's own authority is shown if it is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFile>,
    /// HashiCorp Vault, which is asked for references that begin with `vault:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultConfig>,
    /// From where plain HTTP is accepted: `loopback`, which it is if it is not here, or `private`, which is loopback and the
    /// addresses of private networks. `LLMBASEDOS_PLAIN`, else the systemd credential `llmbasedos.plain`, replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain: Option<Plain>,
    /// The licence; `lic.key` beside the file of clients if it is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence_file: Option<PathBuf>,
    /// What each tier is worth; `licence_tiers.yaml` beside the file of clients if it is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers_file: Option<PathBuf>,
    /// The public keys of those whose licences are believed, as a list; `licence_issuers.yaml` beside the file of clients if it is
    /// not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence_issuers_file: Option<PathBuf>,
    /// The folder of the owner's policies, `*.cedar`; `policies` beside the file of clients if it is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policies_dir: Option<PathBuf>,
    /// Names of arguments whose values are never recorded, besides those that look like secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<String>,
    /// How often each client may call some methods: the first pattern that matches counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_rates: Vec<ToolRate>,
}

/// How often each client may call the methods that match a pattern, each of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolRate {
    /// Which.
    pub methods: Pattern,
    /// How many calls.
    pub requests: NonZeroU32,
    /// In how many seconds.
    pub window_seconds: NonZeroU32,
}

/// What the gateway runs with. The members mean what those of [`ConfigFile`] mean.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) socket: Option<PathBuf>,
    pub(crate) person_socket: Option<PathBuf>,
    pub(crate) caps_dir: PathBuf,
    pub(crate) clients_file: PathBuf,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) call_timeout: Duration,
    pub(crate) workers: usize,
    pub(crate) state_dir: PathBuf,
    pub(crate) tool_rates: Vec<ToolRate>,
    pub(crate) redact: Vec<String>,
    licence_file: Option<PathBuf>,
    tiers_file: Option<PathBuf>,
    licence_issuers_file: Option<PathBuf>,
    policies_dir: Option<PathBuf>,
    pub(crate) tls: Option<TlsFile>,
    pub(crate) vault: Option<VaultConfig>,
    pub(crate) plain: Plain,
}

impl Config {
    /// Reads the file and the environment, and tells where each value came from.
    pub(crate) fn load(path: &Path) -> Result<(Self, Report), SettingsError> {
        Self::resolve(settings::load(path)?, Sources::new(path))
    }

    /// The files that are followed while the gateway runs.
    pub(crate) fn files(&self) -> Files {
        let beside = |name| self.clients_file.with_file_name(name);
        let named = |path: &Option<PathBuf>, name| path.clone().unwrap_or_else(|| beside(name));
        Files {
            clients: self.clients_file.clone(),
            licence: named(&self.licence_file, LICENCE_FILE),
            tiers: named(&self.tiers_file, TIERS_FILE),
            issuers: named(&self.licence_issuers_file, ISSUERS_FILE),
            policies: named(&self.policies_dir, POLICIES_FOLDER),
        }
    }

    fn resolve(file: ConfigFile, mut sources: Sources) -> Result<(Self, Report), SettingsError> {
        let (ip, port) = (file.listen.map(|a| a.ip()), file.listen.map(|a| a.port()));
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        let ip = sources.value("listen, address", &["LLMBDO_GATEWAY_HOST"], ip, loopback)?;
        let port = sources.value("listen, port", &["LLMBDO_GATEWAY_WEB_PORT"], port, PORT)?;
        let socket =
            sources.optional("socket", &["LLMBDO_GATEWAY_UNIX_SOCKET_PATH"], file.socket)?;
        let person_socket = sources.optional("person_socket", &[], file.person_socket)?;
        let caps_dir =
            sources.value("caps_dir", &["LLMBDO_MCP_CAPS_DIR"], file.caps_dir, CAPS_DIR.into())?;
        let clients_file = sources.in_file("clients_file", Some(file.clients_file), PathBuf::new());
        let allowed_hosts = sources.in_file("allowed_hosts", file.allowed_hosts, Vec::new());
        let call_timeout = sources.in_file(
            "call_timeout_seconds",
            file.call_timeout_seconds.map(u64::from),
            CALL.as_secs(),
        );
        let processors = Count::clamped(available_parallelism().map_or(1, usize::from));
        let workers = sources.value(
            "workers",
            &["LLMBDO_GATEWAY_EXECUTOR_MAX_WORKERS", "LLMBDO_GATEWAY_EXECUTOR_WORKERS"],
            file.workers,
            processors,
        )?;
        let state_dir = sources.in_file("state_dir", file.state_dir, STATE_DIR.into());
        let licence_file = sources.optional("licence_file", &[], file.licence_file)?;
        let tiers_file = sources.optional("tiers_file", &[], file.tiers_file)?;
        let issuers = file.licence_issuers_file;
        let licence_issuers_file = sources.optional("licence_issuers_file", &[], issuers)?;
        let policies_dir = sources.optional("policies_dir", &[], file.policies_dir)?;
        let redact = (!file.redact.is_empty()).then_some(file.redact);
        let redact = sources.in_file("redact", redact, Vec::new());
        let tool_rates = (!file.tool_rates.is_empty()).then_some(file.tool_rates);
        let tool_rates = sources.in_file("tool_rates", tool_rates, Vec::new());
        let tls = sources.in_file("tls", file.tls.map(Some), None);
        let vault = sources.in_file("vault", file.vault.map(Some), None);
        let plain = sources.credential(
            "plain",
            &[PLAIN],
            PLAIN_CREDENTIAL,
            file.plain,
            Plain::default(),
        )?;
        // What `telemetry` reads for itself.
        let own = ["LLMBDO_GATEWAY_LOG_LEVEL", "LLMBDO_LOG_LEVEL"];
        sources.word("log level", &own, &telemetry::LOG_LEVELS, "info")?;
        let own = ["LLMBDO_GATEWAY_LOG_FORMAT", "LLMBDO_LOG_FORMAT"];
        sources.word("log format", &own, &telemetry::LOG_FORMATS, "text")?;
        let config = Self {
            listen: SocketAddr::new(ip, port),
            socket,
            person_socket,
            caps_dir,
            clients_file,
            allowed_hosts,
            call_timeout: Duration::from_secs(call_timeout),
            workers: workers.get(),
            state_dir,
            tool_rates,
            redact,
            licence_file,
            tiers_file,
            licence_issuers_file,
            policies_dir,
            tls,
            vault,
            plain,
        };
        Ok((config, sources.report("gateway")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::ffi::OsString;

    use super::*;

    fn resolve(yaml: &str, variables: &[(&str, &str)]) -> Result<(Config, Report), SettingsError> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), value.into()));
        let known: HashMap<String, OsString> = owned.collect();
        let environment = move |name: &str| known.get(name).cloned();
        let sources = Sources::with_environment("gateway.yaml".as_ref(), environment);
        Config::resolve(settings::parse("gateway.yaml", yaml)?, sources)
    }

    /// Every value with its source, a line each.
    fn told(report: &Report) -> Vec<String> {
        let one = |setting: &settings::Setting| {
            format!("{} = {} from {}", setting.name, setting.value, setting.source)
        };
        report.settings.iter().map(one).collect()
    }

    #[test]
    fn the_environment_counts_before_the_file_and_the_file_before_the_default() {
        let yaml = "listen: 127.0.0.2:7\nsocket: /f.sock\nperson_socket: /p.sock\ncaps_dir: /f\nclients_file: /c.yaml\n\
                    allowed_hosts: [h]\ncall_timeout_seconds: 5\nworkers: 3\nstate_dir: /s\nplain: private\n\
                    tls: {certificate: /c.pem, key: credential:tls.key}\n\
                    vault: {address: 'https://v:8200', token: credential:vault}";
        let (config, report) = resolve(
            yaml,
            &[
                ("LLMBDO_GATEWAY_WEB_PORT", "9"),
                ("LLMBDO_GATEWAY_UNIX_SOCKET_PATH", "/e.sock"),
                ("LLMBDO_GATEWAY_EXECUTOR_WORKERS", "4"),
                ("LLMBDO_LOG_LEVEL", "WARN"),
            ],
        )
        .unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.2:9");
        assert_eq!((config.workers, config.call_timeout), (4, Duration::from_secs(5)));
        assert_eq!(
            told(&report),
            [
                "listen, address = \"127.0.0.2\" from file gateway.yaml",
                "listen, port = 9 from environment LLMBDO_GATEWAY_WEB_PORT",
                "socket = \"/e.sock\" from environment LLMBDO_GATEWAY_UNIX_SOCKET_PATH",
                "person_socket = \"/p.sock\" from file gateway.yaml",
                "caps_dir = \"/f\" from file gateway.yaml",
                "clients_file = \"/c.yaml\" from file gateway.yaml",
                "allowed_hosts = [\"h\"] from file gateway.yaml",
                "call_timeout_seconds = 5 from file gateway.yaml",
                "workers = 4 from environment LLMBDO_GATEWAY_EXECUTOR_WORKERS",
                "state_dir = \"/s\" from file gateway.yaml",
                "licence_file = null from default",
                "tiers_file = null from default",
                "licence_issuers_file = null from default",
                "policies_dir = null from default",
                "redact = [] from default",
                "tool_rates = [] from default",
                "tls = {\"certificate\":\"/c.pem\",\"key\":\"credential:tls.key\"} from file gateway.yaml",
                "vault = {\"address\":\"https://v:8200/\",\"token\":\"credential:vault\"} from file gateway.yaml",
                "plain = \"private\" from file gateway.yaml",
                "log level = \"warn\" from environment LLMBDO_LOG_LEVEL",
                "log format = \"text\" from default",
            ]
        );
    }

    #[test]
    fn what_the_machine_is_booted_with_counts_before_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = [("CREDENTIALS_DIRECTORY", folder.path().to_str().unwrap())];
        let plain = |content: Option<&str>, file: &str| {
            let path = folder.path().join(PLAIN_CREDENTIAL);
            match content {
                Some(content) => std::fs::write(path, content).unwrap(),
                None => drop(std::fs::remove_file(path)),
            }
            let (config, report) =
                resolve(&format!("clients_file: /c.yaml\n{file}"), &credentials)?;
            let told = told(&report).into_iter().find(|line| line.starts_with("plain"));
            Ok::<_, SettingsError>((config.plain, told.unwrap()))
        };
        let of_credential = " from credential llmbasedos.plain";
        let (rule, told) = plain(Some("private\n"), "plain: loopback").unwrap();
        assert_eq!((rule, told), (Plain::Private, format!("plain = \"private\"{of_credential}")));
        let (rule, told) = plain(Some("loopback"), "plain: private").unwrap();
        assert_eq!((rule, told), (Plain::Loopback, format!("plain = \"loopback\"{of_credential}")));
        let (rule, told) = plain(None, "plain: private").unwrap();
        assert_eq!(
            (rule, told.as_str()),
            (Plain::Private, "plain = \"private\" from file gateway.yaml")
        );
        let (rule, told) = plain(Some(" \n"), "").unwrap();
        assert_eq!((rule, told.as_str()), (Plain::Loopback, "plain = \"loopback\" from default"));
        let variables = [credentials[0], ("LLMBASEDOS_PLAIN", "private")];
        std::fs::write(folder.path().join(PLAIN_CREDENTIAL), "loopback").unwrap();
        let (config, _) = resolve("clients_file: /c.yaml", &variables).unwrap();
        assert_eq!(config.plain, Plain::Private);
        let error = plain(Some("public"), "").unwrap_err().to_string();
        assert_eq!(
            error,
            "the credential `llmbasedos.plain`: it must be `loopback` or `private`: correct it or take it away"
        );
        assert!(plain(Some(&"x".repeat(100_000)), "").is_err());
    }

    #[test]
    fn little_must_be_said() {
        let (config, report) = resolve("clients_file: /c.yaml", &[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
        assert_eq!((config.socket, config.person_socket), (None, None));
        assert_eq!(config.caps_dir, Path::new(CAPS_DIR));
        assert!((1..=MAX_WORKERS).contains(&config.workers));
        let set = |line: &String| !line.ends_with(" from default");
        assert_eq!(told(&report).iter().filter(|line| set(line)).count(), 1);
    }

    #[test]
    fn what_is_wrong_is_refused_whole() {
        let refused = |yaml: &str, variables: &[(&str, &str)], expected: &str| {
            let error = resolve(yaml, variables).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        refused(
            "clients_file: /c\nport: 1",
            &[],
            "`gateway.yaml` at line 2, column 1: unknown field",
        );
        refused("listen: 127.0.0.1:1", &[], "`gateway.yaml` at line 1, column 1: missing field");
        refused("clients_file: /c\nworkers: 0", &[], "`gateway.yaml`");
        for wrong in ["plain: public", "plain: yes", "tls: {certificate: /c}", "tls: /c"] {
            refused(&format!("clients_file: /c\n{wrong}"), &[], "`gateway.yaml` at line 2");
        }
        for (name, value) in [
            ("LLMBDO_GATEWAY_HOST", "here"),
            ("LLMBDO_GATEWAY_WEB_PORT", "http"),
            ("LLMBDO_GATEWAY_EXECUTOR_MAX_WORKERS", "65"),
            ("LLMBDO_GATEWAY_LOG_LEVEL", "loud"),
            ("LLMBDO_GATEWAY_LOG_FORMAT", "xml"),
        ] {
            refused(
                "clients_file: /c",
                &[(name, value)],
                &format!("the environment variable `{name}`"),
            );
        }
    }
}
