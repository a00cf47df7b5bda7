//! The network sees no key: other machines connect by TLS, and plainly only where the owner has allowed it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::vm::Site;
use crate::vm::machine::{Machine, PERSON};
use crate::vm::mcp::Caller;
use crate::vm::qemu::{Options, Plain};

pub(crate) const RELIED_ON: &str = "without the owner's word plain HTTP is refused from outside, and TLS with the exported authority works";

/// How long the gateway may take to be back.
const RESTART: Duration = Duration::from_mins(1);
/// Where the machine's person exports the authority.
const EXPORTED: &str = "/home/llmuser/ca.pem";
/// The file that the question of the installation writes.
const ANSWER: &str = "/etc/credstore/llmbasedos.plain";
/// What the settings of the gateway are, with its credentials.
const CONFIG: &str =
    "CREDENTIALS_DIRECTORY=/run/credentials/llmbasedos-gateway.service llmbasedos config show";

pub(crate) fn run(site: &Site<'_>) -> Result<()> {
    let options = Options { plain: Plain::Unsaid, ..Options::default() };
    let mut machine = Machine::boot(&site.trees, &site.image, &options)?;
    machine.checked(|machine| check(site, machine))
}

fn check(site: &Site<'_>, machine: &mut Machine) -> Result<()> {
    let host = Caller::of(machine)?;
    let (status, body) = host.post("fs_list", &json!({ "path": "/" }))?;
    ensure!(status == 403 && body.contains("use https://"), "plainly it says {status}: {body}");
    let inside = machine.run_as(PERSON, "cd && llmbasedos tls show --json --ca-out ca.pem")?;
    ensure!(inside.status == 0, "the person is not shown the certificate: {inside:?}");
    let inside: Value = serde_json::from_str(&inside.out)?;

    // From outside: what the person of the machine carries to the other.
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let exported = folder.path().join("ca.pem");
    fs::write(&exported, machine.done(&format!("cat {EXPORTED}"))?)?;
    let seen = shown(site, machine)?;
    ensure!(seen["authority"] == inside["authority"], "inside {inside}, outside {seen}");
    let names = seen["certificate"]["names"].to_string();
    for name in ["\"llmbasedos.local\"", "\"10.0.2.15\"", "\"localhost\""] {
        ensure!(names.contains(name), "the certificate is not for {name}: {names}");
    }
    let listed = bridged(site, machine, Some(&exported))?;
    ensure!(listed.contains("README.md"), "over TLS it lists {listed}");
    let refused = bridged(site, machine, None)?;
    ensure!(refused.contains("is not trusted"), "whom nobody trusts answers {refused}");

    // At the machine plain HTTP goes on.
    let local = machine.run_as(
        PERSON,
        "echo \"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":1,\\\"method\\\":\\\"tools/list\\\"}\" | \
         llmbasedos mcp --url http://127.0.0.1:8000/mcp --key-file /var/lib/llmbasedos/first-key/key",
    )?;
    ensure!(local.out.contains("fs_read"), "at the machine itself: {local:?}");

    // The owner's word, as the installation keeps it.
    machine.done(&format!(
        "mkdir -p -m 700 /etc/credstore && echo private > {ANSWER} && systemctl restart llmbasedos-gateway"
    ))?;
    let told = machine.done(&format!("{CONFIG} | grep '^ *plain '"))?;
    ensure!(told.contains("private") && told.contains("credential llmbasedos.plain"), "{told}");
    let listed = crate::wait::until("plain HTTP to be taken", RESTART, || {
        Ok(host.call("fs_list", &json!({ "path": "/" })).ok())
    })?;
    ensure!(listed.to_string().contains("README.md"), "plainly it lists {listed}");
    let after = shown(site, machine)?;
    ensure!(after["authority"] == seen["authority"], "a restart made another authority: {after}");
    // A word that is none is said, and nothing is served by it.
    machine
        .done(&format!("echo public > {ANSWER}; systemctl restart llmbasedos-gateway || true"))?;
    let journal = "journalctl -b -u llmbasedos-gateway | grep 'it must be `loopback` or `private`'";
    machine.until("the gateway to refuse it", RESTART, journal)?;
    Ok(())
}

/// What `tls show` shows of the machine's gateway from outside.
fn shown(site: &Site<'_>, machine: &Machine) -> Result<Value> {
    let at = format!("127.0.0.1:{}", machine.port());
    let mut show = Command::new(site.programs.join("llmbasedos"));
    let output = show.args(["tls", "show", "--json", "--at", &at]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).with_context(|| format!("nothing is shown: {said}"))
}

/// What a host gets that lists the person's files over TLS, by the bridge on this machine.
fn bridged(site: &Site<'_>, machine: &mut Machine, authority: Option<&Path>) -> Result<String> {
    let url = format!("https://localhost:{}/mcp", machine.port());
    let mut bridge = Command::new(site.programs.join("llmbasedos"));
    bridge.args(["mcp", "--url", &url]).env_clear().env("LLMBASEDOS_KEY", machine.key()?);
    bridge.envs(authority.map(|file| ("LLMBASEDOS_CA_FILE", file)));
    let bridge = bridge.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut bridge = bridge.spawn()?;
    let params = json!({ "name": "fs_list", "arguments": { "path": "/" } });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    writeln!(bridge.stdin.take().context("standard input")?, "{message}")?;
    let output = bridge.wait_with_output()?;
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}
