//! Changing the file of clients.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::FlockOperation;
use settings::{Access, SettingsError};

use crate::file::ClientsFile;

/// What stands above the clients, for whoever opens the file.
const HEADING: &str = "# The clients of the gateway, and the hashes of their keys. `llmbasedos client` changes this file, and the \
    gateway\n# follows it at once. Comments of yours are not kept when it does.\n";
/// Its owner changes it.
const OWNER: u32 = 0o600;
/// The gateway's group reads it, where the folder is that group's to read.
const GROUP: u32 = 0o040;

/// Why the file of clients is not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// It is not right as it is.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It cannot be written.
    #[error("`{name}`: {source}: do it as the owner of its folder")]
    File {
        /// The file.
        name: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The change itself does not want to.
    #[error("{0}")]
    Refused(String),
}

/// Reads the file of clients, which may be missing, has `change` change it, and puts it in place whole, with the owner and mode
/// that it had. Two who do this at once do it one after the other.
///
/// # Errors
///
/// Those of [`EditError`]; the file is then as it was.
pub fn edit<T>(
    path: &Path,
    change: impl FnOnce(&mut ClientsFile) -> Result<T, EditError>,
) -> Result<T, EditError> {
    let failed = |source| EditError::File { name: path.display().to_string(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // The lock is on the folder, since the file is another one after each change. It ends with this function.
    let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    rustix::fs::flock(&folder, FlockOperation::LockExclusive).map_err(|e| failed(e.into()))?;
    let mode = OWNER | (folder.metadata().map_err(failed)?.mode() & GROUP);
    let mut file = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => ClientsFile::default(),
        _ => settings::load(path)?,
    };
    let outcome = change(&mut file)?;
    let yaml = settings::yaml(HEADING, &file).map_err(failed)?;
    // What cannot be read again must be seen by whoever wrote it, and not by the gateway.
    settings::parse::<ClientsFile>(&path.display().to_string(), &yaml)?;
    let access = Access::like(path, Access::mode(mode));
    settings::put(path, access, yaml.as_bytes()).map_err(failed)?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Client;
    use crate::limits::MAX_CLIENTS;

    #[test]
    fn a_new_file_is_the_group_s_to_read_where_its_folder_is() {
        use std::os::unix::fs::PermissionsExt;
        for (of_folder, expected) in [(0o700, 0o600), (0o750, 0o640), (0o777, 0o640)] {
            let folder = tempfile::tempdir().unwrap();
            let mode = std::fs::Permissions::from_mode(of_folder);
            std::fs::set_permissions(folder.path(), mode).unwrap();
            let path = folder.path().join("clients.yaml");
            edit(&path, |_| Ok(())).unwrap();
            assert_eq!(path.metadata().unwrap().mode() & 0o777, expected, "{of_folder:o}");
        }
    }

    #[test]
    fn one_client_too_many_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clients.yaml");
        let add = |count: usize| {
            edit(&path, |file| {
                for _ in 0..count {
                    let name = format!("c{}", file.clients.len()).parse().unwrap();
                    file.clients.push(Client::new(name, Vec::new()));
                }
                Ok(())
            })
        };
        add(MAX_CLIENTS).unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = add(1).unwrap_err().to_string();
        assert!(error.contains("at most 1000 clients"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        edit(&path, |file| Ok(file.clients.pop())).unwrap();
        add(1).unwrap();
    }
}
