//! Counting the threads of this process.

use std::{
    fs::File,
    io::{self, Read},
};

use crate::{error::LockError, limits::PROC_STATUS_MAX_BYTES};

/// Is an error unless the calling thread is the only one.
pub(crate) fn require_one() -> Result<(), LockError> {
    match count().map_err(LockError::Proc)? {
        1 => Ok(()),
        threads => Err(LockError::Threads { threads }),
    }
}

fn count() -> io::Result<usize> {
    let mut status = String::new();
    File::open("/proc/self/status")?.take(PROC_STATUS_MAX_BYTES).read_to_string(&mut status)?;
    parse(&status).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no `Threads:` line"))
}

fn parse(status: &str) -> Option<usize> {
    status.lines().find_map(|line| line.strip_prefix("Threads:"))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threads_line_is_found_or_missed() {
        let check = |status, expected| assert_eq!(parse(status), expected, "{status:?}");
        check("Name:\ta\nThreads:\t1\nSigQ:\t0/1\n", Some(1));
        check("Threads:\t12", Some(12));
        check("Threads:\t-1\n", None);
        check("Name:\tThreads:\t7\n", None);
        check("", None);
    }

    #[test]
    fn a_process_with_more_threads_is_refused() {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || wait.recv());
        let refused = require_one();
        drop(release);
        assert!(other.join().unwrap().is_err(), "the channel is closed, nothing was sent");
        assert!(matches!(refused, Err(LockError::Threads { threads: 2.. })), "{refused:?}");
    }
}
