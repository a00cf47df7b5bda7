//! Which tool and which method is whose.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use capfile::CapFile;
use serde_json::value::RawValue;

use crate::registry::method::Method;
use crate::upstream::Server;

/// The tools and methods that there are, in a stable order, and the server of each.
#[derive(Default)]
pub(crate) struct Table {
    servers: HashMap<String, Arc<Server>>,
    by_tool: HashMap<String, Arc<Server>>,
    tools: Vec<Box<RawValue>>,
    by_method: BTreeMap<String, Arc<Method>>,
    files: Vec<CapFile>,
}

impl Table {
    /// Takes cap files in the order of their names. A tool or method stays with the server that had it in the `old` table as
    /// long as that declares it, and else goes to the first that does: a second server cannot take calls that were meant
    /// for another, however it is named.
    pub(super) fn new(
        files: Vec<(String, CapFile)>,
        servers: HashMap<String, Arc<Server>>,
        old: &Self,
    ) -> Self {
        let mut names = Names::default();
        for (server, file) in &files {
            names.declare(server, file);
        }
        let mut table = Self { servers, ..Self::default() };
        for (name, file) in files {
            let Some(server) = table.servers.get(&name).cloned() else {
                continue;
            };
            for method in &file.capabilities {
                // A name that is not one has had the whole file refused when it was read.
                let tool = method.tool_name().ok().flatten();
                if let (Some(tool), Some(text)) = (&tool, &method.tool) {
                    let holder = table.by_tool.get(tool.as_str()).map(|holder| holder.name());
                    let former = old.by_tool.get(tool.as_str()).map(|holder| holder.name());
                    if names.may_have(tool.as_str(), &name, holder, former) {
                        table.by_tool.insert(tool.to_string(), server.clone());
                        table.tools.push(text.clone());
                    }
                }
                let called = method.method.as_str();
                let holder = table.by_method.get(called).map(|holder| holder.server.name());
                let former = old.by_method.get(called).map(|holder| holder.server.name());
                if names.may_have(called, &name, holder, former) {
                    let base = file.error_code_base;
                    let method = Method::new(server.clone(), base, tool, method);
                    table.by_method.insert(called.to_owned(), Arc::new(method));
                }
            }
            table.files.push(file);
        }
        table
    }

    pub(crate) fn servers(&self) -> &HashMap<String, Arc<Server>> {
        &self.servers
    }

    /// The tools as their servers declared them.
    pub(crate) fn tools(&self) -> &[Box<RawValue>] {
        &self.tools
    }

    /// A method of the legacy dialect.
    pub(crate) fn method(&self, name: &str) -> Option<Arc<Method>> {
        self.by_method.get(name).cloned()
    }

    /// The names of all methods of the legacy dialect, sorted.
    pub(crate) fn method_names(&self) -> impl Iterator<Item = &str> {
        self.by_method.keys().map(String::as_str)
    }

    /// The cap files, in the order of their servers' names.
    pub(crate) fn files(&self) -> &[CapFile] {
        &self.files
    }

    /// The server that offers a tool.
    pub(crate) fn server_of(&self, tool: &str) -> Option<Arc<Server>> {
        self.by_tool.get(tool).cloned()
    }
}

/// Who declares what: names of tools and of methods, which have different forms.
#[derive(Default)]
struct Names(HashSet<(String, String)>);

impl Names {
    fn declare(&mut self, server: &str, file: &CapFile) {
        for method in &file.capabilities {
            let tool = method.tool_name().ok().flatten().map(String::from);
            let names = tool.into_iter().chain([method.method.to_string()]);
            self.0.extend(names.map(|name| (server.to_owned(), name)));
        }
    }

    /// Whether a server gets a name that it declares: not if another `holder` has it already, or a `former` one still
    /// declares it.
    fn may_have(
        &self,
        name: &str,
        server: &str,
        holder: Option<&str>,
        former: Option<&str>,
    ) -> bool {
        let still = |former: &&str| self.0.contains(&((*former).to_owned(), name.to_owned()));
        let former = former.filter(|former| *former != server).filter(still);
        let Some(holder) = holder.or(former) else { return true };
        tracing::error!(server, holder, name, "a name was refused: another server has it");
        false
    }
}
