//! Whether there is room left, and whether it can be written to.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{StatVfs, major, minor, statvfs};

use crate::Finding;
use crate::limits::{FULL_BYTES, FULL_FILES, NEARLY_FULL_PERCENT};

/// Mebibyte.
const MIB: u64 = 1024 * 1024;

/// What is mounted, as this process sees it; see `proc_pid_mountinfo(5)`.
const MOUNTS: &str = "/proc/self/mountinfo";

/// Looks at the file systems that hold these folders; one that is not there is no affair of this machine.
pub(crate) fn examine(folders: &[&Path]) -> Vec<Finding> {
    let mounts = fs::read_to_string(MOUNTS).unwrap_or_default();
    let mut seen = HashSet::new();
    let mut look = |folder: &Path| {
        let device = fs::metadata(folder).ok()?.dev();
        let room = Room::of(&statvfs(folder).ok()?, is_read_only(&mounts, device));
        let named = || folder.to_string_lossy().into_owned();
        let disk = mount_point(&mounts, device).map_or_else(named, ToOwned::to_owned);
        seen.insert(device).then(|| judge(&disk, &room))
    };
    folders.iter().filter_map(|folder| look(folder)).collect()
}

/// Whether the file system itself is read-only, whatever this process may do in it: a sandbox takes writing away from a
/// process, and that is no fault of the disk.
fn is_read_only(mounts: &str, device: u64) -> bool {
    let options = mounted(mounts, device).next().and_then(|line| line.rsplit(' ').next());
    options.is_some_and(|options| options.split(',').any(|option| option == "ro"))
}

/// Where a device is mounted: where more than once, the shortest, since a sandbox mounts parts of it elsewhere again.
fn mount_point(mounts: &str, device: u64) -> Option<&str> {
    mounted(mounts, device).filter_map(|line| line.split(' ').nth(4)).min_by_key(|path| path.len())
}

fn mounted(mounts: &str, device: u64) -> impl Iterator<Item = &str> {
    let device = format!("{}:{}", major(device), minor(device));
    mounts.lines().filter(move |line| line.split(' ').nth(2) == Some(&device))
}

/// What a file system has and what is left of it.
#[derive(Debug, Clone, Copy)]
struct Room {
    bytes: u64,
    free_bytes: u64,
    files: u64,
    free_files: u64,
    read_only: bool,
}

impl Room {
    fn of(statvfs: &StatVfs, read_only: bool) -> Self {
        Self {
            bytes: statvfs.f_blocks.saturating_mul(statvfs.f_frsize),
            free_bytes: statvfs.f_bavail.saturating_mul(statvfs.f_frsize),
            files: statvfs.f_files,
            free_files: statvfs.f_favail,
            read_only,
        }
    }

    /// Some file systems (btrfs, the image's own) count no files and say zero.
    fn lacks_files(&self) -> bool {
        self.files > 0 && self.free_files < FULL_FILES
    }

    fn used_percent(&self) -> u64 {
        let used = self.bytes.saturating_sub(self.free_bytes);
        used.saturating_mul(100).checked_div(self.bytes).unwrap_or(0)
    }
}

fn judge(folder: &str, room: &Room) -> Finding {
    let about = format!("disk {folder}");
    let free = format!("{} of {} MiB free", room.free_bytes / MIB, room.bytes / MIB);
    if room.read_only {
        return Finding::bad(
            about,
            "it can be read and not written to",
            "A disk that fails is made read-only by the kernel: see `dmesg`, copy what matters, and replace the disk",
        );
    }
    // A small file system is full in proportion, not at a bound that it never was above.
    if room.free_bytes < FULL_BYTES.min(room.bytes / 20) {
        return Finding::bad(
            about,
            format!("full: {free}. What must be written fails"),
            format!(
                "Delete or move files away: `du -xh -d2 {folder} | sort -h | tail` shows the largest folders"
            ),
        );
    }
    if room.lacks_files() {
        return Finding::bad(
            about,
            format!("full: it has room for {} more files", room.free_files),
            format!(
                "Delete or pack folders of many small files: `du -x --inodes -d2 {folder} | sort -n | tail` shows them"
            ),
        );
    }
    if room.used_percent() >= NEARLY_FULL_PERCENT {
        return Finding::warning(
            about,
            format!("nearly full: {free}"),
            "Make room before it is full",
        );
    }
    Finding::good(about, free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;

    const ROOMY: Room = Room {
        bytes: 10 * 1024 * MIB,
        free_bytes: 8 * 1024 * MIB,
        files: 100_000,
        free_files: 90_000,
        read_only: false,
    };

    #[track_caller]
    fn check(room: Room, level: Level, what: &str) {
        let finding = judge("/var", &room);
        assert_eq!(finding.level, level, "{finding:?}");
        assert!(finding.what.contains(what), "{finding:?}");
        assert_eq!(finding.remedy.is_some(), level != Level::Good, "{finding:?}");
    }

    #[test]
    fn each_state_of_a_disk_is_told_apart() {
        check(ROOMY, Level::Good, "8192 of 10240 MiB free");
        check(Room { free_bytes: FULL_BYTES, ..ROOMY }, Level::Warning, "nearly full");
        check(Room { free_bytes: FULL_BYTES - 1, ..ROOMY }, Level::Bad, "full: 15 of 10240");
        check(Room { free_files: FULL_FILES - 1, ..ROOMY }, Level::Bad, "room for 127 more files");
        check(Room { files: 0, free_files: 0, ..ROOMY }, Level::Good, "free");
        check(Room { read_only: true, ..ROOMY }, Level::Bad, "not written");
    }

    #[test]
    fn a_small_file_system_is_full_in_proportion() {
        let small = Room { bytes: 8 * MIB, free_bytes: 7 * MIB, ..ROOMY };
        check(small, Level::Good, "7 of 8 MiB free");
        check(Room { free_bytes: 0, ..small }, Level::Bad, "full");
    }

    #[test]
    fn a_sandbox_makes_no_disk_read_only() {
        let mounts = "36 35 8:2 / /var ro,noatime - ext4 /dev/sda2 rw,errors=remount-ro\n\
                      37 35 8:3 / /home rw shared:1 - ext4 /dev/sda3 ro\n";
        assert!(!is_read_only(mounts, rustix::fs::makedev(8, 2)));
        assert_eq!(mount_point(mounts, rustix::fs::makedev(8, 3)), Some("/home"));
        assert!(is_read_only(mounts, rustix::fs::makedev(8, 3)));
        assert!(!is_read_only(mounts, rustix::fs::makedev(8, 4)));
    }

    #[test]
    fn a_file_system_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let missing = folder.path().join("missing");
        assert_eq!(examine(&[folder.path(), &inner, &missing]).len(), 1);
    }
}
