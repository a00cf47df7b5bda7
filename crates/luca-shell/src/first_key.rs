//! `key`: what the person of a new machine gives to the first program that is to use it.

use std::fs;
use std::io::ErrorKind;

use serde_json::Value;

use crate::escape;
use crate::failure::Failure;
use crate::output::{self, Output};

/// Where `llmbasedos first-key` has put it, for one person to read.
const FILE: &str = "/var/lib/llmbasedos/first-key/key";

/// Shows it.
pub(crate) fn show(output: Output) -> Result<(), Failure> {
    let key = fs::read_to_string(FILE).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::Client(
            "this machine has made no key: only an appliance does, at its first boot".to_owned(),
        ),
        ErrorKind::PermissionDenied => {
            Failure::Client("the key is for the person of this machine alone".to_owned())
        }
        _ => Failure::Client(format!("the key cannot be read: {error}")),
    })?;
    let key = key.trim();
    if output.json {
        return output.value(&Value::from(key));
    }
    output::line(&format!(
        "{}\nGive it to one program, as `Authorization: Bearer KEY`. Whoever has it can do all that a client may.",
        escape::line(key)
    ))
}
