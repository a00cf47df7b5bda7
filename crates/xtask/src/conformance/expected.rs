//! What is expected to fail, and why.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::suite::{Scenario, Status};

/// Where the list is.
const LIST: &str = "crates/testkit/conformance/expected-failures.json";

/// The list.
#[derive(Debug)]
pub(super) struct Expected(Vec<Entry>);

/// One expected failure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    scenario: String,
    /// The one check that fails; the others of the scenario must not. Absent, any may fail, or nothing be checked.
    check: Option<String>,
    /// The revision at which it fails. Absent, it does at each that runs it.
    revision: Option<String>,
    /// Why it fails.
    reason: String,
}

impl Entry {
    fn is_about(&self, revision: &str, scenario: &str) -> bool {
        self.scenario == scenario && self.revision.as_deref().is_none_or(|own| own == revision)
    }
}

impl Expected {
    /// Reads the list of the checkout.
    pub(super) fn load(root: &Path) -> Result<Self> {
        let file = root.join(LIST);
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("read `{}`", file.display()))?;
        Self::parse(&text).with_context(|| format!("read `{}`", file.display()))
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let entries: Vec<Entry> = serde_json::from_str(text)?;
        if let Some(entry) = entries.iter().find(|entry| entry.reason.trim().is_empty()) {
            bail!("`{}` is expected to fail without a reason", entry.scenario);
        }
        Ok(Self(entries))
    }

    /// Why a whole scenario is expected to fail, if it is.
    pub(super) fn reason(&self, revision: &str, scenario: &str) -> Option<&str> {
        self.about(revision, scenario)
            .find(|entry| entry.check.is_none())
            .map(|entry| entry.reason.as_str())
    }

    fn about(&self, revision: &str, scenario: &str) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| entry.is_about(revision, scenario))
    }

    /// What is not as expected: failures that are not on the list, and what is on the list and does not fail.
    pub(super) fn judge(&self, revision: &str, scenarios: &[Scenario]) -> Vec<String> {
        scenarios.iter().flat_map(|scenario| self.judge_one(revision, scenario)).collect()
    }

    fn judge_one(&self, revision: &str, scenario: &Scenario) -> Vec<String> {
        let name = &scenario.name;
        let wrong: BTreeSet<&str> = scenario.wrong().map(|check| check.id.as_str()).collect();
        let unchecked = wrong.is_empty() && scenario.count(Status::Success) == 0;
        if self.reason(revision, name).is_some() {
            let stale = wrong.is_empty() && !unchecked;
            return stale
                .then(|| format!("{revision} {name} passes: take it off `{LIST}`"))
                .into_iter()
                .collect();
        }
        let listed: BTreeSet<&str> =
            self.about(revision, name).filter_map(|entry| entry.check.as_deref()).collect();
        let message = |id: &str| {
            let check = scenario.wrong().find(|check| check.id == id);
            check.and_then(|check| check.message.as_deref()).unwrap_or("it says no more")
        };
        let new = wrong
            .difference(&listed)
            .map(|id| format!("{revision} {name} fails at {id}: {}", message(id)));
        let stale = listed
            .difference(&wrong)
            .map(|id| format!("{revision} {name} does not fail at {id}: take it off `{LIST}`"));
        let nothing = unchecked.then(|| format!("{revision} {name} checks nothing"));
        new.chain(stale).chain(nothing).collect()
    }

    /// The entries about scenarios that there are not, after all have been run.
    pub(super) fn strangers(&self, met: &[(&str, String)]) -> Vec<String> {
        let is_met = |entry: &&Entry| {
            met.iter().any(|(revision, scenario)| entry.is_about(revision, scenario))
        };
        let strangers = self.0.iter().filter(|entry| !is_met(entry));
        strangers.map(|entry| format!("`{LIST}`: there is no `{}`", entry.scenario)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST_OF_TEST: &str = r#"[
        { "scenario": "whole", "reason": "r" },
        { "scenario": "part", "check": "b", "reason": "r" },
        { "scenario": "dated", "revision": "2025-11-25", "reason": "r" }
    ]"#;

    /// Judges a scenario with these checks, each given as its id and its status.
    #[track_caller]
    fn check(name: &str, checks: &[(&str, &str)], problems: &[&str]) {
        let checks: Vec<_> = checks
            .iter()
            .map(|(id, status)| {
                format!(r#"{{"id":"{id}","status":"{status}","errorMessage":"m"}}"#)
            })
            .collect();
        let scenario = Scenario {
            name: name.to_owned(),
            required: true,
            checks: serde_json::from_str(&format!("[{}]", checks.join(","))).unwrap(),
        };
        let expected = Expected::parse(LIST_OF_TEST).unwrap();
        assert_eq!(expected.judge("2026-07-28", &[scenario]), problems);
    }

    #[test]
    fn what_fails_must_be_listed() {
        check("other", &[("a", "SUCCESS"), ("b", "SKIPPED"), ("c", "INFO")], &[]);
        check("other", &[("a", "SUCCESS"), ("b", "FAILURE")], &["2026-07-28 other fails at b: m"]);
        check("other", &[("a", "SUCCESS"), ("b", "WARNING")], &["2026-07-28 other fails at b: m"]);
        check("other", &[("a", "INFO")], &["2026-07-28 other checks nothing"]);
        check("whole", &[("a", "FAILURE"), ("b", "SUCCESS")], &[]);
        check("whole", &[("a", "INFO")], &[]);
        check("part", &[("a", "SUCCESS"), ("b", "FAILURE")], &[]);
        check("part", &[("a", "FAILURE"), ("b", "FAILURE")], &["2026-07-28 part fails at a: m"]);
        check("dated", &[("a", "FAILURE")], &["2026-07-28 dated fails at a: m"]);
    }

    #[test]
    fn what_is_listed_must_fail() {
        let problem = format!("2026-07-28 whole passes: take it off `{LIST}`");
        check("whole", &[("a", "SUCCESS")], &[&problem]);
        let problem = format!("2026-07-28 part does not fail at b: take it off `{LIST}`");
        check("part", &[("a", "SUCCESS"), ("b", "SUCCESS")], &[&problem]);
        check("dated", &[("a", "SUCCESS")], &[]);
    }

    #[test]
    fn an_entry_is_about_something_and_has_a_reason() {
        let expected = Expected::parse(LIST_OF_TEST).unwrap();
        let met = ["whole", "part", "dated"].map(|name| ("2026-07-28", name.to_owned()));
        assert_eq!(expected.strangers(&met), [format!("`{LIST}`: there is no `dated`")]);
        for bad in [
            r#"[{ "scenario": "a" }]"#,
            r#"[{ "scenario": "a", "reason": " " }]"#,
            r#"[{ "scenario": "a", "reason": "r", "checks": "b" }]"#,
        ] {
            assert!(Expected::parse(bad).is_err(), "{bad}");
        }
    }
}
