//! `llmbasedos policy schema`.

use std::io::{self, Write};

use ::policy::{Inputs, Policies};
use daemon::BoxError;

use super::read;
use crate::place::Place;

/// Print the Cedar schema of everything that can be called, for editors that check rules while they are written.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

pub(super) fn run(place: &Place, _: &Arguments) -> Result<(), BoxError> {
    let tools = read::tools(&read::told(read::caps(&place.caps))?);
    let policies = Policies::build(&Inputs { tools, ..Inputs::default() })?;
    write!(io::stdout(), "{}", policies.schema())?;
    Ok(())
}
