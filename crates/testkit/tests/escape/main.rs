//! Campaign C1 through the whole product: no path that a client sends leads out of the exposed folder.
//!
//! A person who exposes a folder relies on this: nothing else on the machine is shown or changed, whatever the
//! path, and whatever links, pipes and sockets lie in that folder; the state folder, with its keys, is out of reach
//! even where the exposed folder contains it; and no answer tells where on the host the folder is.
//!
//! `LLMBASEDOS_ESCAPE_PATHS` sets the number of paths and `LLMBASEDOS_SEED` where they start.
#![cfg(test)]

#[path = "../../../vroot/tests/common/escape_paths.rs"]
mod escape_paths;
mod ways;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bringup::{Plan, Running};
use escape_paths::{CANARY, CANARY_NAME, MARK_NAME, Traps};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::Appliance;

/// How many paths are tried where the environment does not say.
const PATHS: usize = 1200;
/// How long an answer may take: longer than any deadline of the gateway.
const PATIENCE: Duration = Duration::from_mins(1);
/// What stands in a file of every host, outside of any exposed folder.
const PASSWORDS: &str = "root:x:0:";

/// One connection on which call follows call: a new one for each would use up the ports of the machine.
struct Client {
    stream: TcpStream,
    head: String,
}

impl Client {
    fn new(endpoint: &str, key: &str) -> Self {
        let address = endpoint.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nAccept: application/json\r\n"
        );
        Self { stream, head }
    }

    /// Calls a tool; the answer is everything that came, head included.
    fn call(&mut self, tool: &str, arguments: &Value) -> Reply {
        let params = json!({ "name": tool, "arguments": arguments });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
            .to_string();
        let request = format!("{}Content-Length: {}\r\n\r\n{body}", self.head, body.len());
        self.stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        loop {
            if let Some(body) = body_of(&bytes) {
                return Reply { bytes, body };
            }
            let mut chunk = [0; 16 * 1024];
            let length = self.stream.read(&mut chunk).expect("an answer");
            assert_ne!(length, 0, "the connection ended after {tool} {arguments}");
            bytes.extend_from_slice(&chunk[..length]);
        }
    }
}

/// The JSON of a response, once it is whole.
fn body_of(bytes: &[u8]) -> Option<Value> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(bytes).unwrap() else {
        return None;
    };
    let length =
        head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = std::str::from_utf8(length.unwrap().value).unwrap().parse::<usize>().unwrap();
    Some(serde_json::from_slice(bytes.get(start..start + length)?).unwrap())
}

/// An answer.
struct Reply {
    bytes: Vec<u8>,
    body: Value,
}

impl Reply {
    fn holds(&self, text: &str) -> bool {
        self.bytes.windows(text.len()).any(|part| part == text.as_bytes())
    }

    fn done(&self) -> bool {
        self.body["result"]["isError"] == json!(false)
    }

    /// `done`, the kind of the tool's error, or the code of the protocol's.
    fn kind(&self) -> String {
        let kind = &self.body["result"]["_meta"]["org.llmbasedos/errorKind"];
        match kind.as_str() {
            Some(kind) => kind.to_owned(),
            None if self.done() => "done".to_owned(),
            None => format!("error {}", self.body["error"]["code"]),
        }
    }
}

/// Each way to use a path: a name for people, the tool, and its arguments.
type Use = (&'static str, &'static str, fn(&str) -> Value);

const READING: [Use; 3] = [
    ("list", "fs_list", |path| json!({ "path": path })),
    ("read", "fs_read", |path| json!({ "path": path })),
    ("read base64", "fs_read", |path| json!({ "path": path, "encoding": "base64" })),
];

const CHANGING: [Use; 4] = [
    ("write", "fs_write", |path| json!({ "path": path, "content": "written" })),
    ("append", "fs_write", |path| json!({ "path": path, "content": "added", "append": true })),
    ("delete", "fs_delete", |path| json!({ "path": path })),
    ("delete all", "fs_delete", |path| json!({ "path": path, "recursive": true })),
];

/// The further tools, of which each gets every [`SHARE`]th path.
const FURTHER_READING: [Use; 13] = [
    ("tree", "fs_tree", |path| json!({ "path": path })),
    ("info", "fs_info", |path| json!({ "path": path })),
    ("find", "fs_find", |path| json!({ "path": path, "pattern": "*" })),
    ("grep", "fs_grep", |path| json!({ "path": path, "query": "canary", "ignore_case": true })),
    ("head", "fs_read", |path| json!({ "path": path, "head": 3 })),
    ("range", "fs_read", |path| json!({ "path": path, "offset": 0, "length": 100 })),
    ("lines", "fs_read_lines", |path| json!({ "path": path, "offset": 0 })),
    ("many", "fs_read_many", |path| json!({ "paths": [path, path] })),
    ("media", "fs_read_media", |path| json!({ "path": path })),
    ("hash", "fs_hash", |path| json!({ "path": path })),
    ("du", "fs_du", |path| json!({ "path": path })),
    ("duplicates", "fs_duplicates", |path| json!({ "path": path })),
    ("history", "fs_history", |path| json!({ "path": path })),
];

const FURTHER_CHANGING: [Use; 10] = [
    (
        "edit",
        "fs_edit",
        |path| json!({ "path": path, "edits": [{ "oldText": "a", "newText": "b" }], "replaceAll": true }),
    ),
    ("mkdir", "fs_mkdir", |path| json!({ "path": path })),
    ("move away", "fs_move", |path| json!({ "source": path, "destination": free(path, "") })),
    ("move to", "fs_move", |path| json!({ "source": "/a", "destination": path })),
    ("copy", "fs_copy", |path| json!({ "source": path, "destination": free(path, "") })),
    (
        "copy to",
        "fs_copy",
        |path| json!({ "source": "/a", "destination": path, "overwrite": true }),
    ),
    (
        "archive",
        "fs_archive",
        |path| json!({ "sources": [path], "destination": free(path, ".tar") }),
    ),
    (
        "archive to",
        "fs_archive",
        |path| json!({ "sources": ["/a"], "destination": format!("{path}.zip"), "overwrite": true }),
    ),
    ("extract", "fs_extract", |path| json!({ "source": path, "destination": free(path, "") })),
    ("undo", "fs_undo", |path| json!({ "client": "nobody", "path": path })),
];

/// Every how-manyth path a further tool gets: all of them would take an hour.
const SHARE: usize = 6;
/// The tools that take no path.
const WITHOUT_PATH: [&str; 1] = ["fs_roots"];

/// A name that is free, since it comes of a path that is tried once.
fn free(path: &str, end: &str) -> String {
    let hash =
        path.bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    format!("/made-{hash:x}{end}")
}

/// The traps, exposed by an appliance.
struct Campaign {
    // First, so that it is dropped before the folders in which it runs.
    running: Running,
    traps: Traps,
    state: PathBuf,
    base: TempDir,
}

/// Where the state folder of a campaign is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Beside the exposed folder, in which a link leads to it.
    Beside,
    /// In the exposed folder.
    Within,
}

impl Campaign {
    fn start(place: State) -> Self {
        let base = memory_folder();
        let traps = Traps::new(base.path()).unwrap();
        let state = match place {
            State::Within => traps.state(),
            State::Beside => {
                fs::remove_dir_all(traps.state()).unwrap();
                let state = base.path().join("state");
                fs::create_dir_all(state.join("sub")).unwrap();
                for folder in ["", "sub"] {
                    fs::write(state.join(folder).join(CANARY_NAME), CANARY).unwrap();
                    fs::write(state.join(folder).join(MARK_NAME), "").unwrap();
                }
                state
            }
        };
        // By its lock a state folder of an earlier run is known.
        fs::write(state.join("lock"), "").unwrap();
        let plan = plan(&traps.root(), &state);
        let campaign = Self { running: plan.start(|_| {}).unwrap(), traps, state, base };
        campaign.reset();
        for folder in ["fs", "config", "log", &campaign.history()] {
            fs::write(campaign.state.join(folder).join(CANARY_NAME), CANARY).unwrap();
            fs::write(campaign.state.join(folder).join(MARK_NAME), "").unwrap();
        }
        campaign
    }

    /// The folder of what changes replaced, as a path in the state.
    fn history(&self) -> String {
        let folder = self.state.join("fs");
        let ours = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let name = ours.filter(|path| path.is_dir()).map(|path| name_in(&path, &folder));
        let name = name.into_iter().find(|name| name.starts_with("history-"));
        format!("fs/{}", name.expect("a folder of what is kept"))
    }

    fn client(&self) -> Client {
        Client::new(&self.running.facts().endpoint, &self.running.facts().key)
    }

    /// Puts every trap back in its place.
    fn reset(&self) {
        self.traps.set().unwrap();
        let link = self.traps.state();
        if link == self.state {
            return;
        }
        match fs::symlink_metadata(&link) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&link).unwrap(),
            Ok(_) => fs::remove_file(&link).unwrap(),
            Err(_) => {}
        }
        symlink("../state", link).unwrap();
    }

    /// All that no client may change.
    fn guarded(&self) -> BTreeMap<PathBuf, String> {
        let root = self.traps.root();
        let mut found = snapshot(self.base.path(), &self.state, &|path| *path == root);
        if self.state.starts_with(&root) {
            found.extend(snapshot(&self.state, &self.state, &|_| false));
        }
        found
    }

    /// Fails if an answer shows what no client may see.
    fn check(&self, path: &str, how: &str, reply: &Reply) {
        let shown = || String::from_utf8_lossy(&reply.bytes).chars().take(500).collect::<String>();
        let key = &self.running.facts().key;
        for secret in [CANARY, MARK_NAME, PASSWORDS, key.as_str(), "Y2FuYXJ5LTVi"] {
            assert!(!reply.holds(secret), "{how} of {path:?} shows `{secret}`: {}", shown());
        }
        // A client is told its own words again.
        let base = self.base.path().file_name().unwrap().to_str().unwrap();
        if !path.contains(base) {
            assert!(!reply.holds(base), "{how} of {path:?} tells the host path: {}", shown());
        }
        if self.state.starts_with(self.traps.root()) && ["list", "tree", "find"].contains(&how) {
            let result = &reply.body["result"];
            // In the old dialect the list is the result.
            let entries = result["structuredContent"]["entries"].as_array().or(result.as_array());
            let listed = |entry: &Value| entry["path"] == "/state";
            assert!(!entries.is_some_and(|entries| entries.iter().any(listed)), "{path:?}");
        }
    }
}

/// A folder in memory where there is one: what waits for a disk in this test is not what it is about.
fn memory_folder() -> TempDir {
    let prefix = "llmb-escape-";
    tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in("/dev/shm")
        .or_else(|_| tempfile::Builder::new().prefix(prefix).tempdir())
        .unwrap()
}

fn plan(root: &Path, state: &Path) -> Plan {
    testkit::ask_nobody(state);
    Plan {
        choices: bringup::Choices::default(),
        state: state.to_owned(),
        root: Some(root.to_owned()),
        port: 0,
        programs: testkit::programs(),
        call_timeout_seconds: None,
        log_level: None,
        limits: licence::Limits::NO_RATE,
    }
}

/// What is in a folder and beneath, links not followed and `left_out` not entered. Logs, what the gateway keeps and the history of
/// changes grow, and the folder of writes under way changes with each write, so of those only the names and modes count.
fn snapshot(
    top: &Path,
    state: &Path,
    left_out: &dyn Fn(&PathBuf) -> bool,
) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(path) = waiting.pop() {
        if is_kept(&path, state) {
            continue;
        }
        let data = fs::symlink_metadata(&path).unwrap();
        let mut facts = format!("{:o} {} {}", data.mode(), data.ino(), data.uid());
        let changes = path.starts_with(state.join("log")) && path.extension().is_some()
            // What the gateway counts and records of every call.
            || path.starts_with(state.join("gateway"))
            || OURS.iter().any(|ours| name_in(&path, &state.join("fs")).starts_with(ours));
        if left_out(&path) {
            found.insert(path, facts);
            continue;
        }
        if !changes {
            write!(facts, " {:?}", data.modified().unwrap()).unwrap();
        }
        if data.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if data.is_symlink() {
            write!(facts, " {:?}", fs::read_link(&path).unwrap()).unwrap();
        } else if data.is_file() && !changes {
            write!(facts, " {}", String::from_utf8_lossy(&fs::read(&path).unwrap())).unwrap();
        }
        found.insert(path, facts);
    }
    found
}

/// How the names begin of what the file server holds for itself: the records of changes under way, the database of changes, and the
/// folder of what they replaced.
const OURS: [&str; 2] = ["pending", "history"];

/// The name of an entry of this folder; empty if it is none.
fn name_in(path: &Path, folder: &Path) -> String {
    let here = path.parent() == Some(folder);
    path.file_name()
        .filter(|_| here)
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Whether this is something that a change replaced and that is kept to be put back. Only what the server itself made there has
/// such a name: whatever else comes to be among it was brought there by a client.
fn is_kept(path: &Path, state: &Path) -> bool {
    let folder = path.parent().unwrap_or(path);
    name_in(folder, &state.join("fs")).starts_with("history-")
        && path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(vroot::TEMP_PREFIX))
}

/// Fails if two snapshots differ, and shows where.
#[track_caller]
fn check_same(
    after: &BTreeMap<PathBuf, String>,
    before: &BTreeMap<PathBuf, String>,
    what: impl Fn() -> String,
) {
    let paths = before.keys().chain(after.keys());
    let changed: Vec<_> = paths
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| format!("{}: {:?} -> {:?}", path.display(), before.get(path), after.get(path)))
        .collect();
    assert!(changed.is_empty(), "{}: {}", what(), changed.join("\n"));
}

fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().expect("a number"))
}

/// The corpus of a seed so much later than the first, and some paths that only a whole host answers.
fn corpus(traps: &Traps, history: &str, later: u64) -> Vec<String> {
    let seed = number("LLMBASEDOS_SEED", 1) as u64 + later;
    let mut paths = traps.paths(seed, number("LLMBASEDOS_ESCAPE_PATHS", PATHS));
    for link in ["slash", "slashes", "proc-root/../../../../../..", "up9", "absolute-root/../../.."]
    {
        paths.push(format!("/{link}/etc/passwd"));
    }
    let kept = format!("{history}/{CANARY_NAME}");
    let names =
        ["key", "up.json", "config/clients.yaml", "fs/pending", "log/fs.log", "run/fs.sock"];
    for name in names.into_iter().chain(["fs/history.db", history, &kept]) {
        for way in ["state", "to-state", "a/to-state", "absolute-state", "state-chain", "up/state"]
        {
            paths.push(format!("/{way}/{name}"));
        }
    }
    paths
}

/// Runs the whole corpus, and tells how often each answer came.
fn run(place: State) -> BTreeMap<String, usize> {
    let began = Instant::now();
    let campaign = Campaign::start(place);
    let mut client = campaign.client();
    let paths = corpus(&campaign.traps, &campaign.history(), 0);
    let mut tally = BTreeMap::<String, usize>::new();
    let mut attempts = 0;

    let before = snapshot(campaign.base.path(), &campaign.state, &|_| false);
    for path in &paths {
        for (how, tool, arguments) in READING {
            let reply = client.call(tool, &arguments(path));
            campaign.check(path, how, &reply);
            *tally.entry(reply.kind()).or_default() += 1;
            attempts += 1;
        }
    }
    for (how, tool, arguments, path) in shared(&FURTHER_READING, &paths) {
        let reply = client.call(tool, &arguments(path));
        campaign.check(path, how, &reply);
        *tally.entry(reply.kind()).or_default() += 1;
        attempts += 1;
    }
    let after = snapshot(campaign.base.path(), &campaign.state, &|_| false);
    check_same(&after, &before, || "reading changed something".to_owned());

    let before = campaign.guarded();
    let mut changes = 0;
    for path in &paths {
        for (how, tool, arguments) in CHANGING {
            let reply = client.call(tool, &arguments(path));
            campaign.check(path, how, &reply);
            *tally.entry(reply.kind()).or_default() += 1;
            attempts += 1;
            if reply.done() {
                changes += 1;
                check_same(&campaign.guarded(), &before, || format!("after {how} of {path:?}"));
                campaign.reset();
            }
        }
    }
    for (how, tool, arguments, path) in shared(&FURTHER_CHANGING, &paths) {
        let reply = client.call(tool, &arguments(path));
        campaign.check(path, how, &reply);
        *tally.entry(reply.kind()).or_default() += 1;
        attempts += 1;
        if reply.done() {
            changes += 1;
            check_same(&campaign.guarded(), &before, || format!("after {how} of {path:?}"));
            campaign.reset();
        }
    }
    check_same(&campaign.guarded(), &before, || "at the end".to_owned());
    println!(
        "C1: {} paths, {attempts} attempts, {changes} changes inside, 0 escapes in {:.1} s: {tally:?}",
        paths.len(),
        began.elapsed().as_secs_f32()
    );
    tally
}

/// Each use with its share of the paths.
fn shared<'a>(
    uses: &'a [Use],
    paths: &'a [String],
) -> impl Iterator<Item = (&'static str, &'static str, fn(&str) -> Value, &'a str)> {
    let with_number = |(number, path): (usize, &'a String)| {
        let theirs = uses.iter().enumerate().filter(move |(at, _)| (number + at) % SHARE == 0);
        theirs.map(move |(_, (how, tool, arguments))| (*how, *tool, *arguments, path.as_str()))
    };
    paths.iter().enumerate().flat_map(with_number)
}

#[test]
fn every_tool_is_a_part_of_the_campaign() {
    let mut tried: Vec<&str> = WITHOUT_PATH.to_vec();
    for uses in [&READING[..], &CHANGING, &FURTHER_READING, &FURTHER_CHANGING] {
        tried.extend(uses.iter().map(|(_, tool, _)| *tool));
    }
    tried.sort_unstable();
    tried.dedup();
    let caps = capability::cap_file::<cap_fs::Fs>().unwrap();
    let tools = caps.capabilities.iter().filter_map(|method| method.tool.as_ref());
    let mut tools: Vec<String> = tools
        .map(|tool| {
            serde_json::from_str::<Value>(tool.get()).unwrap()["name"].as_str().unwrap().to_owned()
        })
        .collect();
    tools.sort_unstable();
    assert_eq!(tried, tools);
}

/// A corpus that is refused for one reason only, or never succeeds, would prove little.
fn check_tally(tally: &BTreeMap<String, usize>) {
    let all: usize = tally.values().sum();
    for kind in ["done", "denied", "not_found", "invalid_arguments"] {
        let times = tally.get(kind).copied().unwrap_or_default();
        assert!(times * 100 > all, "{kind}: {times} of {all}");
    }
    assert_eq!(tally.get("internal"), None, "a path made the server fail: {tally:?}");
}

#[test]
fn no_path_leads_out_of_the_exposed_folder() {
    check_tally(&run(State::Beside));
}

#[test]
fn no_path_leads_out_of_a_folder_that_contains_the_state() {
    check_tally(&run(State::Within));
}

/// What many servers do: the path is text, and so are both checks.
fn naive_path(root: &Path, text: &str) -> Option<PathBuf> {
    let path = root.join(text.trim_start_matches('/'));
    let allowed = path.starts_with(root) && !path.starts_with(root.join("state"));
    allowed.then_some(path)
}

#[test]
fn the_same_paths_defeat_a_server_that_checks_the_text() {
    let base = memory_folder();
    let traps = Traps::new(base.path()).unwrap();
    let root = traps.root();
    let before = traps.snapshot().unwrap();
    let (mut read, mut listed, mut written, mut of_state, mut of_host) = (0, 0, 0, 0, 0);
    for text in corpus(&traps, "fs/history-1", 0) {
        let Some(path) = naive_path(&root, &text) else {
            continue;
        };
        let found = fs::metadata(&path);
        // Only a file is read, so that the control does not wait for a FIFO.
        if found.as_ref().is_ok_and(fs::Metadata::is_file) {
            let content = fs::read(&path).unwrap_or_default();
            let content = String::from_utf8_lossy(&content);
            of_host += usize::from(content.contains(PASSWORDS));
            if content.contains(CANARY) {
                read += 1;
                of_state += usize::from(text.contains("state"));
            }
        }
        if found.is_ok_and(|data| data.is_dir())
            && let Ok(names) = fs::read_dir(&path)
        {
            let shows = names.flatten().any(|entry| entry.file_name() == MARK_NAME);
            listed += usize::from(shows);
        }
        written += usize::from(would_write_outside(&root, &path));
    }
    println!(
        "C1 control: {read} reads of canaries ({of_state} of them in the state), {of_host} of the host's \
         users, {listed} lists, {written} writes that would go outside"
    );
    assert_eq!(traps.snapshot().unwrap(), before, "the control only looks");
    assert!(read > 50 && listed > 50 && written > 50 && of_state > 10 && of_host > 0);
}

/// Where a write would go. The control writes nothing: it would really go there.
#[expect(clippy::disallowed_methods, reason = "it shows what is wrong with it")]
fn would_write_outside(root: &Path, path: &Path) -> bool {
    let Some(folder) = path.parent() else {
        return false;
    };
    fs::canonicalize(folder)
        .is_ok_and(|real| !real.starts_with(root) || real.starts_with(root.join("state")))
}

/// The ways to write the path of an excluded folder, from plain to devious.
const SPELLINGS: [&str; 22] = [
    "/state",
    "//state",
    "/state/",
    "/state//",
    "/./state",
    "/state/.",
    "/state/./.",
    "/deep/../state",
    "/deep/er/../../state",
    "/state/../state",
    "/state/run/..",
    "/state/run/../../state",
    "/root/../state",
    "/link/",
    "/link/.",
    "/absolute/",
    "/deep/link/.",
    "/chain/sub/..",
    "/self/state",
    "/self/self/link/.",
    "/through/../state",
    "/through/..",
];

/// Those that end at a link.
const LINKS: [&str; 2] = ["/link", "/absolute"];

const SECRETS: [&str; 6] = [
    "key",
    "up.json",
    "config/clients.yaml",
    "config/gateway.yaml",
    "run/fs.sock",
    "log/gateway.log",
];

#[test]
fn the_state_folder_cannot_be_reached_in_an_exposed_folder_that_contains_it() {
    let appliance = Appliance::new().file("plain.txt", "plain").expose_everything().start();
    let (top, state) = (appliance.outside(), appliance.state());
    fs::create_dir_all(top.join("deep/er")).unwrap();
    for (name, target) in [
        ("link", Path::new("state")),
        ("absolute", &state),
        ("deep/link", Path::new("../state")),
        ("chain", Path::new("deep/link")),
        ("self", Path::new(".")),
        ("through", Path::new("state/run")),
        ("to-key", Path::new("state/key")),
        ("to-new", Path::new("state/new")),
    ] {
        symlink(target, top.join(name)).unwrap();
    }
    let before = snapshot(&state, &state, &|_| false);
    let mut client = Client::new(&appliance.facts().endpoint, &appliance.facts().key);
    let names = |reply: &Reply| -> Vec<String> {
        let entries = reply.body["result"]["structuredContent"]["entries"].as_array().unwrap();
        entries.iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    };

    // It is not in a list, however the list is cut.
    let all = client.call("fs_list", &json!({ "path": "/" }));
    let expected =
        ["absolute", "chain", "deep", "link", "root", "self", "through", "to-key", "to-new"];
    assert_eq!(names(&all), expected);
    let mut found = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page =
            client.call("fs_list", &json!({ "path": "/self/.", "limit": 1, "cursor": cursor }));
        found.extend(names(&page));
        cursor = page.body["result"]["structuredContent"]["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(found, expected);
    let near = client.call("fs_list", &json!({ "path": "/", "cursor": "statd", "limit": 1 }));
    assert_eq!(names(&near), ["through"]);

    // It cannot be used, however it is spelt, nor can anything in it.
    let spelled = SPELLINGS.iter().map(|spelling| (*spelling).to_owned());
    let beneath = SPELLINGS.iter().flat_map(|spelling| {
        SECRETS.iter().chain(&["new", "", "run"]).map(move |name| format!("{spelling}/{name}"))
    });
    let paths: Vec<String> = spelled.chain(beneath).collect();
    let mut attempts = 0;
    for path in &paths {
        let name = path.trim_end_matches(['/', '.']);
        let is_link = LINKS.iter().any(|link| name.ends_with(link));
        for (how, tool, arguments) in READING.into_iter().chain(CHANGING) {
            if is_link && tool == "fs_delete" {
                // Of a link the link itself is deleted, which is right.
                continue;
            }
            let reply = client.call(tool, &arguments(path));
            assert!(!reply.done(), "{how} of {path:?} was done");
            let key = appliance.facts().key.as_str();
            let host = top.to_str().unwrap();
            for secret in [key, host, "key_sha256", "caps_dir"] {
                assert!(!reply.holds(secret), "{how} of {path:?} shows `{secret}`");
            }
            attempts += 1;
        }
    }
    for path in ["/to-key", "/to-new"] {
        for (how, tool, arguments) in READING.into_iter().chain(CHANGING.into_iter().take(2)) {
            let reply = client.call(tool, &arguments(path));
            assert!(!reply.done(), "{how} of {path:?} was done");
            attempts += 1;
        }
    }
    // Nor can a client learn that it is there: it looks like what is not.
    for (how, tool, arguments) in READING {
        let (hidden, none) =
            (client.call(tool, &arguments("/state")), client.call(tool, &arguments("/xtate")));
        let text = |reply: &Reply| reply.body["result"]["content"][0]["text"].to_string();
        assert_eq!(text(&hidden).replace("state", "xtate"), text(&none), "{how}");
    }
    println!("{attempts} attempts on the state folder by {} paths, 0 successes", paths.len());
    check_same(&snapshot(&state, &state, &|_| false), &before, || "at the end".to_owned());
    // The rest can be used.
    let plain = client.call("fs_read", &json!({ "path": "/self/root/plain.txt" }));
    assert_eq!(plain.body["result"]["structuredContent"]["content"], "plain");
}

#[test]
fn a_folder_above_the_state_is_not_deleted_in_part() {
    let base = memory_folder();
    let root = base.path().join("root");
    let state = root.join("deep/er/state");
    for folder in ["deep/er/zz", "deep/aa/b", "other/c"] {
        fs::create_dir_all(root.join(folder)).unwrap();
        fs::write(root.join(folder).join("file"), folder).unwrap();
    }
    symlink("deep", root.join("link")).unwrap();
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    let running = plan(&root, &state).start(|_| {}).unwrap();
    let mut client = Client::new(&running.facts().endpoint, &running.facts().key);
    let before = snapshot(base.path(), &state, &|_| false);
    for path in [
        "/",
        "/.",
        "/deep",
        "/deep/",
        "//deep",
        "/./deep/.",
        "/other/../deep",
        "/deep/er",
        "/link/er",
        "/deep/er/state",
        "/link/er/state/",
        "/deep/er/state/config",
    ] {
        let reply = client.call("fs_delete", &json!({ "path": path, "recursive": true }));
        assert!(!reply.done(), "{path:?} was deleted");
        check_same(&snapshot(base.path(), &state, &|_| false), &before, || path.to_owned());
    }
    for path in ["/deep/er/zz", "/deep/aa", "/other", "/link"] {
        let reply = client.call("fs_delete", &json!({ "path": path, "recursive": true }));
        assert!(reply.done(), "{path:?}: {}", reply.body);
    }
    let mut left: Vec<_> =
        fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["deep"], "of a link only the link is deleted");
    running.stop().unwrap();
}
