//! Where, when and by whom something is built.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

/// What makes programs see another clock, and where Debian has it.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// What stands for the compiler: its allocator and libfaketime wait for each other for ever. So it alone sees the true clock,
/// which differs between the builds, too.
const TRUE_CLOCK: &str = "#!/bin/sh\nunset LD_PRELOAD\nexec rustc \"$@\"\n";

/// One set of them.
pub(super) struct Circumstances {
    /// The folder, of other length than the other one's.
    pub(super) folder: &'static str,
    /// All of it, in a line.
    pub(super) about: &'static str,
    umask: &'static str,
    /// How far the clock is off, as libfaketime takes it.
    clock: Option<&'static str>,
    variables: [(&'static str, &'static str); 2],
    one_processor: bool,
}

/// As it comes.
pub(super) const HERE: Circumstances = Circumstances {
    folder: "here",
    about: "today, UTC, mask 022, all processors",
    umask: "022",
    clock: None,
    variables: [("LC_ALL", "C.UTF-8"), ("TZ", "UTC")],
    one_processor: false,
};

/// As it comes to somebody else.
pub(super) const THERE: Circumstances = Circumstances {
    folder: "somewhere-else/entirely",
    about: "400 days on, Chatham Islands, locale C, mask 077, one processor",
    umask: "077",
    clock: Some("+400d"),
    variables: [("LC_ALL", "C"), ("TZ", "Pacific/Chatham")],
    one_processor: true,
};

impl Circumstances {
    /// The same command under these circumstances, with what that takes in `folder`.
    pub(super) fn of(&self, command: &mut Command, folder: &Path) -> Result<Command> {
        let mut under = Command::new("sh");
        under.args(["-c", "umask \"$0\"; exec \"$@\"", self.umask]);
        if self.one_processor {
            under.args(["taskset", "--cpu-list", "0"]);
        }
        under.arg(command.get_program()).args(command.get_args());
        if let Some(folder) = command.get_current_dir() {
            under.current_dir(folder);
        }
        under.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        under.envs(self.variables);
        if let Some(clock) = self.clock {
            ensure!(
                Path::new(FAKETIME).is_file(),
                "`faketime` is missing, which gives a build another clock: install it, or run `cargo xtask tools` as root"
            );
            under.env("LD_PRELOAD", FAKETIME).env("FAKETIME", clock);
            let wrapper = folder.join("rustc");
            fs::write(&wrapper, TRUE_CLOCK)?;
            fs::set_permissions(&wrapper, Permissions::from_mode(0o755))?;
            under.env("RUSTC", wrapper);
            // How long something waits is not the time of day.
            under.env("DONT_FAKE_MONOTONIC", "1").env("NO_FAKE_STAT", "1");
        }
        Ok(under)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process;

    #[test]
    fn a_command_sees_them() {
        let temp = tempfile::tempdir().unwrap();
        let mut seen = Command::new("sh");
        seen.args(["-c", "umask; nproc; date +%Z; echo $LC_ALL"]);
        let here = process::capture(&mut HERE.of(&mut seen, temp.path()).unwrap()).unwrap();
        assert!(here.starts_with("0022\n") && here.ends_with("UTC\nC.UTF-8\n"), "{here}");
        if let Ok(mut there) = THERE.of(&mut seen, temp.path()) {
            let there = process::capture(&mut there).unwrap();
            assert!(there.starts_with("0077\n1\n") && there.ends_with("\nC\n"), "{there}");
            let mut year = Command::new("date");
            let now: u32 = process::capture(year.arg("+%s")).unwrap().trim().parse().unwrap();
            let then = process::capture(&mut THERE.of(&mut year, temp.path()).unwrap()).unwrap();
            assert!(then.trim().parse::<u32>().unwrap() > now + 399 * 86_400, "{then}");
        }
    }
}
