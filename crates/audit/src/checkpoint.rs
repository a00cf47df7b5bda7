//! Signed places of the chain.

use std::fmt;
use std::str::FromStr;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use signing::{PublicKey, Signature, SigningKey};
use store::rusqlite::{self, Connection, OptionalExtension as _};

use crate::row::Hash;

/// A row's place and its hash: who knows these knows all rows up to it. As text it is `SEQ:HASH`, which can be noted elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The place of the row.
    pub seq: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// A text is no checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a checkpoint is `SEQ:HASH`, a number and 64 hexadecimal digits")]
pub struct NoCheckpoint;

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, HEXLOWER.encode(&self.hash))
    }
}

impl FromStr for Checkpoint {
    type Err = NoCheckpoint;

    fn from_str(text: &str) -> Result<Self, NoCheckpoint> {
        let (seq, hash) = text.trim().split_once(':').ok_or(NoCheckpoint)?;
        let hash = HEXLOWER_PERMISSIVE.decode(hash.as_bytes()).map_err(|_| NoCheckpoint)?;
        let hash = hash.try_into().map_err(|_| NoCheckpoint)?;
        Ok(Self { seq: seq.parse().map_err(|_| NoCheckpoint)?, hash })
    }
}

/// What a signature is for: one is never good for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A place that stays.
    Checkpoint,
    /// The last row of a commit.
    Head,
    /// The row from which the rest is kept.
    Base,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Head => "head",
            Self::Base => "base",
        }
    }
}

/// A place with the signature of the log.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) place: Checkpoint,
    pub(crate) at: i64,
    pub(crate) signature: Vec<u8>,
}

fn text(purpose: Purpose, place: &Checkpoint, at: i64) -> Vec<u8> {
    let mut text = format!("llmbasedos audit {} 1\0", purpose.word()).into_bytes();
    text.extend(place.seq.to_be_bytes());
    text.extend(at.to_be_bytes());
    text.extend(place.hash);
    text
}

pub(crate) fn sign(key: &SigningKey, purpose: Purpose, place: &Checkpoint, at: i64) -> Signature {
    key.sign(&text(purpose, place, at))
}

impl Signed {
    pub(crate) fn is_good(&self, key: &PublicKey, purpose: Purpose) -> bool {
        key.verify(&text(purpose, &self.place, self.at), &self.signature).is_ok()
    }

    pub(crate) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let seq = row.get::<_, i64>(0)?.cast_unsigned();
        let place = Checkpoint { seq, hash: row.get::<_, Hash>(2)? };
        Ok(Self { place, at: row.get(1)?, signature: row.get(3)? })
    }

    /// The head or the base, if there is one.
    pub(crate) fn one(store: &Connection, purpose: Purpose) -> rusqlite::Result<Option<Self>> {
        let query = format!("SELECT seq, at, hash, signature FROM {}", purpose.word());
        store.query_row(&query, [], Self::read).optional()
    }

    /// All checkpoints, by their places.
    pub(crate) fn checkpoints(store: &Connection) -> rusqlite::Result<Vec<Self>> {
        let query = "SELECT seq, at, hash, signature FROM checkpoints ORDER BY seq";
        let mut all = store.prepare(query)?;
        all.query_map([], Self::read)?.collect()
    }
}

/// Signs a place and puts it into the head or the base, which has one, or among the checkpoints.
pub(crate) fn put(
    store: &Connection,
    key: &SigningKey,
    purpose: Purpose,
    place: &Checkpoint,
    at: i64,
) -> rusqlite::Result<()> {
    let statement = match purpose {
        Purpose::Checkpoint => "INSERT OR REPLACE INTO checkpoints VALUES (?1, ?2, ?3, ?4)",
        Purpose::Head => "INSERT OR REPLACE INTO head VALUES (1, ?1, ?2, ?3, ?4)",
        Purpose::Base => "INSERT OR REPLACE INTO base VALUES (1, ?1, ?2, ?3, ?4)",
    };
    let signature = sign(key, purpose, place, at);
    let mut put = store.prepare_cached(statement)?;
    put.execute((place.seq.cast_signed(), at, place.hash, signature))?;
    Ok(())
}
