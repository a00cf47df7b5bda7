//! Where each value of a configuration came from.

use std::ffi::OsString;
use std::fmt::{self, Display};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::credential;
use crate::env::parse_variable;
use crate::error::SettingsError;

/// The variable in which systemd names the folder of a unit's credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// This environment variable.
    Environment(String),
    /// This credential of systemd's.
    Credential(String),
    /// This file, as the administrator wrote its name.
    File(String),
    /// Nobody said anything else.
    Default,
}

impl Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::File(name) => write!(f, "file {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One value that a program uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name: that of the member of the file, where one can hold it.
    pub name: String,
    /// The value, `null` where there is none. Of a secret, only whether there is one.
    pub value: Value,
    /// Where it came from.
    pub source: Source,
    /// The variables that are asked for it, the first that is set being taken.
    pub variables: Vec<String>,
}

/// Every value that a program uses, as `llmbasedos config show` reads it from the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The program.
    pub program: String,
    /// Its values, in the order in which they were asked for.
    pub settings: Vec<Setting>,
}

/// What says the value of a variable.
type Environment = Box<dyn Fn(&str) -> Option<OsString>>;

/// Resolves settings one by one, and keeps where each came from.
///
/// The first of a setting's environment variables that is set and not empty counts, else the file, else the default.
///
/// ```
/// # use std::ffi::OsString;
/// # use settings::{Source, Sources};
/// let environment = |name: &str| (name == "LLMBDO_X_PORT").then(|| OsString::from("8001"));
/// let mut sources = Sources::with_environment("x.yaml".as_ref(), environment);
/// let port: u16 = sources.value("port", &["LLMBDO_X_PORT"], Some(7), 8000)?;
/// assert_eq!(port, 8001);
/// let report = sources.report("x");
/// assert_eq!(report.settings[0].source, Source::Environment("LLMBDO_X_PORT".to_owned()));
/// # Ok::<(), settings::SettingsError>(())
/// ```
pub struct Sources {
    file: String,
    environment: Environment,
    settings: Vec<Setting>,
}

impl Sources {
    /// Of the process's own environment and this file.
    pub fn new(file: &Path) -> Self {
        Self::with_environment(file, |name| std::env::var_os(name))
    }

    /// Of what `environment` says of a variable, and this file.
    pub fn with_environment(
        file: &Path,
        environment: impl Fn(&str) -> Option<OsString> + 'static,
    ) -> Self {
        let file = file.display().to_string();
        Self { file, environment: Box::new(environment), settings: Vec::new() }
    }

    /// A setting that always has a value.
    ///
    /// # Errors
    ///
    /// The variable that counts holds something else than a `T`. The file and the default do not help then: whoever
    /// set the variable wanted something.
    pub fn value<T>(
        &mut self,
        name: &str,
        variables: &[&str],
        in_file: Option<T>,
        default: T,
    ) -> Result<T, SettingsError>
    where
        T: FromStr<Err: Display> + Serialize,
    {
        let (value, source) = match self.optional_of(variables, in_file)? {
            Some((value, source)) => (value, source),
            None => (default, Source::Default),
        };
        self.record(name, variables, show(&value), source);
        Ok(value)
    }

    /// A setting that may have no value. Errors are those of [`Sources::value`].
    pub fn optional<T>(
        &mut self,
        name: &str,
        variables: &[&str],
        in_file: Option<T>,
    ) -> Result<Option<T>, SettingsError>
    where
        T: FromStr<Err: Display> + Serialize,
    {
        let found = self.optional_of(variables, in_file)?;
        let source = found.as_ref().map_or(Source::Default, |(_, source)| source.clone());
        let value = found.map(|(value, _)| value);
        self.record(name, variables, value.as_ref().map_or(Value::Null, show), source);
        Ok(value)
    }

    /// A setting that a credential of systemd's may hold (systemd.exec(5), "CREDENTIALS"): whoever boots the machine says so,
    /// and counts before the file, but behind the environment.
    ///
    /// # Errors
    ///
    /// The variable or the credential holds something else than a `T`, or cannot be read.
    pub fn credential<T>(
        &mut self,
        name: &str,
        variables: &[&str],
        credential: &str,
        in_file: Option<T>,
        default: T,
    ) -> Result<T, SettingsError>
    where
        T: FromStr<Err: Display> + Serialize,
    {
        let folder = (self.environment)(CREDENTIALS);
        let given = folder.map(|folder| credential::read(Path::new(&folder), credential));
        let given = given.transpose()?.flatten();
        let (value, source) = match (self.optional_of(variables, None)?, given, in_file) {
            (Some(found), _, _) => found,
            (None, Some(value), _) => (value, Source::Credential(credential.to_owned())),
            (None, None, Some(value)) => (value, self.of_file()),
            (None, None, None) => (default, Source::Default),
        };
        self.record(name, variables, show(&value), source);
        Ok(value)
    }

    /// A setting that the file alone can hold, such as a list.
    pub fn in_file<T: Serialize>(&mut self, name: &str, in_file: Option<T>, default: T) -> T {
        let source = if in_file.is_some() { self.of_file() } else { Source::Default };
        let value = in_file.unwrap_or(default);
        self.record(name, &[], show(&value), source);
        value
    }

    /// A setting that is one of some words, whatever their case.
    ///
    /// # Errors
    ///
    /// The variable that counts holds another word.
    pub fn word<'w>(
        &mut self,
        name: &str,
        variables: &[&str],
        words: &[&'w str],
        default: &'w str,
    ) -> Result<&'w str, SettingsError> {
        let (word, source) = match self.optional_of::<String>(variables, None)? {
            None => (default, Source::Default),
            Some((given, source)) => {
                let known = words.iter().find(|word| word.eq_ignore_ascii_case(&given));
                let word = known.ok_or_else(|| SettingsError::Variable {
                    name: match &source {
                        Source::Environment(variable) => variable.clone(),
                        _ => name.to_owned(),
                    },
                    reason: format!("it must be one of {}", words.join(", ")),
                })?;
                (*word, source)
            }
        };
        self.record(name, variables, word.into(), source);
        Ok(word)
    }

    /// A secret that a variable may hold. What is kept is whether there is one.
    ///
    /// # Errors
    ///
    /// The variable is not text, or too long.
    pub fn secret(
        &mut self,
        name: &str,
        variables: &[&str],
    ) -> Result<Option<String>, SettingsError> {
        let found = self.optional_of::<String>(variables, None)?;
        let value = if found.is_some() { "set, not shown" } else { "not set" };
        let source = found.as_ref().map_or(Source::Default, |(_, source)| source.clone());
        self.record(name, variables, value.into(), source);
        Ok(found.map(|(secret, _)| secret))
    }

    /// What was resolved so far.
    pub fn report(self, program: &str) -> Report {
        Report { program: program.to_owned(), settings: self.settings }
    }

    fn optional_of<T>(
        &self,
        variables: &[&str],
        in_file: Option<T>,
    ) -> Result<Option<(T, Source)>, SettingsError>
    where
        T: FromStr<Err: Display>,
    {
        for variable in variables {
            if let Some(value) = parse_variable(variable, (self.environment)(variable))? {
                return Ok(Some((value, Source::Environment((*variable).to_owned()))));
            }
        }
        Ok(in_file.map(|value| (value, self.of_file())))
    }

    fn of_file(&self) -> Source {
        Source::File(self.file.clone())
    }

    fn record(&mut self, name: &str, variables: &[&str], value: Value, source: Source) {
        let variables = variables.iter().map(|variable| (*variable).to_owned()).collect();
        self.settings.push(Setting { name: name.to_owned(), value, source, variables });
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("file", &self.file)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// A value as JSON. What JSON cannot hold, such as a path that is not UTF-8, is used all the same and shown so.
fn show<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_else(|_| "not text".into())
}
