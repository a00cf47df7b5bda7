//! Which tool is whose.

use std::collections::HashMap;
use std::sync::Arc;

use capfile::CapFile;
use serde_json::value::RawValue;

use crate::upstream::Server;

/// The tools that there are, in a stable order, and the server of each.
#[derive(Default)]
pub(crate) struct Table {
    servers: HashMap<String, Arc<Server>>,
    by_tool: HashMap<String, Arc<Server>>,
    tools: Vec<Box<RawValue>>,
}

impl Table {
    /// Takes cap files in the order of their names. A tool whose name is taken already stays with the first: a
    /// second server cannot take calls that were meant for it.
    pub(super) fn new(
        files: impl Iterator<Item = (String, CapFile)>,
        servers: &HashMap<String, Arc<Server>>,
    ) -> Self {
        let mut table = Self { servers: servers.clone(), ..Self::default() };
        for (name, file) in files {
            let Some(server) = servers.get(&name) else {
                continue;
            };
            for method in file.capabilities {
                let (Ok(Some(tool)), Some(text)) = (method.tool_name(), &method.tool) else {
                    continue;
                };
                if let Some(holder) = table.by_tool.get(tool.as_str()) {
                    tracing::error!(
                        server = name,
                        holder = holder.name(),
                        %tool,
                        "a tool was refused: its name is taken"
                    );
                    continue;
                }
                table.by_tool.insert(tool.to_string(), server.clone());
                table.tools.push(text.clone());
            }
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

    /// The server that offers a tool.
    pub(crate) fn server_of(&self, tool: &str) -> Option<Arc<Server>> {
        self.by_tool.get(tool).cloned()
    }
}
