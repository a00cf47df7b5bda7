//! Environment variables that are set and mean nothing here, and why.

use std::fmt;

/// What becomes of a variable that no program reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The part that will read it is not there yet.
    NotYet(&'static str),
    /// Nothing will read it any more.
    Ignored(&'static str),
    /// Nobody ever did: perhaps it is misspelt.
    Unknown,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotYet(part) => write!(f, "not served yet: {part}"),
            Self::Ignored(reason) => write!(f, "ignored: {reason}"),
            Self::Unknown => f.write_str("unknown: no program reads it"),
        }
    }
}

/// The names of earlier versions that have no meaning here. One that ends with `*` stands for all that begin so.
const NAMES: [(Fate, &[&str]); 11] = [
    (Fate::NotYet("licences"), &["LLMBDO_LICENCE_FILE_PATH", "LLMBDO_LICENCE_TIERS_CONFIG_PATH"]),
    (
        Fate::NotYet("language models"),
        &[
            "GEMINI_API_KEY",
            "LLAMA_CPP_API_BASE_URL",
            "LLAMA_CPP_DEFAULT_MODEL",
            "LLMBDO_DEFAULT_LLM_PROVIDER",
            "LLM_PROVIDER_BACKEND",
            "LOCAL_LLM",
            "OLLAMA_BASE_URL",
            "OPENAI_API_BASE_URL",
            "OPENAI_API_KEY",
        ],
    ),
    (
        Fate::NotYet("search"),
        &[
            "LLMBDO_FS_EMBEDDING_MODEL",
            "LLMBDO_FS_EMBED_MAX_SIZE_KB",
            "LLMBDO_FS_EMBED_MODEL",
            "LLMBDO_FS_FAISS_DIR",
        ],
    ),
    (Fate::NotYet("synchronisation"), &["LLMBDO_RCLONE_*", "LLMBDO_SYNC_*"]),
    (Fate::NotYet("mail"), &["LLMBDO_MAIL_*"]),
    (Fate::NotYet("workflows"), &["LLMBDO_AGENT_*", "LLMBDO_N8N_LITE_URL", "PLAYWRIGHT_URL"]),
    (
        Fate::Ignored("it was never used; servers know the gateway by the owner of their sockets"),
        &["LLMBDO_INTERNAL_SHARED_SECRET"],
    ),
    (
        Fate::Ignored(
            "systemd gives the sockets their group, and `up` keeps them in a closed folder",
        ),
        &["LLMBDO_MCP_SOCKET_GID"],
    ),
    (
        Fate::Ignored("there is no container with a port of its own outside"),
        &["LLMBDO_GATEWAY_EXPOSED_PORT"],
    ),
    (Fate::Ignored("one appliance has one owner"), &["LLMBDO_TENANT_DATA_ROOT"]),
    (
        Fate::Ignored("indexes, models and state are files of the appliance"),
        &["CHROMA_HOST", "HF_HOME", "MEMOBASE_*", "REDIS_*"],
    ),
];

/// What becomes of the variables in `set`, but for those in `read`, which a program has told that it reads.
pub(super) fn fates<'s>(
    set: impl IntoIterator<Item = &'s str>,
    read: &[&str],
) -> Vec<(&'s str, Fate)> {
    let mut fates: Vec<_> = set
        .into_iter()
        .filter(|name| !read.contains(name))
        .filter_map(|name| Some((name, fate(name)?)))
        .collect();
    fates.sort_unstable_by_key(|(name, _)| *name);
    fates
}

/// What becomes of a variable, if it is one of ours.
fn fate(name: &str) -> Option<Fate> {
    let is_named = |known: &&str| match known.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *known,
    };
    match NAMES.iter().find(|(_, names)| names.iter().any(is_named)) {
        Some((fate, _)) => Some(*fate),
        // A server of somebody's has a name of its own, and reads these.
        None if is_of_any_server(name) => None,
        None => name.starts_with("LLMBDO_").then_some(Fate::Unknown),
    }
}

fn is_of_any_server(name: &str) -> bool {
    let own = name.starts_with("LLMBDO_");
    own && ["_WORKERS", "_LOG_LEVEL", "_LOG_FORMAT"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        let found = fates([name], &["LLMBDO_READ"]);
        let found: Vec<String> = found.iter().map(|(_, fate)| fate.to_string()).collect();
        assert_eq!(found.first().map(String::as_str), expected, "{name}");
    }

    #[test]
    fn what_no_program_reads_is_explained() {
        check("LLMBDO_MAIL_ACCOUNTS_CONFIG", Some("not served yet: mail"));
        check("OPENAI_API_KEY", Some("not served yet: language models"));
        check(
            "LLMBDO_GATEWAY_EXPOSED_PORT",
            Some("ignored: there is no container with a port of its own outside"),
        );
        check("LLMBDO_GATEWAY_WEBPORT", Some("unknown: no program reads it"));
        check("LLMBDO_READ", None);
        check("LLMBDO_NOTES_WORKERS", None);
        check("PATH", None);
        check("OTHER_WORKERS", None);
    }
}
