//! The file server's configuration: its file, and what comes of the file and the environment.

use std::path::PathBuf;

use capability::BoxError;
use serde::{Deserialize, Serialize};
use settings::Sources;

/// The variables that name the folder to expose, newest name first.
const ROOT: [&str; 3] =
    ["LLMBDO_FS_VIRTUAL_ROOT", "LLMBDO_FS_DATA_ROOT", "LLMBDO_DEFAULT_VIRTUAL_ROOT"];

/// `fs.yaml`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigFile {
    /// The folder that is exposed. `LLMBDO_FS_VIRTUAL_ROOT`, else `LLMBDO_FS_DATA_ROOT`, else
    /// `LLMBDO_DEFAULT_VIRTUAL_ROOT`, replaces it; one of the four must name a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// The server's own folder, for what it must remember across a crash.
    pub state: PathBuf,
    /// Folders that stay out of reach even where `root` contains them. `state` always does.
    #[serde(default)]
    pub exclude: Vec<PathBuf>,
}

/// What the file server runs with. The members mean what those of [`ConfigFile`] mean.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) root: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) exclude: Vec<PathBuf>,
}

impl Config {
    /// Settles each value, and tells `sources` where it came from.
    pub(crate) fn resolve(file: ConfigFile, sources: &mut Sources) -> Result<Self, BoxError> {
        // There is no default: what nobody named must not be exposed.
        let root = sources.optional("root", &ROOT, file.root)?.ok_or_else(|| {
            format!("no folder to expose is named: set `root` in the file, or `{}`", ROOT[0])
        })?;
        let state = sources.in_file("state", Some(file.state), PathBuf::new());
        let exclude = Some(file.exclude).filter(|exclude| !exclude.is_empty());
        let exclude = sources.in_file("exclude", exclude, Vec::new());
        Ok(Self { root, state, exclude })
    }
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
        Ok((config.root, source.source.to_string()))
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
}
