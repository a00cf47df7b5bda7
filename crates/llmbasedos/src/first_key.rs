//! `llmbasedos first-key`: the key with which the person of a new machine connects the first program to it.
//!
//! Authentication is never off, so there must be a key before there is anybody who could make one. What runs this is a
//! service at the first boot, as root.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use clients::{Client, ClientsFile, key_hash, new_key};
use daemon::BoxError;
use rustix::fs::{Gid, Uid};

use crate::command::Failure;

/// The name of the client, as `cargo xtask up` calls it too.
const NAME: &str = "first";
/// The gateway's group reads the hashes; the folder says which group that is.
const CLIENTS_MODE: u32 = 0o640;
/// One person reads the key.
const KEY_MODE: u32 = 0o400;

/// Make the first client's key, once; where there is a file of clients, do nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The gateway's file of clients
    #[arg(long, value_name = "FILE")]
    clients: PathBuf,
    /// The file in which the person finds the key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// A file or folder of the person, to whom the key will belong
    #[arg(long, value_name = "PATH")]
    r#for: PathBuf,
}

/// Does it.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    make(arguments).map_err(Failure::Work)
}

fn make(arguments: &Arguments) -> Result<(), BoxError> {
    let Arguments { clients, key: path, r#for: person } = arguments;
    if clients.symlink_metadata().is_ok() {
        return Ok(());
    }
    let person = fs::metadata(person).map_err(named(person))?;
    let owner = (Uid::from_raw(person.uid()), Gid::from_raw(person.gid()));
    let key = new_key()?;
    let first = Client { name: NAME.to_owned(), key_sha256: key_hash(&key) };
    let file = serde_saphyr::to_string(&ClientsFile { clients: vec![first] })?;
    // The hash comes last: where it is, the key is.
    put(path, KEY_MODE, Some(owner), format!("{key}\n").as_bytes()).map_err(named(path))?;
    put(clients, CLIENTS_MODE, None, file.as_bytes()).map_err(named(clients))?;
    Ok(())
}

fn named(path: &Path) -> impl FnOnce(io::Error) -> BoxError {
    move |error| format!("`{}`: {error}", path.display()).into()
}

/// Puts a file in place whole and for good: a power cut leaves it there or not, and nobody reads it who may not.
fn put(path: &Path, mode: u32, owner: Option<(Uid, Gid)>, content: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(content)?;
    // Whatever the mask of this process is; and before the owner, since a file of somebody else's is not ours to change.
    rustix::fs::fchmod(&file, rustix::fs::Mode::from_raw_mode(mode))?;
    if let Some((user, group)) = owner {
        rustix::fs::fchown(&file, Some(user), Some(group))?;
    }
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn arguments(folder: &Path) -> Arguments {
        Arguments {
            clients: folder.join("clients.yaml"),
            key: folder.join("key"),
            r#for: folder.to_owned(),
        }
    }

    #[test]
    fn the_first_key_is_made_once_and_its_hash_is_what_the_gateway_gets() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = arguments(folder.path());
        make(&arguments).unwrap();
        let key = fs::read_to_string(&arguments.key).unwrap();
        let file: ClientsFile = settings::load(&arguments.clients).unwrap();
        assert_eq!(file.clients.len(), 1);
        assert_eq!(file.clients[0].key_sha256, key_hash(key.trim()));
        assert!(!fs::read_to_string(&arguments.clients).unwrap().contains(key.trim()));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&arguments.key), mode(&arguments.clients)), (KEY_MODE, CLIENTS_MODE));

        make(&arguments).unwrap();
        assert_eq!(fs::read_to_string(&arguments.key).unwrap(), key);
    }

    #[test]
    fn what_a_power_cut_left_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = arguments(folder.path());
        fs::write(folder.path().join("key.new"), "half").unwrap();
        fs::write(&arguments.key, "of a first attempt").unwrap();
        make(&arguments).unwrap();
        assert!(clients::is_key(fs::read_to_string(&arguments.key).unwrap().trim()));
    }

    #[test]
    fn without_the_person_there_is_no_key() {
        let folder = tempfile::tempdir().unwrap();
        let arguments =
            Arguments { r#for: folder.path().join("nobody"), ..arguments(folder.path()) };
        assert!(make(&arguments).unwrap_err().to_string().contains("nobody"));
        assert!(fs::symlink_metadata(arguments.clients).is_err());
    }
}
