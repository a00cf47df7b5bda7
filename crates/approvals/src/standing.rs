//! What a person has allowed from now on.

use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::rusqlite::{self, Connection, Row};

use crate::approval::time;
use crate::error::Refused;
use crate::inbox::{Inbox, new_id, short};
use crate::limits::{MAX_FOLDER_BYTES, MAX_STANDING};
use crate::schema::SCHEMA;

/// A standing permission, which policy is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// Its id.
    pub id: String,
    /// The client that needs not ask.
    pub client: String,
    /// The method.
    pub method: String,
    /// Where it holds: this folder and what is beneath it. Without one, for every call of the method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Who has allowed it.
    pub by: String,
    /// When, in UTC by ISO 8601.
    #[schemars(with = "String")]
    pub at: Timestamp,
}

impl Inbox {
    /// All standing permissions, in the order of client, method and folder.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn standing(&self) -> Result<Vec<Standing>, Refused> {
        self.change(|store, _| Ok(every(store)?))
    }

    /// Takes a standing permission away.
    ///
    /// # Errors
    ///
    /// There is none, or it cannot be written down; then it still holds.
    pub fn forget(&self, id: &str) -> Result<Standing, Refused> {
        let id = id.trim().to_ascii_lowercase();
        self.change(|store, _| {
            let mut delete =
                store.prepare_cached("DELETE FROM standing WHERE id = ?1 RETURNING *")?;
            match delete.query_row([id], read) {
                Err(rusqlite::Error::QueryReturnedNoRows) => Err(Refused::Unknown),
                gone => Ok(gone?),
            }
        })
    }
}

/// All standing permissions in the file at `path`, which is read and not changed: for whoever looks beside the gateway.
///
/// # Errors
///
/// The file is not there, or not one of ours, or cannot be read: see [`store::open_read_only`].
pub fn read_standing(path: &Path) -> Result<Vec<Standing>, StoreError> {
    let store = store::open_read_only(path, &SCHEMA)?;
    every(&store).map_err(|source| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        StoreError::Sqlite { name, source }
    })
}

fn every(store: &Connection) -> rusqlite::Result<Vec<Standing>> {
    let mut all = store.prepare_cached("SELECT * FROM standing ORDER BY client, method, folder")?;
    all.query_map([], read)?.collect()
}

/// The folder as it is kept, and empty where there is none. A prefix that holds `..` would allow what is elsewhere.
pub(crate) fn check_folder(folder: Option<&str>) -> Result<String, Refused> {
    let Some(folder) = folder else { return Ok(String::new()) };
    short("the folder", folder, MAX_FOLDER_BYTES)?;
    let sound = folder.starts_with('/')
        && !folder.contains(char::is_control)
        && !folder.split('/').any(|name| matches!(name, "." | ".."));
    if !sound {
        return Err(Refused::NotAFolder);
    }
    let names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    Ok(format!("/{}", names.join("/")))
}

/// Notes a standing permission; one that there is already stays as it is.
pub(crate) fn allow(
    store: &Connection,
    (client, method, folder): (&str, &str, &str),
    by: &str,
    now: i64,
) -> Result<(), Refused> {
    let known = "SELECT count(*) FROM standing WHERE client = ?1 AND method = ?2 AND folder = ?3";
    let known: u32 =
        store.prepare_cached(known)?.query_row((client, method, folder), |row| row.get(0))?;
    if known > 0 {
        return Ok(());
    }
    let count: u32 =
        store.prepare_cached("SELECT count(*) FROM standing")?.query_row([], |row| row.get(0))?;
    if count >= MAX_STANDING {
        return Err(Refused::FullOfStanding(MAX_STANDING));
    }
    let mut put = store.prepare_cached(
        "INSERT INTO standing (id, client, method, folder, allowed_by, allowed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    put.execute((new_id()?, client, method, folder, by, now))?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Standing> {
    Ok(Standing {
        id: row.get("id")?,
        client: row.get("client")?,
        method: row.get("method")?,
        folder: Some(row.get("folder")?).filter(|folder: &String| !folder.is_empty()),
        by: row.get("allowed_by")?,
        at: time(row.get("allowed_at")?),
    })
}
