//! The owner's files of policies.

use std::fs::{self, File as OpenFile};
use std::io::{self, Read as _};
use std::path::Path;

use policy::limits::{MAX_FILE_BYTES, MAX_FILES};
use policy::{File, PolicyError};

/// How their names end.
const ENDING: &str = ".cedar";

/// The files of a folder, in the order of their names. A folder that is not there has none.
pub(super) fn files(folder: &Path) -> Result<Vec<File>, PolicyError> {
    let refuse = |name: &str, error: &io::Error| PolicyError {
        file: name.to_owned(),
        place: None,
        reason: format!("it cannot be read: {}", error.kind()),
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| refuse("policies", &error))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| refuse("policies", &error))?.file_name();
        let name = name.to_string_lossy().into_owned();
        // What editors write beside a file is none of ours.
        if name.ends_with(ENDING) && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    // One more than may be is enough to be refused.
    names.truncate(MAX_FILES + 1);
    names
        .into_iter()
        .map(|name| {
            let text = text(&folder.join(&name)).map_err(|error| refuse(&name, &error))?;
            Ok(File { name, text })
        })
        .collect()
}

/// The text of a file, as much of it as is enough to be refused.
fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let most = MAX_FILE_BYTES as u64 + 1;
    OpenFile::open(path)?.take(most).read_to_string(&mut text)?;
    Ok(text)
}
