//! The suite: what it requires, how it is run, and what it leaves.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::cache::Cache;
use crate::process;
use crate::workspace::Workspace;

/// Where npm puts the suite, beneath the folder of tools.
const SCRIPT: &str = "node/node_modules/@modelcontextprotocol/conformance/dist/index.js";

/// The suite, and the appliance that it is run against.
pub(super) struct Suite<'a> {
    workspace: &'a Workspace,
    node: PathBuf,
    script: PathBuf,
    folder: PathBuf,
    verbose: bool,
    appliance: Running,
}

/// A scenario that was run.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) name: String,
    /// Whether the revision requires it; else it is run, and not scored.
    pub(super) required: bool,
    pub(super) checks: Vec<Check>,
}

/// One check of a scenario. Checks may share an id.
#[derive(Debug, Deserialize)]
pub(super) struct Check {
    pub(super) id: String,
    pub(super) status: Status,
    #[serde(rename = "errorMessage")]
    pub(super) message: Option<String>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Success,
    /// A MUST is broken.
    Failure,
    /// A SHOULD is broken.
    Warning,
    /// It does not apply, as far as the suite can tell.
    Skipped,
    /// An observation, which is no verdict.
    Info,
}

impl Scenario {
    /// How many checks ended so.
    pub(super) fn count(&self, status: Status) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }

    /// The checks that found something wrong, a broken SHOULD too.
    pub(super) fn wrong(&self) -> impl Iterator<Item = &Check> {
        let is_wrong = |check: &&Check| matches!(check.status, Status::Failure | Status::Warning);
        self.checks.iter().filter(is_wrong)
    }

    /// Whether it passed: as the suite scores it, but that one in which nothing was checked did not.
    pub(super) fn passed(&self) -> bool {
        self.count(Status::Failure) == 0 && self.count(Status::Success) > 0
    }
}

impl<'a> Suite<'a> {
    /// Starts the appliance.
    pub(super) fn start(workspace: &'a Workspace, cache: &Cache, verbose: bool) -> Result<Self> {
        let script = cache.tools().join(SCRIPT);
        if !script.is_file() {
            bail!("the conformance suite is not installed: run `cargo xtask tools`");
        }
        let folder = workspace.target.join("conformance");
        if let Err(error) = fs::remove_dir_all(&folder)
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error).with_context(|| format!("remove `{}`", folder.display()));
        }
        Ok(Self {
            workspace,
            node: cache.tools().join("node/node_modules/.bin/node"),
            script,
            folder,
            verbose,
            appliance: Running::start(workspace)?,
        })
    }

    /// Where it leaves what it finds.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs all scenarios of a revision, or one of them.
    pub(super) fn run(&self, revision: &str, only: Option<&str>) -> Result<Vec<Scenario>> {
        let list = process::capture(self.command().args(["list", "--requirements", revision]))?;
        let mut scenarios = contract(&list);
        if scenarios.is_empty() {
            bail!("the suite lists nothing for {revision}");
        }
        scenarios.retain(|scenario| only.is_none_or(|only| only == scenario.name));
        if scenarios.is_empty() {
            return Ok(scenarios);
        }
        let folder = self.folder.join(revision);
        fs::create_dir_all(&folder).with_context(|| format!("make `{}`", folder.display()))?;
        let mut command = self.command();
        command.args(["server", "--url", &self.appliance.url, "--output-dir"]).arg(&folder);
        match only {
            // What the revision requires is run at it, whatever the scenario says of itself.
            Some(only) => {
                command.args(["--scenario", only, "--force", "--spec-version", revision]);
            }
            None => {
                command.args(["--requirements", revision]);
            }
        }
        if !self.verbose {
            let log = File::create(folder.join("log")).context("write the suite's log")?;
            command.stdout(log.try_clone()?).stderr(log);
        }
        // Its verdict is not ours, and what it could not run is missing below.
        command.stdin(Stdio::null()).status().context("start the conformance suite")?;
        for scenario in &mut scenarios {
            scenario.checks = checks_of(&folder, &scenario.name)?;
        }
        Ok(scenarios)
    }

    fn command(&self) -> Command {
        let mut command = self.workspace.command(&self.node);
        command.arg(&self.script);
        command
    }
}

/// What a scenario left in its folder, which is named by the scenario and the time.
fn checks_of(folder: &Path, name: &str) -> Result<Vec<Check>> {
    for entry in fs::read_dir(folder).with_context(|| format!("list `{}`", folder.display()))? {
        let entry = entry?;
        if scenario_of(&entry.file_name().to_string_lossy()) == Some(name) {
            let file = entry.path().join("checks.json");
            let text =
                fs::read_to_string(&file).with_context(|| format!("read `{}`", file.display()))?;
            return serde_json::from_str(&text)
                .with_context(|| format!("parse `{}`", file.display()));
        }
    }
    let message = Some("the suite could not run it".to_owned());
    Ok(vec![Check { id: name.to_owned(), status: Status::Failure, message }])
}

/// The scenario that a folder such as `server-tools-list-2026-11-23T01-27-09-014Z` belongs to.
fn scenario_of(folder: &str) -> Option<&str> {
    // Year, month, day with hour, minute, second and millisecond stand after the name.
    folder.strip_prefix("server-")?.rsplitn(7, '-').nth(6)
}

/// Reads what the suite lists for a revision: the scenarios against a server, those that are required first.
fn contract(list: &str) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    // `None` among the scenarios against a client.
    let mut required = None;
    for line in list.lines() {
        if line.starts_with("Server scenarios") {
            required = Some(true);
        } else if line.starts_with("Client scenarios") {
            required = None;
        } else if line.starts_with("Run and reported") {
            required = Some(false);
        }
        let (Some(required), Some(item)) = (required, line.trim_start().strip_prefix("- ")) else {
            continue;
        };
        let name = if required { Some(item) } else { item.strip_suffix(" [server]") };
        scenarios.extend(name.map(|name| Scenario {
            name: name.to_owned(),
            required,
            checks: Vec::new(),
        }));
    }
    scenarios
}

/// The appliance with its fixture. Dropping it ends all of it in order.
struct Running {
    process: Child,
    /// It ends when this does.
    input: Option<ChildStdin>,
    url: String,
}

impl Running {
    fn start(workspace: &Workspace) -> Result<Self> {
        let program = workspace.target.join("ci/conformance");
        let mut process = workspace
            .command(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start `{}`", program.display()))?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let mut running = Self { process, input, url: String::new() };
        if let Some(output) = output {
            BufReader::new(output).read_line(&mut running.url).context("wait for the appliance")?;
        }
        running.url.truncate(running.url.trim_end().len());
        if running.url.is_empty() {
            bail!("the appliance could not be started");
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.input.take());
        // There is nobody to tell if it cannot be waited for.
        self.process.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_is_read() {
        let list = "\
Required for 2026-07-28 (3 scenarios, frozen; run at the 2026-07-28 wire):

Server scenarios (test against a server):
  - server-stateless
  - tools-list

Client scenarios (test against a client):
  - auth/metadata-default

Run and reported, but never scored:
  extension (2):
    - auth/dpop [client]
    - tasks-lifecycle [server]
  pending (1):
    - json-schema-2020-12 [server]
";
        let found: Vec<(String, bool)> =
            contract(list).into_iter().map(|found| (found.name, found.required)).collect();
        let expected = [
            ("server-stateless", true),
            ("tools-list", true),
            ("tasks-lifecycle", false),
            ("json-schema-2020-12", false),
        ];
        assert_eq!(found, expected.map(|(name, required)| (name.to_owned(), required)));
        assert!(contract("Nothing here\n  - tools-list\n").is_empty());
    }

    #[test]
    fn a_folder_names_its_scenario() {
        let at = "2026-11-23T01-27-09-014Z";
        for name in ["ping", "server-stateless", "json-schema-2020-12"] {
            assert_eq!(scenario_of(&format!("server-{name}-{at}")), Some(name));
        }
        assert_eq!(scenario_of("log"), None);
    }

    #[test]
    fn a_scenario_passes_if_something_was_checked_and_nothing_failed() {
        let scenario = |json: &str| Scenario {
            name: "s".to_owned(),
            required: true,
            checks: serde_json::from_str(json).unwrap(),
        };
        let success = r#"{"id":"a","status":"SUCCESS","details":{}}"#;
        for (other, passed, wrong) in [
            (r#"{"id":"b","status":"INFO"}"#, true, 0),
            (r#"{"id":"b","status":"SKIPPED"}"#, true, 0),
            (r#"{"id":"b","status":"WARNING","errorMessage":"m"}"#, true, 1),
            (r#"{"id":"b","status":"FAILURE"}"#, false, 1),
        ] {
            let scenario = scenario(&format!("[{success},{other}]"));
            assert_eq!((scenario.passed(), scenario.wrong().count()), (passed, wrong), "{other}");
        }
        assert!(!scenario(r#"[{"id":"b","status":"INFO"}]"#).passed());
        assert!(!scenario("[]").passed());
    }
}
