//! The file of clients.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroU32;

use capfile::{Budget, Pattern};
use jiff::Timestamp;
use serde::de::{self, DeserializeSeed, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::key::Digest;
use crate::limits::MAX_CLIENTS;
use crate::name::ClientName;

/// The file of clients, which [`settings::load`] reads.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientsFile {
    /// Every client; no two have the same name.
    #[serde(deserialize_with = "each_once")]
    pub clients: Vec<Client>,
}

/// A client, what it may call, and the hash of its key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its name, for policy and records.
    pub name: ClientName,
    /// SHA-256 of the key's text. Absent, it has no key, or one that it got for a pairing code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_sha256: Option<Digest>,
    /// What it may call. With none it may do nothing but say hello.
    pub scopes: Vec<Pattern>,
    /// From when on its key is not good any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How often it may call, where the licence's rate for every client is too much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How much it may use on one day, each in UTC.
    #[serde(default, skip_serializing_if = "Budgets::is_empty")]
    pub budgets: Budgets,
    /// The code for which it gets its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pairing: Option<Pairing>,
}

/// So many calls at once, and in each window from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many calls.
    pub requests: NonZeroU32,
    /// In how many seconds.
    pub window_seconds: NonZeroU32,
}

/// How much of each may be used on one day.
pub type Budgets = BTreeMap<Budget, u64>;

/// A code for which a client gets its key, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// SHA-256 of the code, as [`as_code`](crate::as_code) gives it. It is good for minutes, so that nobody gains by finding it.
    pub code_sha256: Digest,
    /// From when on the code is not good any more.
    pub expires_at: Timestamp,
}

/// Reads the clients; an error has the place of the client that is one too many.
fn each_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Client>, D::Error> {
    deserializer.deserialize_seq(Taken::default())
}

/// What has been read so far.
#[derive(Default)]
struct Taken {
    clients: Vec<Client>,
    names: HashSet<ClientName>,
    keys: HashSet<Digest>,
}

impl<'de> Visitor<'de> for Taken {
    type Value = Vec<Client>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of clients")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Vec<Client>, A::Error> {
        while list.next_element_seed(&mut self)?.is_some() {}
        Ok(self.clients)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Taken {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let client = Client::deserialize(deserializer)?;
        if !self.names.insert(client.name.clone()) {
            let text = format!("two clients are named `{}`", client.name);
            return Err(de::Error::custom(text));
        }
        if client.key_sha256.is_some_and(|key| !self.keys.insert(key)) {
            let text = format!("`{}` has the key of another client", client.name);
            return Err(de::Error::custom(text));
        }
        if self.clients.len() == MAX_CLIENTS {
            let text = format!("there may be at most {MAX_CLIENTS} clients");
            return Err(de::Error::custom(text));
        }
        self.clients.push(client);
        Ok(())
    }
}

impl Client {
    /// A client without key, end or bounds of its own.
    pub fn new(name: ClientName, scopes: Vec<Pattern>) -> Self {
        Self {
            name,
            key_sha256: None,
            scopes,
            expires_at: None,
            rate: None,
            budgets: Budgets::new(),
            pairing: None,
        }
    }

    /// The same with the hash of its key.
    #[must_use]
    pub fn with_key(mut self, key: Digest) -> Self {
        self.key_sha256 = Some(key);
        self
    }
}

impl ClientsFile {
    /// The client of this name.
    pub fn find_mut(&mut self, name: &ClientName) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.name == *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::digest;

    fn parse(yaml: &str) -> Result<ClientsFile, String> {
        settings::parse("clients.yaml", yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut client = Client::new("anna".parse().unwrap(), vec!["mcp.fs.*".parse().unwrap()]);
        client.expires_at = Some("2030-01-02T03:04:05Z".parse().unwrap());
        client.rate =
            Some(Rate { requests: NonZeroU32::new(5).unwrap(), window_seconds: NonZeroU32::MIN });
        client.budgets.insert(Budget::MailsSent, 3);
        let code_sha256 = digest("7K2MQ9XD");
        client.pairing =
            Some(Pairing { code_sha256, expires_at: "2030-01-02T03:04:05Z".parse().unwrap() });
        let plain = Client::new("bert".parse().unwrap(), vec![Pattern::all()]);
        let file = ClientsFile { clients: vec![client, plain.with_key(digest("key"))] };
        let yaml = settings::yaml("", &file).unwrap();
        assert_eq!(parse(&yaml).unwrap().clients, file.clients, "{yaml}");
    }

    #[test]
    fn a_file_that_is_not_clear_is_refused_with_the_line_and_the_reason() {
        let hash = digest("x").to_string();
        let with = |more: &str| {
            format!("clients:\n- name: a\n  scopes: ['*']\n  key_sha256: '{hash}'\n{more}")
        };
        parse(&with("")).unwrap();
        for (yaml, line, reason) in [
            (with("- name: b\n"), 5, "scopes"),
            (with("- name: a\n  scopes: []\n"), 5, "two clients are named `a`"),
            (
                with(&format!("- name: b\n  scopes: []\n  key_sha256: '{hash}'\n")),
                5,
                "the key of another",
            ),
            (with("- name: local\n  scopes: []\n"), 5, "a client's name"),
            (with("- name: b\n  scopes: [fs]\n"), 6, "a pattern must be"),
            (with("- name: b\n  scopes: []\n  key_sha256: '12'\n"), 7, "64 hexadecimal digits"),
            (with("- name: b\n  scopes: []\n  expires_at: soon\n"), 7, ""),
            (with("- name: b\n  scopes: []\n  key: x\n"), 7, "unknown field"),
        ] {
            let error = parse(&yaml).unwrap_err();
            assert!(error.contains(reason), "{error}");
            assert!(error.contains(&format!("at line {line}")), "line {line}: {error}");
        }
    }
}
