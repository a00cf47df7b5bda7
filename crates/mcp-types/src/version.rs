//! Protocol revisions and the two eras that they make.

use std::fmt;

/// A revision of MCP that the gateway serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProtocolVersion {
    /// Streamable HTTP.
    V2025_03_26,
    /// Structured content, no more batches.
    V2025_06_18,
    /// The last with a handshake.
    V2025_11_25,
    /// Stateless: every request says its own revision.
    V2026_07_28,
}

/// Whether a revision has a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// A connection begins with `initialize`.
    Legacy,
    /// Every request carries what a handshake would say.
    Modern,
}

/// Every revision served, the newest first.
pub const SUPPORTED_VERSIONS: [ProtocolVersion; 4] = [
    ProtocolVersion::V2026_07_28,
    ProtocolVersion::V2025_11_25,
    ProtocolVersion::V2025_06_18,
    ProtocolVersion::V2025_03_26,
];

impl ProtocolVersion {
    /// The newest revision with a handshake: what `initialize` offers to a client that asks for one that
    /// is not served.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;
    /// The newest revision.
    pub const LATEST: Self = Self::V2026_07_28;

    /// The revision of that date, if it is served.
    pub fn parse(date: &str) -> Option<Self> {
        SUPPORTED_VERSIONS.into_iter().find(|version| version.as_str() == date)
    }

    /// Its date, which is its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// Its era.
    pub fn era(self) -> Era {
        if self >= Self::V2026_07_28 { Era::Modern } else { Era::Legacy }
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_eras() {
        for version in SUPPORTED_VERSIONS {
            assert_eq!(ProtocolVersion::parse(version.as_str()), Some(version));
        }
        assert_eq!(ProtocolVersion::parse("2024-11-05"), None);
        assert_eq!(ProtocolVersion::LATEST.era(), Era::Modern);
        assert_eq!(ProtocolVersion::LATEST_LEGACY.era(), Era::Legacy);
    }
}
