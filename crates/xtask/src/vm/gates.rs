//! Figures of a machine beside their floors and targets.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::say;

/// How far above its floor a figure fails, in parts of the floor. Between two runs on a shared machine the boot of the bare kernel
/// alone, by which others are counted, took from 4.4 to 16.9 s: what misses its floor by less is told as missed, and what is
/// beyond is no noise.
const FAILS: f64 = 1.5;

/// A figure beside its floor.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    /// The number of the goal.
    pub(crate) goal: &'static str,
    /// What was measured.
    pub(crate) what: String,
    /// What it is counted in.
    pub(crate) unit: &'static str,
    /// What was found.
    pub(crate) figure: f64,
    /// What must be reached.
    pub(crate) floor: f64,
    /// What is aimed at.
    pub(crate) target: f64,
}

impl Gate {
    fn verdict(&self) -> &'static str {
        match self.figure {
            figure if figure <= self.target => "target",
            figure if figure <= self.floor => "floor",
            _ => "MISSED",
        }
    }
}

/// Prints all, and is an error if one misses its floor by more than noise.
pub(crate) fn judge(gates: &[Gate]) -> Result<()> {
    let mut table =
        format!("{:<5} {:<52} {:>9} {:>9} {:>9}  reached\n", "", "", "figure", "floor", "target");
    for gate in gates {
        let Gate { goal, what, unit, figure, floor, target } = gate;
        // Writing into memory has no way to fail.
        writeln!(
            table,
            "{goal:<5} {:<52} {figure:>9.1} {floor:>9.1} {target:>9.1}  {}",
            format!("{what}, {unit}"),
            gate.verdict()
        )
        .ok();
    }
    say::line(table.trim_end());
    match gates.iter().find(|gate| gate.figure > gate.floor * FAILS) {
        Some(gate) => {
            bail!("{} is missed: {} is {:.1} {}", gate.goal, gate.what, gate.figure, gate.unit)
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_tells_what_is_missed_and_fails_beyond_noise() {
        let gate = |figure| Gate {
            goal: "P0",
            what: "it".to_owned(),
            unit: "MB",
            figure,
            floor: 9.0,
            target: 5.0,
        };
        assert!(judge(&[gate(5.0), gate(9.0)]).is_ok());
        assert_eq!((gate(5.0).verdict(), gate(9.0).verdict()), ("target", "floor"));
        assert_eq!(gate(9.1).verdict(), "MISSED");
        assert!(judge(&[gate(5.0), gate(9.1)]).is_ok());
        let beyond = 9.0 * FAILS + 0.1;
        assert!(
            judge(&[gate(5.0), gate(beyond)]).unwrap_err().to_string().contains("P0 is missed")
        );
    }
}
