//! The closing table: who spent what, against what it may spend.

use std::path::Path;
use std::time::Duration;

use super::Outcome;
use super::parts::{Budget, Part};

/// What all parts together may take, in seconds.
const TOTAL: Budget = Budget { warm: 30 * 60, cold: 75 * 60 };

/// One part that has run.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) part: Part,
    pub(super) outcome: Outcome,
    pub(super) time: Duration,
}

/// Whether there was something to build upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Warmth {
    Warm,
    Cold,
}

impl Warmth {
    /// Looked at before the first part runs.
    pub(super) fn of(target: &Path) -> Self {
        if target.join("ci").is_dir() { Self::Warm } else { Self::Cold }
    }

    fn pick(self, budget: &Budget) -> u64 {
        match self {
            Self::Warm => budget.warm,
            Self::Cold => budget.cold,
        }
    }
}

impl Outcome {
    fn text(&self) -> String {
        match self {
            Self::Passed => "passed".to_owned(),
            Self::Failed => "FAILED".to_owned(),
            Self::Unavailable => "not available".to_owned(),
            Self::Skipped(cause) => format!("skipped: {} failed", cause.name()),
        }
    }
}

/// The lines of the table.
pub(super) fn render(rows: &[Row], warmth: Warmth) -> Vec<String> {
    let build = match warmth {
        Warmth::Warm => "warm build cache",
        Warmth::Cold => "cold build cache",
    };
    let mut lines =
        vec![format!("{:<11} {:<24} {:>8} {:>7}", "part", "result", "seconds", "budget")];
    for row in rows {
        let budget = warmth.pick(&row.part.budget());
        lines.push(line(row.part.name(), &row.outcome.text(), row.time, budget));
    }
    let total = rows.iter().map(|row| row.time).sum();
    lines.push(line("total", build, total, warmth.pick(&TOTAL)));
    lines
}

/// A part over its budget does not fail: a slow machine is no defect. It is marked, and the total
/// is what CI cuts.
fn line(name: &str, result: &str, time: Duration, budget: u64) -> String {
    let over = if time > Duration::from_secs(budget) { "  over budget" } else { "" };
    format!("{name:<11} {result:<24} {:>8.1} {budget:>7}{over}", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_every_outcome_and_who_is_over_budget() {
        let row =
            |part, outcome, seconds| Row { part, outcome, time: Duration::from_secs(seconds) };
        let rows = [
            row(Part::Fmt, Outcome::Passed, 1),
            row(Part::Advisories, Outcome::Unavailable, 2),
            row(Part::Build, Outcome::Failed, 301),
            row(Part::Tests, Outcome::Skipped(Part::Build), 0),
        ];
        assert_eq!(
            render(&rows, Warmth::Warm),
            [
                "part        result                    seconds  budget",
                "fmt         passed                        1.0      10",
                "advisories  not available                 2.0      70",
                "build       FAILED                      301.0     260  over budget",
                "tests       skipped: build failed         0.0     400",
                "total       warm build cache            304.0    1800",
            ]
        );
        let cold = render(&rows, Warmth::Cold);
        assert_eq!(cold[3], "build       FAILED                      301.0     900");
        assert_eq!(cold[5], "total       cold build cache            304.0    4500");
    }

    #[test]
    fn a_build_folder_without_the_profile_is_cold() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(Warmth::of(temp.path()), Warmth::Cold);
        std::fs::create_dir(temp.path().join("ci")).unwrap();
        assert_eq!(Warmth::of(temp.path()), Warmth::Warm);
    }
}
