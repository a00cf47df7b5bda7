//! The licence file.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capfile::Pattern;
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use settings::SettingsError;
use sha2::{Digest, Sha256};
use signing::{PublicKey, SigningKey};

use crate::old;

/// What every signed text begins with, so that a signature of ours is never good for a licence by accident.
const DOMAIN: &[u8] = b"llmbasedos licence 1\0";
/// How many digits of the hash of the file tell licences apart.
const KEY_ID_DIGITS: usize = 16;
/// After how many signs a line of the signed text ends.
const LINE: usize = 76;
/// What stands above a licence, for whoever opens the file.
const HEADING: &str = "# The licence of an llmbasedos appliance. `llmbasedos licence check` shows what it says: the text below is signed, and a\n\
    # change of it is refused.\n";

/// What a licence grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The tier, of those of the tiers file; its case does not matter.
    pub tier: String,
    /// Whose it is.
    pub holder: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on it is worth no more than [`FREE`](crate::FREE). Absent, it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What it sets in place of what the tier does.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// Of what the tier has, only these. Absent, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<Pattern>>,
    /// Of the models of the tier, only these. Absent, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm_models: Option<Vec<String>>,
}

/// Limits that a licence sets. Zero stands for none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Requests of each client in a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// How long the window is, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_seconds: Option<u32>,
    /// Tokens of language models for one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm_tokens_per_request: Option<u64>,
    /// The same for one day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm_tokens_per_day: Option<u64>,
}

impl Limits {
    /// No rate, and all else as the tier has it.
    pub const NO_RATE: Self = Self {
        requests: Some(0),
        window_seconds: None,
        llm_tokens_per_request: None,
        llm_tokens_per_day: None,
    };

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A signed licence as it stands in its file: the text that was signed, letter by letter, and the signature.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    /// The [`Grant`] as JSON, in base64.
    licence: String,
    /// Of the decoded text, in base64.
    signature: String,
    /// Who has signed it; it is looked for among those whom the configuration names, and believed in nothing else.
    issuer: PublicKey,
}

/// A licence file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Licence {
    /// There is none.
    Missing,
    /// An issuer whom the configuration names has signed it.
    Signed {
        /// What it grants.
        grant: Grant,
        /// By which it is known.
        key_id: String,
    },
    /// It is of a form from before, which nobody has signed.
    Old {
        /// The tier that it claims.
        tier: String,
        /// Whose it is.
        holder: String,
        /// From when on it claims nothing any more.
        expires_at: Option<Timestamp>,
        /// It names an end that is no date, and that is passed over.
        end_is_no_date: bool,
        /// By which it is known.
        key_id: String,
    },
    /// It says nothing that can be understood, which the old contract takes for a free appliance.
    Unclear {
        /// By which it is known.
        key_id: String,
    },
    /// It was signed by somebody else, or changed since.
    Forged {
        /// By which it is known.
        key_id: String,
    },
}

/// Why a licence file is refused.
#[derive(Debug, thiserror::Error)]
pub enum LicenceError {
    /// It cannot be read, or is a signed licence that is not whole or of a later version.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

/// Why no licence is issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// It cannot be written.
    #[error("the licence cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// A new licence, as the text of its file.
///
/// # Errors
///
/// Those of [`IssueError`].
pub fn issue(grant: &Grant, key: &SigningKey) -> Result<String, IssueError> {
    let text = serde_json::to_vec(grant)?;
    let signature = key.sign(&[DOMAIN, &text].concat());
    let mut file = HEADING.to_owned();
    file.push_str("licence: |\n");
    let plain = STANDARD.encode(&text);
    for line in plain.as_bytes().chunks(LINE) {
        // Writing to a text cannot fail.
        writeln!(file, "  {}", String::from_utf8_lossy(line)).ok();
    }
    let (signature, issuer) = (STANDARD.encode(signature), key.public());
    writeln!(file, "signature: {signature}\nissuer: {issuer}").ok();
    Ok(file)
}

impl Licence {
    /// Reads the licence at `path`, which may be missing.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is no whole signed licence. What is of no form at all is not refused: see [`Licence::Unclear`].
    pub fn load(path: &Path, issuers: &[PublicKey]) -> Result<Self, LicenceError> {
        match settings::text(path) {
            Err(SettingsError::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(Self::Missing)
            }
            text => Self::read(&path.display().to_string(), &text?, issuers),
        }
    }

    /// Reads the text of a licence, which errors call `name`.
    ///
    /// # Errors
    ///
    /// Those of [`Licence::load`].
    pub fn read(name: &str, text: &str, issuers: &[PublicKey]) -> Result<Self, LicenceError> {
        let digest = HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
        let key_id = digest.get(..KEY_ID_DIGITS).unwrap_or_default().to_owned();
        if !old::is_signed_form(text) {
            return Ok(old::read(text, key_id));
        }
        let signed: Signed = settings::parse(name, text)?;
        let Some(said) = signed.open(issuers) else { return Ok(Self::Forged { key_id }) };
        let grant = serde_json::from_slice(&said).map_err(|error| SettingsError::Document {
            name: name.to_owned(),
            position: None,
            reason: format!(
                "its signature is good, but this version does not know what it says ({error})"
            ),
        })?;
        Ok(Self::Signed { grant, key_id })
    }

    /// By which it is known: the first 16 digits of the SHA-256 of the file.
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Self::Missing => None,
            Self::Signed { key_id, .. }
            | Self::Old { key_id, .. }
            | Self::Unclear { key_id }
            | Self::Forged { key_id } => Some(key_id),
        }
    }
}

impl Signed {
    /// What it says, if one of these issuers has signed it.
    fn open(&self, issuers: &[PublicKey]) -> Option<Vec<u8>> {
        let issuer = issuers.iter().find(|issuer| **issuer == self.issuer)?;
        let plain: String = self.licence.split_ascii_whitespace().collect();
        let text = STANDARD.decode(plain).ok()?;
        let signature = STANDARD.decode(&self.signature).ok()?;
        issuer.verify(&[DOMAIN, &text].concat(), &signature).ok()?;
        Some(text)
    }
}
