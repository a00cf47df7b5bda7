//! The server and what it works on.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use capability::{BoxError, Call, Server, Tools};
use sandbox::Needs;
use settings::Sources;

use crate::access::{Rules, View};
use crate::config::{Config, ConfigFile};
use crate::history::History;
use crate::roots::{self, Root};
use crate::tools;

/// The file within `state` that holds the history of changes.
const HISTORY: &str = "history.db";

/// The file server.
pub struct Fs {
    roots: Vec<Root>,
    history: History,
    rules: Arc<Rules>,
    state: File,
}

impl Fs {
    pub(crate) fn roots(&self) -> &[Root] {
        &self.roots
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// What the caller may see.
    pub(crate) fn view(&self, call: &Call) -> View<'_> {
        View::new(self, call.caller())
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
        roots::refuse_nested(&config.roots)?;
        let roots = config.roots.iter().map(|exposed| Root::open(exposed, &config));
        let roots = roots.collect::<Result<Vec<_>, _>>()?;
        let history = History::open(&config.state.join(HISTORY), config.budget())?;
        let rules = Arc::new(Rules::new(&config.hidden, &config.trusted)?);
        let state = File::open(&config.state)
            .map_err(|error| format!("`{}`: {error}", config.state.display()))?;
        Ok(Self { roots, history, rules, state })
    }

    fn needs(&self) -> Needs<'_> {
        let mut needs = Needs::none().read_write(self.state.as_fd());
        for root in &self.roots {
            for (at, handle) in root.vroot.handles().enumerate() {
                let only_read = at == 0 && root.vroot.is_read_only();
                needs = if only_read { needs.read(handle) } else { needs.read_write(handle) };
            }
        }
        needs
    }

    fn recover(&self) -> Result<(), BoxError> {
        for root in &self.roots {
            // In this order: what is on the disk before it is cleaned up tells what was done.
            let settled = self.history.settle(root)?;
            let recovered = root.vroot.recover()?;
            let swept = self.history.sweep(root)?;
            if recovered != vroot::Recovered::default() || settled + swept > 0 {
                let text = "what an earlier process left unfinished is finished";
                tracing::info!(?recovered, settled, swept, "{text}");
            }
        }
        Ok(())
    }

    fn tools(tools: &mut Tools<Self>) {
        tools::add(tools);
    }
}
