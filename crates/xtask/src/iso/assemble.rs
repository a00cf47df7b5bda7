//! The assembler: what mkarchiso 88 does with a profile, step by step, for BIOS by syslinux and UEFI by systemd-boot.
//!
//! The layout, the names and the words for xorriso are mkarchiso's, so that archiso's initramfs finds its way and whoever
//! knows an Arch medium knows this one. Besides, all times are the build's: two builds of the same are the same.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};

use super::definition::Definition;
use super::{Build, Made, contents, esp, root};
use crate::process;
use crate::stage;

const KERNEL: &str = "vmlinuz-linux";
const INITRAMFS: &str = "initramfs-linux.img";
const ARCH: &str = "x86_64";
/// Boot loaders for UEFI, by the root's name and by the one that firmware looks for.
const LOADERS: [(&str, &str); 2] =
    [("systemd-bootx64.efi", "BOOTx64.EFI"), ("systemd-bootia32.efi", "BOOTIA32.EFI")];
/// The size of GRUB's block of variables.
const GRUB_BLOCK: usize = 1024;

impl Build<'_> {
    /// Assembles the medium, and gives what came of it.
    pub(crate) fn assembled(&self) -> Result<Made> {
        let (profile, definition) = self.profile()?;
        let (root, packages) = root::make(self, &profile, &definition)?;
        let medium =
            Medium { build: self, definition: &definition, profile: &profile, root: &root };
        let tree = self.work.join("iso");
        medium.versions(&tree, &packages)?;
        medium.boot(&tree)?;
        medium.syslinux(&tree)?;
        let efi = medium.efi(&tree)?;
        root::clean(&root)?;
        medium.image(&tree)?;
        self.clamp(&tree)?;
        let medium = medium.write(&tree, &efi)?;
        Ok(Made { medium, tree, root })
    }

    /// Gives everything beneath a folder the time of the build, where it is later.
    fn clamp(&self, folder: &Path) -> Result<()> {
        let mut find = Command::new("find");
        find.arg(folder).args(["-newermt", &format!("@{}", self.epoch)]);
        find.args(["-exec", "touch", "--no-dereference"]).arg(format!("--date=@{}", self.epoch));
        process::run(find.args(["{}", "+"]))
    }
}

struct Medium<'a> {
    build: &'a Build<'a>,
    definition: &'a Definition,
    profile: &'a Path,
    root: &'a Path,
}

impl Medium<'_> {
    /// The identity of the medium: its time, as ISO 9660 has it.
    fn uuid(&self) -> Result<String> {
        let mut date = Command::new("date");
        date.args(["--utc", "+%Y-%m-%d-%H-%M-%S-00"]).arg(format!("--date=@{}", self.build.epoch));
        Ok(process::capture(&mut date)?.trim().to_owned())
    }

    /// Which medium it is, for people and for GRUB.
    fn versions(&self, tree: &Path, packages: &str) -> Result<()> {
        let Definition { name, version, label, install_dir, .. } = self.definition;
        let inner = tree.join(install_dir);
        fs::create_dir_all(&inner)?;
        fs::write(inner.join("version"), format!("{version}\n"))?;
        fs::write(inner.join(format!("pkglist.{ARCH}.txt")), packages)?;
        let head = format!("# GRUB Environment Block\nNAME={name}\nVERSION={version}\n");
        fs::write(inner.join("grubenv"), grub_block(&head))?;
        let uuid = self.uuid()?;
        let known_by = format!("/boot/{uuid}.uuid");
        fs::create_dir_all(tree.join("boot/grub"))?;
        fs::write(tree.join(known_by.trim_start_matches('/')), "")?;
        let head = format!(
            "{head}ARCHISO_LABEL={label}\nINSTALL_DIR={install_dir}\nARCH={ARCH}\nARCHISO_SEARCH_FILENAME={known_by}\n"
        );
        Ok(fs::write(tree.join("boot/grub/grubenv"), grub_block(&head))?)
    }

    fn boot(&self, tree: &Path) -> Result<()> {
        let to = tree.join(&self.definition.install_dir).join("boot").join(ARCH);
        fs::create_dir_all(&to)?;
        for file in [KERNEL, INITRAMFS] {
            let from = self.root.join("boot").join(file);
            fs::copy(&from, to.join(file)).with_context(|| {
                format!("the packages bring no `/boot/{file}`, without which nothing boots")
            })?;
        }
        Ok(())
    }

    /// A file of the profile with what it leaves open filled in.
    fn filled(&self, file: &Path) -> Result<String> {
        let text =
            fs::read_to_string(file).with_context(|| format!("read `{}`", file.display()))?;
        Ok(text
            .replace("%ARCHISO_LABEL%", &self.definition.label)
            .replace("%ARCHISO_UUID%", &self.uuid()?)
            .replace("%INSTALL_DIR%", &self.definition.install_dir)
            .replace("%ARCH%", ARCH))
    }

    fn syslinux(&self, tree: &Path) -> Result<()> {
        let to = tree.join("boot/syslinux");
        fs::create_dir_all(&to)?;
        for file in names(&self.profile.join("syslinux"), ".cfg")? {
            fs::write(to.join(&file), self.filled(&self.profile.join("syslinux").join(&file))?)?;
        }
        let from = self.root.join("usr/lib/syslinux/bios");
        let mut files = names(&from, ".c32")?;
        files.extend(["lpxelinux.0", "memdisk", "isolinux.bin", "isohdpfx.bin"].map(str::to_owned));
        for file in files {
            fs::copy(from.join(&file), to.join(&file)).with_context(|| {
                format!(
                    "the package `syslinux` brings no `{file}`, without which BIOS does not boot"
                )
            })?;
        }
        // Its list of hardware knows drivers by this.
        if to.join("hdt.c32").is_file() {
            fs::create_dir_all(to.join("hdt"))?;
            let mut find = Command::new("find");
            find.arg(self.root.join("usr/lib/modules")).args([
                "-name",
                "modules.alias",
                "-print",
                "-quit",
            ]);
            let aliases = process::capture(&mut find)?;
            let mut gzip = Command::new("gzip");
            let packed = gzip.args(["-cn9", aliases.trim()]).output()?;
            ensure!(packed.status.success(), "gzip ended with {}", packed.status);
            fs::write(to.join("hdt/modalias.gz"), packed.stdout)?;
        }
        Ok(())
    }

    /// The partition that UEFI boots from, and the same files in the medium's own file system, for those who copy it.
    fn efi(&self, tree: &Path) -> Result<PathBuf> {
        let loader = self.build.work.join("loader");
        fs::create_dir_all(loader.join("entries"))?;
        let source = self.profile.join("efiboot/loader");
        fs::copy(source.join("loader.conf"), loader.join("loader.conf"))?;
        let entries = names(&source.join("entries"), ".conf")?;
        for entry in &entries {
            fs::write(
                loader.join("entries").join(entry),
                self.filled(&source.join("entries").join(entry))?,
            )?;
        }
        let install_dir = &self.definition.install_dir;
        let boot = format!("/{install_dir}/boot/{ARCH}");
        let mut files = vec![(loader.join("loader.conf"), "/loader/loader.conf".to_owned())];
        files.extend(
            entries
                .iter()
                .map(|e| (loader.join("entries").join(e), format!("/loader/entries/{e}"))),
        );
        for (from, to) in LOADERS {
            let from = self.root.join("usr/lib/systemd/boot/efi").join(from);
            files.push((from, format!("/EFI/BOOT/{to}")));
        }
        for (file, to) in &files {
            let to = tree.join(to.trim_start_matches('/'));
            fs::create_dir_all(to.parent().unwrap_or(tree))?;
            fs::copy(file, &to).with_context(|| {
                format!(
                    "the packages bring no `{}`, without which UEFI does not boot",
                    file.display()
                )
            })?;
        }
        for file in [KERNEL, INITRAMFS] {
            files.push((self.root.join("boot").join(file), format!("{boot}/{file}")));
        }
        let folders = ["/EFI", "/EFI/BOOT", "/loader", "/loader/entries"].map(str::to_owned);
        let mut folders = folders.to_vec();
        folders.extend([format!("/{install_dir}"), format!("/{install_dir}/boot"), boot]);
        esp::make(self.build, &folders, &files)
    }

    /// The image of the root, and what it must hash to.
    fn image(&self, tree: &Path) -> Result<()> {
        let to = tree.join(&self.definition.install_dir).join(ARCH);
        fs::create_dir_all(&to)?;
        let image = to.join("airootfs.sfs");
        let mut squash = self.build.tool("usr/bin/mksquashfs");
        squash.arg(self.root).arg(&image).arg("-noappend").args(&self.definition.image_options);
        squash.args(["-no-progress", "-quiet"]);
        process::run(&mut squash)?;
        let mut sum = Command::new("sha512sum");
        let sum = process::capture(sum.arg("airootfs.sfs").current_dir(&to))?;
        Ok(fs::write(to.join("airootfs.sha512"), sum)?)
    }

    /// The medium itself.
    fn write(&self, tree: &Path, efi: &Path) -> Result<PathBuf> {
        let medium = self.build.work.join(self.definition.file_name());
        stage::remove(&medium)?;
        set_time(efi, self.build.epoch)?;
        let mut xorriso = self.build.tool("usr/bin/xorriso");
        xorriso.args(["-no_rc", "-report_about", "SORRY", "-as", "mkisofs", "-iso-level", "3"]);
        xorriso.args(["-full-iso9660-filenames", "-joliet", "-joliet-long", "-rational-rock"]);
        xorriso.args(["-volid", &self.definition.label, "-appid", &self.definition.application]);
        xorriso.args([
            "-publisher",
            &self.definition.publisher,
            "-preparer",
            "prepared by mkarchiso",
        ]);
        xorriso.args(["-eltorito-boot", "boot/syslinux/isolinux.bin"]);
        xorriso.args(["-eltorito-catalog", "boot/syslinux/boot.cat", "-no-emul-boot"]);
        xorriso.args(["-boot-load-size", "4", "-boot-info-table", "-isohybrid-mbr"]);
        xorriso.arg(tree.join("boot/syslinux/isohdpfx.bin"));
        xorriso.args(["--mbr-force-bootable", "-partition_offset", "16", "-append_partition", "2"]);
        xorriso.arg("C12A7328-F81F-11D2-BA4B-00A0C93EC93B").arg(efi);
        xorriso.args(["-isohybrid-gpt-basdat", "-eltorito-alt-boot", "-e"]);
        xorriso.args(["--interval:appended_partition_2:all::", "-no-emul-boot"]);
        if contents::bytes(tree)? > NO_CD_BYTES {
            xorriso.arg("-no-pad");
        }
        xorriso.arg("-output").arg(&medium).arg(tree);
        process::run(&mut xorriso)?;
        Ok(medium)
    }
}

/// What is larger is no CD, whose readers want some room behind the last byte.
const NO_CD_BYTES: u64 = 900 * 1024 * 1024;

fn set_time(file: &Path, epoch: u64) -> Result<()> {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(epoch);
    let file = File::options().write(true).open(file)?;
    Ok(file.set_times(FileTimes::new().set_modified(time).set_accessed(time))?)
}

/// A block of variables, whose rest is filled with a character that GRUB skips.
fn grub_block(head: &str) -> String {
    format!("{head:#<GRUB_BLOCK$}")
}

/// The names in a folder that end so, sorted.
fn names(folder: &Path, end: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("read `{}`", folder.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(end) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
