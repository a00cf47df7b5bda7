//! The tools, one file each.

mod archive;
mod copy;
mod delete;
mod du;
mod duplicates;
mod edit;
mod extract;
mod find;
mod grep;
mod hash;
mod history;
mod info;
mod list;
mod mkdir;
mod move_file;
mod read;
mod read_lines;
mod read_many;
mod read_media;
mod roots;
mod tree;
mod undo;
mod write;

use capability::{ToolError, Tools};
use schemars::JsonSchema;
use serde::Serialize;
use vroot::VPath;

use crate::error::refused;
use crate::fs::Fs;

/// Adds all tools: first those of the legacy contract, then the others by name.
pub(crate) fn add(tools: &mut Tools<Fs>) {
    tools.add::<list::List>().add::<read::Read>().add::<write::Write>().add::<delete::Delete>();
    tools
        .add::<archive::Archive>()
        .add::<copy::Copy>()
        .add::<du::Du>()
        .add::<duplicates::Duplicates>()
        .add::<edit::Edit>()
        .add::<extract::Extract>()
        .add::<find::Find>()
        .add::<grep::Grep>()
        .add::<hash::Hash>()
        .add::<history::History>()
        .add::<info::Info>()
        .add::<mkdir::Mkdir>()
        .add::<move_file::Move>()
        .add::<read_lines::ReadLines>()
        .add::<read_many::ReadMany>()
        .add::<read_media::ReadMedia>()
        .add::<roots::Roots>()
        .add::<tree::Tree>()
        .add::<undo::Undo>();
}

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
