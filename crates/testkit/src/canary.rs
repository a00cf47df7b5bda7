//! Canaries: what is kept secret, and the search for it wherever it may not be.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use data_encoding::{HEXLOWER, HEXUPPER};

/// The fewest bytes of a canary: a shorter one could stand somewhere by chance.
const LEAST_BYTES: usize = 12;
/// The same of a code that a person types, which is only looked for as it is typed.
const LEAST_CODE_BYTES: usize = 8;

/// Secrets by name, each in every form in which it could be written down.
#[derive(Debug, Default)]
pub struct Canaries(Vec<Canary>);

#[derive(Debug)]
struct Canary {
    name: String,
    forms: Vec<(&'static str, Vec<u8>)>,
}

/// A secret in a place where it may not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Find {
    /// The name of the canary.
    pub canary: String,
    /// How it is written there.
    pub form: &'static str,
    /// Where.
    pub place: String,
}

impl Canaries {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    #[must_use]
    pub fn with(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push(Canary { name: name.to_owned(), forms: forms(bytes.as_ref()) });
        self
    }

    /// A code that a person reads and types, with a dash in it: as it is shown, and as else it is typed.
    #[must_use]
    pub fn with_code(mut self, name: &str, code: &str) -> Self {
        let bare = code.replace('-', "");
        assert!(bare.len() >= LEAST_CODE_BYTES, "a code of {} bytes is too short", bare.len());
        let typed = [code.to_owned(), code.to_lowercase(), bare.to_lowercase(), bare];
        let forms = typed.map(|text| ("typed", text.into_bytes()));
        self.0.push(Canary { name: name.to_owned(), forms: forms.into() });
        self
    }

    /// The private key in a file of PEM: its lines, and the number that it is of (P-256 in PKCS #8).
    #[must_use]
    pub fn with_pem(self, name: &str, pem: &str) -> Self {
        let lines = pem.lines().map(str::trim).filter(|line| !line.starts_with('-'));
        let der = STANDARD.decode(lines.clone().collect::<String>()).unwrap();
        // ECPrivateKey: version 1, then the number as an octet string.
        let at = memchr::memmem::find(&der, &[2, 1, 1, 4, 32]).expect("a key of P-256") + 5;
        let lines = lines.filter(|line| line.len() >= LEAST_BYTES);
        lines.fold(self.with(name, &der[at..at + 32]), |all, line| all.with(name, line))
    }

    /// Those in some bytes, which are called `place`.
    pub fn in_bytes(&self, place: &str, bytes: &[u8]) -> Vec<Find> {
        let all = self.0.iter().flat_map(|canary| {
            canary.forms.iter().map(move |(form, text)| (&canary.name, *form, text))
        });
        let found = all.filter(|(_, _, text)| contains(bytes, text));
        found
            .map(|(name, form, _)| Find { canary: name.clone(), form, place: place.to_owned() })
            .collect()
    }

    /// Those in a folder: in what its files hold, in their names, in the targets of links. The place is the path.
    pub fn in_folder(&self, folder: &Path) -> Vec<Find> {
        files(folder).iter().flat_map(|path| self.in_file(path)).collect()
    }

    fn in_file(&self, path: &Path) -> Vec<Find> {
        let place = path.display().to_string();
        let kind = fs::symlink_metadata(path).unwrap().file_type();
        let content = if kind.is_file() {
            fs::read(path).unwrap()
        } else if kind.is_symlink() {
            fs::read_link(path).unwrap().as_os_str().as_bytes().to_vec()
        } else {
            Vec::new()
        };
        let name = path.file_name().unwrap_or_default().as_bytes();
        [self.in_bytes(&place, &content), self.in_bytes(&place, name)].concat()
    }

    /// Those in what every process of the machine may see of a process and of all that it started: the command lines;
    /// and in what those of the same user may see: the environments.
    pub fn in_processes(&self, process: u32) -> Vec<Find> {
        let of_each = family(process).into_iter().flat_map(|process| {
            ["cmdline", "environ"].into_iter().flat_map(move |file| {
                let path = format!("/proc/{process}/{file}");
                // One that has just ended has none.
                let content = fs::read(&path).unwrap_or_default();
                self.in_bytes(&path, &content)
            })
        });
        of_each.collect()
    }
}

/// A process and all that it started, and what these started.
fn family(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let mut next = 0;
    while let Some(process) = all.get(next).copied() {
        next += 1;
        let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
        for thread in threads {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
        }
    }
    all
}

/// All that is in a folder, however deep.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found
}

/// A secret as it is, in hexadecimal, and in base64 wherever in a longer text it begins.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    assert!(secret.len() >= LEAST_BYTES, "a canary of {} bytes is too short", secret.len());
    let mut forms = vec![
        ("plain", secret.to_vec()),
        ("hexadecimal", HEXLOWER.encode(secret).into_bytes()),
        ("hexadecimal in capitals", HEXUPPER.encode(secret).into_bytes()),
    ];
    for before in 0..3 {
        // A character has six bits. Those at the ends that also have bits of what stands around are left out.
        let shifted = [&vec![0; before], secret].concat();
        let bits = shifted.len() * 8;
        let (first, last) = ((before * 8).div_ceil(6), bits / 6);
        for (form, text) in [
            ("base64", STANDARD_NO_PAD.encode(&shifted)),
            ("base64 for URLs", URL_SAFE_NO_PAD.encode(&shifted)),
        ] {
            forms.push((form, text.as_bytes()[first..last].to_vec()));
        }
    }
    forms
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(bytes, text).is_some()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::{Command, Stdio};

    use super::*;

    const SECRET: &[u8] = b"canary\xff\xfe?>secret";

    fn canaries() -> Canaries {
        Canaries::new().with("other", "another canary").with("ours", SECRET)
    }

    #[track_caller]
    fn check(bytes: &[u8], forms: &[&str]) {
        let found = canaries().in_bytes("here", bytes);
        let found: Vec<&str> = found
            .iter()
            .map(|find| {
                assert_eq!((find.canary.as_str(), find.place.as_str()), ("ours", "here"));
                find.form
            })
            .collect();
        assert_eq!(found, forms);
    }

    #[test]
    fn every_form_is_found_wherever_it_stands() {
        check(b"", &[]);
        check(b"canary secret", &[]);
        check(&[b"x", SECRET, b"y"].concat(), &["plain"]);
        for around in 0..9 {
            let text = [&vec![b'x'; around], SECRET, b"tail"].concat();
            check(STANDARD_NO_PAD.encode(&text).as_bytes(), &["base64"]);
            check(URL_SAFE_NO_PAD.encode(&text).as_bytes(), &["base64 for URLs"]);
        }
        check(HEXLOWER.encode(SECRET).as_bytes(), &["hexadecimal"]);
        check(HEXUPPER.encode(SECRET).as_bytes(), &["hexadecimal in capitals"]);
    }

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        let code = Canaries::new().with_code("the code", "7K2M-Q9XD");
        for text in ["is 7K2M-Q9XD.", "7k2m-q9xd", "x7K2MQ9XDx", "7k2mq9xd"] {
            assert!(!code.in_bytes("here", text.as_bytes()).is_empty(), "{text}");
        }
        assert_eq!(code.in_bytes("here", b"7K2M Q9XD"), []);
    }

    #[test]
    fn a_private_key_is_found_without_its_file() {
        let number = [7; 32];
        let der = [&[0x30, 0x77, 2, 1, 1, 4, 32], number.as_slice(), &[0xa0, 1, 2, 3]].concat();
        let text = STANDARD.encode(&der);
        let (first, second) = text.split_at(40);
        let begin = "-----BEGIN PRIVATE KEY-----";
        let key = Canaries::new().with_pem("the key", &format!("{begin}\n{first}\n{second}\n"));
        for bytes in [number.to_vec(), HEXLOWER.encode(&number).into(), first.into(), der] {
            assert!(!key.in_bytes("here", &bytes).is_empty(), "{bytes:?}");
        }
        assert_eq!(key.in_bytes("here", begin.as_bytes()), []);
    }

    #[test]
    fn files_their_names_and_links_are_searched() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::write(at("a/nothing"), "canary").unwrap();
        assert_eq!(canaries().in_folder(folder.path()), []);
        fs::write(at("a/b/file"), [b"x".repeat(100_000).as_slice(), SECRET].concat()).unwrap();
        fs::write(at("a/another canary"), "").unwrap();
        symlink("/nowhere/another canary", at("link")).unwrap();
        let mut places: Vec<String> =
            canaries().in_folder(folder.path()).into_iter().map(|find| find.place).collect();
        places.sort();
        let expected = ["a/another canary", "a/b/file", "link"];
        assert_eq!(places, expected.map(|name| at(name).display().to_string()));
    }

    #[test]
    fn command_lines_and_environments_of_children_are_searched() {
        // `cat` waits for the end of its input; the shell waits for it.
        let start = |environment: &str, argument: &str| {
            let mut shell = Command::new("sh");
            shell.args(["-c", "cat; true", argument]).env_clear().env("X", environment);
            shell.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
        };
        for (environment, argument, files) in [
            ("nothing", "nothing", [].as_slice()),
            ("another canary", "nothing", ["environ", "environ"].as_slice()),
            ("nothing", "another canary", ["cmdline"].as_slice()),
        ] {
            let mut shell = start(environment, argument);
            let id = shell.id();
            crate::until("the child", std::time::Duration::from_secs(20), || {
                (family(id).len() == 2).then_some(())
            });
            // Until it has become another program, the child has the command line of the shell.
            let cat = family(id)[1];
            crate::until("`cat`", std::time::Duration::from_secs(20), || {
                let line = fs::read(format!("/proc/{cat}/cmdline")).unwrap();
                line.starts_with(b"cat").then_some(())
            });
            let found = canaries().in_processes(id);
            let found: Vec<&str> =
                found.iter().filter_map(|find| find.place.rsplit('/').next()).collect();
            drop(shell.stdin.take());
            shell.wait().unwrap();
            assert_eq!(found, files, "{environment}, {argument}");
        }
    }
}
