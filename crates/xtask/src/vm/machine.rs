//! A machine that has booted, and what a test does with it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use super::channel::{Channel, Output};
use super::image::Image;
use super::qemu::{Files, Options, Plain, Qemu};
use super::qmp::Qmp;
use super::trees::Trees;
use crate::wait::until;

/// How long a boot may take: ten times what it takes on a machine that does nothing else.
pub(crate) const BOOT: Duration = Duration::from_mins(3);
/// How long the machine may take to go down.
const SHUTDOWN: Duration = Duration::from_secs(90);
/// How long an answer of the gateway may take.
const ANSWER: Duration = Duration::from_mins(1);
/// How much of the console is shown where something fails.
const CONSOLE_LINES: usize = 60;

/// The person of the machine.
pub(crate) const PERSON: &str = "llmuser";

/// A machine. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Machine {
    qemu: Qemu,
    pub(crate) qmp: Qmp,
    channel: Channel,
    files: Files,
    /// How long it took from the start of QEMU until the gateway answered.
    pub(crate) boot: Duration,
    _folder: TempDir,
}

impl Machine {
    /// Boots it, and waits until its gateway answers (where it has a network) and the channel does.
    pub(crate) fn boot(trees: &Trees, image: &Image, options: &Options) -> Result<Self> {
        // Before QEMU itself begins, as for the bare kernel.
        let start = Instant::now();
        let mut machine = Self::start(trees, image, options)?;
        let booted = machine.wait_until_booted(options, start);
        if booted.is_err() {
            machine.show_console();
        }
        booted.map(|()| machine)
    }

    /// Switches it on, and waits for nothing.
    pub(crate) fn start(trees: &Trees, image: &Image, options: &Options) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
        let files = Files::of(folder.path());
        let qemu = Qemu::start(trees, image, options, &files, None)?;
        let connected = Qmp::connect(&files.qmp);
        let log = || fs::read_to_string(&files.log).unwrap_or_default();
        let qmp = connected.with_context(|| format!("QEMU does not run: {}", log()))?;
        let channel = Channel::connect(&files.channel)?;
        Ok(Self { qemu, qmp, channel, files, boot: Duration::ZERO, _folder: folder })
    }

    fn wait_until_booted(&mut self, options: &Options, start: Instant) -> Result<()> {
        if !options.offline && !options.words.contains(&super::GATEWAY_IS_BROKEN) {
            until("the gateway to answer", BOOT, || {
                ensure!(!self.qemu.has_ended()?, "the machine has ended");
                let status = match options.plain {
                    Plain::Private => "HTTP/1.1 200",
                    Plain::Unsaid => "HTTP/1.1 403",
                };
                Ok(self.get("/readyz").ok().filter(|answer| answer.starts_with(status)))
            })?;
            self.boot = start.elapsed();
        }
        // It answers once the boot has gone as far as it will: what is still to be done then is waited for.
        let waited = self.channel.run_within("systemctl is-system-running --wait", BOOT)?;
        ensure!(!waited.out.is_empty(), "systemd does not say how the machine is: {}", waited.err);
        Ok(())
    }

    /// The port on this machine that leads to the gateway.
    pub(crate) fn port(&self) -> u16 {
        self.qemu.port
    }

    /// The whole answer to a `GET`, without a key.
    pub(crate) fn get(&self, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port()))?;
        stream.set_read_timeout(Some(ANSWER))?;
        let host = format!("127.0.0.1:{}", self.port());
        stream.write_all(
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes(),
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        ensure!(!answer.is_empty(), "no answer");
        Ok(answer)
    }

    /// Runs a script of `sh` as root.
    pub(crate) fn run(&mut self, script: &str) -> Result<Output> {
        self.channel.run(script)
    }

    /// Runs a script that may take so long.
    pub(crate) fn run_within(&mut self, script: &str, patience: Duration) -> Result<Output> {
        self.channel.run_within(script, patience)
    }

    /// Does something with it, and shows the console where that fails.
    pub(crate) fn checked(&mut self, check: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let checked = check(self);
        if checked.is_err() {
            self.show_console();
        }
        checked
    }

    /// Runs a script as root, which must succeed; gives what it printed, without the space at its end.
    pub(crate) fn done(&mut self, script: &str) -> Result<String> {
        let Output { status, out, err } = self.channel.run(script)?;
        ensure!(status == 0, "`{script}` ended with {status} in the machine: {out}{err}");
        Ok(out.trim_end().to_owned())
    }

    /// Runs a script as another user with the groups that it has, as a login would.
    pub(crate) fn run_as(&mut self, user: &str, script: &str) -> Result<Output> {
        ensure!(!script.contains('\''), "a script for another user has no single quotes");
        self.channel.run(&format!(
            "setpriv --reuid {user} --regid \"$(id -g {user})\" --init-groups --inh-caps=-all \
             env -i HOME=\"$(getent passwd {user} | cut -d: -f6)\" PATH=/usr/bin sh -c '{script}'"
        ))
    }

    /// Waits until a script succeeds as root, and gives what it printed.
    pub(crate) fn until(&mut self, what: &str, patience: Duration, script: &str) -> Result<String> {
        until(what, patience, || {
            let Output { status, out, .. } = self.channel.run(script)?;
            Ok((status == 0).then(|| out.trim_end().to_owned()))
        })
    }

    /// The key of the first client, as its person reads it.
    pub(crate) fn key(&mut self) -> Result<String> {
        let read = self.run_as(PERSON, "cat /var/lib/llmbasedos/first-key/key")?;
        ensure!(read.status == 0, "the person cannot read the key: {}", read.err);
        Ok(read.out.trim().to_owned())
    }

    /// What stands on TTY1, line by line.
    pub(crate) fn screen_text(&mut self) -> Result<String> {
        // The kernel keeps the characters row by row, without ends of lines.
        self.done("fold -w \"$(stty -F /dev/tty1 size | cut -d' ' -f2)\" /dev/vcs1 | sed 's/ *$//'")
    }

    /// Presses the power button and waits until the machine is off.
    pub(crate) fn power_off(mut self) -> Result<()> {
        self.qmp.power_button()?;
        self.wait_until_off()
    }

    /// Waits until the machine is off, for which somebody else has seen.
    pub(crate) fn wait_until_off(&mut self) -> Result<()> {
        let qemu = &mut self.qemu;
        until("the machine to go down", SHUTDOWN, || Ok(qemu.has_ended()?.then_some(())))
    }

    /// Shows the last lines of the console, and what the journal has of failures.
    pub(crate) fn show_console(&mut self) {
        let console = fs::read_to_string(&self.files.serial).unwrap_or_default();
        let lines: Vec<_> = console.lines().collect();
        let skipped = lines.len().saturating_sub(CONSOLE_LINES);
        crate::say::line("--- console of the machine ---");
        lines.iter().skip(skipped).for_each(crate::say::line);
        let script = "journalctl -b -p warning -n 60 --no-pager; \
            for unit in $(systemctl --failed --plain --no-legend | cut -d' ' -f1); do \
            journalctl -b -n 20 --no-pager -u \"$unit\"; done";
        if let Ok(journal) = self.channel.run_within(script, Duration::from_secs(20)) {
            crate::say::line(journal.out);
        }
    }

    /// The path of a file of the run that is kept, in `folder`.
    pub(crate) fn kept(folder: &Path, name: &str) -> Result<PathBuf> {
        fs::create_dir_all(folder)?;
        Ok(folder.join(name))
    }
}

/// How long the kernel alone takes: from the start of QEMU until its first program says that it runs.
pub(crate) fn bare_boot(trees: &Trees, image: &Image) -> Result<Duration> {
    let folder = tempfile::Builder::new().prefix("llmb").tempdir()?;
    let files = Files::of(folder.path());
    let options = Options { words: vec!["llmbasedos.bare"], ..Options::default() };
    let start = Instant::now();
    let mut qemu = Qemu::start(trees, image, &options, &files, None)?;
    let said = || fs::read_to_string(&files.serial).unwrap_or_default();
    until("the kernel", BOOT, || {
        if said().contains("llmbasedos: the kernel has booted") {
            return Ok(Some(()));
        }
        if qemu.has_ended()? && !said().contains("llmbasedos: the kernel has booted") {
            bail!("the kernel does not boot: {}{}", said(), fs::read_to_string(&files.log)?);
        }
        Ok(None)
    })?;
    Ok(start.elapsed())
}
