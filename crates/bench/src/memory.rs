//! The memory of a process.

use anyhow::{Context, Result};

/// What a process has in memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// With what it shares with others, as `top` shows it.
    pub(crate) resident: u64,
    /// What is its alone.
    pub(crate) private: u64,
}

/// The memory of a process now.
pub(crate) fn of(pid: u32) -> Result<Memory> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    read(&text).context("the kernel says how much memory it has")
}

/// The most that a process has ever had in memory, in bytes, as `top` shows it.
pub(crate) fn peak(pid: u32) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    bytes(&text, "VmHWM:").context("the kernel says how much memory it has had")
}

fn read(text: &str) -> Option<Memory> {
    let private = bytes(text, "Private_Clean:")? + bytes(text, "Private_Dirty:")?;
    Some(Memory { resident: bytes(text, "Rss:")?, private })
}

fn bytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line?.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_own_words_are_read() {
        let text = "x [rollup]\nRss:      12 kB\nPrivate_Clean: 1 kB\nPrivate_Dirty:  4 kB\n";
        assert_eq!(read(text), Some(Memory { resident: 12 * 1024, private: 5 * 1024 }));
        assert_eq!(read("Rss: 1 kB\n"), None);
        let own = of(std::process::id()).unwrap();
        assert!(own.private > 0 && peak(std::process::id()).unwrap() >= own.private);
    }
}
