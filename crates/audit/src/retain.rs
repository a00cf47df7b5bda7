//! For how long rows are kept.

use jiff::{Timestamp, ToSpan};
use store::rusqlite::{self, OptionalExtension as _};

use crate::checkpoint::{Purpose, Signed, put};
use crate::entry::{Entry, Kind};
use crate::limits::PRUNED_ROWS;
use crate::open::Log;

impl Log {
    /// Removes some of the oldest rows, up to a checkpoint, where there are too many or they are too old. Where that leaves too
    /// many, the next call goes on.
    pub(crate) fn prune(&mut self) -> rusqlite::Result<()> {
        if self.prune_due {
            self.prune_due = self.prune_some()?;
        }
        Ok(())
    }

    fn prune_some(&mut self) -> rusqlite::Result<bool> {
        let pragma = |name| self.store.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let pages = pragma("page_count")? - pragma("freelist_count")?;
        let bytes = pages.saturating_mul(pragma("page_size")?).cast_unsigned();
        let now = Timestamp::now();
        let span = i64::from(self.max_days).saturating_mul(24).hours();
        let oldest = now.checked_sub(span).unwrap_or(Timestamp::MIN).as_microsecond();
        let before = if bytes > self.max_bytes { i64::MAX } else { oldest };
        let last = self.last.seq.cast_signed();
        // Runs that were short have many checkpoints, so not these are counted but rows; of a gap so long that no checkpoint is
        // in reach, the first is taken.
        let place = self.store.query_row(
            "SELECT seq, at, hash, signature FROM checkpoints
             WHERE seq < ?1 AND at < ?2 AND seq <= max(
                 (SELECT min(seq) FROM rows) + ?3, (SELECT min(seq) FROM checkpoints))
             ORDER BY seq DESC LIMIT 1",
            (last, before, PRUNED_ROWS),
            Signed::read,
        );
        let Some(Signed { place, at, .. }) = place.optional()?.filter(|place| self.is_ours(place))
        else {
            return Ok(false);
        };
        let mut pruned = Entry::new(Kind::Admin, "audit");
        pruned.outcome = "the rows up to the one that this refers to were removed for age or size";
        pruned.refers = Some(place.seq);
        let now = now.as_microsecond();
        let transaction = self.store.unchecked_transaction()?;
        put(&transaction, &self.key, Purpose::Base, &place, at)?;
        let seq = place.seq.cast_signed();
        transaction.execute("DELETE FROM rows WHERE seq <= ?1", [seq])?;
        transaction.execute("DELETE FROM checkpoints WHERE seq <= ?1", [seq])?;
        let last = self.add(&transaction, vec![(pruned, now)], now)?;
        transaction.commit()?;
        self.last = last;
        Ok(true)
    }

    /// Whether a checkpoint is one of this log. One that somebody else has put there must not make it forget its own rows.
    fn is_ours(&self, checkpoint: &Signed) -> bool {
        let good = checkpoint.is_good(&self.key.public(), Purpose::Checkpoint);
        if !good {
            let seq = checkpoint.place.seq;
            tracing::error!(seq, "a checkpoint of the audit log is forged: no rows are removed");
        }
        good
    }
}
