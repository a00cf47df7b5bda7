//! The server and what it works on.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};

use capability::{BoxError, Server, Tools};
use sandbox::Needs;
use settings::Sources;
use vroot::VRoot;

use crate::config::{Config, ConfigFile};
use crate::tools::{Delete, List, Read, Write};

/// How a folder within `state` begins that holds the records of writes that are under way.
const PENDING: &str = "pending";

/// The file server.
pub struct Fs {
    root: VRoot,
}

impl Fs {
    pub(crate) fn root(&self) -> &VRoot {
        &self.root
    }
}

impl Server for Fs {
    const NAME: &'static str = "fs";
    const DESCRIPTION: &'static str = "Files beneath the exposed folder";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const LEGACY_ERROR_BASE: i32 = -32_010;
    type Config = ConfigFile;

    fn tell(config: ConfigFile, sources: &mut Sources) -> Result<(), BoxError> {
        Config::resolve(config, sources).map(drop)
    }

    fn open(config: ConfigFile) -> Result<Self, BoxError> {
        let config = Config::resolve(config, &mut Sources::new("the configuration".as_ref()))?;
        // A folder for each root: a record names a path of its own root, and waits until that is exposed again.
        let found = fs::metadata(&config.root)
            .map_err(|error| format!("`{}`: {error}", config.root.display()))?;
        let pending = config.state.join(format!("{PENDING}-{:x}-{:x}", found.dev(), found.ino()));
        match DirBuilder::new().mode(0o700).create(&pending) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(format!("`{}`: {error}", pending.display()).into());
            }
            _ => {}
        }
        let mut exclude = config.exclude;
        exclude.push(config.state);
        Ok(Self { root: VRoot::open(&config.root, &pending, &exclude)? })
    }

    fn needs(&self) -> Needs<'_> {
        self.root.handles().fold(Needs::none(), Needs::read_write)
    }

    fn recover(&self) -> Result<(), BoxError> {
        let recovered = self.root.recover()?;
        if recovered != vroot::Recovered::default() {
            tracing::info!(?recovered, "what an earlier process left unfinished is finished");
        }
        Ok(())
    }

    fn tools(tools: &mut Tools<Self>) {
        tools.add::<List>().add::<Read>().add::<Write>().add::<Delete>();
    }
}
