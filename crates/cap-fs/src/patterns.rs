//! Patterns of names and paths that callers give.

use capability::ToolError;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::invalid;
use crate::limits::{MAX_PATTERN_BYTES, MAX_PATTERNS};

/// Some patterns, of which one must fit. A pattern without a slash is about names at any depth; one with a slash is about
/// paths from the folder that is searched.
pub(crate) struct Patterns(GlobSet);

impl Patterns {
    /// Reads what the argument `name` gives.
    pub(crate) fn new(name: &str, patterns: &[String]) -> Result<Self, ToolError> {
        if patterns.len() > MAX_PATTERNS {
            return Err(invalid(format!("`{name}` has more than {MAX_PATTERNS} patterns")));
        }
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            if pattern.len() > MAX_PATTERN_BYTES {
                let text = format!("a pattern of `{name}` has more than {MAX_PATTERN_BYTES} bytes");
                return Err(invalid(text));
            }
            let place = pattern.trim_start_matches('/');
            let whole =
                if pattern.contains('/') { place.to_owned() } else { format!("**/{place}") };
            let glob = GlobBuilder::new(&whole).literal_separator(true).build();
            set.add(glob.map_err(|error| invalid(format!("`{name}`: {error}")))?);
        }
        set.build().map(Self).map_err(|error| invalid(format!("`{name}`: {error}")))
    }

    /// Whether one fits the path of an entry from the folder that is searched.
    pub(crate) fn fit(&self, relative: &str) -> bool {
        self.0.is_match(relative)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_anywhere_and_paths_from_the_top() {
        let fits = |pattern: &str, path| {
            Patterns::new("pattern", &[pattern.to_owned()]).unwrap().fit(path)
        };
        for (pattern, path, expected) in [
            ("*.md", "a.md", true),
            ("*.md", "x/y/a.md", true),
            ("x/*.md", "x/a.md", true),
            ("x/*.md", "x/y/a.md", false),
            ("x/**/*.md", "x/y/a.md", true),
            ("/x/*.md", "x/a.md", true),
            ("node_modules", "a/node_modules", true),
            ("*.md", "a.mdx", false),
        ] {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
        assert!(Patterns::new("pattern", &["[".to_owned()]).is_err());
    }
}
