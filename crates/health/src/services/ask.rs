//! Asking systemd, by the program that is made for it.

use std::io::{self, Read};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::unit::PROPERTIES;
use crate::limits::{MAX_SYSTEMCTL_BYTES, SYSTEMCTL_WAIT};

/// What `systemctl show` says of the units of ours, and of all others that have failed. It is not asked about all that there
/// are: on a machine that is busy that takes longer than a person waits.
pub(super) fn systemctl() -> io::Result<String> {
    // Also those that sleep until they are called.
    let ours = show(&["--all", "llmbasedos-*.service", "llmbasedos-*.socket"])?;
    let failed = show(&["--state=failed", "*"])?;
    Ok(format!("{ours}\n\n{failed}"))
}

fn show(which: &[&str]) -> io::Result<String> {
    let properties = format!("--property={}", PROPERTIES.join(","));
    output(Command::new("systemctl").args(["show", "--no-pager", &properties]).args(which))
}

/// The output of a program that may hang.
fn output(command: &mut Command) -> io::Result<String> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let text = match child.stdout.take() {
        Some(stdout) => read(stdout),
        None => Err(io::Error::other("it has no output")),
    };
    // What has answered in full ends by itself; what has not is not waited for.
    if text.is_err() {
        child.kill().ok();
    }
    let status = child.wait()?;
    let text = text?;
    if status.success() { Ok(text) } else { Err(io::Error::other(format!("systemctl: {status}"))) }
}

fn read(mut stdout: ChildStdout) -> io::Result<String> {
    let deadline = Instant::now() + SYSTEMCTL_WAIT;
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))
            .map_err(io::Error::other)?;
        if poll(&mut [PollFd::new(&stdout, PollFlags::IN)], Some(&left))? == 0 {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no answer"));
        }
        let count = stdout.read(&mut buffer)?;
        if count == 0 {
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        bytes.extend(buffer.iter().take(count));
        if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_SYSTEMCTL_BYTES) {
            return Err(io::Error::other("the answer has no end"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> io::Result<String> {
        output(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn what_a_program_prints_is_read_whole() {
        assert_eq!(sh("echo a; echo b").unwrap(), "a\nb\n");
    }

    #[test]
    fn a_program_that_fails_has_said_nothing() {
        assert!(sh("echo a; exit 4").unwrap_err().to_string().contains('4'));
    }

    #[test]
    fn an_answer_without_end_is_cut() {
        assert!(sh("exec yes").unwrap_err().to_string().contains("no end"));
    }

    #[test]
    fn a_program_that_hangs_is_not_waited_for() {
        let error = sh("exec sleep 600").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
