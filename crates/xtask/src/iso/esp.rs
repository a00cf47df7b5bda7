//! The EFI system partition of a medium: a FAT image with the boot loader, its menu, kernel and initramfs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Build;
use crate::process;
use crate::stage;

/// Room beside the files: for what a file system needs, and for whoever adds something. mkarchiso's.
const ROOM_KIB: u64 = 8192;
const KIB_PER_MIB: u64 = 1024;
/// From this size on it is FAT32, as mkarchiso has it.
const FAT32_KIB: u64 = 36_864;

/// Makes it of files and the folders that they go to; folders are made in this order, files copied in theirs.
pub(super) fn make(
    build: &Build<'_>,
    folders: &[String],
    files: &[(PathBuf, String)],
) -> Result<PathBuf> {
    let image = build.work.join("efiboot.img");
    stage::remove(&image)?;
    let kib = size(files)?;
    let mut mkfs = build.trees.command("usr/sbin/mkfs.fat");
    mkfs.args(["-C", "-n", "ARCHISO_EFI"]);
    if kib >= FAT32_KIB {
        mkfs.args(["-F", "32"]);
    }
    mkfs.arg(&image).arg(kib.to_string());
    process::quietly(mkfs.env("SOURCE_DATE_EPOCH", build.epoch.to_string()))?;
    for folder in folders {
        let mut mmd = build.trees.command("usr/bin/mtools");
        mmd.args(["-c", "mmd", "-i"]).arg(&image).arg(format!("::{folder}"));
        process::quietly(mmd.env("SOURCE_DATE_EPOCH", build.epoch.to_string()))?;
    }
    for (file, to) in files {
        let mut mcopy = build.trees.command("usr/bin/mtools");
        mcopy.args(["-c", "mcopy", "-i"]).arg(&image).arg(file).arg(format!("::{to}"));
        process::quietly(mcopy.env("SOURCE_DATE_EPOCH", build.epoch.to_string()))?;
    }
    Ok(image)
}

/// Whole MiB, in KiB.
fn size(files: &[(PathBuf, String)]) -> Result<u64> {
    let length = |path: &Path| fs::metadata(path).map(|metadata| metadata.len());
    let bytes: u64 = files.iter().map(|(file, _)| length(file)).sum::<Result<_, _>>()?;
    Ok((bytes.div_ceil(KIB_PER_MIB) + ROOM_KIB).div_ceil(KIB_PER_MIB) * KIB_PER_MIB)
}
