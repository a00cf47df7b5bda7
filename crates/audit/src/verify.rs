//! Whether the log is whole.

use std::fmt;
use std::path::Path;

use signing::PublicKey;
use store::StoreError;
use store::rusqlite::{self, Connection};

use crate::checkpoint::{Checkpoint, Purpose, Signed};
use crate::entry::Kind;
use crate::row::{BEGINNING, Row};
use crate::schema::SCHEMA;

/// A log that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The row before the first that is kept, where older ones were removed in order.
    pub base: Option<u64>,
    /// The last row.
    pub last: Option<Checkpoint>,
    /// How many rows were looked at.
    pub rows: u64,
    /// How many checkpoints.
    pub checkpoints: usize,
    /// The rows after which something may be missing, since the log was not closed in order.
    pub gaps: Vec<u64>,
    /// The rows that were noted elsewhere and have been removed in order since, so that nothing can be said of them.
    pub not_compared: Vec<u64>,
}

/// What is wrong, at the first place where something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The row is not the one that was written, or not after the one before it.
    Row(u64),
    /// Rows are missing from this one on.
    Missing(u64),
    /// The rows after this one were dropped, or the end is another one than was signed.
    End(u64),
    /// This row was written by a gateway that found the log changed or taken away when it started.
    Replaced(u64),
    /// The signature of the checkpoint at this row is not of this key.
    Checkpoint(u64),
    /// The row at this checkpoint is another one than was signed.
    NotAtCheckpoint(u64),
    /// The signature of the end is not of this key.
    Head,
    /// The signature of where the log begins is not of this key.
    Base,
    /// The row that was noted elsewhere is another one here, or not here.
    Anchor(u64),
}

impl Fault {
    /// The row that it is about, where it is about one.
    pub fn row(&self) -> Option<u64> {
        match self {
            Self::Row(seq)
            | Self::Missing(seq)
            | Self::End(seq)
            | Self::Replaced(seq)
            | Self::Checkpoint(seq)
            | Self::NotAtCheckpoint(seq)
            | Self::Anchor(seq) => Some(*seq),
            Self::Head | Self::Base => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(seq) => write!(f, "row {seq} was changed, or is not where it was written"),
            Self::Missing(seq) => write!(f, "row {seq} is missing"),
            Self::End(seq) => {
                write!(f, "rows are missing after row {seq}, or others were put there")
            }
            Self::Replaced(seq) => write!(
                f,
                "row {seq} tells that the log before it was changed or taken away while no gateway wrote it; to begin a new \
                 one, move `audit.db` and `audit.pub` away"
            ),
            Self::Checkpoint(seq) => {
                write!(f, "the checkpoint at row {seq} was not signed by this key")
            }
            Self::NotAtCheckpoint(seq) => {
                write!(f, "row {seq} is not the one that its checkpoint has signed")
            }
            Self::Head => f.write_str("the end of the log was not signed by this key"),
            Self::Base => f.write_str("the beginning of the log was not signed by this key"),
            Self::Anchor(seq) => write!(f, "row {seq} is not the one that was noted"),
        }
    }
}

/// Why a log is not found whole.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is not.
    #[error("the audit log is not whole: {0}")]
    Fault(Fault),
    /// It cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be read.
    #[error("the audit log cannot be read: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl From<Fault> for VerifyError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Looks at every row of the log at `path`, which may be in use, at every checkpoint, and at the rows that were noted elsewhere.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn verify(
    path: &Path,
    key: &PublicKey,
    anchors: &[Checkpoint],
) -> Result<Verified, VerifyError> {
    let store = store::open_read_only(path, &SCHEMA)?;
    // One state of the log, however much is written meanwhile.
    let snapshot = store.unchecked_transaction()?;
    verify_in(&snapshot, key, anchors)
}

fn verify_in(
    store: &Connection,
    key: &PublicKey,
    anchors: &[Checkpoint],
) -> Result<Verified, VerifyError> {
    let base = Signed::one(store, Purpose::Base)?;
    if base.as_ref().is_some_and(|base| !base.is_good(key, Purpose::Base)) {
        return Err(Fault::Base.into());
    }
    let base = base.map(|base| base.place);
    let checkpoints = Signed::checkpoints(store)?;
    if let Some(bad) = checkpoints.iter().find(|one| !one.is_good(key, Purpose::Checkpoint)) {
        return Err(Fault::Checkpoint(bad.place.seq).into());
    }
    let mut expected = checkpoints.iter().map(|one| one.place).peekable();
    let mut last = base.unwrap_or(Checkpoint { seq: 0, hash: BEGINNING });
    let (mut rows, mut gaps, mut anchored) = (0, Vec::new(), Vec::new());
    let mut replaced = None;
    let mut all = store.prepare(&format!("SELECT {} FROM rows ORDER BY seq", Row::COLUMNS))?;
    let mut found = all.query([])?;
    let note = |anchored: &mut Vec<Checkpoint>, place: &Checkpoint| {
        anchored.extend(anchors.iter().filter(|anchor| *anchor == place));
    };
    note(&mut anchored, &last);
    while let Some(row) = found.next()? {
        // A column of another type than was written is a change too.
        let row = Row::read(row).map_err(|_| Fault::Row(last.seq + 1))?;
        if row.seq != last.seq + 1 {
            return Err(Fault::Missing(last.seq + 1).into());
        }
        if row.hash_after(&last.hash) != row.hash {
            return Err(Fault::Row(row.seq).into());
        }
        last = Checkpoint { seq: row.seq, hash: row.hash };
        if expected.peek().is_some_and(|place| place.seq <= last.seq) {
            let place = expected.next().unwrap_or(last);
            if place != last {
                return Err(Fault::NotAtCheckpoint(place.seq).into());
            }
        }
        note(&mut anchored, &last);
        if row.tells_of_a_change() {
            replaced = replaced.or(Some(row.seq));
        } else if row.is(Kind::Gap) {
            gaps.push(row.seq);
        }
        rows += 1;
    }
    if expected.next().is_some() {
        return Err(Fault::End(last.seq).into());
    }
    match Signed::one(store, Purpose::Head)? {
        Some(head) if !head.is_good(key, Purpose::Head) => return Err(Fault::Head.into()),
        Some(head) if head.place != last => return Err(Fault::End(last.seq).into()),
        Some(_) => {}
        // A log has its first row as soon as it is there.
        None => return Err(Fault::Head.into()),
    }
    let missed = anchors.iter().filter(|anchor| !anchored.contains(anchor));
    // What was removed in order cannot be compared any more.
    let (removed, others): (Vec<&Checkpoint>, Vec<&Checkpoint>) =
        missed.partition(|anchor| base.is_some_and(|base| anchor.seq < base.seq));
    if let Some(other) = others.first() {
        return Err(Fault::Anchor(other.seq).into());
    }
    // Last, so that it hides nothing that was done later.
    if let Some(seq) = replaced {
        return Err(Fault::Replaced(seq).into());
    }
    Ok(Verified {
        base: base.map(|base| base.seq),
        last: (rows > 0).then_some(last),
        rows,
        checkpoints: checkpoints.len(),
        gaps,
        not_compared: removed.into_iter().map(|anchor| anchor.seq).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_its_row_where_it_has_one() {
        let of_rows: [fn(u64) -> Fault; 7] = [
            Fault::Row,
            Fault::Missing,
            Fault::End,
            Fault::Replaced,
            Fault::Checkpoint,
            Fault::NotAtCheckpoint,
            Fault::Anchor,
        ];
        for fault in of_rows {
            let fault = fault(77);
            assert_eq!(fault.row(), Some(77));
            assert!(fault.to_string().contains("77"), "{fault}");
        }
        assert_eq!((Fault::Head.row(), Fault::Base.row()), (None, None));
    }
}
