//! The licence that a fresh appliance issues to its owner.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use settings::Access;
use signing::SigningKey;

use crate::document::{Grant, IssueError, Limits, issue};
use crate::{ELITE, ISSUER_KEY_FILE, ISSUERS_FILE, LICENCE_FILE};

/// Root alone signs licences.
const KEY_MODE: u32 = 0o600;
/// The gateway's group reads them.
const MODE: u32 = 0o640;

/// Why a fresh appliance has no licence.
#[derive(Debug, thiserror::Error)]
pub enum FirstError {
    /// A file cannot be made.
    #[error("the first licence: {0}")]
    File(#[from] io::Error),
    /// No key can be made.
    #[error("the first licence: {0}")]
    Random(String),
    /// It cannot be written.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

/// Makes in `folder`, which is that of the configuration, a key to issue licences with, names it as an issuer, and issues a
/// licence of tier [`ELITE`] to `holder`. Where there is a licence or an issuer already, nothing is done; what a
/// power cut has left half done is done anew.
///
/// # Errors
///
/// Those of [`FirstError`].
pub fn first(folder: &Path, holder: &str, limits: Limits) -> Result<(), FirstError> {
    let (licence, issuers) = (folder.join(LICENCE_FILE), folder.join(ISSUERS_FILE));
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    let begun = is_there(&folder.join(ISSUER_KEY_FILE));
    if is_there(&issuers) || (is_there(&licence) && !begun) {
        return Ok(());
    }
    let key = SigningKey::generate().map_err(|error| FirstError::Random(error.to_string()))?;
    let grant = Grant {
        tier: ELITE.to_owned(),
        holder: holder.to_owned(),
        issued_at: Timestamp::now(),
        expires_at: None,
        limits,
        capabilities: None,
        llm_models: None,
    };
    let text = issue(&grant, &key)?;
    settings::put(&folder.join(ISSUER_KEY_FILE), Access::mode(KEY_MODE), key.to_text().as_bytes())?;
    settings::put(&licence, Access::mode(MODE), text.as_bytes())?;
    // Last, since it says that all of this was done.
    settings::save(&issuers, Access::mode(MODE), HEADING, &[key.public()])?;
    Ok(())
}

/// What stands above the issuers.
const HEADING: &str = "# The public keys of those whose licences this appliance believes. The first is its own: `llmbasedos licence issue`.\n";
