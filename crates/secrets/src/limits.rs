//! Every bound of this crate, and why it has that value.

use std::time::Duration;

/// How many bytes a secret may have. The largest that people keep, the key file of a service account or a chain of
/// certificates with its key, have some KiB.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// How many bytes a reference may have: the longest path (4096) and its scheme fit.
pub const MAX_REFERENCE_BYTES: usize = 4200;

/// How many bytes the name of a credential may have: systemd takes names of files.
pub const MAX_CREDENTIAL_NAME_BYTES: usize = 255;

/// How many attributes a look-up in the Secret Service may have. Programs store three or four.
pub const MAX_ATTRIBUTES: usize = 16;

/// How many bytes Vault's answer may have. It holds all fields of an entry, of which Vault's own storage takes 1 MiB at
/// the most by default, once more encoded.
pub const MAX_ANSWER_BYTES: usize = 2 * 1024 * 1024;

/// How many bytes the file of a certificate authority may have: those of a whole distribution have some 220 KiB.
pub const MAX_CA_BYTES: usize = 1024 * 1024;

/// How long it may take to be connected to Vault, name look-up and TLS included.
pub const VAULT_CONNECT: Duration = Duration::from_secs(5);

/// How long Vault may take in all for one secret. It answers in milliseconds; a daemon that starts waits for it.
pub const VAULT_ANSWER: Duration = Duration::from_secs(10);

/// How long the Secret Service may take in all for one secret. It may have to be started first, and it never asks a
/// person anything for a look-up that unlocks nothing.
pub const KEYRING_ANSWER: Duration = Duration::from_secs(10);
