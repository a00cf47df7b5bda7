//! What a staged profile says of itself: `profiledef.sh`, which is Bash, and its list of packages.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process;
use crate::profile;

/// The values that a builder needs. Each is as mkarchiso 88 takes it.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) publisher: String,
    pub(super) application: String,
    pub(super) version: String,
    pub(super) install_dir: String,
    pub(super) boot_modes: String,
    pub(super) image_type: String,
    /// What the maker of the root's image is told.
    pub(super) image_options: Vec<String>,
    /// Modes of the overlay, and what they belong to.
    pub(super) permissions: Vec<(String, u32)>,
    /// What is installed.
    pub(super) packages: Vec<String>,
}

/// Prints the values, an end of line behind each; options may be many and come last.
const PRINT: &str = r#"set -eu; declare -A file_permissions; . "$1"
printf '%s\n' "$iso_name" "$iso_label" "$iso_publisher" "$iso_application" "$iso_version" "$install_dir" \
    "${bootmodes[*]}" "$airootfs_image_type" "${airootfs_image_tool_options[@]}""#;

impl Definition {
    /// Reads it, with the time that the build is to have.
    pub(super) fn read(profile: &Path, epoch: u64) -> Result<Self> {
        let file = profile.join("profiledef.sh");
        let mut bash = Command::new("bash");
        bash.args(["-c", PRINT, "bash"]).arg(&file).env("SOURCE_DATE_EPOCH", epoch.to_string());
        let printed = process::capture(&mut bash)?;
        let mut lines = printed.lines().map(str::to_owned);
        let mut value = || lines.next().context("`profiledef.sh` lacks a value");
        let definition = Self {
            name: value()?,
            label: value()?,
            publisher: value()?,
            application: value()?,
            version: value()?,
            install_dir: value()?,
            boot_modes: value()?,
            image_type: value()?,
            image_options: Vec::new(),
            permissions: profile::permissions(&fs::read_to_string(&file)?)?,
            packages: packages(&fs::read_to_string(profile.join("packages.x86_64"))?),
        };
        ensure!(
            definition.boot_modes == "bios.syslinux uefi.systemd-boot"
                && definition.image_type == "squashfs",
            "the assembler knows the boot modes bios.syslinux and uefi.systemd-boot, and squashfs; use mkarchiso for \
             others (`--mkarchiso PATH`)"
        );
        Ok(Self { image_options: lines.collect(), ..definition })
    }

    /// The name of the image.
    pub(super) fn file_name(&self) -> String {
        format!("{}-{}-x86_64.iso", self.name, self.version)
    }
}

/// The names in a list, as mkarchiso reads it: a comment ends a line, blanks do not end a name.
fn packages(list: &str) -> Vec<String> {
    let name = |line: &str| line.split('#').next().unwrap_or_default().to_owned();
    list.lines().map(name).filter(|name| !name.trim().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../archiso")
    }

    #[test]
    fn the_profile_is_read() {
        let definition = Definition::read(&source(), 1_790_000_000).unwrap();
        assert_eq!(definition.file_name(), "llmbasedos-2026.09.21-x86_64.iso");
        assert_eq!(definition.label, "LLMBASEDOS_2609");
        assert_eq!(definition.image_options[0], "-comp");
        assert!(definition.permissions.contains(&("usr/lib/llmbasedos/gateway".to_owned(), 0o755)));
    }

    #[test]
    fn packages_are_sorted_and_each_has_its_reason() {
        let list = fs::read_to_string(source().join("packages.x86_64")).unwrap();
        let names = packages(&list);
        assert!(names.is_sorted(), "{names:?}");
        assert!(names.contains(&"arch-install-scripts".to_owned()));
        let lines: Vec<_> = list.lines().collect();
        for pair in lines.windows(2) {
            let name = !pair[1].starts_with('#');
            assert!(!name || pair[0].starts_with('#'), "{} has no reason", pair[1]);
        }
        assert_eq!(packages("a\n# b\n\n c#d\n"), ["a", " c"]);
    }
}
