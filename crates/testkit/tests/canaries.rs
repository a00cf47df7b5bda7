//! C23: each secret is a canary, which is looked for wherever it may not be once good and bad calls came by every door.
//! What the searcher itself finds, planted, is in its own tests.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use testkit::{
    Appliance, Canaries, Door, End, Find, Local, Programs, Request, Response, Server, ShowKey,
    User, WebSocket, checkout, programs, until,
};

/// How long anything may take that should be quick.
const PATIENCE: Duration = Duration::from_secs(20);

/// A key of the right form that nobody has.
const WRONG: &str = "llmb_Q2FuYXJ5LW9mLWEtd3Jvbmcta2V5LTAxMjM0NTY3ODk";
/// What is shown as a key and is none.
const NO_KEY: &str = "canary*of-what-is*no-key";
/// A password that a client sends along.
const ARGUMENT: &str = "canary of an argument";
/// The path of a file that is not there.
const PATH: &str = "canary of a path";

/// The one file of each secret, the key's two for the person whose key it is (README, "What protects you"), and no other is
/// anywhere in the state folder: of keys of clients and of codes only hashes are kept.
const KEPT: [(&str, &str); 5] = [
    ("the key", "key"),
    ("the key", "up.json"),
    ("the issuer's key", "config/licence-issuer.key"),
    ("the audit key", "gateway/audit.key"),
    ("the authority's key", "gateway/tls/ca.key"),
];

/// A key that signs, as its text and as its bytes.
fn signing_key(canaries: Canaries, name: &str, text: &str) -> Canaries {
    let text = text.trim();
    let bytes = text.strip_prefix("llmbsec_").and_then(|rest| URL_SAFE_NO_PAD.decode(rest).ok());
    canaries.with(name, text).with(name, bytes.expect("a key that signs"))
}

fn pair(appliance: &Appliance, code: &str) -> Response {
    let body = json!({ "code": code }).to_string();
    appliance.request().without("Authorization").target("/pair").body(body).send()
}

struct Stage {
    appliance: Appliance,
    /// A code that waits for its host, and one that has had it.
    codes: [String; 2],
    /// What no answer may repeat.
    keys: Canaries,
    /// What no log and no file may hold.
    all: Canaries,
    /// Every answer, by the call that it came to.
    answers: BTreeMap<String, Vec<u8>>,
}

impl Stage {
    fn new() -> Self {
        let appliance = Appliance::new().file("a.txt", "alpha").log_level("debug").start();
        let codes = ["waiting", "paired"]
            .map(|name| appliance.administer(&["pair", name, "--scope", "mcp.fs.list"]));
        // Once this one is known, so are those before it.
        let other = appliance.client("other", &["mcp.fs.list"]);
        let rotated = appliance.administer(&["client", "rotate", "other"]);
        until("the new key", PATIENCE, || (appliance.status_of(&rotated) == 200).then_some(()));
        let paired = pair(&appliance, &codes[1]).json()["key"].as_str().unwrap().to_owned();
        let file = |name| fs::read_to_string(appliance.state().join(name)).unwrap();
        let [issuer, audit] = ["config/licence-issuer.key", "gateway/audit.key"].map(file);
        let keys = || {
            let key = &appliance.facts().key;
            let keys = Canaries::new().with("the key", key).with("a wrong key", WRONG);
            let keys = keys.with("no key", NO_KEY).with("another client's old key", &other);
            let keys = keys.with("another client's key", &rotated);
            let keys = keys.with("the paired client's key", &paired);
            let keys = keys.with_code("the code", &codes[0]).with_code("the old code", &codes[1]);
            let keys = signing_key(keys, "the issuer's key", &issuer);
            let keys = signing_key(keys, "the audit key", &audit);
            keys.with_pem("the authority's key", &file("gateway/tls/ca.key"))
        };
        let (keys, all) = (keys(), keys().with("an argument", ARGUMENT).with("a path", PATH));
        Self { appliance, codes, keys, all, answers: BTreeMap::new() }
    }

    fn key(&self) -> String {
        self.appliance.facts().key.clone()
    }

    fn note(&mut self, call: &str, answer: impl Into<Vec<u8>>) {
        let twice = self.answers.insert(call.to_owned(), answer.into());
        assert!(twice.is_none(), "{call} was done twice");
    }

    fn send(&mut self, call: &str, request: &Request, status: u16) {
        let response = request.send();
        assert_eq!(response.status, status, "{call}: {}", String::from_utf8_lossy(&response.body));
        let headers: Vec<String> =
            response.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        self.note(call, [headers.join("\n").as_bytes(), &response.body].concat());
    }

    fn over_http(&mut self) {
        let (key, good) = (self.key(), self.appliance.request());
        let list = json!({ "name": "fs_list", "arguments": { "path": "/" } });
        let call = good.clone().modern("tools/call", &list);
        self.send("a good call", &call, 200);
        let write = json!({ "path": "/b.txt", "content": ARGUMENT });
        let write = json!({ "name": "fs_write", "arguments": write });
        self.send("a good write", &good.clone().modern("tools/call", &write), 200);
        let none = json!({ "name": "fs_read", "arguments": { "path": format!("/{PATH}") } });
        self.send("a file that is not there", &good.clone().modern("tools/call", &none), 200);
        let wrong = json!({ "name": "fs_read", "arguments": { "password": ARGUMENT } });
        self.send("a wrong argument", &good.clone().modern("tools/call", &wrong), 200);
        let with = |value: &str| call.clone().header("Authorization", value);
        self.send("a wrong key", &with(&format!("Bearer {WRONG}")), 401);
        self.send("no key", &with(&format!("Bearer {NO_KEY}")), 401);
        self.send("a key and more", &with(&format!("Bearer {key} {NO_KEY}")), 401);
        self.send("a key without its scheme", &with(&key), 401);
        self.send(
            "a key in a cookie",
            &call.clone().without("Authorization").header("Cookie", &key),
            401,
        );
        self.send("two keys", &call.clone().also("Authorization", &format!("Bearer {WRONG}")), 401);
        self.send("a key in the query", &call.clone().target(&format!("/mcp?key={key}")), 200);
        self.send("a key as a page", &call.clone().target(&format!("/{key}")), 404);
        self.send("a strange host", &call.clone().header("Host", "example.org"), 403);
        self.send("a strange origin", &call.clone().header("Origin", "https://example.org"), 403);
        self.send("no JSON", &good.clone().body(format!("{{{key}")), 400);
        let params = json!({ "password": key, "other": WRONG });
        self.send("an unknown method", &good.clone().modern("mcp.none", &params), 404);
        self.send(
            "an unknown tool",
            &good.modern("tools/call", &json!({ "name": "x", "y": key })),
            200,
        );
    }

    fn over_websocket(&mut self) {
        let (port, key) = (self.appliance.port(), self.key());
        let mut good = WebSocket::open(port, ShowKey::Protocol(&key)).unwrap();
        self.ask("a good call over /ws", &mut good);
        for (what, shown) in [("WRONG", WRONG), ("NO_KEY", NO_KEY)] {
            let refused = WebSocket::open(port, ShowKey::Header(shown)).err().unwrap();
            assert_eq!(refused.as_u16(), 401, "{what}");
            let mut late = WebSocket::open(port, ShowKey::Later).unwrap();
            late.send(
                &json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.auth", "params": [shown] }),
            );
            self.note(&format!("{what} in the first frame"), late.receive_text());
            assert_eq!(late.closed(), Some(1008));
        }
        let mut late = WebSocket::open(port, ShowKey::Later).unwrap();
        late.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.auth", "params": [key] }));
        self.note("the key in the first frame", late.receive_text());
        self.ask("a call after it", &mut late);
    }

    fn over_the_local_socket(&mut self) {
        let socket = self.appliance.facts().sockets["gateway"].clone();
        for (what, end) in [("NUL", End::Nul), ("newline", End::Newline)] {
            let mut local = Local::open(&socket, end);
            self.ask(&format!("a good call, {what}"), &mut local);
            let key = self.key();
            let message = json!({ "jsonrpc": "2.0", "id": 2, "method": "mcp.none", "params": [key, ARGUMENT] });
            self.note(&format!("an unknown method, {what}"), local.ask(&message).to_string());
            local.send_text(&format!("{{{key}"));
            self.note(&format!("no JSON, {what}"), local.receive_text());
            for (shown, key) in [("the key", key.as_str()), ("a wrong key", WRONG)] {
                let auth =
                    json!({ "jsonrpc": "2.0", "id": 3, "method": "mcp.auth", "params": [key] });
                self.note(
                    &format!("{shown} where none is taken, {what}"),
                    local.ask(&auth).to_string(),
                );
                let method = json!({ "jsonrpc": "2.0", "id": 4, "method": format!("mcp.{key}"), "params": [] });
                self.note(&format!("{shown} as a method, {what}"), local.ask(&method).to_string());
            }
        }
    }

    fn ask(&mut self, call: &str, door: &mut impl Door) {
        let list = json!({ "jsonrpc": "2.0", "id": 1, "method": "mcp.fs.list", "params": ["/"] });
        let reply = door.ask(&list);
        assert!(reply["result"].is_array(), "{call}: {reply}");
        self.note(call, reply.to_string());
    }

    /// What monitors read, by whoever asks; and what hosts are told that pair.
    fn over_the_pages(&mut self) {
        let good = self.appliance.request();
        for page in ["/healthz", "/readyz", "/metrics"] {
            let asked = good.clone().method("GET").target(page);
            self.send(&format!("{page} with a key"), &asked, 200);
            self.send(&format!("{page} without"), &asked.without("Authorization"), 200);
        }
        let codes = self.codes.clone();
        for (what, code) in [
            ("a code that was used", codes[1].clone()),
            ("more than a code", format!("{}0", codes[0])),
            ("a key as a code", self.key()),
        ] {
            let response = pair(&self.appliance, &code);
            assert!([400, 403].contains(&response.status), "{what}: {}", response.status);
            self.note(what, response.body);
        }
        let junk = good.without("Authorization").target("/pair").body(format!("{{{}", codes[0]));
        self.send("a code that is no JSON", &junk, 400);
    }

    /// What the administrator's commands show, but for those that are there to show a secret once.
    fn by_the_administrator(&mut self) {
        let address = format!("127.0.0.1:{}", self.appliance.port());
        for words in [
            ["audit", "tail"].as_slice(),
            &["audit", "search", "--json"],
            &["audit", "export"],
            &["audit", "export", "--format", "csv"],
            &["audit", "verify"],
            &["client", "list"],
            &["licence", "check"],
            &["config", "show"],
        ] {
            let output = self.appliance.administer(words);
            assert!(!output.is_empty(), "{words:?} shows nothing that could be searched");
            self.note(&words.join(" "), output);
        }
        let shown = Command::new(programs().join("llmbasedos"))
            .args(["tls", "show", "--at", &address])
            .output()
            .unwrap();
        assert!(shown.status.success());
        self.note("tls show", [shown.stdout, shown.stderr].concat());
        // A licence is no secret, and its issuer's key is.
        let licence = self.appliance.outside().join("issued.lic");
        let words = ["licence", "issue", "--tier", "PRO", "--holder", "somebody", "--out"];
        let issued = self.appliance.admin(&[&words[..], &[licence.to_str().unwrap()]].concat());
        assert!(issued.status.success());
        self.note("licence issue", [issued.stdout, issued.stderr].concat());
        self.note("the licence", fs::read(licence).unwrap());
    }

    /// By the bridge, which has its key from a file; what its host gives it in its environment is in that until it ends.
    fn over_the_bridge(&mut self) -> Vec<Find> {
        let mut found = Vec::new();
        for (what, key, works) in [("good", self.key(), true), ("wrong", WRONG.to_owned(), false)] {
            let file = self.appliance.outside().join(what);
            fs::write(&file, key).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
            let mut bridge = Command::new(programs().join("llmbasedos"))
                .args(["mcp", "--url", &self.appliance.facts().endpoint, "--key-file"])
                .arg(&file)
                .env_clear()
                .env("LLMBDO_LOG_LEVEL", "debug")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let list = json!({ "name": "fs_list", "arguments": { "path": "/" } });
            let message =
                json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": list });
            let mut input = bridge.stdin.take().unwrap();
            writeln!(input, "{message}").unwrap();
            let mut output = BufReader::new(bridge.stdout.take().unwrap());
            let mut reply = String::new();
            output.read_line(&mut reply).unwrap();
            let answer: Value = serde_json::from_str(&reply).unwrap();
            assert_eq!(answer["result"].is_object(), works, "{answer}");
            found.extend(self.all.in_processes(bridge.id()));
            drop(input);
            output.read_to_string(&mut reply).unwrap();
            let mut errors = String::new();
            bridge.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            bridge.wait().unwrap();
            self.note(&format!("the bridge, {what}"), reply + &errors);
        }
        found
    }

    /// Every place where a canary may not be and is, but for the files where each belongs.
    fn search(&self) -> Vec<Find> {
        let state = self.appliance.state();
        let mut found = self.all.in_folder(&state);
        let kept = KEPT.map(|(canary, name)| (canary, state.join(name).display().to_string()));
        found.retain(|find| !kept.contains(&(find.canary.as_str(), find.place.clone())));
        for process in self.appliance.facts().pids.values() {
            found.extend(self.all.in_processes(*process));
        }
        for (call, answer) in &self.answers {
            found.extend(self.keys.in_bytes(call, answer));
        }
        found
    }
}

#[test]
fn no_secret_is_anywhere_but_where_it_is_kept() {
    let mut stage = Stage::new();
    stage.over_http();
    stage.over_websocket();
    stage.over_the_local_socket();
    stage.over_the_pages();
    let mut found = stage.over_the_bridge();
    stage.by_the_administrator();
    let processes = &stage.appliance.facts().pids;
    assert!(processes.len() >= 2, "{processes:?}");
    // What was searched did hold something: the log of every call, and the key where it belongs.
    for daemon in processes.keys() {
        let log = stage.appliance.log(daemon);
        assert!(log.contains("DEBUG"), "`{daemon}` says too little to be searched: {log}");
    }
    let folder = stage.appliance.state();
    let kept = stage.keys.in_folder(&folder);
    for (canary, name) in KEPT {
        let place = folder.join(name).display().to_string();
        let is_there = |find: &Find| find.canary == canary && find.place == place;
        assert!(kept.iter().any(is_there), "{canary} is not in {place}, where it belongs");
    }
    assert_eq!(found, [], "a bridge shows it");
    found.extend(stage.search());
    // What was read stands in the record, and nowhere else.
    let (recorded, found): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|find| find.canary == "a path" && find.place.contains("/gateway/audit.db"));
    assert!(!recorded.is_empty());
    println!("C23: {} answers, {} daemons, 0 hits", stage.answers.len(), processes.len());
    assert_eq!(found, []);
}

/// Canaries that are planted in each kind of place are found there.
#[test]
fn what_is_planted_is_found() {
    let mut stage = Stage::new();
    let folder = stage.appliance.state();
    assert_eq!(stage.search(), []);
    // Beside a log that a daemon writes, which would write over what is put into it.
    let log = folder.join("log/planted.log");
    let plant = |path: &Path, text: &str| {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{text}").unwrap();
    };
    plant(&log, &format!("refused {WRONG}"));
    plant(&folder.join("planted"), ARGUMENT);
    // Another's key is not that of the person.
    plant(&folder.join("key"), NO_KEY);
    stage.note("an answer", format!("no such key: {}", stage.key()));
    for (name, file) in [
        ("the issuer's key", "config/licence-issuer.key"),
        ("the audit key", "gateway/audit.key"),
        ("the authority's key", "gateway/tls/ca.key"),
    ] {
        fs::copy(folder.join(file), folder.join(format!("log/{name}"))).unwrap();
    }
    plant(&folder.join("gateway/clients.db"), &stage.codes[0].to_lowercase());
    let found: Vec<(String, String)> =
        stage.search().into_iter().map(|find| (find.canary, find.place)).collect();
    let at = |name: &str| folder.join(name).display().to_string();
    for expected in [
        ("a wrong key", at("log/planted.log")),
        ("an argument", at("planted")),
        ("no key", at("key")),
        ("the key", "an answer".to_owned()),
        ("the issuer's key", at("log/the issuer's key")),
        ("the audit key", at("log/the audit key")),
        ("the authority's key", at("log/the authority's key")),
        ("the code", at("gateway/clients.db")),
    ] {
        let expected = (expected.0.to_owned(), expected.1);
        assert!(found.contains(&expected), "{expected:?} is not among {found:?}");
    }
    let planted: BTreeSet<_> = found.iter().map(|(_, place)| place).collect();
    assert_eq!(planted.len(), 8, "{found:?}");
}

/// Whoever builds an image has keys of their own, in their state folder and in their environment. None comes into what every builder
/// of an image takes.
#[test]
fn no_secret_is_in_an_image() {
    let stage = Stage::new();
    let outside = stage.appliance.outside();
    std::os::unix::fs::symlink(stage.appliance.state(), outside.join("llmbasedos")).unwrap();
    let image = outside.join("image");
    let made = Command::new("cargo")
        .args(["xtask", "profile"])
        .arg(&image)
        .arg("--programs")
        .arg(programs())
        .arg("--source")
        .arg(checkout())
        .current_dir(checkout())
        .env("XDG_STATE_HOME", outside)
        .env("LLMBASEDOS_KEY", stage.key())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let gateway = image.join("airootfs/usr/lib/llmbasedos/gateway");
    assert!(gateway.is_file(), "what ships is searched");
    assert_eq!(stage.all.in_folder(&image), []);
    // The control: what is beside a program is seen.
    let key = stage.appliance.state().join("key");
    fs::copy(key, gateway.with_file_name("first-key")).unwrap();
    let found = stage.all.in_folder(&image);
    assert!(found.iter().any(|find| find.canary == "the key"), "{found:?}");
}

/// The soft and the hard limit of core dumps of a process, in bytes.
fn core_limits(process: u32) -> [String; 2] {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    let mut words = line.split_whitespace().map(str::to_owned);
    [words.next().unwrap(), words.next().unwrap()]
}

#[test]
fn no_daemon_leaves_a_core() {
    let appliance = Appliance::new().start();
    for (name, process) in &appliance.facts().pids {
        let limits = core_limits(*process);
        // 0 where whoever runs the tests has forbidden it already.
        assert!(limits.iter().all(|limit| limit == "1" || limit == "0"), "{name}: {limits:?}");
    }
    // The control: a program that does nothing about it has what it was given.
    let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let given = core_limits(cat.id());
    drop(cat.stdin.take());
    cat.wait().unwrap();
    assert_eq!(given, core_limits(std::process::id()));
}

/// A daemon that a supervisor started, which is killed when this is dropped.
struct Supervised(Child);

impl Drop for Supervised {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Who owns what the kernel tells of a process. Of one whose memory is closed it is root, whoever runs it.
fn owner(process: u32) -> u32 {
    fs::metadata(format!("/proc/{process}/environ")).unwrap().uid()
}

/// What a supervisor starts is closed to other programs of its user; what a person starts with `up` is not, so that the
/// same tests, strace and the measurements of memory go on without root.
#[test]
fn the_memory_of_a_supervised_daemon_is_closed_to_its_own_user() {
    let user = User::unprivileged();
    let folder = tempfile::Builder::new().prefix("llmb").tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["root", "state", "run"] {
        fs::create_dir(at(name)).unwrap();
    }
    fs::write(at("config.yaml"), json!({ "root": at("root"), "state": at("state") }).to_string())
        .unwrap();
    fs::write(at("clients.yaml"), "clients: []\n").unwrap();
    let gateway = json!({ "listen": "127.0.0.1:0", "caps_dir": at("run"), "clients_file": at("clients.yaml") });
    fs::write(at("gateway.yaml"), gateway.to_string()).unwrap();
    user.own(folder.path());

    let (files, gateway) = (Programs::of("cap-fs"), Programs::of("gateway"));
    let start = |command: &mut Command| {
        Supervised(command.env_clear().stderr(Stdio::null()).spawn().unwrap())
    };
    let fs_daemon = start(
        user.command(files.path("cap-fs"))
            .args(["serve", "--socket"])
            .arg(at("socket"))
            .arg("--config")
            .arg(at("config.yaml")),
    );
    let gateway_daemon =
        start(user.command(gateway.path("gateway")).arg("--config").arg(at("gateway.yaml")));
    for daemon in [&fs_daemon, &gateway_daemon] {
        let process = daemon.0.id();
        until("it to be closed", PATIENCE, || (owner(process) == 0).then_some(()));
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let runs_as = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
        assert!(!runs_as.split_whitespace().any(|id| id == "0"), "{runs_as}");
    }
    drop(fs_daemon);
    let open = Server::start(&files, "cap-fs", folder.path(), user);
    assert_ne!(owner(open.pid()), 0);
}

/// `llmbasedos secret` says whether a secret is there, and shows neither it nor what was given in place of a reference.
#[test]
fn the_admin_command_looks_for_secrets_and_shows_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, NO_KEY).unwrap();
    let ask = |reference: &str, code: i32, words: &str| {
        let output =
            Command::new(programs().join("llmbasedos")).args(["secret", reference]).output();
        let output = output.unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert_eq!(Canaries::new().with("the password", NO_KEY).in_bytes(reference, &said), []);
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains(words), "{said}");
        assert_eq!(output.status.code(), Some(code), "{said}");
    };
    let reference = format!("file:{}", file.display());
    for (mode, code, words) in [(0o644, 1, "`chmod 600` it"), (0o600, 0, ": it is there\n")] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        ask(&reference, code, words);
    }
    ask(NO_KEY, 2, "but where it is kept");
    ask("vault:secret/mail#password", 1, "no Vault is configured");
}
