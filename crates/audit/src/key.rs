//! The key of the log, which whoever writes the log holds.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::ops::Deref;
use std::path::Path;

use settings::Access;
use signing::SigningKey;

use crate::open::OpenError;

/// The key that signs it, which only its daemon reads.
pub const KEY_FILE: &str = "audit.key";
/// The key that verifies it.
pub const PUBLIC_KEY_FILE: &str = "audit.pub";
const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;
/// More than the text of a key has.
const KEY_TEXT_BYTES: usize = 256;

/// The key, and with it the right to write the log: two processes that wrote one chain would each break the other's.
#[derive(Debug)]
pub(crate) struct Key {
    key: SigningKey,
    /// Locked for as long as it is open, which ends with the process, however that ends.
    _held: File,
}

impl Deref for Key {
    type Target = SigningKey;

    fn deref(&self) -> &SigningKey {
        &self.key
    }
}

impl Key {
    /// The key in the folder, which is made if it is not there; and whether a log was begun with it.
    pub(crate) fn open(folder: &Path) -> Result<(Self, bool), OpenError> {
        let path = folder.join(KEY_FILE);
        let name = || path.display().to_string();
        let failed = |source| OpenError::KeyFile { name: name(), source };
        let mut file = match settings::open_private(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = SigningKey::generate().map_err(|e| OpenError::Random(e.to_string()))?;
                settings::put(&path, Access::mode(SECRET_MODE), key.to_text().as_bytes())
                    .map_err(failed)?;
                settings::open_private(&path).map_err(failed)?
            }
            Err(error) => return Err(failed(error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { name: name() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut text = zeroize::Zeroizing::new(String::with_capacity(KEY_TEXT_BYTES));
        (&mut file).take(KEY_TEXT_BYTES as u64).read_to_string(&mut text).map_err(failed)?;
        let key = SigningKey::from_text(text.trim())
            .map_err(|source| OpenError::Key { name: name(), source })?;
        let known = folder.join(PUBLIC_KEY_FILE).symlink_metadata().is_ok();
        Ok((Self { key, _held: file }, known))
    }
}

/// Puts the public key into the folder. It comes once the log has its first row: where it is, there is a log, or there was one.
pub(crate) fn tell_public(folder: &Path, key: &SigningKey) -> Result<(), OpenError> {
    let path = folder.join(PUBLIC_KEY_FILE);
    let text = format!("{}\n", key.public());
    if fs::read_to_string(&path).ok().as_ref() == Some(&text) {
        return Ok(());
    }
    settings::put(&path, Access::mode(PUBLIC_MODE), text.as_bytes())
        .map_err(|source| OpenError::KeyFile { name: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_key_that_others_can_get_at_signs_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEY_FILE);
        let open = || Key::open(folder.path()).map(|(key, _)| key.public().to_string());
        let made = open().unwrap();
        for mode in [0o640, 0o604, 0o620, 0o602, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = open().unwrap_err().to_string();
            assert!(error.contains("audit.key`") && error.contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(SECRET_MODE)).unwrap();
        assert_eq!(open().unwrap(), made);
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert!(open().is_err(), "what a link leads to is not the daemon's alone");
    }
}
