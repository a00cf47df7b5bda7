//! Commands without a person: one from the command line, or many from standard input.

use std::io::{self, BufRead, Read};

use tokio::runtime::Handle;

use crate::failure::{Exit, Failure};
use crate::limits::MAX_LINE_BYTES;
use crate::line::LineError;
use crate::shell::{Flow, Plan, Shell};

/// Runs one command.
pub(crate) fn one(shell: &mut Shell, runtime: &Handle, line: &str) -> Result<Exit, Failure> {
    runtime.block_on(shell.run(Plan::read(line)?))?;
    Ok(Exit::Done)
}

/// Runs the lines of standard input up to the first that fails, or all.
pub(crate) fn lines(
    shell: &mut Shell,
    runtime: &Handle,
    keep_going: bool,
) -> Result<Exit, Failure> {
    let mut input = io::stdin().lock();
    let mut first = Exit::Done;
    loop {
        let done = match next(&mut input)? {
            None => return Ok(first),
            Some(line) => line
                .and_then(|line| Plan::read(&line))
                .and_then(|plan| runtime.block_on(shell.run(plan))),
        };
        match done {
            Ok(Flow::Next) => {}
            Ok(Flow::Leave) => return Ok(first),
            Err(failure) if keep_going && !failure.is_broken_pipe() => {
                shell.output.failure(&failure);
                if first == Exit::Done {
                    first = failure.exit();
                }
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// The next line without its end; `None` behind the last. One that is too long is read over.
fn next(input: &mut impl BufRead) -> Result<Option<Result<String, Failure>>, Failure> {
    let unreadable =
        |error: io::Error| Failure::Client(format!("standard input cannot be read: {error}"));
    let bound = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut line = Vec::new();
    input.by_ref().take(bound).read_until(b'\n', &mut line).map_err(unreadable)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.pop_if(|last| *last == b'\r');
    } else if line.len() > MAX_LINE_BYTES {
        input.skip_until(b'\n').map_err(unreadable)?;
        return Ok(Some(Err(Failure::Usage(LineError::TooLong.to_string()))));
    }
    let text = String::from_utf8(line);
    Ok(Some(text.map_err(|_| Failure::Usage("the line is not UTF-8".to_owned()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_one_by_one() {
        let long = "x".repeat(2 * MAX_LINE_BYTES);
        let full = "y".repeat(MAX_LINE_BYTES);
        let text = format!("ls\n\npwd\r\n{long}\n{full}\nlast");
        let mut input = [text.as_bytes(), b"\n\xff\n"].concat();
        let mut input = input.as_mut_slice() as &[u8];
        let mut read = || next(&mut input).unwrap().map(|line| line.map_err(|e| e.to_string()));
        assert_eq!(read(), Some(Ok("ls".to_owned())));
        assert_eq!(read(), Some(Ok(String::new())));
        assert_eq!(read(), Some(Ok("pwd".to_owned())));
        assert_eq!(read(), Some(Err(LineError::TooLong.to_string())));
        assert_eq!(read(), Some(Ok(full)));
        assert_eq!(read(), Some(Ok("last".to_owned())));
        assert_eq!(read(), Some(Err("the line is not UTF-8".to_owned())));
        assert_eq!(read(), None);
    }
}
