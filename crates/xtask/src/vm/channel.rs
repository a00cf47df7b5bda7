//! Commands in the machine, over a virtio-serial port that only test images serve.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// The channel to a machine, whose other end reads a script a line.
#[derive(Debug)]
pub(crate) struct Channel {
    stream: BufReader<UnixStream>,
}

/// What came of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    /// The exit status.
    pub(crate) status: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Channel {
    /// Connects to QEMU's end. What is sent before the machine has booted waits for it.
    pub(crate) fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket).context("connect to the channel")?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Runs a script of `sh` as root, and waits for it.
    pub(crate) fn run(&mut self, script: &str) -> Result<Output> {
        self.run_within(script, PATIENCE)
    }

    /// Runs a script that may take so long.
    pub(crate) fn run_within(&mut self, script: &str, patience: Duration) -> Result<Output> {
        self.stream.get_ref().set_read_timeout(Some(patience))?;
        let line = STANDARD.encode(script) + "\n";
        self.stream.get_mut().write_all(line.as_bytes())?;
        let mut answer = String::new();
        let length = self.stream.read_line(&mut answer);
        if length.with_context(|| format!("the machine does not answer to `{script}`"))? == 0 {
            bail!("the machine has ended while it ran `{script}`");
        }
        read(&answer).with_context(|| format!("read what came of `{script}`: {answer}"))
    }
}

fn read(answer: &str) -> Result<Output> {
    let mut parts = answer.trim().split(' ');
    let status = parts.next().context("a status")?.parse()?;
    let mut text = || -> Result<String> {
        let part = parts.next().and_then(|part| part.strip_prefix('-')).context("a text")?;
        Ok(String::from_utf8_lossy(&STANDARD.decode(part)?).into_owned())
    };
    Ok(Output { status, out: text()?, err: text()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_and_two_texts() {
        let output = read("3 -YQ== -\n").unwrap();
        assert_eq!(output, Output { status: 3, out: "a".to_owned(), err: String::new() });
        for broken in ["", "x - -", "0 -", "0 YQ== -", "0 -? -"] {
            assert!(read(broken).is_err(), "{broken}");
        }
    }
}
