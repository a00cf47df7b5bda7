//! What the gateway keeps of clients: when each was used, and the keys that it gave out for codes.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;
use store::rusqlite::{self, Connection, OptionalExtension as _};
use store::{Check, Schema, StoreError};

use crate::key::Digest;
use crate::name::ClientName;

const SCHEMA: Schema = Schema {
    application_id: 0x6c6d_636c,
    migrations: &["
        CREATE TABLE uses (
            client TEXT PRIMARY KEY,
            -- Of the key, so that a client whose key was changed begins anew. Empty where there is none.
            key_sha256 TEXT NOT NULL,
            -- Seconds since the Unix epoch.
            last_used INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE paired (
            code_sha256 TEXT PRIMARY KEY,
            client TEXT NOT NULL,
            key_sha256 TEXT NOT NULL,
            paired_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
    "],
    check: Check::Pages,
};

/// What the gateway keeps of clients.
#[derive(Debug)]
pub struct Uses(Connection);

/// A key that was given out for a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// For which code.
    pub code: Digest,
    /// To which client.
    pub client: String,
    /// The hash of the key.
    pub key: Digest,
}

impl Uses {
    /// Opens the store at `path`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// Those of [`store::open`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        store::open(path, &SCHEMA).map(Self)
    }

    /// Opens it for reading, while the gateway writes it.
    ///
    /// # Errors
    ///
    /// Those of [`store::open_read_only`].
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        store::open_read_only(path, &SCHEMA).map(Self)
    }

    /// Notes that these clients have used their keys.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn used(
        &self,
        clients: impl IntoIterator<Item = (ClientName, Option<Digest>, Timestamp)>,
    ) -> rusqlite::Result<()> {
        let transaction = self.0.unchecked_transaction()?;
        let mut put = transaction.prepare_cached(
            "INSERT INTO uses (client, key_sha256, last_used) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET key_sha256 = excluded.key_sha256, last_used = excluded.last_used",
        )?;
        for (client, key, at) in clients {
            let key = key.map(|key| key.to_string()).unwrap_or_default();
            put.execute((client.as_str(), key, at.as_second()))?;
        }
        drop(put);
        transaction.commit()
    }

    /// When each client last used the key that it has.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn last_used(&self) -> rusqlite::Result<HashMap<(String, Option<Digest>), Timestamp>> {
        let mut all = self.0.prepare("SELECT client, key_sha256, last_used FROM uses")?;
        let rows = all.query_map([], |row| {
            let key = row.get::<_, String>(1)?.parse().ok();
            let at = Timestamp::from_second(row.get(2)?).unwrap_or_default();
            Ok(((row.get(0)?, key), at))
        })?;
        rows.collect()
    }

    /// Notes the key that was given out for a code. `false`: one was given out for it before, and this one must not be.
    ///
    /// # Errors
    ///
    /// It cannot be written; the key must then not be given out.
    pub fn pair(&self, paired: &Paired, at: Timestamp) -> rusqlite::Result<bool> {
        let Paired { code, client, key } = paired;
        let inserted = self.0.execute(
            "INSERT INTO paired (code_sha256, client, key_sha256, paired_at)
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            (code.to_string(), client, key.to_string(), at.as_second()),
        )?;
        Ok(inserted == 1)
    }

    /// The key that was given out for a code.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn paired(&self, code: &Digest) -> rusqlite::Result<Option<Digest>> {
        let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        let find = "SELECT key_sha256 FROM paired WHERE code_sha256 = ?1";
        let found = self.0.query_row(find, [code.to_string()], read).optional()?;
        Ok(found.and_then(|key| key.parse().ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::digest;

    #[test]
    fn what_is_kept_of_clients_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clients.db");
        let (at, key) = (Timestamp::from_second(1_800_000_000).unwrap(), digest("key"));
        let code = digest("code");
        let paired = |key: &str| Paired { code, client: "anna".to_owned(), key: digest(key) };
        let uses = Uses::open(&path).unwrap();
        uses.used([("anna".parse().unwrap(), Some(key), at)]).unwrap();
        assert_eq!(uses.paired(&code).unwrap(), None);
        assert!(uses.pair(&paired("first"), at).unwrap());
        assert!(!uses.pair(&paired("second"), at).unwrap(), "one key for one code");
        drop(uses);
        let uses = Uses::open_read_only(&path).unwrap();
        assert_eq!(uses.paired(&code).unwrap(), Some(digest("first")));
        let last_used = uses.last_used().unwrap();
        assert_eq!(last_used.get(&("anna".to_owned(), Some(key))), Some(&at));
        assert_eq!(last_used.len(), 1);
    }
}
