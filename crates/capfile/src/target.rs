//! What a call works on, and where the text of its result comes from: what policy decides by.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a call works on, which one of its arguments names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What kind of thing it is.
    pub kind: TargetKind,
    /// The argument that names it, a text, or names several, a list of texts.
    pub argument: String,
}

/// The kinds of things that the owner's rules can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A file or a folder, by its virtual path. An argument that is absent means the whole: `/`.
    Path,
    /// An account of mail, calendar or storage, by its name.
    Account,
    /// Who is sent something, by address.
    Recipient,
    /// A remote of rclone, `nas:` or `nas:backup`.
    Remote,
    /// A workflow, by its name.
    Workflow,
    /// An address on the web, whose host counts.
    Url,
}

impl Target {
    /// A target of this kind, which the argument of this name names.
    pub fn new(kind: TargetKind, argument: impl Into<String>) -> Self {
        Self { kind, argument: argument.into() }
    }
}

/// From where text comes that nobody has vouched for: whoever wrote it may mean to give orders to a model that reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextSource {
    /// A file, or its name, outside of the folders that the owner trusts.
    File,
    /// The text of a document, such as a PDF.
    Document,
    /// A mail, its sender or its attachments.
    Mail,
    /// An entry of a calendar, which others may have sent.
    Calendar,
    /// A page or an answer of the web.
    Web,
    /// A server that is not ours: its results and the descriptions of its tools.
    Server,
}

impl TextSource {
    /// Every source that there is.
    pub const ALL: [Self; 6] =
        [Self::File, Self::Document, Self::Mail, Self::Calendar, Self::Web, Self::Server];

    /// Its name, as results, rules and records have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Document => "document",
            Self::Mail => "mail",
            Self::Calendar => "calendar",
            Self::Web => "web",
            Self::Server => "server",
        }
    }

    /// The source of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

impl fmt::Display for TextSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of sources of text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TextSources(u8);

impl TextSources {
    /// No source: all text is the owner's or our own.
    pub const NONE: Self = Self(0);

    /// Whether no source is among them.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this source is among them.
    pub fn has(self, source: TextSource) -> bool {
        self.0 & Self::from(source).0 != 0
    }

    /// These and those.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those of these that are among `others`, too.
    #[must_use]
    pub fn within(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Each of them, in the order of [`TextSource::ALL`].
    pub fn iter(self) -> impl Iterator<Item = TextSource> {
        TextSource::ALL.into_iter().filter(move |source| self.has(*source))
    }
}

impl From<TextSource> for TextSources {
    fn from(source: TextSource) -> Self {
        Self(1 << source as u8)
    }
}

impl FromIterator<TextSource> for TextSources {
    fn from_iter<I: IntoIterator<Item = TextSource>>(sources: I) -> Self {
        sources.into_iter().fold(Self::NONE, |all, source| all.and(source.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_into_it() {
        let set: TextSources = [TextSource::Web, TextSource::File].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [TextSource::File, TextSource::Web]);
        assert!(!set.has(TextSource::Mail) && !set.is_empty() && TextSources::NONE.is_empty());
        let mail = TextSources::from(TextSource::Mail);
        assert_eq!(set.and(mail).within(mail), mail);
        assert_eq!(set.within(mail), TextSources::NONE);
    }

    #[test]
    fn every_source_is_found_by_the_name_that_documents_have() {
        for source in TextSource::ALL {
            assert_eq!(serde_json::to_value(source).unwrap(), source.name());
            assert_eq!(TextSource::named(source.name()), Some(source));
        }
        assert_eq!(TextSource::named("nowhere"), None);
    }
}
