//! Archives: what is put into them, and what is taken out within bounds.

mod guard;
mod pack;
mod unpack;

pub(crate) use pack::pack;
pub(crate) use unpack::{Unpacked, unpack};

use capability::ToolError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::invalid;

/// The form of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Zip,
    Tar,
    /// A compressed tar.
    Tgz,
}

impl Format {
    /// The form that a name says.
    pub(crate) fn of(name: &str) -> Result<Self, ToolError> {
        let name = name.to_ascii_lowercase();
        let ends = |end: &str| name.ends_with(end);
        if ends(".zip") {
            Ok(Self::Zip)
        } else if ends(".tar") {
            Ok(Self::Tar)
        } else if ends(".tar.gz") || ends(".tgz") {
            Ok(Self::Tgz)
        } else {
            Err(invalid("the name of an archive ends with `.zip`, `.tar`, `.tar.gz` or `.tgz`"))
        }
    }
}
