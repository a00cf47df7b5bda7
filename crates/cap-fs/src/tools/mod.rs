//! The tools, one file each.

mod delete;
mod list;
mod read;
mod write;

pub(crate) use delete::Delete;
pub(crate) use list::List;
pub(crate) use read::Read;
pub(crate) use write::Write;

use capability::ToolError;
use schemars::JsonSchema;
use serde::Serialize;
use vroot::VPath;

use crate::error::refused;

/// What a change that was made says of itself: it is done, and on the disk.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Success,
}

/// The path of an argument.
fn path(text: &str) -> Result<VPath, ToolError> {
    VPath::parse(text).map_err(|error| refused(&error))
}
