//! QEMU's own protocol: the keyboard, the screen and the power button of the machine.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::wait::until;

/// How long QEMU may take to answer; it does at once, but for a screen on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a key stays down, in milliseconds. Shorter, a busy guest misses it.
const KEY_HELD: u32 = 60;

/// A connection to a QEMU.
#[derive(Debug)]
pub(crate) struct Qmp {
    stream: BufReader<UnixStream>,
}

impl Qmp {
    /// Connects, as soon as it listens.
    pub(crate) fn connect(socket: &Path) -> Result<Self> {
        let stream = until("QEMU to listen", PATIENCE, || Ok(UnixStream::connect(socket).ok()))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut qmp = Self { stream: BufReader::new(stream) };
        qmp.receive().context("read QEMU's greeting")?;
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Presses and lets go the keys of this text, and Enter.
    pub(crate) fn type_line(&mut self, text: &str) -> Result<()> {
        for char in text.chars().chain(['\n']) {
            let keys = keys(char).with_context(|| format!("no key is known for {char:?}"))?;
            self.press(&keys.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Presses these keys together, by QEMU's names for them.
    pub(crate) fn press(&mut self, keys: &[&str]) -> Result<()> {
        let keys: Vec<_> = keys.iter().map(|key| json!({ "type": "qcode", "data": key })).collect();
        let arguments = json!({ "keys": keys, "hold-time": KEY_HELD });
        self.execute("send-key", &arguments).map(|_| ())
    }

    /// What stands in the machine's memory, by way of a file in `folder`.
    pub(crate) fn memory(&mut self, from: u64, bytes: u64, folder: &Path) -> Result<Vec<u8>> {
        let file = folder.join("memory");
        let arguments = json!({ "val": from, "size": bytes, "filename": file });
        self.execute("pmemsave", &arguments)?;
        std::fs::read(&file).with_context(|| format!("read `{}`", file.display()))
    }

    /// Writes what the screen shows as PNG.
    pub(crate) fn screen(&mut self, file: &Path) -> Result<()> {
        let arguments = json!({ "filename": file, "format": "png" });
        self.execute("screendump", &arguments).map(|_| ())
    }

    /// Lets the machine stand still, so that it takes nothing from what is measured beside it.
    pub(crate) fn pause(&mut self) -> Result<()> {
        self.execute("stop", &json!({})).map(|_| ())
    }

    /// Lets it go on.
    pub(crate) fn go_on(&mut self) -> Result<()> {
        self.execute("cont", &json!({})).map(|_| ())
    }

    /// Presses the power button.
    pub(crate) fn power_button(&mut self) -> Result<()> {
        self.execute("system_powerdown", &json!({})).map(|_| ())
    }

    fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let line = json!({ "execute": command, "arguments": arguments }).to_string() + "\n";
        self.stream.get_mut().write_all(line.as_bytes())?;
        loop {
            let mut answer = self.receive().with_context(|| format!("QEMU: `{command}`"))?;
            if let Some(error) = answer.get("error") {
                bail!("QEMU refuses `{command}`: {error}");
            }
            // What happens meanwhile is told in between.
            if let Some(result) = answer.get_mut("return") {
                return Ok(result.take());
            }
        }
    }

    fn receive(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("QEMU has ended");
        }
        Ok(serde_json::from_str(&line)?)
    }
}

/// The keys that are pressed together for a character, on an American keyboard.
fn keys(char: char) -> Option<Vec<String>> {
    let shifted = |key: &str| vec!["shift".to_owned(), key.to_owned()];
    Some(match char {
        'a'..='z' | '0'..='9' => vec![char.to_string()],
        'A'..='Z' => shifted(&char.to_ascii_lowercase().to_string()),
        '\n' => vec!["ret".to_owned()],
        ' ' => vec!["spc".to_owned()],
        '.' => vec!["dot".to_owned()],
        '/' => vec!["slash".to_owned()],
        '-' => vec!["minus".to_owned()],
        '_' => shifted("minus"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_have_their_keys() {
        assert_eq!(keys('a').unwrap(), ["a"]);
        assert_eq!(keys('A').unwrap(), ["shift", "a"]);
        assert_eq!(keys('_').unwrap(), ["shift", "minus"]);
        assert_eq!(keys('é'), None);
    }
}
