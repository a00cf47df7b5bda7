//! Doing what a command says.

use std::sync::Arc;

use nu_ansi_term::Color;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::approvals::Action;
use crate::arguments;
use crate::command::{BuiltIn, Command};
use crate::escape;
use crate::failure::Failure;
use crate::first_key;
use crate::limits::{FULL_PAGE_ENTRIES, MAX_LISTED};
use crate::line::parse_line;
use crate::output::{self, Output};
use crate::path::{ROOT, resolve};
use crate::session::{Patience, Session};
use crate::view::{self, Entry, File};

/// Lists a folder.
pub(crate) const FS_LIST: &str = "mcp.fs.list";
const FS_READ: &str = "mcp.fs.read";
const FS_DELETE: &str = "mcp.fs.delete";
/// Shows the licence.
pub(crate) const LICENCE_CHECK: &str = "mcp.licence.check";

/// Whether there is more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// The next command.
    Next,
    /// The person wants to leave.
    Leave,
}

/// The shell: where it is, and what it talks to.
pub(crate) struct Shell {
    /// The link.
    pub(crate) session: Arc<Session>,
    /// The folder that it is in.
    pub(crate) cwd: String,
    /// How results are written.
    pub(crate) output: Output,
    /// How long to wait for a link that is down.
    pub(crate) patience: Patience,
}

/// What a line asks for, once a person has agreed to what needs it.
#[derive(Debug)]
pub(crate) struct Plan {
    command: Command,
}

impl Plan {
    /// What the line asks for.
    pub(crate) fn read(line: &str) -> Result<Self, Failure> {
        let words = parse_line(line).map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(Self { command: Command::read(words)? })
    }

    /// The question to ask a person before it is done, if there is one.
    pub(crate) fn question(&self, cwd: &str) -> Option<String> {
        if let Command::Approvals(action) = &self.command {
            return action.question();
        }
        let Command::Remove { path, recursive, force: false } = &self.command else { return None };
        let path = escape::line(&resolve(cwd, path));
        let all = if *recursive { " and all that it holds" } else { "" };
        Some(format!("Delete {path}{all}? It cannot be undone."))
    }

    /// What it is after a person has said yes.
    pub(crate) fn agreed(mut self) -> Self {
        if let Command::Remove { force, .. } = &mut self.command {
            *force = true;
        }
        self
    }

    /// The id of the call whose arguments a person is to edit before it is done, if there is one.
    pub(crate) fn edits(&self) -> Option<&str> {
        match &self.command {
            Command::Approvals(Action::Edit { id, arguments: None }) => Some(id),
            _ => None,
        }
    }

    /// What it is once a person has edited the arguments.
    pub(crate) fn edited(mut self, text: String) -> Self {
        if let Command::Approvals(Action::Edit { arguments, .. }) = &mut self.command {
            *arguments = Some(text);
        }
        self
    }
}

impl Shell {
    /// Does it.
    pub(crate) async fn run(&mut self, plan: Plan) -> Result<Flow, Failure> {
        match plan.command {
            Command::Nothing => {}
            Command::Exit => return Ok(Flow::Leave),
            Command::Where => self.show_folder()?,
            Command::List { path } => self.list(path).await?,
            Command::Enter { path } => self.enter(path).await?,
            Command::Show { path, encoding } => self.show(&path, encoding).await?,
            Command::Remove { path, recursive, force } => {
                self.remove(&path, recursive, force).await?;
            }
            Command::Help { topic } => self.help(topic).await?,
            Command::Licence => {
                let licence = self.call(LICENCE_CHECK, &json!([])).await?;
                self.output.value(&licence)?;
            }
            Command::Status => self.status().await?,
            Command::Key => first_key::show(self.output)?,
            Command::Approvals(action) => self.approvals(action).await?,
            Command::Connect => self.reconnect().await?,
            Command::Call { method, arguments } => {
                self.connect().await?;
                let catalogue = self.session.catalogue().await?;
                let known = catalogue.method(&method);
                let params = arguments::params(&method, known, &arguments, &self.cwd)?;
                let result = self.call(&method, &params).await?;
                self.present(&method, result)?;
            }
        }
        Ok(Flow::Next)
    }

    /// Makes a call, and before it a link if there is none.
    pub(crate) async fn call(&self, method: &str, params: &Value) -> Result<Value, Failure> {
        self.connect().await?;
        self.session.call(method, params).await
    }

    async fn connect(&self) -> Result<(), Failure> {
        if self.session.is_connected() {
            return Ok(());
        }
        let waits = self.patience == Patience::Restart;
        if waits {
            let target = escape::line(&self.session.target());
            output::note(&format!("Connecting to {target} (Ctrl-C stops that)"));
        }
        self.session.connect(self.patience).await?;
        Ok(())
    }

    async fn reconnect(&self) -> Result<(), Failure> {
        self.session.disconnect();
        self.session.connect(Patience::Once).await?;
        // A gateway that takes the connection and not the key says so at the first call.
        self.session.catalogue().await?;
        if self.output.json {
            return self.output.value(&Value::Bool(true));
        }
        output::line(&format!("Connected to {}", escape::line(&self.session.target())))
    }

    fn show_folder(&self) -> Result<(), Failure> {
        if self.output.json {
            return self.output.value(&json!(self.cwd));
        }
        // A pipe gets the path as it is, as from any `pwd`.
        let is_terminal = self.output.is_terminal;
        let path = if is_terminal { escape::line(&self.cwd) } else { self.cwd.clone() };
        output::line(&path)
    }

    async fn list(&self, path: Option<String>) -> Result<(), Failure> {
        let path = resolve(&self.cwd, path.as_deref().unwrap_or_default());
        let (entries, whole) = self.entries(&path).await?;
        self.show_entries(entries)?;
        if !whole {
            let text = format!("Only the first {MAX_LISTED} entries are shown");
            output::note(&output::painted(Color::Yellow.normal(), &text));
        }
        Ok(())
    }

    /// The entries of a folder, and whether these are all.
    ///
    /// A page ends after a thousand entries at the latest, and the legacy result has no room for the cursor of the next
    /// one. The cursor of the file server is the name of the last entry, and a server of old has none.
    async fn entries(&self, path: &str) -> Result<(Vec<Value>, bool), Failure> {
        let mut entries = array(self.call(FS_LIST, &json!([path])).await?)?;
        if entries.len() < FULL_PAGE_ENTRIES {
            return Ok((entries, true));
        }
        let catalogue = self.session.catalogue().await?;
        if catalogue.method(FS_LIST).and_then(|list| list.parameter("cursor")).is_none() {
            return Ok((entries, true));
        }
        while entries.len() < MAX_LISTED {
            let Some(cursor) = entries.last().and_then(|entry| entry.get("name")) else { break };
            let params = json!({ "path": path, "cursor": cursor });
            let page = array(self.call(FS_LIST, &params).await?)?;
            // A server that understands the cursor otherwise would never come to an end.
            if page.first().is_none_or(|first| Some(first) == entries.first()) {
                return Ok((entries, true));
            }
            entries.extend(page);
        }
        Ok((entries, false))
    }

    fn show_entries(&self, entries: Vec<Value>) -> Result<(), Failure> {
        if self.output.json {
            return self.output.value(&Value::Array(entries));
        }
        let entries: Vec<Entry> = typed(Value::Array(entries), "fs.list")?;
        output::line(&view::table(entries, self.output.colours))
    }

    async fn enter(&mut self, path: Option<String>) -> Result<(), Failure> {
        let path = resolve(&self.cwd, path.as_deref().unwrap_or(ROOT));
        self.call(FS_LIST, &json!([path])).await?;
        self.cwd = path;
        if self.output.json { self.show_folder() } else { Ok(()) }
    }

    async fn show(&self, path: &str, encoding: Option<String>) -> Result<(), Failure> {
        let path = resolve(&self.cwd, path);
        let params = match encoding {
            Some(encoding) => json!([path, encoding]),
            None => json!([path]),
        };
        let file = self.call(FS_READ, &params).await?;
        self.present(FS_READ, file)
    }

    async fn remove(&self, path: &str, recursive: bool, force: bool) -> Result<(), Failure> {
        if !force {
            let text = "`rm` deletes for good: with nobody to ask, it needs `--force`";
            return Err(Failure::Usage(text.to_owned()));
        }
        let path = resolve(&self.cwd, path);
        let result = self.call(FS_DELETE, &json!([path, recursive])).await?;
        if self.output.json {
            return self.output.value(&result);
        }
        output::line(&format!("Deleted {}", escape::line(&path)))
    }

    async fn help(&self, topic: Option<String>) -> Result<(), Failure> {
        let built_in = topic.as_deref().and_then(BuiltIn::named);
        if let Some(built_in) = built_in.filter(|_| !self.output.json) {
            return output::line(&view::built_in(built_in));
        }
        if self.output.json {
            let listed = self.call(crate::catalogue::LIST_CAPABILITIES, &json!([])).await?;
            return self.output.value(&listed);
        }
        let Some(topic) = topic else {
            // Without a link there is help for what works without one.
            if self.connect().await.is_err() {
                output::line(&view::everything(None))?;
                return Ok(());
            }
            let catalogue = self.session.catalogue().await?;
            return output::line(&view::everything(Some(&catalogue)));
        };
        self.connect().await?;
        let catalogue = self.session.catalogue().await?;
        let method = catalogue.method(&topic).ok_or_else(|| {
            let topic = escape::line(&topic);
            Failure::Usage(format!("no command or method `{topic}`: `help` lists what there is"))
        })?;
        output::line(&view::method(method))
    }

    /// Shows a result in the view that it has, else as JSON.
    fn present(&self, method: &str, result: Value) -> Result<(), Failure> {
        match (method, result) {
            (FS_LIST, Value::Array(entries)) => self.show_entries(entries),
            (FS_READ, file) if !self.output.json => {
                typed::<File>(file, "fs.read")?.show(self.output)
            }
            (_, result) => self.output.value(&result),
        }
    }
}

fn array(value: Value) -> Result<Vec<Value>, Failure> {
    match value {
        Value::Array(items) => Ok(items),
        _ => Err(Failure::Unexpected("fs.list")),
    }
}

/// Reads a result.
pub(crate) fn typed<T: DeserializeOwned>(value: Value, method: &'static str) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|_| Failure::Unexpected(method))
}
