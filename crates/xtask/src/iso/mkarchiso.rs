//! The real mkarchiso, over the same staged profile.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::root::ROOT;
use super::{Build, Made, Packages};
use crate::process;

/// Where it works, in the work folder. Always the same: its list of hardware has the name in it.
const WORK: &str = "mkarchiso";

impl Build<'_> {
    /// Builds the medium by this mkarchiso, and gives what came of it. It needs pacman and others: where this machine has none,
    /// it runs in the tools tree.
    pub(crate) fn by_mkarchiso(&self, mkarchiso: &Path) -> Result<Made> {
        let (profile, definition) = self.profile()?;
        let configuration = self.pacman_configuration(&profile, &definition.packages)?;
        let native = process::on_path("pacstrap").is_some() && self.packages == Packages::Arch;
        let epoch = self.epoch.to_string();
        let (work, out) = (self.work.join(WORK), self.work.join("out"));
        if native {
            let mut command = Command::new(mkarchiso);
            command.arg("-v").arg("-w").arg(&work).arg("-o").arg(&out).arg("-C").arg(configuration);
            process::run(command.arg(&profile).env("SOURCE_DATE_EPOCH", epoch))?;
        } else {
            fs::copy(mkarchiso, self.work.join("mkarchiso.sh"))
                .with_context(|| format!("read `{}`", mkarchiso.display()))?;
            let configuration = configuration.strip_prefix(self.work)?.display().to_string();
            let keyring = match self.packages {
                Packages::Arch => "pacman-key --init; pacman-key --populate archlinux; ",
                Packages::Debian => "",
            };
            let script = format!(
                "{keyring}bash /mnt/mkarchiso.sh -v -w /mnt/{WORK} -o /mnt/out -C /mnt/{configuration} /mnt/profile"
            );
            let mut inside = self.trees.inside(self.work, &script)?;
            process::run(inside.env("SOURCE_DATE_EPOCH", epoch))?;
        }
        let medium = out.join(definition.file_name());
        if !medium.is_file() {
            bail!("mkarchiso made no `{}`", definition.file_name());
        }
        let (tree, root) = (work.join("iso"), work.join("x86_64").join(ROOT));
        Ok(Made { medium, tree, root })
    }
}
