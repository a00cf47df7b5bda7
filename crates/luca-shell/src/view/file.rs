//! The content of a file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::escape;
use crate::failure::Failure;
use crate::output::{self, Output};

/// What `mcp.fs.read` gives.
#[derive(Debug, Deserialize)]
pub(crate) struct File {
    content: String,
    encoding: String,
}

impl File {
    /// Writes it. To a pipe byte by byte as it is; to a terminal so that it cannot drive it.
    ///
    /// Base64 on a terminal stays base64: whoever asked for it there wants to see it.
    pub(crate) fn show(self, output: Output) -> Result<(), Failure> {
        if output.is_terminal {
            let text = escape::content(&self.content);
            let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            return output::write(format!("{text}{end}").as_bytes());
        }
        if self.encoding == "base64" {
            let bytes = STANDARD.decode(&self.content);
            return output::write(&bytes.map_err(|_| Failure::Unexpected("fs.read"))?);
        }
        output::write(self.content.as_bytes())
    }
}
