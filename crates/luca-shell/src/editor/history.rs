//! The history, which keeps no secrets.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use reedline::{
    FileBackedHistory, History, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchQuery,
};

use crate::limits::HISTORY_LINES;

/// The file in the user's home.
const FILE: &str = ".llmbasedos_shell_history";

/// Only the user reads what they typed.
const MODE: u32 = 0o600;

/// What every key of ours begins with.
const KEY_PREFIX: &str = "llmb_";

/// A history that leaves out what should not be on a disk.
pub(super) struct Discreet(FileBackedHistory);

/// The user's history.
pub(super) fn open() -> io::Result<Discreet> {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let home = home.ok_or_else(|| io::Error::other("there is no `HOME`"))?;
    open_file(&home.join(FILE))
}

fn open_file(file: &Path) -> io::Result<Discreet> {
    // Made here and not by the library, which would take the mode of the umask.
    let made = OpenOptions::new().create(true).append(true).mode(MODE).open(file)?;
    let mut permissions = made.metadata()?.permissions();
    permissions.set_mode(MODE);
    made.set_permissions(permissions)?;
    Ok(Discreet(FileBackedHistory::with_file(HISTORY_LINES, file.to_owned())?))
}

/// Whether a line may be kept: by habit one that begins with a space may not.
fn may_be_kept(line: &str) -> bool {
    !line.starts_with(char::is_whitespace) && !line.contains(KEY_PREFIX)
}

impl History for Discreet {
    /// A refusal leaves the line within reach of the arrow key, in memory alone, until the next one.
    fn save(&mut self, item: HistoryItem) -> Result<HistoryItem> {
        if may_be_kept(&item.command_line) {
            self.0.save(item)
        } else {
            Err(io::Error::other("a line that is not kept").into())
        }
    }

    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.0.load(id)
    }

    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.0.count(query)
    }

    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.0.search(query)
    }

    fn update(
        &mut self,
        id: HistoryItemId,
        updater: &dyn Fn(HistoryItem) -> HistoryItem,
    ) -> Result<()> {
        self.0.update(id, updater)
    }

    fn clear(&mut self) -> Result<()> {
        self.0.clear()
    }

    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.0.delete(id)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }

    fn session(&self) -> Option<HistorySessionId> {
        self.0.session()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines_are_kept_but_for_secrets_and_the_file_is_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        fs::write(&file, "old\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let mut history = open_file(&file).unwrap();
        for line in ["ls", " ls secret", "mcp.x llmb_abc", "pwd"] {
            let saved = history.save(HistoryItem::from_command_line(line)).is_ok();
            assert_eq!(saved, may_be_kept(line), "{line}");
        }
        history.sync().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "old\nls\npwd\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, MODE);
    }
}
