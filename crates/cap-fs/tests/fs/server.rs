//! The built program, serving a folder, confined as on the appliance.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::fs::XattrFlags;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use testkit::until;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) client: &'static str,
    pub(crate) run: Option<&'static str>,
    /// The door through which the call came.
    pub(crate) origin: &'static str,
    pub(crate) prefixes: Vec<&'static str>,
}

/// The person.
pub(crate) const ANNA: Who =
    Who { client: "anna", run: None, origin: "person", prefixes: Vec::new() };

/// A client that is none.
pub(crate) const AGENT: Who =
    Who { client: "agent", run: None, origin: "http", prefixes: Vec::new() };

pub(crate) struct Server {
    child: Child,
    pub(crate) folder: TempDir,
    state: TempDir,
    config: Value,
    wire: RefCell<UnixStream>,
    pub(crate) tools: BTreeMap<String, Value>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&json!({}), &std::env::temp_dir())
    }

    /// With more settings, and the state in a folder of its own, which may be on another file system.
    pub(crate) fn with(settings: &Value, state: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = tempfile::tempdir_in(state).unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        let mut config = json!({ "state": state.path() });
        if settings.get("roots").is_none() {
            config["root"] = json!(folder.path().join("root"));
        }
        for (name, value) in settings.as_object().unwrap() {
            config[name] = value.clone();
        }
        Self::run(folder, state, config)
    }

    fn run(folder: TempDir, state: TempDir, config: Value) -> Self {
        let at = |name: &str| folder.path().join(name);
        fs::write(at("fs.yaml"), config.to_string()).unwrap();
        fs::remove_file(at("fs.sock")).ok();
        let child = Command::new(env!("CARGO_BIN_EXE_cap-fs"))
            .args(["serve", "--parent", &std::process::id().to_string(), "--socket"])
            .arg(at("fs.sock"))
            .arg("--config")
            .arg(at("fs.yaml"))
            .env("LLMBDO_FS_LOG_LEVEL", "warn")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let stream = until("the server", PATIENCE, || UnixStream::connect(at("fs.sock")).ok());
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let wire = RefCell::new(stream);
        let mut server = Self { child, folder, state, config, wire, tools: BTreeMap::new() };
        let listed = server.ask("tools/list", &ANNA, Map::new());
        for tool in listed["result"]["tools"].as_array().unwrap() {
            server.tools.insert(tool["name"].as_str().unwrap().to_owned(), tool.clone());
        }
        server
    }

    /// Kills it and starts it again.
    pub(crate) fn restart(mut self) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = std::mem::replace(&mut self.folder, folder);
        let state = std::mem::replace(&mut self.state, state);
        Self::run(folder, state, self.config.clone())
    }

    /// The host path of a path in the exposed folder.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("root").join(path.trim_start_matches('/'))
    }

    pub(crate) fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), content).unwrap();
    }

    /// A number of its process status, in KiB.
    pub(crate) fn memory(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn ask(&self, method: &str, who: &Who, mut params: Map<String, Value>) -> Value {
        let prefixes = if who.prefixes.is_empty() { vec!["/"] } else { who.prefixes.clone() };
        let scope = |prefix| json!({ "collection": "files", "prefix": prefix });
        let mut caller = json!({
            "client": who.client, "request": "r-1", "origin": who.origin, "policyGeneration": 0,
            "scopes": prefixes.into_iter().map(scope).collect::<Vec<_>>(),
        });
        if let Some(run) = who.run {
            caller["run"] = run.into();
        }
        params.insert(
            "_meta".to_owned(),
            json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "org.llmbasedos/caller": caller,
            }),
        );
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let mut wire = self.wire.borrow_mut();
        wire.write_all(format!("{message}\0").as_bytes()).unwrap();
        let mut received = Vec::new();
        let mut chunk = vec![0; 64 * 1024];
        while received.last() != Some(&0) {
            let length = wire.read(&mut chunk).expect("a reply");
            assert_ne!(length, 0, "the server ended the connection after {message:.300}");
            received.extend_from_slice(&chunk[..length]);
        }
        serde_json::from_slice(&received[..received.len() - 1]).unwrap()
    }

    pub(crate) fn result(&self, who: &Who, tool: &str, arguments: &Value) -> Value {
        let params = Map::from_iter([
            ("name".to_owned(), json!(tool)),
            ("arguments".to_owned(), arguments.clone()),
        ]);
        let reply = self.ask("tools/call", who, params);
        assert!(reply["result"].is_object(), "{tool} {arguments:.300}: {reply}");
        reply["result"].clone()
    }

    /// Calls a tool that must succeed; what it returns is checked against its own output schema.
    #[track_caller]
    pub(crate) fn by(&self, who: &Who, tool: &str, arguments: &Value) -> Value {
        let result = self.result(who, tool, arguments);
        assert_eq!(result["isError"], false, "{tool} {arguments:.300}: {result:.500}");
        let output = &result["structuredContent"];
        let schema = jsonschema::draft202012::new(&self.tools[tool]["outputSchema"]).unwrap();
        let faults: Vec<String> = schema.iter_errors(output).map(|f| f.to_string()).collect();
        assert!(faults.is_empty(), "{tool}: {faults:?}");
        output.clone()
    }

    #[track_caller]
    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Value {
        self.by(&ANNA, tool, arguments)
    }

    /// Checks that a call is refused, as this kind, with a text that says this.
    #[track_caller]
    pub(crate) fn refused(&self, who: &Who, tool: &str, arguments: &Value, kind: &str, says: &str) {
        let result = self.result(who, tool, arguments);
        assert_eq!(result["isError"], true, "{tool} {arguments:.300}: {result:.300}");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(result["_meta"]["org.llmbasedos/errorKind"], kind, "{arguments:.300}: {text}");
        assert!(text.contains(says), "{tool} {arguments:.300}: `{says}` is not in: {text}");
        let host = self.folder.path().to_str().unwrap();
        assert!(!text.contains(host), "the host path is told: {text}");
    }

    /// All that an undo promises to restore: content, rights, attributes, and times of files.
    pub(crate) fn state(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![self.at("")];
        while let Some(path) = waiting.pop() {
            let data = fs::symlink_metadata(&path).unwrap();
            let mut facts = format!("{:o}", data.mode());
            if data.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if data.is_symlink() {
                write!(facts, " {:?}", fs::read_link(&path).unwrap()).unwrap();
            } else {
                let mut mark = [0; 8];
                let mark = rustix::fs::getxattr(&path, c"user.mark", &mut mark[..]);
                let (time, content) = (data.modified().unwrap(), fs::read(&path).unwrap());
                write!(facts, " {time:?} {mark:?} {content:?}").unwrap();
            }
            found.insert(path, facts);
        }
        found
    }

    /// How many things are kept, and records of changes under way.
    pub(crate) fn left(&self) -> (usize, usize) {
        let count = |start: &str| {
            let folders = fs::read_dir(self.state.path()).unwrap().map(|entry| entry.unwrap());
            let ours = folders.filter(|entry| {
                entry.file_name().to_string_lossy().starts_with(start) && entry.path().is_dir()
            });
            ours.map(|folder| fs::read_dir(folder.path()).unwrap().count()).sum()
        };
        (count("history-"), count("pending-"))
    }

    /// Files of all sorts.
    pub(crate) fn plant(&self) {
        for path in ["/a.txt", "/b.txt", "/d/c.txt", "/d/e/f.txt", "/g/h.txt"] {
            self.file(path, format!("one\ntwo\n{path}\n"));
        }
        fs::set_permissions(self.at("/a.txt"), fs::Permissions::from_mode(0o640)).unwrap();
        fs::set_permissions(self.at("/d"), fs::Permissions::from_mode(0o750)).unwrap();
        rustix::fs::setxattr(self.at("/b.txt"), c"user.mark", b"kept", XattrFlags::empty())
            .unwrap();
        std::os::unix::fs::symlink("a.txt", self.at("/link")).unwrap();
        std::os::unix::fs::symlink("../a.txt", self.at("/d/link")).unwrap();
        fs::hard_link(self.at("/g/h.txt"), self.at("/g/same.txt")).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
