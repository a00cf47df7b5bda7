//! Reading the log while it is written.

use std::path::Path;

use jiff::Timestamp;
use store::StoreError;
use store::rusqlite::types::Value;
use store::rusqlite::{self, Connection};

use crate::entry::Kind;
use crate::limits::ROWS_AT_ONCE;
use crate::row::Row;
use crate::schema::SCHEMA;

/// Which rows are wanted: those to which all of this applies.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// After this row.
    pub after: Option<u64>,
    /// Of this client.
    pub client: Option<String>,
    /// Of this method; with a star at its end, of all that begin so.
    pub what: Option<String>,
    /// Of this request.
    pub request: Option<String>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// That ended so.
    pub outcome: Option<String>,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// The log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It can be opened, and not be read.
    #[error("the audit log cannot be read: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// A reader of the log.
#[derive(Debug)]
pub struct Reader(Connection);

impl Reader {
    /// Opens the log at `path`.
    ///
    /// # Errors
    ///
    /// Those of [`store::open_read_only`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Ok(Self(store::open_read_only(path, &SCHEMA)?))
    }

    /// The last rows that are wanted, `most` of them, the oldest first.
    ///
    /// # Errors
    ///
    /// The log cannot be read.
    pub fn last(&self, filter: &Filter, most: usize) -> Result<Vec<Row>, ReadError> {
        let (condition, values) = filter.condition();
        let columns = Row::COLUMNS;
        let query = format!(
            "SELECT * FROM (SELECT {columns} FROM rows WHERE {condition} ORDER BY seq DESC LIMIT {most}) ORDER BY seq"
        );
        let mut rows = self.0.prepare(&query)?;
        let rows = rows.query_map(rusqlite::params_from_iter(values), Row::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Hands each row that is wanted to `take`, the oldest first, until that says that it is enough.
    ///
    /// However long `take` thinks, the gateway is not held up: between [`ROWS_AT_ONCE`] and the next nothing of the file is in use.
    ///
    /// # Errors
    ///
    /// The log cannot be read.
    pub fn each(
        &self,
        filter: &Filter,
        mut take: impl FnMut(Row) -> bool,
    ) -> Result<(), ReadError> {
        let mut filter = filter.clone();
        loop {
            let rows = self.next(&filter)?;
            let is_all = rows.len() < ROWS_AT_ONCE;
            for row in rows {
                filter.after = Some(row.seq);
                if !take(row) {
                    return Ok(());
                }
            }
            if is_all {
                return Ok(());
            }
        }
    }

    /// The first of the rows that are wanted.
    fn next(&self, filter: &Filter) -> Result<Vec<Row>, ReadError> {
        let (condition, values) = filter.condition();
        let columns = Row::COLUMNS;
        let query = format!(
            "SELECT {columns} FROM rows WHERE {condition} ORDER BY seq LIMIT {ROWS_AT_ONCE}"
        );
        let mut rows = self.0.prepare(&query)?;
        let rows = rows.query_map(rusqlite::params_from_iter(values), Row::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Filter {
    /// The condition of a query, and the values that stand in it.
    fn condition(&self) -> (String, Vec<Value>) {
        let mut conditions = vec!["TRUE".to_owned()];
        let mut values = Vec::new();
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            conditions.push(condition.replace('?', &format!("?{}", values.len())));
        };
        let micros = |time: Timestamp| Value::from(time.as_microsecond());
        if let Some(after) = self.after {
            add("seq > ?", after.cast_signed().into());
        }
        if let Some(client) = &self.client {
            add("client = ?", client.clone().into());
        }
        match self.what.as_ref().map(|what| (what, what.strip_suffix('*'))) {
            Some((_, Some(beginning))) => {
                add("substr(what, 1, length(?)) = ?", beginning.to_owned().into());
            }
            Some((what, None)) => add("what = ?", what.clone().into()),
            None => {}
        }
        if let Some(request) = &self.request {
            add("request = ?", request.clone().into());
        }
        if let Some(kind) = self.kind {
            add("kind = ?", kind.name().to_owned().into());
        }
        if let Some(outcome) = &self.outcome {
            add("outcome = ?", outcome.clone().into());
        }
        if let Some(since) = self.since {
            add("at >= ?", micros(since));
        }
        if let Some(until) = self.until {
            add("at < ?", micros(until));
        }
        (conditions.join(" AND "), values)
    }
}
