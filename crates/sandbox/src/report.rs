//! What came of locking, for the log and for readiness.

use std::fmt;

use serde::Serialize;

/// How much of the wanted Landlock rights the kernel enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Landlock {
    /// All that this crate asks for, up to [`LANDLOCK_NEWEST`](crate::limits::LANDLOCK_NEWEST).
    Full,
    /// Files beneath the declared directories and no others, but the kernel is too old for part
    /// of the rest (truncation, TCP, device control, abstract sockets, signals).
    Partial,
    /// Nothing: the process is not confined to its directories.
    None,
}

impl fmt::Display for Landlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::None => "none",
        })
    }
}

/// What the kernel enforces on this process from here on.
///
/// Serialised into readiness. `Display` is one line for the log:
/// `landlock full (abi 7), seccomp on, no-new-privs on`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The kernel's Landlock ABI, or nothing where it has none or it is switched off.
    pub landlock_abi: Option<u32>,
    /// How much of Landlock is enforced.
    pub landlock: Landlock,
    /// Whether all system-call filters are in place.
    pub seccomp: bool,
    /// Whether set-user-id programs gain nothing.
    pub no_new_privs: bool,
}

impl Report {
    /// Whether the process is held as it declared: what readiness calls confined.
    pub fn is_confined(&self) -> bool {
        self.landlock != Landlock::None && self.seccomp && self.no_new_privs
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |held: bool| if held { "on" } else { "off" };
        write!(f, "landlock {}", self.landlock)?;
        if let Some(abi) = self.landlock_abi {
            write!(f, " (abi {abi})")?;
        }
        write!(f, ", seccomp {}, no-new-privs {}", on(self.seccomp), on(self.no_new_privs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_holds() {
        let check = |report: &Report, line: &str, confined| {
            assert_eq!(report.to_string(), line);
            assert_eq!(report.is_confined(), confined, "{line}");
        };
        let full = Report {
            landlock_abi: Some(7),
            landlock: Landlock::Full,
            seccomp: true,
            no_new_privs: true,
        };
        check(&full, "landlock full (abi 7), seccomp on, no-new-privs on", true);
        let old = Report { landlock_abi: Some(3), landlock: Landlock::Partial, ..full.clone() };
        check(&old, "landlock partial (abi 3), seccomp on, no-new-privs on", true);
        let none = Report { landlock_abi: None, landlock: Landlock::None, ..full.clone() };
        check(&none, "landlock none, seccomp on, no-new-privs on", false);
        let unfiltered = Report { seccomp: false, ..full.clone() };
        check(&unfiltered, "landlock full (abi 7), seccomp off, no-new-privs on", false);
        let privileged = Report { no_new_privs: false, ..full };
        check(&privileged, "landlock full (abi 7), seccomp on, no-new-privs off", false);
    }
}
