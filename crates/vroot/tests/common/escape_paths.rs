//! Paths that try to leave an exposed folder, and the folders and canaries around it that show
//! whether one did.
//!
//! This file depends on `std` alone, so that the tests of other crates can include it by `#[path]`.
//! The same seed gives the same paths.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes that are in each file which no client may read, and nowhere else.
pub(crate) const CANARY: &str = "canary-5b1e0c4f9d27";

/// The name of such files. A test may give it to others too.
pub(crate) const CANARY_NAME: &str = "kept-from-clients-93d1";

/// The name of an empty file in each folder which no client may list, and nowhere else.
pub(crate) const MARK_NAME: &str = "never-listed-c7a8";

/// Folders of one campaign.
///
/// `root` is to be exposed, and `root/state` to be excluded. `outside`, `root-beside` and the base
/// itself hold canaries. A hard link in the root to `allowed/file` is no escape, but no write may
/// reach that file.
pub(crate) struct Traps {
    base: PathBuf,
}

impl Traps {
    /// Makes the folders in `base`, which must be empty.
    pub(crate) fn new(base: &Path) -> io::Result<Self> {
        let traps = Self { base: base.to_owned() };
        for folder in ["outside/sub", "root-beside", "root/state/sub", "allowed", "spare"] {
            fs::create_dir_all(base.join(folder))?;
        }
        for (number, folder) in
            ["", "outside", "outside/sub", "root-beside", "root/state", "root/state/sub"]
                .iter()
                .enumerate()
        {
            fs::write(base.join(folder).join(CANARY_NAME), format!("{CANARY} {number}"))?;
            fs::write(base.join(folder).join(MARK_NAME), "")?;
        }
        fs::write(base.join("allowed/file"), "allowed")?;
        // Folders and links can be removed by a client, so these are kept here to be linked from.
        if !Command::new("mkfifo").arg(base.join("spare/fifo")).status()?.success() {
            return Err(io::Error::other("mkfifo failed"));
        }
        drop(UnixListener::bind(base.join("spare/socket"))?);
        traps.set()?;
        Ok(traps)
    }

    /// The folder to expose.
    pub(crate) fn root(&self) -> PathBuf {
        self.base.join("root")
    }

    /// The folder to exclude.
    pub(crate) fn state(&self) -> PathBuf {
        self.base.join("root/state")
    }

    /// Makes the content of the root, except the excluded folder, as it was at first.
    pub(crate) fn set(&self) -> io::Result<()> {
        let root = self.root();
        for entry in fs::read_dir(&root)? {
            let entry = entry?;
            if entry.file_name() == "state" {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        for folder in ["a/b/c", "．．", "...", "%2e%2e", "..%2f"] {
            fs::create_dir_all(root.join(folder))?;
        }
        for file in ["file", "a/file", "a/b/file", "a/b/c/file", "%2e%2e/file"] {
            fs::write(root.join(file), "inside")?;
        }
        for (name, target) in self.links() {
            symlink(target, root.join(name))?;
        }
        for name in ["fifo", "socket"] {
            fs::hard_link(self.base.join("spare").join(name), root.join(name))?;
        }
        fs::hard_link(self.base.join("allowed/file"), root.join("hard"))
    }

    fn links(&self) -> Vec<(&'static str, PathBuf)> {
        let relative = [
            ("up", ".."),
            ("up-slash", "../"),
            ("up2", "../.."),
            ("a/up", ".."),
            ("a/up2", "../.."),
            ("a/b/up3", "../../.."),
            ("a/b/c/up9", "../../../../../../../../.."),
            ("．．/up", "../.."),
            ("outside", "../outside"),
            ("outside-dots", "./a/.././../outside/."),
            ("a/outside", "../../outside"),
            ("beside", "../root-beside"),
            ("around", "../root/a"),
            ("to-state", "state"),
            ("a/to-state", "../state"),
            ("a/state-dots", "../a/../state/sub/.."),
            ("self", "."),
            ("a/self", "../a"),
            ("a-link", "a/b"),
            ("by-up", "up/outside"),
            ("by-a-up2", "a/up2/outside"),
            ("by-file", "file/../../outside"),
            ("chain0", "chain1"),
            ("chain1", "a/chain2"),
            ("a/chain2", "../a/b/chain3"),
            ("a/b/chain3", "../../chain4"),
            ("chain4", "../outside"),
            ("state-chain", "a-link/../to-state"),
            ("loop", "loop"),
            ("ping", "a/pong"),
            ("a/pong", "../ping"),
            ("dangling", "nowhere"),
            ("dangling-outside", "../outside/new"),
            ("dangling-state", "state/new"),
            ("reserved", ".llmbasedos-tmp-0"),
        ]
        .map(|(name, target)| (name, PathBuf::from(target)));
        let canaries = [
            ("canary", format!("../outside/{CANARY_NAME}")),
            ("a/canary", format!("../../{CANARY_NAME}")),
            ("state-canary", format!("state/{CANARY_NAME}")),
        ]
        .map(|(name, target)| (name, PathBuf::from(target)));
        let absolute = [
            ("absolute-outside", self.base.join("outside")),
            ("absolute-canary", self.base.join("outside").join(CANARY_NAME)),
            ("absolute-root", self.root()),
            ("absolute-state", self.state()),
            ("slash", PathBuf::from("/")),
            ("slashes", PathBuf::from("//")),
            (
                "proc-root",
                Path::new("/proc/self/root")
                    .join(self.base.strip_prefix("/").unwrap_or(&self.base)),
            ),
            ("proc-cwd", PathBuf::from("/proc/self/cwd")),
            ("proc-fd", PathBuf::from("/proc/self/fd")),
        ];
        relative.into_iter().chain(canaries).chain(absolute).collect()
    }

    /// All that no client may change: what each canary holds, and when it was changed last.
    pub(crate) fn snapshot(&self) -> io::Result<BTreeMap<PathBuf, (String, Vec<u8>)>> {
        let mut found = BTreeMap::new();
        let mut folders = ["outside", "root-beside", "root/state", "allowed", "spare"]
            .map(|name| self.base.join(name))
            .to_vec();
        let lone = self.base.join(CANARY_NAME);
        found.insert(lone.clone(), describe(&lone)?);
        while let Some(folder) = folders.pop() {
            found.insert(folder.clone(), describe(&folder)?);
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else {
                    found.insert(entry.path(), describe(&entry.path())?);
                }
            }
        }
        let mut names: Vec<_> = fs::read_dir(&self.base)?
            .map(|entry| entry.map(|entry| entry.file_name().into_encoded_bytes()))
            .collect::<Result<_, _>>()?;
        names.sort();
        found.insert(self.base.clone(), ("base".to_owned(), names.join(&b"/"[..])));
        Ok(found)
    }

    /// `count` different ways out, or ways which only look like one: first those that everybody
    /// tries, then generated ones.
    pub(crate) fn paths(&self, seed: u64, count: usize) -> Vec<String> {
        let base = self.base.to_string_lossy().into_owned();
        let mut paths: Vec<String> =
            KNOWN.iter().map(|known| known.replace("BASE", &base)).collect();
        for (name, _) in self.links() {
            for tail in ["", "/", "/.", "/..", "/../..", "/../outside", "/sub", "/state"] {
                paths.push(format!("/{name}{tail}"));
            }
            paths.push(format!("/{name}/{CANARY_NAME}"));
            paths.push(format!("/{name}/../{CANARY_NAME}"));
            paths.push(format!("/{name}/../outside/{CANARY_NAME}"));
        }
        let links: Vec<_> = self.links().into_iter().map(|(name, _)| name).collect();
        let mut chance = Chance(seed);
        while paths.len() < count {
            let mut path = generate(&mut chance, &links, &base);
            for _ in 0..chance.below(3) {
                path = mutate(&mut chance, &path);
            }
            paths.push(path);
        }
        paths.truncate(count);
        paths
    }
}

fn describe(path: &Path) -> io::Result<(String, Vec<u8>)> {
    let data = fs::symlink_metadata(path)?;
    let content = if data.is_file() { fs::read(path)? } else { Vec::new() };
    let facts = format!("{:o} {} {} {:?}", data.mode(), data.ino(), data.uid(), data.modified()?);
    Ok((facts, content))
}

/// What is tried first by everybody; `BASE` stands for the host path around the root.
const KNOWN: [&str; 58] = [
    "",
    "/",
    "//",
    "/.",
    "/..",
    "/../",
    "/./..",
    "/../..",
    "/...",
    "/ ..",
    "/.. ",
    "..",
    ".",
    "~",
    "/~",
    "/~root",
    "/$HOME",
    "/%",
    "/*",
    "/../root",
    "/../root/file",
    "/../root-beside",
    "/../outside",
    "/a/../../outside",
    "/a/b/../../../outside",
    "/state",
    "/STATE",
    "/state/.",
    "/state/..",
    "/state/sub/..",
    "/./state",
    "/a/../state",
    "/state\0",
    "/\0",
    "/..\0/outside",
    "\0/..",
    "/file/..",
    "/file/../..",
    "/fifo",
    "/socket",
    "/hard",
    "/hard/..",
    "/dev/mem",
    "/proc/self/root",
    "/proc/self/cwd/..",
    "/etc/passwd",
    "file:///etc/passwd",
    "//etc/passwd",
    "\\..\\outside",
    "/..\\..\\outside",
    "C:\\",
    "BASE/outside",
    "/BASE/outside",
    "BASE",
    "/../..BASE/outside",
    "root-beside",
    "/%2e%2e/outside",
    "/.llmbasedos-tmp-0",
];

/// Spellings of the folder above, true ones first.
const UPS: [&str; 30] = [
    "..",
    "..",
    "..",
    "..",
    "../",
    "./..",
    ".././",
    "..//",
    "up",
    "self/..",
    "%2e%2e",
    "%2E%2E",
    "%2e.",
    ".%2e",
    "%252e%252e",
    "..%2f",
    "..%00",
    "%c0%ae%c0%ae",
    "%u002e%u002e",
    "..\\",
    "..;",
    "..\0",
    "．．",
    "․․",
    "‥",
    "\u{202e}..",
    "..\u{200b}",
    "...",
    ".. ",
    "..\n",
];

/// Folders and other places to go through.
const PLACES: [&str; 22] = [
    "a",
    "a/b",
    "a/b/c",
    "b",
    "c",
    "root",
    "outside",
    "outside/sub",
    "root-beside",
    "state",
    "sub",
    "state/sub",
    "none",
    ".",
    "",
    "file",
    "hard",
    "fifo",
    "socket",
    "．．",
    "proc/self/root",
    "%2e%2e",
];

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number smaller than `bound`.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

fn generate(chance: &mut Chance, links: &[&str], base: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    match chance.below(8) {
        // Straight up and out.
        0 => {
            let up = chance.pick(&UPS);
            parts.extend((0..=chance.below(12)).map(|_| up.to_owned()));
            parts.push("outside".to_owned());
        }
        // Down first, then more up than down.
        1 => {
            parts.push(chance.pick(&PLACES[..3]).to_owned());
            parts.extend((0..=chance.below(6)).map(|_| "..".to_owned()));
            parts.push(chance.pick(&PLACES).to_owned());
        }
        // Through links.
        2 | 3 => {
            for _ in 0..=chance.below(4) {
                parts.push(chance.pick(links).to_owned());
                if chance.below(3) == 0 {
                    parts.push(chance.pick(&UPS).to_owned());
                }
            }
        }
        // By the absolute path of the host.
        4 => {
            parts.extend((0..chance.below(8)).map(|_| "..".to_owned()));
            parts.push(base.trim_start_matches('/').to_owned());
            parts.push(
                chance
                    .pick(&["outside", "root/state", "root-beside", "root/../outside"])
                    .to_owned(),
            );
        }
        // Longer than allowed, or just not.
        5 => {
            let length = [254, 255, 256, 4094, 4095, 4096, 5000, 70_000][chance.below(8)];
            let filler = chance.pick(&["n", "/a/..", "/.", "//", "../", "é"]);
            parts.push(filler.repeat(length / filler.len()));
            parts.push("../outside".to_owned());
        }
        // Anything.
        _ => {
            for _ in 0..=chance.below(10) {
                let part = match chance.below(3) {
                    0 => chance.pick(&UPS),
                    1 => chance.pick(links),
                    _ => chance.pick(&PLACES),
                };
                parts.push(part.to_owned());
            }
        }
    }
    match chance.below(4) {
        0 => {}
        1 => parts.push("new".to_owned()),
        _ => parts.push(CANARY_NAME.to_owned()),
    }
    format!("/{}", parts.join("/"))
}

/// The same path, written in another way or spoilt.
fn mutate(chance: &mut Chance, path: &str) -> String {
    let mut characters: Vec<char> = path.chars().collect();
    let at = chance.below(characters.len() + 1);
    match chance.below(8) {
        0 => path.replace('/', "//"),
        1 => path.replace('/', "/./"),
        2 => path.replacen('/', chance.pick(&["%2f", "\\", "∕", "／", "%5c", "/\u{200d}"]), 1 + at),
        3 => {
            format!("{path}{}", chance.pick(&["/", "/.", "/..", "\0", "%00", " ", "?x", "#", ";"]))
        }
        4 => path.trim_start_matches('/').to_owned(),
        5 => format!("/self{path}"),
        6 => {
            characters.insert(at, ['\0', '/', '.', '\u{feff}', '\n', '~'][chance.below(6)]);
            characters.into_iter().collect()
        }
        _ => format!(
            "{}{path}",
            chance.pick(&["/a/..", "/a-link/../..", "/up/root", "/none/..", "/.."])
        ),
    }
}
