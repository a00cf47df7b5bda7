//! The table of a revision.

use super::expected::Expected;
use super::suite::{Scenario, Status};

/// The lines of the table: what is required, then what is run and not scored.
pub(super) fn render(revision: &str, scenarios: &[Scenario], expected: &Expected) -> Vec<String> {
    let mut lines = vec![line(revision, "result", ["passed", "failed", "warned", "skipped"])];
    for (required, kind) in [(true, "required"), (false, "unscored")] {
        let some: Vec<&Scenario> =
            scenarios.iter().filter(|scenario| scenario.required == required).collect();
        lines.extend(some.iter().map(|scenario| row(revision, scenario, expected)));
        if some.is_empty() {
            continue;
        }
        let passed = some.iter().filter(|scenario| scenario.passed()).count();
        lines.push(format!("{passed} of {} {kind}\n", some.len()));
    }
    lines
}

fn row(revision: &str, scenario: &Scenario, expected: &Expected) -> String {
    let result = match (scenario.passed(), expected.reason(revision, &scenario.name)) {
        (true, _) => "passed",
        (false, Some(_)) => "expected to fail",
        (false, None) => "FAILED",
    };
    let statuses = [Status::Success, Status::Failure, Status::Warning, Status::Skipped];
    let counts = statuses.map(|status| scenario.count(status).to_string());
    line(&scenario.name, result, counts.each_ref().map(String::as_str))
}

fn line(name: &str, result: &str, cells: [&str; 4]) -> String {
    let [passed, failed, warned, skipped] = cells;
    format!("{name:<46} {result:<16} {passed:>6} {failed:>6} {warned:>6} {skipped:>7}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scenario_has_its_row_and_each_kind_its_total() {
        let scenario = |name: &str, required, checks: &str| Scenario {
            name: name.to_owned(),
            required,
            checks: serde_json::from_str(checks).unwrap(),
        };
        let scenarios = [
            scenario("good", true, r#"[{"id":"a","status":"SUCCESS"}]"#),
            scenario(
                "bad",
                true,
                r#"[{"id":"a","status":"FAILURE"},{"id":"b","status":"WARNING"}]"#,
            ),
            scenario("known", false, r#"[{"id":"a","status":"SKIPPED"}]"#),
        ];
        let expected = Expected::parse(r#"[{"scenario":"known","reason":"r"}]"#).unwrap();
        assert_eq!(
            render("2026-07-28", &scenarios, &expected),
            [
                "2026-07-28                                     result           passed failed warned skipped",
                "good                                           passed                1      0      0       0",
                "bad                                            FAILED                0      1      1       0",
                "1 of 2 required\n",
                "known                                          expected to fail      0      0      0       1",
                "0 of 1 unscored\n",
            ]
        );
        assert_eq!(render("2026-07-28", &scenarios[..1], &expected).len(), 3);
    }
}
