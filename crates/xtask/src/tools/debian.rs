//! Debian packages, of which only the missing ones are installed.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{process, say};

/// A need of the tests, and the packages that fill it.
struct Need {
    what: &'static str,
    packages: &'static [&'static str],
    met: fn() -> bool,
}

const NEEDS: [Need; 8] = [
    Need {
        what: "a C compiler, which Rust links with",
        packages: &["gcc", "libc6-dev"],
        met: || process::on_path("cc").is_some(),
    },
    Need {
        what: "strace, which stops a daemon at each of its system calls",
        packages: &["strace"],
        met: || process::on_path("strace").is_some(),
    },
    Need {
        what: "npm, which installs the TypeScript client and its Node",
        packages: &["nodejs", "npm"],
        met: || process::on_path("npm").is_some(),
    },
    Need {
        what: "Python with virtual environments",
        packages: &["python3", "python3-venv"],
        // Debian's `python3` has `venv` without the pip that fills it: that is `ensurepip`.
        met: || process::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])),
    },
    Need {
        what: "a keyring and a bus for it, which hold secrets",
        packages: &["dbus-bin", "dbus-daemon", "gnome-keyring"],
        met: || {
            ["dbus-daemon", "dbus-monitor", "gnome-keyring-daemon"]
                .iter()
                .all(|program| process::on_path(program).is_some())
        },
    },
    Need {
        what: "mmdebstrap, which makes the machine that is booted",
        packages: &["mmdebstrap"],
        met: || process::on_path("mmdebstrap").is_some(),
    },
    Need {
        what: "faketime, which gives a build another clock",
        packages: &["faketime"],
        met: || process::on_path("faketime").is_some(),
    },
    Need {
        what: "a C++ compiler, which builds libFuzzer",
        packages: &["g++"],
        met: || process::on_path("c++").is_some(),
    },
];

/// Installs what is missing where that is possible, else says what a person has to install.
pub(super) fn install() -> Result<()> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.met)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !may_install() {
        bail!(manual(&missing));
    }
    let packages = missing.iter().flat_map(|need| need.packages.iter().copied());
    say::line("installing Debian packages");
    process::run(apt_get().args(["-qq", "update"]))?;
    process::run(apt_get().args(["-qq", "install", "-y", "--no-install-recommends"]).args(packages))
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Root, on a system that has apt.
fn may_install() -> bool {
    process::is_root() && process::on_path("apt-get").is_some()
}

fn manual(missing: &[&Need]) -> String {
    let lines: Vec<String> = missing
        .iter()
        .map(|need| format!("  {}: {}", need.packages.join(" "), need.what))
        .collect();
    format!(
        "these packages are missing; install them and run the command again:\n{}",
        lines.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_the_package() {
        let text = manual(&[&NEEDS[1], &NEEDS[3]]);
        assert!(text.contains("\n  strace: "), "{text}");
        assert!(text.contains("\n  python3 python3-venv: "), "{text}");
    }
}
