//! Figures beside their goals.

use std::fmt::Write as _;

use serde::Serialize;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Lower,
    Higher,
}

/// What a figure should be.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Goal {
    /// What must be reached to ship.
    pub(crate) floor: f64,
    /// What is aimed at.
    pub(crate) target: f64,
    pub(crate) better: Better,
}

/// A figure, measured several times.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    /// The goal's number in the list of goals, or nothing where it only explains another.
    pub(crate) number: &'static str,
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    /// One a repeat.
    pub(crate) values: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) goal: Option<Goal>,
}

impl Goal {
    pub(crate) const fn at_most(floor: f64, target: f64) -> Self {
        Self { floor, target, better: Better::Lower }
    }

    pub(crate) const fn at_least(floor: f64, target: f64) -> Self {
        Self { floor, target, better: Better::Higher }
    }

    fn reached(&self, value: f64, bound: f64) -> bool {
        match self.better {
            Better::Lower => value <= bound,
            Better::Higher => value >= bound,
        }
    }
}

impl Figure {
    /// The middle one.
    pub(crate) fn median(&self) -> f64 {
        quantile(&self.values, 0.5)
    }

    /// Whether even the best of the repeats does not reach the floor: on a noisy machine one bad repeat says nothing.
    pub(crate) fn misses_its_floor(&self) -> bool {
        let Some(goal) = self.goal else { return false };
        !self.values.iter().any(|value| goal.reached(*value, goal.floor))
    }

    fn verdict(&self) -> &'static str {
        match self.goal {
            None => "",
            Some(goal) if goal.reached(self.median(), goal.target) => "target",
            Some(goal) if goal.reached(self.median(), goal.floor) => "floor",
            Some(_) => "MISSED",
        }
    }
}

/// A table of all.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut out = format!(
        "{:<4} {:<58} {:>10} {:>21} {:>9} {:>9} {}\n",
        "", "", "median", "spread", "floor", "target", "reached"
    );
    for figure in figures {
        let spread =
            format!("{:.2} to {:.2}", quantile(&figure.values, 0.0), quantile(&figure.values, 1.0));
        let bound = |bound: fn(Goal) -> f64| {
            figure.goal.map_or_else(String::new, |goal| format!("{}", bound(goal)))
        };
        let median = format!("{:.2}", figure.median());
        // Writing into memory has no way to fail.
        writeln!(
            out,
            "{:<4} {:<58} {:>10} {:>21} {:>9} {:>9} {}",
            figure.number,
            format!("{}, {}", figure.what, figure.unit),
            median,
            spread,
            bound(|goal| goal.floor),
            bound(|goal| goal.target),
            figure.verdict()
        )
        .ok();
    }
    out
}

/// The value below which this share of all lies, the nearest there is; 0 where there are none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the place of a value in a list that fits into memory"
)]
pub(crate) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1) as f64;
    sorted.get((last * share).round() as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(values: &[f64], goal: Option<Goal>) -> Figure {
        Figure { number: "P0", what: "it".to_owned(), unit: "µs", values: values.to_vec(), goal }
    }

    #[test]
    fn quantiles() {
        let values = [5.0, 1.0, 3.0, 2.0, 4.0];
        for (share, expected) in [(0.0, 1.0), (0.5, 3.0), (1.0, 5.0), (0.99, 5.0)] {
            assert!((quantile(&values, share) - expected).abs() < 1e-9, "{share}");
        }
        assert!(quantile(&[], 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_floor_is_missed_where_no_repeat_reaches_it() {
        let goals = [Some(Goal::at_most(10.0, 5.0)), Some(Goal::at_least(0.5, 0.7))];
        let cases = [
            (goals[0], [4.0, 4.0, 20.0], "target", false),
            (goals[0], [9.0, 11.0, 12.0], "MISSED", false),
            (goals[0], [11.0, 12.0, 13.0], "MISSED", true),
            (goals[1], [0.6, 0.6, 0.1], "floor", false),
            (goals[1], [0.4, 0.3, 0.1], "MISSED", true),
            (None, [1.0, 1.0, 1.0], "", false),
        ];
        for (goal, values, verdict, missed) in cases {
            let figure = figure(&values, goal);
            assert_eq!((figure.verdict(), figure.misses_its_floor()), (verdict, missed));
            assert!(table(&[figure]).contains("it, µs"));
        }
    }
}
