//! The file server's configuration: its file, and what comes of the file and the environment.

use std::collections::BTreeSet;
use std::path::PathBuf;

use capability::BoxError;
use serde::{Deserialize, Serialize};
use settings::Sources;
use vroot::{Beyond, VPath};

use crate::history::Budget;
use crate::limits::{HISTORY_BYTES, HISTORY_DAYS, MAX_ROOTS};

/// The variables that name the folder to expose, newest name first.
const ROOT: [&str; 3] =
    ["LLMBDO_FS_VIRTUAL_ROOT", "LLMBDO_FS_DATA_ROOT", "LLMBDO_DEFAULT_VIRTUAL_ROOT"];

/// What is hidden where nobody says otherwise: keys, passwords and their stores.
const HIDDEN: [&str; 16] = [
    ".ssh",
    ".gnupg",
    ".password-store",
    ".netrc",
    ".pgpass",
    ".git-credentials",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    "keyrings",
    "kwalletd",
    "gcloud",
    ".mozilla",
    ".thunderbird",
    "*.kdbx",
];

/// `fs.yaml`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// The folder that is exposed. `LLMBDO_FS_VIRTUAL_ROOT`, else `LLMBDO_FS_DATA_ROOT`, else
    /// `LLMBDO_DEFAULT_VIRTUAL_ROOT`, replaces it; one of the four must name a folder, or `roots` several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// Several folders that are exposed, each at `/` and its name; then there is no `root`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<RootFile>,
    /// The server's own folder, for what it must remember across a crash.
    pub state: PathBuf,
    /// Folders that stay out of reach even where a root contains them. `state` always does.
    #[serde(default)]
    pub exclude: Vec<PathBuf>,
    /// Names and paths that nobody sees, such as `.ssh`, `*.kdbx` or `/private`; this takes the place of a list of usual
    /// stores of keys and passwords.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Vec<String>>,
    /// Virtual paths of folders whose text is trusted: only what nobody but the owner writes belongs there. Clients can read
    /// them and change nothing in them; a person at the machine can.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trusted: Vec<String>,
    /// How changes are kept, to be undone.
    #[serde(default)]
    pub history: HistoryFile,
}

/// A folder that is exposed beside others.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootFile {
    /// The name under which it stands at `/`.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// Whether it may be changed.
    #[serde(default = "yes")]
    pub writable: bool,
}

/// How changes are kept, to be undone.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryFile {
    /// Where what was replaced is kept; beside `state` if left out. On the file system of the root, and reached through
    /// the same mount, it costs no copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// How many bytes are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// For how many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// What becomes of a change that replaces more than all that may be kept: it is refused, unless this is `true`; then
    /// it is made, and cannot be undone.
    #[serde(default)]
    pub make_too_large: bool,
}

fn yes() -> bool {
    true
}

/// A folder that is exposed: at `/` if it has no name.
#[derive(Debug, Clone)]
pub(crate) struct Exposed {
    pub(crate) name: Option<String>,
    pub(crate) path: PathBuf,
    pub(crate) writable: bool,
}

/// What the file server runs with. The members mean what those of [`ConfigFile`] mean.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) roots: Vec<Exposed>,
    pub(crate) state: PathBuf,
    pub(crate) exclude: Vec<PathBuf>,
    pub(crate) hidden: Vec<String>,
    pub(crate) trusted: Vec<String>,
    pub(crate) history: HistoryFile,
}

impl Config {
    /// Settles each value, and tells `sources` where it came from.
    pub(crate) fn resolve(file: ConfigFile, sources: &mut Sources) -> Result<Self, BoxError> {
        let roots = exposed(file.root, file.roots, sources)?;
        let state = sources.in_file("state", Some(file.state), PathBuf::new());
        let exclude = Some(file.exclude).filter(|exclude| !exclude.is_empty());
        let exclude = sources.in_file("exclude", exclude, Vec::new());
        let usual = HIDDEN.map(str::to_owned).to_vec();
        let hidden = sources.in_file("hidden", file.hidden, usual);
        let trusted = Some(file.trusted).filter(|trusted| !trusted.is_empty());
        let trusted = sources.in_file("trusted", trusted, Vec::new());
        let history = sources.in_file("history", Some(file.history), HistoryFile::default());
        Ok(Self { roots, state, exclude, hidden, trusted, history })
    }

    pub(crate) fn budget(&self) -> Budget {
        let beyond = if self.history.make_too_large { Beyond::Forget } else { Beyond::Refuse };
        let bytes = self.history.bytes.unwrap_or(HISTORY_BYTES);
        Budget { bytes, days: self.history.days.unwrap_or(HISTORY_DAYS), beyond }
    }
}

fn exposed(
    root: Option<PathBuf>,
    roots: Vec<RootFile>,
    sources: &mut Sources,
) -> Result<Vec<Exposed>, BoxError> {
    if roots.is_empty() {
        // There is no default: what nobody named must not be exposed.
        let path = sources.optional("root", &ROOT, root)?.ok_or_else(|| {
            format!("no folder to expose is named: set `root` in the file, or `{}`", ROOT[0])
        })?;
        return Ok(vec![Exposed { name: None, path, writable: true }]);
    }
    if root.is_some() {
        return Err("`root` and `roots` cannot both be set: name all folders in `roots`".into());
    }
    if roots.len() > MAX_ROOTS {
        return Err(format!("`roots` names more than {MAX_ROOTS} folders").into());
    }
    let roots = sources.in_file("roots", Some(roots), Vec::new());
    let mut names = BTreeSet::new();
    for root in &roots {
        let is_name = !root.name.contains('/') && !matches!(root.name.as_str(), "" | "." | "..");
        if !is_name || VPath::parse(&format!("/{}", root.name)).is_err() {
            return Err(format!("`{}` is not the name of a folder", root.name).into());
        }
        if !names.insert(root.name.clone()) {
            return Err(format!("two folders have the name `{}`", root.name).into());
        }
    }
    let exposed = |root: RootFile| Exposed {
        name: Some(root.name),
        path: root.path,
        writable: root.writable,
    };
    Ok(roots.into_iter().map(exposed).collect())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    /// The folder that is exposed, and where its name came from.
    fn root(yaml: &str, variables: &[&str]) -> Result<(PathBuf, String), BoxError> {
        let known: Vec<String> = variables.iter().map(|name| (*name).to_owned()).collect();
        let environment =
            move |name: &str| known.iter().any(|k| k == name).then(|| OsString::from(name));
        let mut sources = Sources::with_environment("fs.yaml".as_ref(), environment);
        let config = Config::resolve(settings::parse("fs.yaml", yaml)?, &mut sources)?;
        let report = sources.report("fs");
        let source = report.settings.iter().find(|setting| setting.name == "root").unwrap();
        Ok((config.roots[0].path.clone(), source.source.to_string()))
    }

    #[test]
    fn the_newest_variable_counts_then_the_file() {
        let all = ["LLMBDO_DEFAULT_VIRTUAL_ROOT", "LLMBDO_FS_DATA_ROOT", "LLMBDO_FS_VIRTUAL_ROOT"];
        for count in 1..=all.len() {
            let newest = all[count - 1];
            let found = root("state: /s\nroot: /r", &all[..count]).unwrap();
            assert_eq!(found, (newest.into(), format!("environment {newest}")));
        }
        let found = root("state: /s\nroot: /r", &[]).unwrap();
        assert_eq!(found, ("/r".into(), "file fs.yaml".to_owned()));
    }

    #[test]
    fn without_a_folder_nothing_is_exposed() {
        let error = root("state: /s", &["HOME"]).unwrap_err().to_string();
        assert!(error.starts_with("no folder to expose is named"), "{error}");
    }

    #[test]
    fn several_folders_have_names_that_differ() {
        let roots = |yaml: &str| {
            let mut sources = Sources::with_environment("fs.yaml".as_ref(), |_| None);
            Config::resolve(settings::parse("fs.yaml", yaml).unwrap(), &mut sources).map(|config| {
                config.roots.into_iter().map(|root| root.writable).collect::<Vec<_>>()
            })
        };
        let two = "state: /s\nroots: [{name: a, path: /a}, {name: b, path: /b, writable: false}]";
        assert_eq!(roots(two).unwrap(), [true, false]);
        for wrong in [
            "state: /s\nroot: /r\nroots: [{name: a, path: /a}]",
            "state: /s\nroots: [{name: a, path: /a}, {name: a, path: /b}]",
            "state: /s\nroots: [{name: a/b, path: /a}]",
            "state: /s\nroots: [{name: .., path: /a}]",
        ] {
            roots(wrong).unwrap_err();
        }
    }
}
