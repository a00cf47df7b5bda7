//! A log to be looked at, and what somebody does to it.

use std::fs;
use std::path::{Path, PathBuf};

use audit::{
    Audit, Checkpoint, Entry, FILE, Fault, Kind, Log, PUBLIC_KEY_FILE, Redactor, Verified,
    VerifyError, verify,
};
use signing::PublicKey;
use store::rusqlite::Connection;

/// Rows that a test writes, besides those of start and stop.
pub(crate) const ROWS: u64 = 10;

/// The members of the signed end.
pub(crate) type Head = (i64, i64, Vec<u8>, Vec<u8>);

/// A log that was written and closed in order.
pub(crate) struct Written(pub(crate) tempfile::TempDir);

impl Written {
    pub(crate) fn new(rows: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), rows);
        Self(folder)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join(FILE)
    }

    pub(crate) fn key(&self) -> PublicKey {
        let text = fs::read_to_string(self.0.path().join(PUBLIC_KEY_FILE)).unwrap();
        text.trim().parse().unwrap()
    }

    pub(crate) fn verify(&self) -> Result<Verified, Fault> {
        self.verify_with(&[])
    }

    pub(crate) fn verify_with(&self, anchors: &[Checkpoint]) -> Result<Verified, Fault> {
        match verify(&self.file(), &self.key(), anchors) {
            Ok(verified) => Ok(verified),
            Err(VerifyError::Fault(fault)) => Err(fault),
            Err(other) => panic!("{other}"),
        }
    }

    /// The signed end, as somebody keeps it to put it back.
    pub(crate) fn head(&self) -> Head {
        let file = Connection::open(self.file()).unwrap();
        let head = "SELECT seq, at, hash, signature FROM head";
        file.query_row(head, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .unwrap()
    }

    /// Puts it back.
    pub(crate) fn put_head(&self, head: &Head) {
        let file = Connection::open(self.file()).unwrap();
        let (seq, at, hash, signature) = head;
        file.execute(
            "UPDATE head SET seq = ?1, at = ?2, hash = ?3, signature = ?4",
            (seq, at, hash, signature),
        )
        .unwrap();
    }

    /// Does to the file what somebody does who can write it.
    pub(crate) fn change(&self, statements: &str) -> &Self {
        let file = Connection::open(self.file()).unwrap();
        file.execute_batch(statements).unwrap();
        self
    }
}

pub(crate) fn entry(kind: Kind, at: u64) -> Entry {
    let mut entry = Entry::new(kind, "mcp.fs.read");
    entry.request = format!("r-{at}").into();
    entry.client = "anna".into();
    entry.origin = "http";
    entry.arguments = Some(format!(r#"{{"path":"/{at}"}}"#).into());
    entry.outcome = "ok";
    (entry.code, entry.bytes, entry.micros) = (1, 2, 3);
    entry.refers = Some(1);
    entry
}

/// Opens the log, writes rows, and closes it in order.
pub(crate) fn run(folder: &Path, rows: u64) {
    write(Log::open(folder, Redactor::default()).unwrap(), rows);
}

/// Writes rows and closes the log in order.
pub(crate) fn write(log: Log, rows: u64) {
    let (audit, thread) = Audit::start(log).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for at in 0..rows {
            audit.place().await.unwrap().record(entry(Kind::Read, at));
        }
    });
    drop(audit);
    thread.join().unwrap();
}
