//! What came of one act, as it travels from the child to the test.

use std::{fmt, io, os::unix::process::ExitStatusExt, process::Output};

/// What starts the line that a child tells its outcome on.
const MARK: &str = "outcome ";

/// What came of one act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The kernel did it.
    Done,
    /// The kernel answered with this error number.
    Errno(i32),
    /// The kernel ended the process with this signal.
    Signal(i32),
    /// What the act says of itself.
    Said(String),
}

impl Outcome {
    pub(crate) fn of<T>(result: io::Result<T>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(error) => match error.raw_os_error() {
                Some(errno) => Self::Errno(errno),
                None => Self::Said(error.to_string()),
            },
        }
    }

    /// Tells the test. The last that a child does.
    pub(crate) fn tell(&self) {
        match self {
            Self::Errno(errno) => println!("{MARK}errno {errno}"),
            Self::Said(text) => println!("{MARK}said {text}"),
            Self::Done | Self::Signal(_) => println!("{MARK}done"),
        }
    }

    /// What the child told, or how it ended.
    pub(crate) fn heard(output: &Output) -> Self {
        if let Some(signal) = output.status.signal() {
            return Self::Signal(signal);
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let told = text.lines().find_map(|line| line.strip_prefix(MARK));
        match told.map(|told| told.split_once(' ').unwrap_or((told, ""))) {
            Some(("done", _)) => Self::Done,
            Some(("errno", number)) => Self::Errno(number.parse().unwrap_or_default()),
            Some((_, text)) => Self::Said(text.to_owned()),
            None => Self::Said(format!(
                "nothing, and ended with {}: {text}{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            )),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Errno(libc::EPERM) => f.write_str("EPERM"),
            Self::Errno(libc::EACCES) => f.write_str("EACCES"),
            Self::Errno(errno) => write!(f, "{}", io::Error::from_raw_os_error(*errno)),
            Self::Signal(libc::SIGSYS) => f.write_str("SIGSYS"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Said(text) => f.write_str(text),
        }
    }
}
