//! What libFuzzer says of a run, and the table of all.

use std::path::PathBuf;

/// How many of the last lines are shown when something breaks: the panic, and the stack that led to it.
const TAIL_LINES: usize = 60;

/// One target that has run.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Row {
    pub(super) target: String,
    /// How many inputs it was given.
    pub(super) executions: u64,
    pub(super) per_second: u64,
    /// How many edges between blocks of code were reached, by the corpus too.
    pub(super) edges: u64,
    /// How many inputs were added to the corpus.
    pub(super) new_inputs: usize,
    /// The inputs that broke something.
    pub(super) found: Vec<PathBuf>,
    /// The end of what it said.
    pub(super) tail: String,
}

impl Row {
    /// Reads the numbers out of libFuzzer's output. What it does not say, because it ended early, is zero.
    pub(super) fn read(target: &str, said: &str) -> Self {
        let statistic = |name: &str| {
            let mut values =
                said.lines().rev().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            values.next().and_then(|value| value.trim().parse().ok()).unwrap_or(0)
        };
        // `#131072 pulse  cov: 274 ft: 1432 corp: 511/13Kb …`
        let mut edges =
            said.lines().rev().filter(|line| line.starts_with('#')).filter_map(|line| {
                let (_, rest) = line.split_once("cov: ")?;
                rest.split_whitespace().next()?.parse().ok()
            });
        let lines: Vec<&str> = said.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default();
        Self {
            target: target.to_owned(),
            executions: statistic("stat::number_of_executed_units"),
            per_second: statistic("stat::average_exec_per_sec"),
            edges: edges.next().unwrap_or(0),
            tail: tail.join("\n"),
            ..Self::default()
        }
    }
}

/// The lines of the table.
pub(super) fn render(rows: &[Row]) -> Vec<String> {
    let line = |target: &str, cells: [&str; 5]| {
        let [executions, per_second, edges, new_inputs, crashes] = cells;
        format!(
            "{target:<12} {executions:>12} {per_second:>12} {edges:>7} {new_inputs:>10} {crashes:>7}"
        )
    };
    let head = ["executions", "executions/s", "edges", "new inputs", "crashes"];
    let mut lines = vec![line("target", head)];
    lines.extend(rows.iter().map(|row| {
        let numbers = [row.executions, row.per_second, row.edges].map(|number| number.to_string());
        let counts = [row.new_inputs, row.found.len()].map(|count| count.to_string());
        let ([executions, per_second, edges], [new_inputs, crashes]) = (&numbers, &counts);
        line(&row.target, [executions, per_second, edges, new_inputs, crashes])
    }));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
INFO: seed corpus: files: 6 min: 74b max: 130b total: 586b rss: 43Mb
#7\tINITED cov: 260 ft: 300 corp: 6/586b exec/s: 0 rss: 44Mb
#131072\tpulse  cov: 274 ft: 1432 corp: 511/13Kb lim: 1300 exec/s: 65536 rss: 91Mb
Done 466144 runs in 7 second(s)
stat::number_of_executed_units: 466144
stat::average_exec_per_sec:     66592
stat::new_units_added:          3788
";

    #[test]
    fn the_numbers_are_read_and_shown() {
        let row = Row { new_inputs: 12, ..Row::read("envelope", SAID) };
        assert_eq!((row.executions, row.per_second, row.edges), (466_144, 66_592, 274));
        let crashed = Row { found: vec!["crash-1".into()], ..Row::read("framing", "boom") };
        assert_eq!(crashed.tail, "boom");
        assert_eq!(
            render(&[row, crashed]),
            [
                "target         executions executions/s   edges new inputs crashes",
                "envelope           466144        66592     274         12       0",
                "framing                 0            0       0          0       1",
            ]
        );
    }
}
