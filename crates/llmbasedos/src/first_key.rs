//! `llmbasedos first-key`: the key with which the person of a new machine connects the first program to it.
//!
//! Authentication is never off, so there must be a key before there is anybody who could make one. What runs this is a
//! service at the first boot, as root.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use capfile::Pattern;
use clients::{Client, digest, edit, new_key};
use daemon::BoxError;
use licence::Limits;
use settings::{Access, put};

use crate::command::Failure;

/// The name of the client, as `cargo xtask up` calls it too.
const NAME: &str = "first";
/// To whom the appliance belongs.
const OWNER: &str = "the owner of this appliance";
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
    let owner = Some((person.uid(), person.gid()));
    let key = new_key()?;
    let first = Client::new(NAME.parse()?, vec![Pattern::all()]).with_key(digest(&key));
    let folder = clients.parent().unwrap_or(Path::new("."));
    licence::first(folder, OWNER, Limits::default())?;
    // The hash comes last: where it is, the key is.
    let access = Access { mode: KEY_MODE, owner };
    put(path, access, format!("{key}\n").as_bytes()).map_err(named(path))?;
    edit(clients, |file| {
        file.clients.push(first);
        Ok(())
    })?;
    Ok(())
}

fn named(path: &Path) -> impl FnOnce(io::Error) -> BoxError {
    move |error| format!("`{}`: {error}", path.display()).into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use clients::ClientsFile;

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
        assert_eq!(file.clients[0].key_sha256, Some(digest(key.trim())));
        assert!(!fs::read_to_string(&arguments.clients).unwrap().contains(key.trim()));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&arguments.key), mode(&arguments.clients)), (KEY_MODE, 0o640));

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
