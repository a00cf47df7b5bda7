//! Which tool, method, prompt and resource is whose.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use capfile::{CapFile, HeaderParameter};
use mcp_types::{Extensions, ListCapability, Offered, ServerCapabilities};
use serde_json::value::RawValue;

use crate::registry::Declared;
use crate::registry::claims::{self, Claims};
use crate::registry::method::Method;
use crate::upstream::Server;

/// What can be called, listed and read, in a stable order, and the server of each.
#[derive(Default)]
pub(crate) struct Table {
    servers: HashMap<String, Arc<Server>>,
    by_tool: HashMap<String, Arc<Tool>>,
    tools: Vec<(Arc<Declared>, Box<RawValue>)>,
    by_prompt: HashMap<String, Arc<Backend>>,
    prompts: Vec<(Arc<Backend>, Box<RawValue>)>,
    /// The servers that have resources, each with what their URIs begin with.
    by_uri: BTreeMap<String, Arc<Backend>>,
    by_method: BTreeMap<String, Arc<Method>>,
    files: Vec<CapFile>,
    versions: Versions,
}

/// A server, and what it declares of all that it offers.
pub(crate) struct Backend {
    pub(crate) server: Arc<Server>,
    /// Whether it completes arguments.
    pub(crate) completions: bool,
    /// What reading its prompts is.
    pub(crate) prompts: Declared,
    /// What reading its resources is.
    pub(crate) resources: Declared,
    /// Whether it sends log messages to clients that ask for them.
    pub(crate) logging: bool,
}

/// A tool that can be called in MCP.
pub(crate) struct Tool {
    pub(crate) backend: Arc<Backend>,
    /// What clients repeat in HTTP headers.
    pub(crate) header_parameters: Vec<HeaderParameter>,
    pub(crate) declared: Arc<Declared>,
}

/// How often each list has changed since the gateway started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Versions {
    pub(crate) tools: u64,
    pub(crate) prompts: u64,
    pub(crate) resources: u64,
}

impl Table {
    /// Takes cap files in the order of their names. A name stays with the server that had it in the `old` table as long as that
    /// declares it, and else goes to the first that does: a second server cannot take calls that were meant for another,
    /// however it is named.
    pub(super) fn new(
        files: Vec<(String, CapFile)>,
        servers: HashMap<String, Arc<Server>>,
        old: &Self,
    ) -> Self {
        let claims = Claims::of(&files);
        let mut table = Self { servers, ..Self::default() };
        for (name, file) in files {
            let Some(server) = table.servers.get(&name).cloned() else {
                continue;
            };
            let (completions, logging) = (file.completions, file.logging);
            let prompts = Declared::reading(&file, "prompts");
            let resources = Declared::reading(&file, "resources");
            let backend = Backend { server, completions, prompts, resources, logging };
            let backend = Arc::new(backend);
            table.take_methods(&backend, &file, &claims, old);
            table.take_prompts(&backend, &file, &claims, old);
            table.take_uris(&backend, &file, &claims, old);
            table.files.push(file);
        }
        table.versions = table.versions_after(old);
        table
    }

    fn take_methods(
        &mut self,
        backend: &Arc<Backend>,
        file: &CapFile,
        claims: &Claims,
        old: &Self,
    ) {
        let server = &backend.server;
        for method in &file.capabilities {
            let declared = Arc::new(Declared::of(file, method));
            // A name that is not one has had the whole file refused when it was read.
            let tool = method.tool_name().ok().flatten();
            if let (Some(tool), Some(text)) = (&tool, &method.tool) {
                let holder = self.by_tool.get(tool.as_str()).map(|tool| tool.backend.name());
                let former = old.by_tool.get(tool.as_str()).map(|tool| tool.backend.name());
                if claims.names.may_have(tool.as_str(), server.name(), holder, former) {
                    let header_parameters = method.header_parameters();
                    let offered = Tool {
                        backend: backend.clone(),
                        header_parameters,
                        declared: declared.clone(),
                    };
                    self.by_tool.insert(tool.to_string(), Arc::new(offered));
                    self.tools.push((declared.clone(), text.clone()));
                }
            }
            let called = method.method.as_str();
            let holder = self.by_method.get(called).map(|holder| holder.server.name());
            let former = old.by_method.get(called).map(|holder| holder.server.name());
            if claims.names.may_have(called, server.name(), holder, former) {
                let base = file.error_code_base;
                let method = Method::new(server.clone(), base, tool, method, declared);
                self.by_method.insert(called.to_owned(), Arc::new(method));
            }
        }
    }

    fn take_prompts(
        &mut self,
        backend: &Arc<Backend>,
        file: &CapFile,
        claims: &Claims,
        old: &Self,
    ) {
        let names = file.prompt_names().unwrap_or_default();
        for (name, text) in names.iter().zip(&file.prompts) {
            let holder = self.by_prompt.get(name.as_str()).map(|holder| holder.name());
            let former = old.by_prompt.get(name.as_str()).map(|holder| holder.name());
            if claims.prompts.may_have(name.as_str(), backend.name(), holder, former) {
                self.by_prompt.insert(name.to_string(), backend.clone());
                self.prompts.push((backend.clone(), text.clone()));
            }
        }
    }

    fn take_uris(&mut self, backend: &Arc<Backend>, file: &CapFile, claims: &Claims, old: &Self) {
        for prefix in &file.resource_uris {
            let prefix = prefix.as_str();
            let other = |table: &Self| table.other_holder(prefix, backend.name());
            let (holder, former) = (other(self), other(old));
            let (holder, former) = (holder.as_deref(), former.as_deref());
            if claims.uris.may_have(prefix, backend.name(), holder, former) {
                self.by_uri.insert(prefix.to_owned(), backend.clone());
            }
        }
    }

    /// Another server than `server` that has some of the URIs that begin so.
    fn other_holder(&self, prefix: &str, server: &str) -> Option<String> {
        let mut overlapping =
            self.by_uri.iter().filter(|(taken, _)| claims::overlap(taken, prefix));
        let holder = overlapping.find(|(_, holder)| holder.name() != server);
        holder.map(|(_, holder)| holder.name().to_owned())
    }

    fn versions_after(&self, old: &Self) -> Versions {
        let after = |version: u64, same: bool| if same { version } else { version + 1 };
        let uris = |table: &Self| {
            let owned = table.by_uri.iter();
            owned.map(|(uri, it)| (uri.clone(), it.name().to_owned())).collect::<Vec<_>>()
        };
        Versions {
            tools: after(old.versions.tools, same(&self.tools, &old.tools)),
            prompts: after(old.versions.prompts, same(&self.prompts, &old.prompts)),
            resources: after(old.versions.resources, uris(self) == uris(old)),
        }
    }

    pub(crate) fn servers(&self) -> &HashMap<String, Arc<Server>> {
        &self.servers
    }

    /// How often its lists have changed.
    pub(crate) fn versions(&self) -> Versions {
        self.versions
    }

    /// What all servers together offer.
    pub(crate) fn capabilities(&self) -> ServerCapabilities {
        let list = ListCapability { list_changed: true };
        let any = |has: fn(&CapFile) -> bool| self.files.iter().any(has).then_some(Offered {});
        ServerCapabilities {
            tools: list,
            prompts: (!self.prompts.is_empty()).then_some(list),
            resources: (!self.by_uri.is_empty()).then_some(list),
            completions: any(|file| file.completions),
            logging: any(|file| file.logging),
            extensions: Some(Extensions::default()),
        }
    }

    /// The tools as their servers declared them.
    pub(crate) fn tools(&self) -> &[(Arc<Declared>, Box<RawValue>)] {
        &self.tools
    }

    /// The prompts as their servers declared them.
    pub(crate) fn prompts(&self) -> &[(Arc<Backend>, Box<RawValue>)] {
        &self.prompts
    }

    /// A tool.
    pub(crate) fn tool(&self, name: &str) -> Option<Arc<Tool>> {
        self.by_tool.get(name).cloned()
    }

    /// The server that offers a prompt.
    pub(crate) fn prompt(&self, name: &str) -> Option<Arc<Backend>> {
        self.by_prompt.get(name).cloned()
    }

    /// The server whose resource a URI, or the template of one, names.
    pub(crate) fn resource(&self, uri: &str) -> Option<Arc<Backend>> {
        // Where one beginning is another's, both are of the same server.
        self.by_uri.iter().find(|(prefix, _)| uri.starts_with(*prefix)).map(|(_, it)| it.clone())
    }

    /// The servers that have resources, by name.
    pub(crate) fn with_resources(&self) -> BTreeMap<String, Arc<Backend>> {
        self.by_uri.values().map(|backend| (backend.name().to_owned(), backend.clone())).collect()
    }

    /// A method of the legacy dialect.
    pub(crate) fn method(&self, name: &str) -> Option<Arc<Method>> {
        self.by_method.get(name).cloned()
    }

    /// All methods of the legacy dialect, in the order of their names.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.by_method.values().map(AsRef::as_ref)
    }

    /// The cap files, in the order of their servers' names.
    pub(crate) fn files(&self) -> &[CapFile] {
        &self.files
    }
}

/// Whether two lists show a client the same.
fn same<T>(new: &[(T, Box<RawValue>)], old: &[(T, Box<RawValue>)]) -> bool {
    fn texts<T>(list: &[(T, Box<RawValue>)]) -> impl Iterator<Item = &str> {
        list.iter().map(|(_, text)| text.get())
    }
    texts(new).eq(texts(old))
}

impl Backend {
    /// The server's name.
    pub(crate) fn name(&self) -> &str {
        self.server.name()
    }
}
