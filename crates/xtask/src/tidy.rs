//! `cargo xtask tidy`: rules about the source that no compiler knows.
//!
//! * No source is too long: [`lines`].
//! * Every arrow between crates points down: [`layers`].
//! * Every crate stands in the README's table, with its sentence: [`sentences`].
//! * Nothing is added to the top level: [`top_level`].
//! * No mark says that something is still to be done: [`marks`].
//! * What is generated and tracked is as it would be generated now: [`generated`].

pub(crate) mod files;
mod generated;
mod layers;
mod lines;
mod marks;
mod sentences;
mod top_level;

use anyhow::{Result, bail};

use crate::say;
use crate::workspace::Workspace;

/// Checks the whole workspace and names everything that breaks a rule.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let root = &workspace.root;
    let files = files::list(root)?;
    let mut problems = lines::check(root, &files)?;
    problems.extend(layers::check(&workspace.packages));
    problems.extend(sentences::check(root, &workspace.packages)?);
    problems.extend(top_level::check(&files));
    problems.extend(marks::check(root, &files)?);
    problems.extend(generated::check(workspace)?);
    for problem in &problems {
        say::line(problem);
    }
    match problems.len() {
        0 => {
            say::line(format_args!("tidy: {} files keep every rule", files.len()));
            Ok(())
        }
        count => bail!("tidy: {count} broken rules"),
    }
}
