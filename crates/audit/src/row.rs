//! A row of the chain, and its hash.

use serde::Serialize;
use sha2::{Digest, Sha256};
use store::rusqlite::{self, Connection, Row as SqlRow};

use crate::entry::Kind;

/// What the hash of every row begins with, so that it is never that of something else.
const DOMAIN: &[u8] = b"llmbasedos audit row 1\0";

/// The hash of a row and of all before it.
pub(crate) type Hash = [u8; 32];

/// What stands for the hash before the first row.
pub(crate) const BEGINNING: Hash = [0; 32];

/// What a row says before which the log was changed while nobody wrote it.
pub(crate) const REPLACED: &str = "the end of the log is not the one that was signed";
/// What the first row says where there was a log of this key before.
pub(crate) const TAKEN_AWAY: &str = "an earlier log of this key is not here any more";

/// A row of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its place, counted from 1.
    pub seq: u64,
    /// When it was recorded, in microseconds since the Unix epoch.
    pub at: i64,
    /// The name of its [`Kind`].
    pub kind: String,
    /// The id of the request.
    pub request: String,
    /// Who asked.
    pub client: String,
    /// Through which door.
    pub origin: String,
    /// What was asked.
    pub what: String,
    /// With what, redacted, as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// How it ended.
    pub outcome: String,
    /// The code of the error, or zero.
    pub code: i64,
    /// The bytes of the answer.
    pub bytes: u64,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// The row of the intent whose outcome it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refers: Option<u64>,
    /// The hash of this row and of all before it, in hexadecimal.
    #[serde(serialize_with = "hexadecimal")]
    pub hash: Hash,
}

fn hexadecimal<S: serde::Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&data_encoding::HEXLOWER.encode(hash))
}

impl Row {
    /// The columns, in the order of [`Row::read`].
    pub(crate) const COLUMNS: &'static str = "seq, at, kind, request, client, origin, what, \
        arguments, outcome, code, bytes, micros, refers, hash";

    /// The hash that the row must have after one with this hash. Every member is told from the next by its length.
    pub(crate) fn hash_after(&self, before: &Hash) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(DOMAIN);
        hasher.update(before);
        hasher.update(self.seq.to_be_bytes());
        hasher.update(self.at.to_be_bytes());
        let texts = [&self.kind, &self.request, &self.client, &self.origin, &self.what];
        for text in texts.into_iter().chain([&self.outcome]) {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text);
        }
        match &self.arguments {
            None => hasher.update([0]),
            Some(text) => {
                hasher.update([1]);
                hasher.update((text.len() as u64).to_be_bytes());
                hasher.update(text);
            }
        }
        hasher.update(self.code.to_be_bytes());
        hasher.update(self.bytes.to_be_bytes());
        hasher.update(self.micros.to_be_bytes());
        match self.refers {
            None => hasher.update([0]),
            Some(seq) => {
                hasher.update([1]);
                hasher.update(seq.to_be_bytes());
            }
        }
        hasher.finalize().into()
    }

    pub(crate) fn read(row: &SqlRow<'_>) -> rusqlite::Result<Self> {
        let number = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        Ok(Self {
            seq: number(0)?,
            at: row.get(1)?,
            kind: row.get(2)?,
            request: row.get(3)?,
            client: row.get(4)?,
            origin: row.get(5)?,
            what: row.get(6)?,
            arguments: row.get(7)?,
            outcome: row.get(8)?,
            code: row.get(9)?,
            bytes: number(10)?,
            micros: number(11)?,
            refers: row.get::<_, Option<i64>>(12)?.map(i64::cast_unsigned),
            hash: row.get(13)?,
        })
    }

    pub(crate) fn insert(&self, store: &Connection) -> rusqlite::Result<()> {
        let mut insert = store.prepare_cached(
            "INSERT INTO rows VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        )?;
        insert.execute(rusqlite::params![
            self.seq.cast_signed(),
            self.at,
            self.kind,
            self.request,
            self.client,
            self.origin,
            self.what,
            self.arguments,
            self.outcome,
            self.code,
            self.bytes.cast_signed(),
            self.micros.cast_signed(),
            self.refers.map(u64::cast_signed),
            self.hash,
        ])?;
        Ok(())
    }

    /// Whether it says that the log before it was changed.
    pub(crate) fn tells_of_a_change(&self) -> bool {
        self.is(Kind::Gap) && [REPLACED, TAKEN_AWAY].contains(&self.outcome.as_str())
    }

    /// Whether it is of this kind.
    pub fn is(&self, kind: Kind) -> bool {
        self.kind == kind.name()
    }
}
