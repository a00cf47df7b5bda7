//! Files that are refused while those before them stay in force.

use policy::PolicyError;
use serde::Serialize;
use settings::SettingsError;

/// A file that is refused. It names no path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Trouble {
    /// Which: `clients`, `issuers`, `licence`, `policies` or `tiers`.
    pub(crate) file: &'static str,
    /// Where in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    /// What is wrong.
    pub(crate) reason: String,
}

impl Trouble {
    /// A licence that was read, and is none.
    pub(crate) fn of_licence(reason: &str) -> Self {
        Self { file: "licence", line: None, reason: reason.to_owned() }
    }

    /// Policies that are refused, whose file the reason names.
    pub(crate) fn of_policy(error: &PolicyError) -> Self {
        let line = error.place.and_then(|place| u64::try_from(place.line).ok());
        Self { file: "policies", line, reason: format!("{}: {}", error.file, error.reason) }
    }

    pub(crate) fn new(file: &'static str, error: &SettingsError) -> Self {
        let (line, reason) = match error {
            SettingsError::Document { position, reason, .. } => {
                (position.map(|position| position.line), reason.clone())
            }
            SettingsError::Read { source, .. } => {
                (None, format!("it cannot be read: {}", source.kind()))
            }
            SettingsError::TooLarge { .. } => (None, "it is too large".to_owned()),
            _ => (None, "it is not UTF-8".to_owned()),
        };
        Self { file, line, reason }
    }
}
