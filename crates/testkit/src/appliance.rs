//! The appliance in a test.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use bringup::{Facts, Plan, Running};
use licence::Limits;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::outside::Outside;
use crate::request::Request;

/// A running appliance on a folder of its own; all of it is gone when this is dropped.
pub struct Appliance {
    running: Running,
    outside: Option<Outside>,
    folder: TempDir,
}

/// An appliance that is being put together.
pub struct Builder {
    plan: Plan,
    outside: bool,
    asks: bool,
    folder: TempDir,
}

/// The rule of the owner's that most tests have: what they try is not who is asked. It permits nothing.
const UNASKED: &str = "@ask(\"never\") @untrusted(\"ok\") permit (principal, action, resource);";

/// Has an appliance that will be started with this state folder ask nobody.
pub fn ask_nobody(state: &Path) {
    fs::write(in_state(state, "config/policies").join("unasked.cedar"), UNASKED).unwrap();
}

/// A folder of the state, made as an earlier run of the appliance would have left it.
fn in_state(state: &Path, name: &str) -> PathBuf {
    let folder = state.join(name);
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).unwrap();
    File::create(state.join("lock")).unwrap();
    folder
}

/// The folder of the daemons' programs: where Cargo put this test is beneath it, and a program of ours is in it.
///
/// `cargo nextest run -p testkit` builds the daemons' libraries but not their programs, and a test of yesterday's
/// program proves nothing: so a program that is older than one of its sources fails the test.
pub fn programs() -> PathBuf {
    let program = std::env::current_exe().expect("a program has a path");
    let folder = program.parent().expect("a program is in a folder");
    let programs = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    let programs = programs.expect("`deps` is in a folder").to_owned();
    for program in ["gateway", "cap-fs", "llmbasedos", "luca-shell"] {
        assert!(
            is_fresh(&programs.join(program)),
            "`{program}` is not built or stale: run `cargo build --profile ci --workspace --bins`"
        );
    }
    programs
}

/// Whether a program is newer than all sources that Cargo lists in the file beside it.
pub(crate) fn is_fresh(program: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    let Some(built) = changed(program) else { return false };
    let Ok(sources) = fs::read_to_string(program.with_extension("d")) else { return false };
    // As in a Makefile: `program: source source`, with spaces in names escaped.
    let sources = sources.trim_end().split_once(": ").map_or("", |(_, sources)| sources);
    let sources = sources.replace("\\ ", "\0");
    let mut sources = sources.split(' ').map(|source| source.replace('\0', " "));
    sources.all(|source| changed(Path::new(&source)).is_some_and(|changed| changed <= built))
}

impl Appliance {
    /// An appliance that exposes an empty folder.
    #[expect(clippy::new_ret_no_self, reason = "an appliance begins as its builder")]
    pub fn new() -> Builder {
        let folder = tempfile::Builder::new().prefix("llmb").tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        let plan = Plan {
            choices: bringup::Choices::default(),
            state: folder.path().join("state"),
            root: Some(root),
            port: 0,
            programs: programs(),
            call_timeout_seconds: None,
            log_level: None,
            // What tests measure and attack is not how often they may.
            limits: Limits::NO_RATE,
        };
        Builder { plan, outside: false, asks: false, folder }
    }

    /// What a program needs to know of it.
    pub fn facts(&self) -> &Facts {
        self.running.facts()
    }

    /// The server that stands for all that lies outside, where there is one.
    pub fn world(&self) -> &Outside {
        self.outside.as_ref().expect("the builder was asked for it")
    }

    /// A folder beside the exposed one: outside, for canaries.
    pub fn outside(&self) -> &Path {
        self.folder.path()
    }

    /// The exposed folder.
    pub fn root(&self) -> &Path {
        &self.facts().root
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The gateway's port.
    pub fn port(&self) -> u16 {
        let port = self.facts().endpoint.rsplit(':').next().and_then(|rest| rest.split('/').next());
        port.and_then(|port| port.parse().ok()).expect("the endpoint has a port")
    }

    /// A request with a good key.
    pub fn request(&self) -> Request {
        Request::new(self.port(), &self.facts().key)
    }

    /// Calls a tool and gives the JSON-RPC reply.
    pub fn call(&self, tool: &str, arguments: &Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments });
        self.request().modern("tools/call", &params).send().json()
    }

    /// The names of all tools of servers: `approval_status` is the gateway's own, and everybody has it.
    pub fn tools(&self) -> Vec<String> {
        let reply = self.request().modern("tools/list", &json!({})).send().json();
        let tools = reply["result"]["tools"].as_array().expect("a list of tools");
        let names = tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned());
        names.filter(|name| name != "approval_status").collect()
    }

    /// The log of a daemon so far.
    pub fn log(&self, daemon: &str) -> String {
        fs::read_to_string(self.state().join(format!("log/{daemon}.log"))).unwrap()
    }

    /// Kills a daemon, as the kernel would when memory runs out.
    pub fn kill(&self, daemon: &str) {
        let pid = self.facts().pids[daemon].to_string();
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    }

    /// Starts again what has ended, once it is due, as `up` does all the time.
    pub fn tend(&mut self) {
        self.running.tend().unwrap();
    }

    /// Stops it in order.
    pub fn stop(self) {
        self.running.stop().unwrap();
    }
}

impl Builder {
    /// A file of the exposed folder, its folders included.
    #[must_use]
    pub fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.folder.path().join("root").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// How long a call may take, in seconds.
    #[must_use]
    pub fn call_timeout(mut self, seconds: u32) -> Self {
        self.plan.call_timeout_seconds = Some(seconds);
        self
    }

    /// How much the daemons log.
    #[must_use]
    pub fn log_level(mut self, level: &'static str) -> Self {
        self.plan.log_level = Some(level);
        self
    }

    /// Exposes the folder that contains everything, the state folder included.
    #[must_use]
    pub fn expose_everything(mut self) -> Self {
        self.plan.root = Some(self.folder.path().to_owned());
        self
    }

    /// Lets it ask a person, as an appliance does whose owner has said nothing.
    #[must_use]
    pub fn asking(mut self) -> Self {
        self.asks = true;
        self
    }

    /// A file of the owner's policies, in force from the start.
    #[must_use]
    pub fn policy(self, name: &str, text: &str) -> Self {
        let folder = self.state_folder("config/policies");
        fs::write(folder.join(format!("{name}.cedar")), text).unwrap();
        self
    }

    /// An `outside-server` beside the appliance's own servers. It is declared before the gateway starts, so that policies may
    /// speak of its methods.
    #[must_use]
    pub fn world(mut self) -> Self {
        self.outside = true;
        self
    }

    fn state_folder(&self, name: &str) -> PathBuf {
        in_state(&self.plan.state, name)
    }

    /// Starts it, and waits until it is ready.
    pub fn start(self) -> Appliance {
        if !self.asks {
            ask_nobody(&self.plan.state);
        }
        let outside = self.outside.then(|| {
            let (run, log) = (self.state_folder("run"), self.state_folder("log"));
            let folder = self.folder.path().join("outside");
            Outside::start(folder, &run, &log.join("outside.log"))
        });
        let running = self.plan.start(|_| {}).unwrap_or_else(|error| panic!("{error}"));
        Appliance { running, outside, folder: self.folder }
    }
}
