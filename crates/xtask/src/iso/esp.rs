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
    let mut mkfs = build.tool("usr/sbin/mkfs.fat");
    mkfs.args(["-C", "-n", "ARCHISO_EFI"]);
    if kib >= FAT32_KIB {
        mkfs.args(["-F", "32"]);
    }
    mkfs.arg(&image).arg(kib.to_string());
    process::quietly(&mut mkfs)?;
    for folder in folders {
        let mut mmd = build.tool("usr/bin/mtools");
        mmd.args(["-c", "mmd", "-i"]).arg(&image).arg(format!("::{folder}"));
        process::quietly(&mut mmd)?;
    }
    for (file, to) in files {
        let mut mcopy = build.tool("usr/bin/mtools");
        mcopy.args(["-c", "mcopy", "-i"]).arg(&image).arg(file).arg(format!("::{to}"));
        process::quietly(&mut mcopy)?;
    }
    Ok(image)
}

/// Whole MiB, in KiB.
fn size(files: &[(PathBuf, String)]) -> Result<u64> {
    let length = |path: &Path| fs::metadata(path).map(|metadata| metadata.len());
    let bytes: u64 = files.iter().map(|(file, _)| length(file)).sum::<Result<_, _>>()?;
    Ok((bytes.div_ceil(KIB_PER_MIB) + ROOM_KIB).div_ceil(KIB_PER_MIB) * KIB_PER_MIB)
}
