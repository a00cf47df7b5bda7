//! `cargo xtask tidy`: rules about the source that no compiler knows.

mod layers;
mod lines;

use anyhow::{Result, bail};

use crate::say;
use crate::workspace::Workspace;

/// Checks the whole workspace and names everything that breaks a rule.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut problems = layers::check(&workspace.packages);
    problems.extend(lines::check(&workspace.root)?);
    for problem in &problems {
        say::line(problem);
    }
    match problems.len() {
        0 => say::line("tidy: no file is too long, and every arrow points down"),
        count => bail!("tidy: {count} broken rules"),
    }
    Ok(())
}
