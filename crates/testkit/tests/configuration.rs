//! What is configured is what runs, and is shown with where it came from.
#![cfg(test)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use testkit::{Up, programs};

/// A folder with a right configuration.
fn configs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let clients = folder.path().join("clients.yaml");
    fs::write(&clients, "clients: []\n").unwrap();
    let gateway = format!("clients_file: {}\ncaps_dir: /run/x\n", clients.display());
    fs::write(folder.path().join("gateway.yaml"), gateway).unwrap();
    fs::write(folder.path().join("fs.yaml"), "root: /srv/files\nstate: /var/lib/fs\n").unwrap();
    folder
}

/// Runs `llmbasedos config show` with these variables and no others.
fn show(configs: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(programs().join("llmbasedos"))
        .args(["config", "show", "--config-dir"])
        .arg(configs)
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The words of the line of a setting.
fn line<'o>(shown: &'o str, setting: &str) -> Vec<&'o str> {
    let start = format!("{setting} ");
    let found = shown.lines().map(str::trim_start).find(|line| line.starts_with(&start));
    found
        .unwrap_or_else(|| panic!("no `{setting}`:\n{shown}"))
        .split("  ")
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn every_setting_is_shown_with_where_it_came_from() {
    let configs = configs();
    let variables = [
        ("LLMBDO_GATEWAY_WEB_PORT", "8123"),
        ("LLMBDO_FS_DATA_ROOT", "/data"),
        ("LLMBDO_FS_WORKERS", "3"),
        ("LLMBASEDOS_KEY", "llmb_hunter2"),
        ("LLMBDO_MAIL_ACCOUNTS_CONFIG", "/etc/mail.yaml"),
        ("LLMBDO_INTERNAL_SHARED_SECRET", "hunter3"),
        ("LLMBDO_GATEWAY_WEBPORT", "1"),
    ];
    let output = show(configs.path(), &variables, &[]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let file = |name: &str| format!("file {}", configs.path().join(name).display());
    for (setting, value, from) in [
        ("listen, port", "8123", "environment LLMBDO_GATEWAY_WEB_PORT"),
        ("listen, address", "127.0.0.1", "default"),
        ("socket", "none", "default"),
        ("caps_dir", "/run/x", &file("gateway.yaml")),
        ("root", "/data", "environment LLMBDO_FS_DATA_ROOT"),
        ("state", "/var/lib/fs", &file("fs.yaml")),
        ("key", "set, not shown", "environment LLMBASEDOS_KEY"),
    ] {
        assert_eq!(line(&shown, setting)[..3], [setting, value, from]);
    }
    assert!(shown.contains("environment LLMBDO_FS_WORKERS"), "{shown}");
    // The names by which it could be set are there, whether they are or not.
    assert_eq!(line(&shown, "socket")[3], "LLMBDO_GATEWAY_UNIX_SOCKET_PATH");
    assert_eq!(line(&shown, "LLMBDO_MAIL_ACCOUNTS_CONFIG")[1], "not served yet: mail");
    assert!(line(&shown, "LLMBDO_INTERNAL_SHARED_SECRET")[1].starts_with("ignored: "));
    assert!(line(&shown, "LLMBDO_GATEWAY_WEBPORT")[1].starts_with("unknown"));
    let json = text(&show(configs.path(), &variables, &["--json"]).stdout);
    let parsed: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(parsed["programs"][0]["settings"][1]["value"], 8123);
    assert_eq!(parsed["refused"], serde_json::json!([]));
    for secret in ["hunter2", "hunter3"] {
        assert!(!shown.contains(secret) && !json.contains(secret), "{shown}\n{json}");
    }
}

/// Checks that the gateway's configuration is refused for `reason`, and nothing of it is shown.
#[track_caller]
fn refused(configs: &Path, variables: &[(&str, &str)], reason: &str) {
    let output = show(configs, variables, &[]);
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(reason), "{said}");
    assert!(!shown.contains("listen"), "the gateway's settings are shown:\n{shown}");
    assert!(shown.contains("/srv/files"), "the file server's are not:\n{shown}");
}

#[test]
fn a_broken_configuration_is_refused_whole_with_file_line_and_reason() {
    let configs = configs();
    let (right, broken) =
        (configs.path().join("gateway.yaml"), configs.path().join("gateway.yaml"));
    let right = fs::read_to_string(right).unwrap();
    for (lines, place, reason) in [
        ("workerz: 3", "at line 3, column 1", "unknown field `workerz`"),
        ("workers: 1000", "", "it must be a number from 1 to 64"),
        ("allowed_hosts: [a", "at line ", "correct the file"),
        ("caps_dir: /run/y", "at line 3", "duplicate"),
    ] {
        fs::write(&broken, format!("{right}{lines}\n")).unwrap();
        refused(configs.path(), &[], &format!("`{}`", broken.display()));
        refused(configs.path(), &[], place);
        refused(configs.path(), &[], reason);
    }
    fs::write(&broken, &right).unwrap();
    let port = [("LLMBDO_GATEWAY_WEB_PORT", "http")];
    refused(configs.path(), &port, "the environment variable `LLMBDO_GATEWAY_WEB_PORT`");
    fs::write(configs.path().join("clients.yaml"), "clients: {}\n").unwrap();
    refused(configs.path(), &[], "clients.yaml` at line 1");
    // It does not start with it either.
    let gateway = Command::new(programs().join("gateway")).arg("--config").arg(&broken).output();
    assert_eq!(gateway.unwrap().status.code(), Some(1));
}

#[test]
fn what_up_takes_from_the_environment_is_in_the_files_and_not_in_the_daemons_environment() {
    let home = tempfile::Builder::new().prefix("llmb").tempdir().unwrap();
    let root = home.path().join("exposed");
    fs::create_dir(&root).unwrap();
    let socket = home.path().join("g.sock");
    let program = programs().join("bringup");
    let exposed = format!("LLMBDO_FS_VIRTUAL_ROOT={}", root.display());
    let bound = format!("LLMBDO_GATEWAY_UNIX_SOCKET_PATH={}", socket.display());
    let words = [
        "env",
        &exposed,
        &bound,
        "LLMBDO_GATEWAY_HOST=127.0.0.2",
        "LLMBDO_LOG_LEVEL=debug",
        program.to_str().unwrap(),
    ];
    let mut up = Up::run(&words, home.path());
    let facts = up.ready();
    assert_eq!(facts.root, root);
    assert!(facts.endpoint.starts_with("http://127.0.0.2:"), "{}", facts.endpoint);
    let gateway = fs::read_to_string(up.state().join("config/gateway.yaml")).unwrap();
    for written in [socket.to_str().unwrap(), "127.0.0.2:"] {
        assert!(gateway.contains(written), "{gateway}");
    }
    assert!(socket.symlink_metadata().is_ok(), "there is no socket");
    for pid in facts.pids.values() {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
        let environment = String::from_utf8_lossy(&environment);
        assert!(environment.contains("LLMBDO_LOG_LEVEL=debug"), "{environment}");
        for taken in ["LLMBDO_GATEWAY_", "_ROOT", "LLMBDO_MCP_CAPS_DIR"] {
            assert!(!environment.contains(taken), "{environment}");
        }
    }
}
