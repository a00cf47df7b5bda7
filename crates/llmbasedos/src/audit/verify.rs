//! `llmbasedos audit verify`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use ::audit::{Checkpoint, FILE, PUBLIC_KEY_FILE, Verified, VerifyError, verify};
use daemon::BoxError;
use serde_json::{Value, json};
use signing::PublicKey;

use crate::place::Place;

/// Look whether the record is whole: nothing altered, dropped, put in or moved.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 it is whole; 1 it is not, and the first place where it is not is shown."
)]
pub(super) struct Arguments {
    /// The key that must have signed it, or a file with it. Default: the one beside the record, which whoever can change the record
    /// may have changed too.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// A row that was noted elsewhere, such as in the journal, as `SEQ:HASH`: it must be there, and the same. Several times for
    /// several.
    #[arg(long = "anchor", value_name = "SEQ:HASH")]
    anchors: Vec<Checkpoint>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Runs the subcommand.
pub(super) fn run(place: &Place, asked: &Arguments) -> Result<(), BoxError> {
    let beside = place.state.join(PUBLIC_KEY_FILE);
    let key = match &asked.key {
        Some(given) => given.parse().or_else(|_| read_key(Path::new(given)))?,
        None => read_key(&beside)?,
    };
    let found = verify(&place.state.join(FILE), &key, &asked.anchors);
    let shown = match &found {
        Ok(whole) if asked.json => Some(format!("{:#}", whole_as_json(whole))),
        Ok(whole) => Some(as_text(whole)),
        Err(VerifyError::Fault(fault)) if asked.json => {
            let (row, fault) = (fault.row(), fault.to_string());
            Some(format!("{:#}", json!({ "whole": false, "row": row, "fault": fault })))
        }
        Err(_) => None,
    };
    if let Some(shown) = shown {
        writeln!(io::stdout(), "{shown}")?;
    }
    found.map(drop).map_err(Into::into)
}

fn read_key(path: &Path) -> Result<PublicKey, BoxError> {
    let named = |error: &dyn std::error::Error| format!("`{}`: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| named(&error))?;
    Ok(text.trim().parse().map_err(|error: signing::KeyError| named(&error))?)
}

fn first(whole: &Verified) -> u64 {
    whole.base.map_or(1, |base| base + 1)
}

fn whole_as_json(whole: &Verified) -> Value {
    json!({
        "whole": true,
        "first": first(whole),
        "rows": whole.rows,
        "checkpoints": whole.checkpoints,
        "last": whole.last.map(|last| last.to_string()),
        "gaps": whole.gaps,
        "not_compared": whole.not_compared,
    })
}

fn as_text(whole: &Verified) -> String {
    let (first, Verified { rows, checkpoints, .. }) = (first(whole), whole);
    let mut lines =
        vec![format!("whole: {rows} rows from row {first} on, {checkpoints} checkpoints")];
    if let Some(last) = whole.last {
        lines.push(format!("the last row, to be noted elsewhere: {last}"));
    }
    lines.extend(whole.gaps.iter().map(|gap| {
        format!("before row {gap} reads may be missing, since the gateway did not end in order")
    }));
    lines.extend(whole.not_compared.iter().map(|seq| {
        format!("row {seq}, which was noted, has been removed for age or size: not compared")
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_compared_is_told() {
        let whole = Verified {
            base: Some(9),
            last: Some(Checkpoint { seq: 12, hash: [0; 32] }),
            rows: 3,
            checkpoints: 1,
            gaps: vec![11],
            not_compared: vec![4],
        };
        let text = as_text(&whole);
        assert!(text.starts_with("whole: 3 rows from row 10 on, 1 checkpoints\n"), "{text}");
        assert!(text.contains("before row 11 ") && text.contains("row 4, "), "{text}");
        assert_eq!(whole_as_json(&whole)["not_compared"], json!([4]));
    }
}
