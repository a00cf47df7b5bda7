//! How the bytes of a file stand in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capability::{ErrorKind, ToolError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How content is written in JSON: `text` as it is, which must be UTF-8; `base64` in the standard alphabet, padded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    #[default]
    Text,
    Base64,
}

impl Encoding {
    pub(crate) fn encode(self, bytes: Vec<u8>) -> Result<String, ToolError> {
        match self {
            Self::Base64 => Ok(STANDARD.encode(bytes)),
            Self::Text => String::from_utf8(bytes).map_err(|_| {
                let text = "the file is not UTF-8 text: read it with encoding `base64`";
                ToolError::new(ErrorKind::InvalidArguments, text)
            }),
        }
    }

    pub(crate) fn decode(self, content: String) -> Result<Vec<u8>, ToolError> {
        match self {
            Self::Text => Ok(content.into_bytes()),
            Self::Base64 => STANDARD.decode(content).map_err(|error| {
                let text = format!("`content` is not base64: {error}");
                ToolError::new(ErrorKind::InvalidArguments, text)
            }),
        }
    }
}

/// The media type of a file: what its first bytes say, else what its name says, else text or not.
pub(crate) fn media_type(path: &str, bytes: &[u8]) -> String {
    if let Some(kind) = infer::get(bytes) {
        return kind.mime_type().to_owned();
    }
    let is_text = std::str::from_utf8(bytes).is_ok();
    let by_name = mime_guess::from_path(path).first().map(|kind| kind.essence_str().to_owned());
    by_name.unwrap_or_else(|| {
        if is_text { "text/plain".to_owned() } else { "application/octet-stream".to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_come_from_bytes_then_names() {
        let table: [(&str, &[u8], &str); 5] = [
            ("/a.txt", b"\x89PNG\r\n\x1a\n", "image/png"),
            ("/a.json", b"{}", "application/json"),
            ("/a.md", b"# a", "text/markdown"),
            ("/a", b"plain", "text/plain"),
            ("/a", b"\xff\xfe\x00", "application/octet-stream"),
        ];
        for (path, bytes, expected) in table {
            assert_eq!(media_type(path, bytes), expected, "{path}");
        }
    }

    #[test]
    fn content_survives_both_encodings() {
        for (encoding, bytes) in [(Encoding::Text, "ü\0".as_bytes()), (Encoding::Base64, b"\xff")]
        {
            let content = encoding.encode(bytes.to_vec()).unwrap();
            assert_eq!(encoding.decode(content).unwrap(), bytes);
        }
        assert!(Encoding::Text.encode(vec![0xff]).unwrap_err().to_string().contains("base64"));
        assert!(Encoding::Base64.decode("%%".into()).is_err());
    }
}
