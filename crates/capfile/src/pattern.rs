//! Which methods somebody may call.

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest pattern, in bytes: a method's name and the star.
const MAX_PATTERN_BYTES: usize = 65;
/// What a pattern must look like.
const FORM: &str = "a pattern must be `*`, a method such as `mcp.fs.read`, or the beginning of some with a star, \
    such as `mcp.fs.*`";

/// A pattern of methods: `*` for all, a method's own name, or the beginning of names with a star at the end.
///
/// `mcp.fs.*` is what the predecessor had; that the star may stand within the last word (`mcp.sync.list*`) is what its own
/// tiers meant, and it never matched them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// A text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{FORM}")]
pub struct PatternError;

impl Pattern {
    /// The pattern of all methods.
    pub fn all() -> Self {
        Self("*".to_owned())
    }

    /// Whether it matches the method. Of many patterns, [`Patterns`] are asked more quickly.
    pub fn matches(&self, method: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => method.starts_with(beginning),
            None => method == self.0,
        }
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        let beginning = text.strip_suffix('*').unwrap_or(&text);
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let of_methods = beginning.starts_with("mcp.") && beginning.bytes().all(is_name);
        let all = text == "*";
        let fits = text.len() <= MAX_PATTERN_BYTES;
        if fits && (all || of_methods) { Ok(Self(text)) } else { Err(PatternError) }
    }
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::try_from(text.to_owned())
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Patterns that are asked often: whether one of them matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    names: HashSet<String>,
    beginnings: Vec<String>,
}

impl<'a> FromIterator<&'a Pattern> for Patterns {
    fn from_iter<I: IntoIterator<Item = &'a Pattern>>(patterns: I) -> Self {
        let mut all = Self::default();
        for Pattern(text) in patterns {
            match text.strip_suffix('*') {
                Some(beginning) => all.beginnings.push(beginning.to_owned()),
                None => drop(all.names.insert(text.clone())),
            }
        }
        all
    }
}

impl Patterns {
    /// Whether one of them matches the method.
    pub fn allow(&self, method: &str) -> bool {
        self.beginnings.iter().any(|beginning| method.starts_with(beginning))
            || self.names.contains(method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_what_it_begins() {
        let check = |patterns: &[&str], method: &str, expected: bool| {
            let patterns: Vec<Pattern> =
                patterns.iter().map(|text| text.parse().unwrap()).collect();
            let compiled: Patterns = patterns.iter().collect();
            assert_eq!(compiled.allow(method), expected, "{patterns:?} {method}");
        };
        check(&[], "mcp.fs.read", false);
        check(&["*"], "mcp.fs.read", true);
        check(&["mcp.fs.read"], "mcp.fs.read", true);
        check(&["mcp.fs.read"], "mcp.fs.readAll", false);
        check(&["mcp.fs.*"], "mcp.fs.read", true);
        check(&["mcp.fs.*"], "mcp.fsx.read", false);
        check(&["mcp.sync.list*"], "mcp.sync.listJobs", true);
        check(&["mcp.sync.list*"], "mcp.sync.runJob", false);
        check(&["mcp.mail.*", "mcp.fs.list"], "mcp.fs.list", true);
        check(&["mcp.*"], "MCP.fs.list", false);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "**", "fs.read", "mcp.*.read", "mcp.fs.read ", "mcp", &"mcp.".repeat(20)] {
            assert_eq!(text.parse::<Pattern>(), Err(PatternError), "{text}");
        }
    }
}
