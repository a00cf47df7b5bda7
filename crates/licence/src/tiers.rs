//! The tiers file: what each tier is worth.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use capfile::Pattern;
use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use settings::SettingsError;

use crate::FREE;

/// What a tier is worth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tier {
    /// Requests of each client in a window; zero stands for no limit.
    pub rate_limit_requests: u32,
    /// How long the window is.
    pub rate_limit_window_seconds: u32,
    /// What may be called.
    pub allowed_capabilities: Vec<Pattern>,
    /// Whether language models may be used.
    pub llm_access: bool,
    /// Which; `*` stands for all.
    pub allowed_llm_models: Vec<String>,
    /// Tokens for one request; zero stands for no limit.
    pub max_llm_tokens_per_request: u64,
    /// Tokens for one day; zero stands for no limit.
    pub max_llm_tokens_per_day: u64,
}

/// What the file says of a tier: what is absent stays as it is built in.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    rate_limit_requests: Option<u32>,
    rate_limit_window_seconds: Option<u32>,
    allowed_capabilities: Option<Vec<Pattern>>,
    llm_access: Option<bool>,
    allowed_llm_models: Option<Vec<String>>,
    max_llm_tokens_per_request: Option<u64>,
    max_llm_tokens_per_day: Option<u64>,
}

/// The file in all its shapes: tiers by their names, the same within `tiers`, and, as one shipped file had it, the fields of the
/// free tier directly within `tiers`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped<T> {
    tiers: T,
}

/// What the file says of the tiers, by their names in capitals.
#[derive(Debug, Default)]
struct ByName(BTreeMap<String, Fields>);

impl<'de> Deserialize<'de> for ByName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = ByName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("tiers by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ByName, A::Error> {
                let mut tiers = ByName::default();
                while let Some(name) = map.next_key_seed(NewName(&tiers.0))? {
                    tiers.0.insert(name, map.next_value()?);
                }
                Ok(tiers)
            }
        }

        deserializer.deserialize_map(Names)
    }
}

/// The name of a tier that was not there before. It is seen where it stands, so that the error has its line.
struct NewName<'a>(&'a BTreeMap<String, Fields>);

impl<'de> DeserializeSeed<'de> for NewName<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let name = String::deserialize(deserializer)?;
        let in_capitals = name.to_uppercase();
        if self.0.contains_key(&in_capitals) {
            // One of the two would silently count for nothing.
            let text = format!("the tier `{name}` is there twice, whose case does not matter");
            return Err(D::Error::custom(text));
        }
        Ok(in_capitals)
    }
}

/// All tiers, by their names in capitals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiers(BTreeMap<String, Tier>);

impl Default for Tiers {
    fn default() -> Self {
        let patterns = |texts: &[&str]| {
            // They are patterns, and a test reads them all.
            texts.iter().filter_map(|text| text.parse().ok()).collect()
        };
        let free = Tier {
            rate_limit_requests: 100,
            rate_limit_window_seconds: 3600,
            allowed_capabilities: patterns(&[
                "mcp.hello",
                "mcp.listCapabilities",
                "mcp.licence.check",
                "mcp.fs.list",
                "mcp.fs.read",
                // What lists and reads too, and tells nothing that these two do not.
                "mcp.fs.du",
                "mcp.fs.duplicates",
                "mcp.fs.find",
                "mcp.fs.grep",
                "mcp.fs.hash",
                "mcp.fs.info",
                "mcp.fs.read_lines",
                "mcp.fs.read_many",
                "mcp.fs.read_media",
                "mcp.fs.roots",
                "mcp.fs.tree",
            ]),
            llm_access: false,
            allowed_llm_models: Vec::new(),
            max_llm_tokens_per_request: 0,
            max_llm_tokens_per_day: 0,
        };
        let pro = Tier {
            rate_limit_requests: 5000,
            allowed_capabilities: patterns(&[
                "mcp.hello",
                "mcp.listCapabilities",
                "mcp.licence.check",
                "mcp.fs.*",
                "mcp.mail.*",
                "mcp.sync.list*",
                "mcp.sync.getJobStatus",
                "mcp.agent.listWorkflows",
                "mcp.agent.getWorkflowStatus",
                "mcp.llm.chat",
            ]),
            llm_access: true,
            allowed_llm_models: vec!["*".to_owned()],
            max_llm_tokens_per_request: 4096,
            max_llm_tokens_per_day: 1_000_000,
            ..free
        };
        let elite = Tier {
            rate_limit_requests: 50_000,
            allowed_capabilities: patterns(&["*"]),
            max_llm_tokens_per_request: 16_384,
            max_llm_tokens_per_day: 10_000_000,
            ..pro.clone()
        };
        let tiers = [(FREE, free), ("PRO", pro), (crate::ELITE, elite)];
        Self(tiers.into_iter().map(|(name, tier)| (name.to_owned(), tier)).collect())
    }
}

impl Tiers {
    /// Reads the tiers file, which may be missing.
    ///
    /// # Errors
    ///
    /// Those of [`settings::load`].
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        match settings::text(path) {
            Err(SettingsError::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(Self::default())
            }
            text => Self::parse(&path.display().to_string(), &text?),
        }
    }

    /// Reads the text of a tiers file, which errors call `name`.
    ///
    /// # Errors
    ///
    /// Those of [`settings::parse`].
    pub fn parse(name: &str, text: &str) -> Result<Self, SettingsError> {
        let by_name = if let Ok(Wrapped { tiers }) =
            settings::parse::<Wrapped<serde_json::Map<_, serde_json::Value>>>(name, text)
        {
            // Within `tiers` a tier is a mapping; the fields of one are not.
            if tiers.values().all(serde_json::Value::is_object) {
                settings::parse::<Wrapped<ByName>>(name, text)?.tiers
            } else {
                let free = settings::parse::<Wrapped<Fields>>(name, text)?.tiers;
                ByName(BTreeMap::from([(FREE.to_owned(), free)]))
            }
        } else {
            settings::parse::<Option<ByName>>(name, text)?.unwrap_or_default()
        };
        let mut tiers = Self::default();
        for (name, fields) in by_name.0 {
            let before = tiers.0.get(&name).or_else(|| tiers.0.get(FREE)).cloned();
            if let Some(before) = before {
                tiers.0.insert(name, before.with(fields));
            }
        }
        Ok(tiers)
    }

    /// A tier, whatever the case of its name.
    pub fn get(&self, name: &str) -> Option<&Tier> {
        self.0.get(&name.to_uppercase())
    }

    /// The names of all.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Tier {
    fn with(self, fields: Fields) -> Self {
        Self {
            rate_limit_requests: fields.rate_limit_requests.unwrap_or(self.rate_limit_requests),
            rate_limit_window_seconds: fields
                .rate_limit_window_seconds
                .unwrap_or(self.rate_limit_window_seconds),
            allowed_capabilities: fields.allowed_capabilities.unwrap_or(self.allowed_capabilities),
            llm_access: fields.llm_access.unwrap_or(self.llm_access),
            allowed_llm_models: fields.allowed_llm_models.unwrap_or(self.allowed_llm_models),
            max_llm_tokens_per_request: fields
                .max_llm_tokens_per_request
                .unwrap_or(self.max_llm_tokens_per_request),
            max_llm_tokens_per_day: fields
                .max_llm_tokens_per_day
                .unwrap_or(self.max_llm_tokens_per_day),
        }
    }
}
