//! What Vault's KV secrets engine answers.

use std::borrow::Cow;
use std::collections::HashMap;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::error::Reason;
use crate::secret::Secret;

/// The body of an answer, as far as it matters; an error has no `data`.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    data: Option<Version<'a>>,
}

/// One version of an entry.
#[derive(Deserialize)]
struct Version<'a> {
    /// `null` if the version was deleted. The values stay where they are: each copy would have to be overwritten.
    #[serde(borrow)]
    data: Option<HashMap<Cow<'a, str>, &'a RawValue>>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
    #[serde(default)]
    destroyed: bool,
}

/// The field of an entry, or why there is none. The body of a refusal is read only where it tells more than the status.
pub(super) fn field(status: StatusCode, body: &[u8], field: &str) -> Result<Secret, Reason> {
    match status {
        StatusCode::OK => {}
        StatusCode::FORBIDDEN => return Err(Reason::Forbidden),
        StatusCode::NOT_FOUND => return Err(gone(body).unwrap_or(Reason::NotInVault)),
        StatusCode::SERVICE_UNAVAILABLE => return Err(Reason::Sealed),
        status if status.is_redirection() => {
            return Err(Reason::Redirect { status: status.as_u16() });
        }
        status => return Err(Reason::Status { status: status.as_u16() }),
    }
    let body: Body<'_> = serde_json::from_slice(body).map_err(|_| Reason::NotVault)?;
    let fields = body.data.and_then(|version| version.data).ok_or(Reason::NotVault)?;
    let value = fields.get(field).ok_or(Reason::NoField)?;
    let value: String = serde_json::from_str(value.get()).map_err(|_| Reason::NotText)?;
    Secret::new(Zeroizing::new(value.into_bytes()))
}

/// What became of a version that is known and not there.
fn gone(body: &[u8]) -> Option<Reason> {
    let version = serde_json::from_slice::<Body<'_>>(body).ok()?.data?;
    let Metadata { version, destroyed } = version.metadata;
    Some(if destroyed { Reason::Destroyed { version } } else { Reason::Deleted { version } })
}
