//! Why a secret could not be had, told to the person who can mend it.

use std::io;

use crate::limits::{
    KEYRING_ANSWER, MAX_ANSWER_BYTES, MAX_CA_BYTES, MAX_SECRET_BYTES, VAULT_ANSWER,
};
use crate::reference::SecretRef;

/// Why a secret could not be had. It names the reference, which the configuration holds anyway, and nothing of the
/// secret.
#[derive(Debug, thiserror::Error)]
#[error("the secret `{reference}`: {reason}")]
pub struct SecretError {
    /// What was asked for, as it was written.
    pub reference: String,
    /// What is wrong.
    pub reason: Reason,
}

impl SecretError {
    pub(crate) fn new(reference: &SecretRef, reason: Reason) -> Self {
        Self { reference: reference.to_string(), reason }
    }
}

/// What is wrong with a secret, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// There is nothing in its place.
    #[error("it is empty: store it again")]
    Empty,
    /// More than [`MAX_SECRET_BYTES`].
    #[error("it has more than {MAX_SECRET_BYTES} bytes: name what holds the secret alone")]
    TooLarge,

    /// Systemd passed no credentials.
    #[error(
        "this process was given no credentials: start it by a unit with `LoadCredential=` or \
         `LoadCredentialEncrypted=`, or name a `file:`"
    )]
    NoCredentials,
    /// Systemd passed others.
    #[error("there is no such credential: add it to the unit by `LoadCredentialEncrypted=`")]
    NoSuchCredential,
    /// There is no such file.
    #[error("there is no such file: create it, with mode 0600, or correct the path")]
    NoSuchFile,
    /// It is a link, a folder, a pipe or a device.
    #[error("it is no regular file, or a link: name the file itself")]
    NotRegular,
    /// The file belongs to somebody who is neither root nor the user of this process.
    #[error(
        "the file belongs to user {owner}, who could change it: `chown` it to the user of this daemon, or to root"
    )]
    Owner {
        /// The number of that user.
        owner: u32,
    },
    /// Others than its owner may do something with the file.
    #[error(
        "the file has mode {mode:04o}, so that others than its owner can get at it: `chmod 600` it, and change the secret"
    )]
    Mode {
        /// The permission bits.
        mode: u32,
    },
    /// Anything else that the kernel said.
    #[error(
        "it cannot be read: {0}: correct owner and mode, and let the daemon's unit see the file"
    )]
    Read(#[source] io::Error),

    /// A `vault:` reference without a Vault.
    #[error("no Vault is configured: add its address and token to the configuration")]
    NoVault,
    /// Vault could not be reached.
    #[error("Vault cannot be reached: {0}: check its address, its certificate and the network")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("Vault did not answer within {} seconds: check its state and the network", VAULT_ANSWER.as_secs())]
    Slow,
    /// 403.
    #[error(
        "Vault refuses the token (403): it has expired, was revoked, or its policy gives no `read` on the path \
         (`MOUNT/data/PATH`); renew it or extend the policy"
    )]
    Forbidden,
    /// 404 without more.
    #[error(
        "Vault has nothing there (404): check path and version, and that the mount is a KV secrets engine of version 2"
    )]
    NotInVault,
    /// 404 with the metadata of a version that was deleted.
    #[error(
        "version {version} of it was deleted from Vault: `vault kv undelete` it, or store a new one"
    )]
    Deleted {
        /// The version.
        version: u64,
    },
    /// 404 with the metadata of a version that was destroyed.
    #[error(
        "version {version} of it was destroyed in Vault for good: store a new one, or name another version"
    )]
    Destroyed {
        /// The version.
        version: u64,
    },
    /// 503.
    #[error("Vault is sealed or in maintenance (503): unseal it")]
    Sealed,
    /// Any 3xx: a standby node points to the active one, and the token goes to no address but the configured one.
    #[error(
        "Vault answers with a redirect ({status}), which is not followed: configure the address of the active node or \
         of the load balancer"
    )]
    Redirect {
        /// The HTTP status.
        status: u16,
    },
    /// Another status than 200.
    #[error("Vault answers with HTTP status {status}: its log says why")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// More than [`MAX_ANSWER_BYTES`].
    #[error(
        "Vault's answer has more than {MAX_ANSWER_BYTES} bytes: check that the address is that of Vault"
    )]
    AnswerTooLarge,
    /// Not the JSON of the KV secrets engine.
    #[error("the answer is none of Vault's KV secrets engine, version 2: check address and mount")]
    NotVault,
    /// The entry has other fields.
    #[error("the entry in Vault has no field of this name: correct what stands behind the `#`")]
    NoField,
    /// The field is an object, a number, ...
    #[error("the field in Vault is no text: store it as a JSON string")]
    NotText,

    /// The program was built without it.
    #[error(
        "this program cannot ask a Secret Service: name a `credential:`, a `file:` or `vault:`"
    )]
    NoKeyring,
    /// There is no session bus, or no service on it.
    #[error(
        "no Secret Service answers: start the program in the session of a person whose keyring runs, or name a `file:`"
    )]
    NoSecretService,
    /// The service did not answer in time.
    #[error("the Secret Service did not answer within {} seconds: look whether it asks something", KEYRING_ANSWER.as_secs())]
    KeyringSlow,
    /// There is no such collection.
    #[error(
        "the keyring has no collection of this alias or label: correct what stands before the `?`"
    )]
    NoCollection,
    /// There is no such item.
    #[error("the collection has no item with these attributes: store it with `secret-tool store`")]
    NoItem,
    /// There are several.
    #[error("{count} items of the collection have these attributes: name more of them")]
    Ambiguous {
        /// How many.
        count: usize,
    },
    /// It is locked, and nobody is asked for a password from here.
    #[error("it is locked: unlock the keyring, by logging in or with its own program")]
    Locked,
    /// What else D-Bus or the service said.
    #[error("the Secret Service refuses: {0}")]
    Keyring(String),

    /// Asked of what has no runtime.
    #[error("only a `credential:` or a `file:` can be had here: name one of them")]
    NotLocal,
}

/// Why there is no [`crate::Resolver`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolverError {
    /// The token of Vault could not be had.
    #[error("Vault's token: {0}")]
    Token(#[from] SecretError),
    /// The token cannot be sent.
    #[error(
        "Vault's token `{0}` has a character that no token has: store it again, alone on one line"
    )]
    TokenForm(String),
    /// The file of the certificate authority cannot be read.
    #[error("`ca_file` of Vault cannot be read: {0}: correct its path, owner and mode")]
    CaFile(#[source] io::Error),
    /// It holds none, or too much.
    #[error(
        "`ca_file` of Vault holds no certificate, or more than {MAX_CA_BYTES} bytes: give it the authority's certificate in PEM form"
    )]
    CaForm,
    /// The name of the namespace cannot be sent.
    #[error("`namespace` of Vault has a character that no namespace has: correct it")]
    Namespace,
    /// TLS cannot be set up.
    #[error(
        "TLS cannot be set up for Vault: {0}: install the certificates of authorities (`ca-certificates`), or name a `ca_file`"
    )]
    Tls(String),
}
