//! `fs_hash`.

use std::io::Read as _;

use capability::{Call, Effect, ErrorKind, Target, TargetKind, TextSource, Tool, ToolError};
use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};

use crate::fs::Fs;
use crate::limits::READ_CHUNK_BYTES;
use crate::tools::path;

/// Computes a checksum of a file of any size.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hash {
    /// The file.
    path: String,
    /// How: `sha256`, which is the default, or `sha512`.
    #[serde(default)]
    algorithm: Algorithm,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Algorithm {
    #[default]
    Sha256,
    Sha512,
}

/// A checksum.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HashResult {
    /// The file.
    path: String,
    /// How it was computed.
    algorithm: Algorithm,
    /// The checksum in hexadecimal digits.
    hash: String,
    /// How many bytes were read.
    size: u64,
}

impl Tool for Hash {
    type Server = Fs;
    type Output = HashResult;
    const NAME: &'static str = "fs_hash";
    const METHOD: &'static str = "mcp.fs.hash";
    const TITLE: &'static str = "Compute a checksum";
    const EFFECTS: &'static [Effect] = &[Effect::ReadOnly, Effect::Idempotent];
    const TEXT_FROM: &'static [TextSource] = &[];

    fn works_on() -> Vec<Target> {
        vec![Target::new(TargetKind::Path, "path")]
    }

    fn call(self, fs: &Fs, call: &Call) -> Result<HashResult, ToolError> {
        let place = path(&self.path)?;
        let mut file = fs.view(call).open(&place)?.file;
        let (hash, size) = match self.algorithm {
            Algorithm::Sha256 => digest::<Sha256>(&mut file, call)?,
            Algorithm::Sha512 => digest::<Sha512>(&mut file, call)?,
        };
        Ok(HashResult { path: place.to_string(), algorithm: self.algorithm, hash, size })
    }
}

/// The digest of a file, and how long the file is.
pub(crate) fn digest<D: Digest>(
    file: &mut std::fs::File,
    call: &Call,
) -> Result<(String, u64), ToolError> {
    let mut digest = D::new();
    let mut chunk = vec![0; READ_CHUNK_BYTES];
    let mut size = 0;
    loop {
        call.check()?;
        let read = file.read(&mut chunk).map_err(|error| {
            tracing::error!(%error, "a file cannot be read");
            ToolError::new(ErrorKind::Internal, "the file cannot be read: the disk failed")
        })?;
        if read == 0 {
            let hex = HEXLOWER.encode(&digest.finalize());
            return Ok((hex, size));
        }
        size += read as u64;
        digest.update(chunk.get(..read).unwrap_or_default());
    }
}
