//! Which capability servers there are, found through the cap files of one folder.

mod claims;
mod declared;
mod method;
mod scan;
mod schema;
mod table;

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustix::fs::{CWD, Mode, OFlags, openat};
use tokio::sync::watch;

pub(crate) use declared::Declared;
pub(crate) use method::{Kind, Method};
pub(crate) use schema::{Fault, Schema};
pub(crate) use table::{Backend, Table, Versions};

use crate::changes::Changes;
use crate::limits::MAX_CONNECTIONS_PER_SERVER;
use crate::upstream::Server;

/// The folder of cap files, and what was last found there.
pub(crate) struct Registry {
    folder: Arc<Folder>,
    table: Arc<ArcSwap<Table>>,
    /// Told after a table with other lists has taken the place of the old one.
    versions: Arc<watch::Sender<Versions>>,
}

/// The folder, held open: it is read through the handle, whatever happens to its name.
pub(crate) struct Folder {
    path: PathBuf,
    handle: OwnedFd,
}

impl Registry {
    /// Opens the folder. It is read when [`Registry::follow`] is called, within the sandbox.
    pub(crate) fn open(path: PathBuf) -> rustix::io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = openat(CWD, &path, flags, Mode::empty())?;
        let folder = Arc::new(Folder { path, handle });
        Ok(Self { folder, table: Arc::default(), versions: Arc::default() })
    }

    /// What there is now.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// How often each list has changed, now and from now on.
    pub(crate) fn versions(&self) -> watch::Receiver<Versions> {
        self.versions.subscribe()
    }

    /// The names of the servers that there are.
    pub(crate) fn server_names(&self) -> Vec<String> {
        self.table.load().servers().keys().cloned().collect()
    }

    /// Reads the folder, and again whenever it changes. The watch is set before the first reading, so no change
    /// falls between the two. `heir` is told of each table before anybody can hear that there is a new one.
    pub(crate) fn follow<H>(
        &self,
        heir: H,
    ) -> std::io::Result<impl Future<Output = ()> + Send + use<H>>
    where
        H: Fn(&Table) + Send + 'static,
    {
        let changes = Changes::of(&self.folder.path)?;
        let (folder, table) = (self.folder.clone(), self.table.clone());
        let versions = self.versions.clone();
        read(&folder, &table, &versions, &heir);
        Ok(async move {
            let mut changes = changes;
            while changes.next().await {
                read(&folder, &table, &versions, &heir);
            }
            tracing::error!(
                "the folder of cap files can no longer be watched: restart the gateway"
            );
        })
    }
}

/// Reads the folder and puts the new table in place of the old. Servers that are still there keep their
/// connection.
fn read(
    folder: &Folder,
    table: &ArcSwap<Table>,
    versions: &watch::Sender<Versions>,
    heir: &impl Fn(&Table),
) {
    let old = table.load();
    let declared = match scan::scan(folder) {
        Ok(declared) => declared,
        Err(error) => {
            tracing::error!(%error, "the folder of cap files cannot be read: the old tools stay");
            return;
        }
    };
    let mut servers: HashMap<String, Arc<Server>> = HashMap::new();
    for (name, (file, owner)) in &declared {
        let connections = file.connections.map_or(1, |count| usize::from(count.get()));
        let connections = connections.min(MAX_CONNECTIONS_PER_SERVER);
        let kept = old
            .servers()
            .get(name.as_str())
            .filter(|server| server.owner() == *owner && server.connections() == connections);
        let server = kept.cloned().unwrap_or_else(|| {
            let socket = folder.path.join(format!("{name}.sock"));
            Arc::new(Server::new(name.to_string(), socket, *owner, connections))
        });
        servers.insert(name.to_string(), server);
    }
    let files = declared.into_iter().map(|(name, (file, _))| (name.to_string(), file));
    let new = Table::new(files.collect(), servers, &old);
    tracing::info!(servers = new.servers().len(), tools = new.tools().len(), "cap files read");
    let now = new.versions();
    heir(&new);
    table.store(Arc::new(new));
    versions.send_if_modified(|before| std::mem::replace(before, now) != now);
}
