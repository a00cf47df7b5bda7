//! Which tool is whose.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use capfile::{CapFile, ToolName};
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
    /// Takes cap files in the order of their names. A tool stays with the server that had it in the `old` table as long
    /// as that declares it, and else goes to the first that does: a second server cannot take calls that were meant
    /// for another, however it is named.
    pub(super) fn new(
        files: Vec<(String, CapFile)>,
        servers: HashMap<String, Arc<Server>>,
        old: &Self,
    ) -> Self {
        let declared: HashSet<(String, ToolName)> = files
            .iter()
            .flat_map(|(name, file)| tools_of(file).map(|(tool, _)| (name.clone(), tool)))
            .collect();
        let held_by_another = |tool: &ToolName, name: &str| {
            old.by_tool.get(tool.as_str()).filter(|holder| {
                holder.name() != name
                    && declared.contains(&(holder.name().to_owned(), tool.clone()))
            })
        };
        let mut table = Self { servers, ..Self::default() };
        for (name, file) in files {
            let Some(server) = table.servers.get(&name) else {
                continue;
            };
            for (tool, text) in tools_of(&file) {
                let holder =
                    table.by_tool.get(tool.as_str()).or_else(|| held_by_another(&tool, &name));
                if let Some(holder) = holder {
                    tracing::error!(
                        server = name,
                        holder = holder.name(),
                        %tool,
                        "a tool was refused: its name is taken"
                    );
                    continue;
                }
                table.by_tool.insert(tool.to_string(), server.clone());
                table.tools.push(text.to_owned());
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

/// The tools of a cap file, each with its text.
fn tools_of(file: &CapFile) -> impl Iterator<Item = (ToolName, &RawValue)> {
    file.capabilities.iter().filter_map(|method| {
        // A name that is not one has had the whole file refused when it was read.
        Some((method.tool_name().ok()??, method.tool.as_deref()?))
    })
}
