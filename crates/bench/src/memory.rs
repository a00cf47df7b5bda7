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

fn read(text: &str) -> Option<Memory> {
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line?.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    let private = kib("Private_Clean:")? + kib("Private_Dirty:")?;
    Some(Memory { resident: kib("Rss:")? * 1024, private: private * 1024 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_own_words_are_read() {
        let text = "x [rollup]\nRss:      12 kB\nPrivate_Clean: 1 kB\nPrivate_Dirty:  4 kB\n";
        assert_eq!(read(text), Some(Memory { resident: 12 * 1024, private: 5 * 1024 }));
        assert_eq!(read("Rss: 1 kB\n"), None);
        assert!(of(std::process::id()).unwrap().private > 0);
    }
}
