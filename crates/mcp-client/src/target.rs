//! Where an MCP server is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use reqwest::Url;

/// Where an MCP server is, and so which transport reaches it.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// Streamable HTTP: `http://…/mcp` or `https://…`.
    Http(Url),
    /// One message, one text frame: `ws://…/ws` or `wss://…`.
    WebSocket(Url),
    /// A UNIX socket with a NUL after each message: `unix:/path`, or the absolute path alone.
    Unix(PathBuf),
}

/// Why a text is not a [`Target`]; the text itself is not told, since a key may stand in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// None of the known forms.
    #[error(
        "not an address: write `http://HOST:PORT/mcp`, `https://…`, `ws://HOST:PORT/ws`, `wss://…` or `unix:/PATH`"
    )]
    Form,
    /// The URL cannot be read.
    #[error("not a URL: {0}")]
    Url(String),
    /// The URL has a user or a password.
    #[error(
        "the URL holds a user or a password, and URLs are shown and logged: take it out and give the key as a key"
    )]
    UserInfo,
    /// The path of the socket is not absolute.
    #[error("the path of the socket must be absolute: `unix:/PATH`")]
    Relative,
}

impl Target {
    /// Whether the server is on this machine, as far as the address tells.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Http(url) | Self::WebSocket(url) => match url.host_str() {
                Some("localhost") => true,
                Some(host) => host
                    .trim_matches(['[', ']'])
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|ip| ip.is_loopback()),
                None => false,
            },
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        let path = text.strip_prefix("unix://").or_else(|| text.strip_prefix("unix:"));
        match path {
            Some(path) if path.starts_with('/') => return Ok(Self::Unix(path.into())),
            Some(_) => return Err(TargetError::Relative),
            None if text.starts_with('/') => return Ok(Self::Unix(text.into())),
            None => {}
        }
        if !text.contains("://") {
            return Err(TargetError::Form);
        }
        let mut url = Url::parse(text).map_err(|error| TargetError::Url(error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::UserInfo);
        }
        url.set_fragment(None);
        match url.scheme() {
            "http" | "https" => Ok(Self::Http(url)),
            "ws" | "wss" => Ok(Self::WebSocket(url)),
            _ => Err(TargetError::Form),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Http(url) | Self::WebSocket(url) => {
                // People put keys into queries.
                let mut shown = url.clone();
                shown.set_query(None);
                f.write_str(shown.as_str())
            }
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, shown: Result<&str, &str>, local: bool) {
        let target = text.parse::<Target>();
        let found = target.as_ref().map(ToString::to_string).map_err(ToString::to_string);
        match (&found, shown) {
            (Ok(found), Ok(shown)) => assert_eq!(found, shown, "{text}"),
            (Err(found), Err(part)) => assert!(found.contains(part), "{text}: {found}"),
            _ => panic!("{text}: {found:?}"),
        }
        assert_eq!(target.is_ok_and(|target| target.is_local()), local, "{text}");
    }

    #[test]
    fn every_form_is_read() {
        check("http://127.0.0.1:8000/mcp", Ok("http://127.0.0.1:8000/mcp"), true);
        check(" https://LLMbasedOS.local/mcp\n", Ok("https://llmbasedos.local/mcp"), false);
        check("ws://[::1]:8000/ws", Ok("ws://[::1]:8000/ws"), true);
        check("wss://localhost/ws", Ok("wss://localhost/ws"), true);
        check("unix:/run/mcp/gateway.sock", Ok("unix:/run/mcp/gateway.sock"), true);
        check("unix:///run/gateway.sock", Ok("unix:/run/gateway.sock"), true);
        check("/run/gateway.sock", Ok("unix:/run/gateway.sock"), true);
        check("http://127.0.0.1.evil.example/mcp", Ok("http://127.0.0.1.evil.example/mcp"), false);
    }

    #[test]
    fn what_cannot_be_is_said() {
        check("", Err("not an address"), false);
        check("gateway.sock", Err("not an address"), false);
        check("ftp://host/mcp", Err("not an address"), false);
        check("unix:gateway.sock", Err("must be absolute"), false);
        check("http://", Err("not a URL"), false);
        check("http://host:99999/", Err("not a URL"), false);
    }

    #[test]
    fn no_secret_is_shown() {
        for text in ["http://s3cret@host/mcp", "ws://user:s3cret@host/ws"] {
            let error = text.parse::<Target>().unwrap_err();
            assert_eq!(error, TargetError::UserInfo);
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
        let target: Target = "http://host/mcp?key=s3cret#s3cret".parse().unwrap();
        assert!(!format!("{target} {target:?}").contains("s3cret"));
    }
}
