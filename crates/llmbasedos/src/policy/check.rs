//! `llmbasedos policy check`.

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use ::policy::{Checked, File, Inputs, Place as At, Policies, PolicyError};
use daemon::BoxError;
use telemetry::{Style, escaped};

use super::read;
use crate::place::Place;

/// Check rules against everything that can be called, and print what is wrong as `file:line:column: reason`.
///
/// A rule that names what is not there now refuses nothing in the gateway, for a server may come back. Here it counts as wrong, since
/// it is how a misspelt name looks.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 the rules are good, warnings aside; 1 they are not.")]
pub(super) struct Arguments {
    /// These files, which need not be in force. Default: the owner's files that the gateway reads
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only warn of methods, servers and clients that are not there now
    #[arg(long)]
    missing_ok: bool,
}

/// Something that is wrong, with the path of its file.
struct Line<'a> {
    path: String,
    told: &'a PolicyError,
    warns: bool,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        if let Some(At { line, column }) = self.told.place {
            write!(f, ":{line}:{column}")?;
        }
        let warning = if self.warns { "warning: " } else { "" };
        write!(f, ": {warning}{}", self.told.reason)
    }
}

pub(super) fn run(place: &Place, asked: &Arguments) -> Result<(), BoxError> {
    let (files, paths) = files(place, asked)?;
    let inputs = Inputs {
        tools: read::tools(&read::told(read::caps(&place.caps))?),
        clients: read::clients(place)?,
        files,
        ..Inputs::default()
    };
    let Checked { refused, warnings } = Policies::check(&inputs)?;
    let path = |name: &str| {
        let known = inputs.files.iter().zip(&paths).find(|(file, _)| file.name == name);
        known.map_or_else(|| name.to_owned(), |(_, path)| path.display().to_string())
    };
    let refused = refused.iter().map(|told| (told, false));
    let warned = warnings.iter().map(|one| (&one.what, !one.missing || asked.missing_ok));
    let mut bad = 0_usize;
    for (told, warns) in refused.chain(warned) {
        bad += usize::from(!warns);
        let line = Line { path: path(&told.file), told, warns }.to_string();
        writeln!(io::stdout(), "{}", escaped(&line, Style::Text))?;
    }
    match bad {
        0 => Ok(()),
        1 => Err("the rules are not right in one place".into()),
        more => Err(format!("the rules are not right in {more} places").into()),
    }
}

/// The files to check, and where each is.
fn files(place: &Place, asked: &Arguments) -> Result<(Vec<File>, Vec<PathBuf>), BoxError> {
    if asked.files.is_empty() {
        let files = read::policies(&place.policies)?;
        let paths = files.iter().map(|file| place.policies.join(&file.name)).collect();
        return Ok((files, paths));
    }
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let files = asked.files.iter().map(|path| read::policy(path, &name(path)));
    Ok((files.collect::<Result<_, _>>()?, asked.files.clone()))
}
