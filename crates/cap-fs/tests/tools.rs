//! The four tools of the file server, as facts about real files.
//!
//! A client relies on this: the names of members are those of the contract, what a tool returns is what its output
//! schema says, text and bytes come back as they were, the bounds are exact, and a tool that says that it only
//! reads changes nothing. The server is the built program, confined as on the appliance.
#![cfg(test)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use cap_fs::limits::{MAX_LIST_ENTRIES, MAX_READ_BYTES};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use testkit::until;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program, serving a folder.
struct Server {
    child: Child,
    folder: TempDir,
    wire: RefCell<UnixStream>,
    tools: BTreeMap<String, Value>,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["root", "state"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let at = |name: &str| folder.path().join(name);
        let config = json!({ "root": at("root"), "state": at("state") });
        fs::write(at("fs.yaml"), config.to_string()).unwrap();
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
        let mut server = Self { child, folder, wire: RefCell::new(stream), tools: BTreeMap::new() };
        let listed = server.ask("tools/list", Map::new());
        for tool in listed["result"]["tools"].as_array().unwrap() {
            server.tools.insert(tool["name"].as_str().unwrap().to_owned(), tool.clone());
        }
        server
    }

    /// The host path of a path in the exposed folder.
    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join("root").join(path.trim_start_matches('/'))
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), content).unwrap();
    }

    fn ask(&self, method: &str, mut params: Map<String, Value>) -> Value {
        let caller = json!({
            "client": "anna", "request": "r-1", "origin": "http", "policyGeneration": 0,
        "scopes": [{ "collection": "files", "prefix": "/" }],
        });
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

    fn result(&self, tool: &str, arguments: &Value) -> Value {
        let params = Map::from_iter([
            ("name".to_owned(), json!(tool)),
            ("arguments".to_owned(), arguments.clone()),
        ]);
        let reply = self.ask("tools/call", params);
        assert!(reply["result"].is_object(), "{tool} {arguments:.300}: {reply}");
        reply["result"].clone()
    }

    /// Calls a tool that must succeed; what it returns is checked against its own output schema.
    fn call(&self, tool: &str, arguments: &Value) -> Value {
        let result = self.result(tool, arguments);
        assert_eq!(result["isError"], false, "{tool} {arguments:.300}: {result:.500}");
        let output = &result["structuredContent"];
        let schema = &self.tools[tool]["outputSchema"];
        let schema = jsonschema::draft202012::new(schema).unwrap();
        let faults: Vec<String> = schema.iter_errors(output).map(|f| f.to_string()).collect();
        assert!(faults.is_empty(), "{tool}: {faults:?}");
        let text = result["content"][0]["text"].as_str().unwrap();
        if output["encoding"] == "text" {
            assert_eq!(output["content"], text, "a model reads the text itself");
        } else {
            assert_eq!(&serde_json::from_str::<Value>(text).unwrap(), output, "both say the same");
        }
        output.clone()
    }

    /// Checks that a call is refused, as this kind, with a text that says this.
    #[track_caller]
    fn check_refused(&self, tool: &str, arguments: &Value, kind: &str, says: &str) {
        let result = self.result(tool, arguments);
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(result["isError"], true, "{tool} {arguments:.300}: {result:.300}");
        assert_eq!(result["_meta"]["org.llmbasedos/errorKind"], kind, "{arguments:.300}: {text}");
        assert!(text.contains(says), "{tool} {arguments:.300}: `{says}` is not in: {text}");
        assert!(result.get("structuredContent").is_none());
        let host = self.folder.path().to_str().unwrap();
        assert!(!text.contains(host), "the host path is told: {text}");
    }

    fn list(&self, arguments: &Value) -> (Vec<String>, Option<String>) {
        let page = self.call("fs_list", arguments);
        let name = |entry: &Value| entry["name"].as_str().unwrap().to_owned();
        let names = page["entries"].as_array().unwrap().iter().map(name).collect();
        (names, page["next_cursor"].as_str().map(ToOwned::to_owned))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// What is in a folder and beneath: names, modes, times and content, but not when it was last read.
fn tree(top: &Path) -> BTreeMap<PathBuf, (String, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![top.to_owned()];
    while let Some(path) = waiting.pop() {
        let data = fs::symlink_metadata(&path).unwrap();
        let facts = format!(
            "{:o} {} {} {:?}",
            data.mode(),
            data.ino(),
            data.nlink(),
            data.modified().unwrap()
        );
        let mut content = Vec::new();
        if data.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if data.is_file() {
            content = fs::read(&path).unwrap();
        }
        found.insert(path, (facts, content));
    }
    found
}

#[test]
fn members_have_the_names_of_the_contract() {
    let server = Server::start();
    server.file("a.txt", "text");
    let listing = server.call("fs_list", &json!({ "path": "/" }));
    assert_eq!(members(&listing), ["path", "entries"]);
    let entry = &listing["entries"][0];
    assert_eq!(members(entry), ["name", "path", "type", "size", "modified_at"]);
    let read = server.call("fs_read", &json!({ "path": "/a.txt" }));
    let contract = ["path", "content", "encoding", "mime_type"];
    assert_eq!(members(&read), [&contract[..], &["size", "etag", "more"]].concat());
    let written = server.call("fs_write", &json!({ "path": "/b.txt", "content": "ü" }));
    assert_eq!(&members(&written)[..3], ["path", "bytes_written", "status"]);
    assert_eq!(members(&written)[3..], ["change", "undoable", "etag"]);
    assert_eq!((&written["bytes_written"], &written["status"]), (&json!(2), &json!("success")));
    let deleted = server.call("fs_delete", &json!({ "path": "/b.txt" }));
    assert_eq!(members(&deleted), ["path", "status", "change", "undoable"]);
    assert_eq!(deleted["status"], "success");
    assert!(!server.at("b.txt").is_file());

    // The parameters too, in the order of the legacy dialect; and a schema that is not met says so.
    for (tool, names, required) in [
        ("fs_list", vec!["path", "cursor", "limit"], json!(["path"])),
        ("fs_read", vec!["path", "encoding", "head", "tail", "offset", "length"], json!(["path"])),
        (
            "fs_write",
            vec!["path", "content", "encoding", "append", "etag"],
            json!(["path", "content"]),
        ),
        ("fs_delete", vec!["path", "recursive", "etag"], json!(["path"])),
    ] {
        let schema = &server.tools[tool]["inputSchema"];
        assert_eq!(members(&schema["properties"]), names, "{tool}");
        assert_eq!(schema["required"], required, "{tool}");
        let schema = jsonschema::draft202012::new(&server.tools[tool]["outputSchema"]).unwrap();
        for broken in [json!({}), json!({ "path": 1 }), json!([]), json!({ "path": "/" })] {
            assert!(!schema.is_valid(&broken), "{tool}: {broken}");
        }
    }
    assert_eq!(server.tools.len(), 23);
}

#[test]
fn effects_are_true() {
    let server = Server::start();
    for (tool, read_only, destructive) in [
        ("fs_list", true, false),
        ("fs_read", true, false),
        ("fs_write", false, true),
        ("fs_delete", false, true),
    ] {
        let hints = &server.tools[tool]["annotations"];
        assert_eq!(hints["readOnlyHint"], read_only, "{tool}");
        assert_eq!(hints["destructiveHint"], destructive, "{tool}");
        assert_eq!(hints["openWorldHint"], false, "{tool}");
    }
}

#[test]
fn a_list_tells_what_each_entry_is() {
    let server = Server::start();
    server.file("file", "12345");
    server.file("folder/inner", "");
    symlink("/etc/passwd", server.at("link")).unwrap();
    symlink("nowhere", server.at("dangling")).unwrap();
    let fifo = server.at("pipe");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fs::write(server.at("").join(OsStr::from_bytes(b"not-\xff-text")), "").unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::open(server.at("file")).unwrap().set_modified(time).unwrap();

    let listing = server.call("fs_list", &json!({ "path": "/" }));
    let mut rows = Vec::new();
    for entry in listing["entries"].as_array().unwrap() {
        let text = |member: &str| entry[member].as_str().unwrap().to_owned();
        assert_eq!(text("path"), format!("/{}", text("name")), "{entry}");
        rows.push((text("name"), text("type"), entry["size"].as_i64().unwrap()));
    }
    let expected = [
        ("dangling", "symlink", "nowhere".len()),
        ("file", "file", 5),
        ("folder", "directory", usize::MAX),
        ("link", "symlink", "/etc/passwd".len()),
        ("not-\u{fffd}-text", "inaccessible", usize::MAX),
        ("pipe", "other", usize::MAX),
    ];
    for (row, (name, kind, size)) in rows.iter().zip(expected) {
        assert_eq!((row.0.as_str(), row.1.as_str()), (name, kind));
        if kind == "file" || kind == "directory" {
            assert_eq!(row.2, i64::try_from(size).unwrap_or(-1), "{name}");
        }
    }
    assert_eq!(rows.len(), expected.len(), "{rows:?}");
    assert_eq!(listing["entries"][1]["modified_at"], "2001-09-09T01:46:40Z");
    let inner = server.call("fs_list", &json!({ "path": "/folder" }));
    assert_eq!(inner["entries"][0]["path"], "/folder/inner");
    server.check_refused(
        "fs_list",
        &json!({ "path": "/file" }),
        "invalid_arguments",
        "not a folder",
    );
    server.check_refused("fs_list", &json!({ "path": "/none" }), "not_found", "does not exist");
}

#[test]
fn text_and_bytes_come_back_as_they_were() {
    let server = Server::start();
    let all_bytes: Vec<u8> = (0..=255).collect();
    let texts =
        ["", "plain", "ü€𝄞\u{feff}", "line\r\nline\n\0\u{1b}[31m", "\"\\/</script>", "\u{2028}"];
    for (at, text) in texts.into_iter().enumerate() {
        let path = format!("/text-{at}");
        let written = server.call("fs_write", &json!({ "path": path, "content": text }));
        assert_eq!(written["bytes_written"], text.len());
        assert_eq!(fs::read(server.at(&path)).unwrap(), text.as_bytes());
        assert_eq!(server.call("fs_read", &json!({ "path": path }))["content"], text);
    }
    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w==";
    let bytes = json!({ "path": "/bytes", "content": base64, "encoding": "base64" });
    assert_eq!(server.call("fs_write", &bytes)["bytes_written"], 256);
    assert_eq!(fs::read(server.at("bytes")).unwrap(), all_bytes);
    let read = server.call("fs_read", &json!({ "path": "/bytes", "encoding": "base64" }));
    assert_eq!((&read["content"], &read["encoding"]), (&json!(base64), &json!("base64")));
    assert_eq!(read["mime_type"], "application/octet-stream");

    // What is no text is not shown as if it were, and the client is told what to do.
    server.check_refused("fs_read", &json!({ "path": "/bytes" }), "invalid_arguments", "`base64`");
    let text = json!({ "path": "/bytes", "encoding": "text" });
    server.check_refused("fs_read", &text, "invalid_arguments", "not UTF-8");
    let other = json!({ "path": "/bytes", "encoding": "utf-16" });
    server.check_refused("fs_read", &other, "invalid_arguments", "/encoding");
    for wrong in ["%", "AAE", "AA==AA==", "A A=", "AB=="] {
        let write = json!({ "path": "/bytes", "content": wrong, "encoding": "base64" });
        server.check_refused("fs_write", &write, "invalid_arguments", "not base64");
    }
    assert_eq!(fs::read(server.at("bytes")).unwrap(), all_bytes, "a refused write changes nothing");
    for (name, content, kind) in [
        ("a.png", "\u{89}PNG", "image/png"),
        ("a.json", "{}", "application/json"),
        ("a.unknown", "words", "text/plain"),
    ] {
        server.file(name, content);
        let read = server.call("fs_read", &json!({ "path": format!("/{name}") }));
        assert_eq!(read["mime_type"], kind, "{name}");
    }
}

#[test]
fn the_bound_of_a_read_is_exact() {
    let server = Server::start();
    let max = usize::try_from(MAX_READ_BYTES).unwrap();
    for encoding in ["text", "base64"] {
        let read = json!({ "path": "/large", "encoding": encoding });
        for size in [max - 1, max] {
            // Characters that JSON writes with six bytes each: the largest reply of all.
            server.file("large", vec![1; size]);
            let content = server.call("fs_read", &read)["content"].as_str().unwrap().len();
            let expected = if encoding == "text" { size } else { size.div_ceil(3) * 4 };
            assert_eq!(content, expected, "{encoding} {size}");
        }
        server.file("large", vec![1; max + 1]);
        server.check_refused("fs_read", &read, "too_large", "limit is 1048576");
    }
}

#[test]
fn an_append_adds_and_a_write_replaces() {
    let server = Server::start();
    let append = |content: &str| json!({ "path": "/a", "content": content, "append": true });
    assert_eq!(server.call("fs_write", &append("one"))["bytes_written"], 3);
    assert_eq!(server.call("fs_write", &append("+two"))["bytes_written"], 4, "not the whole file");
    let base64 = json!({ "path": "/a", "content": "/w==", "encoding": "base64", "append": true });
    server.call("fs_write", &base64);
    assert_eq!(fs::read(server.at("a")).unwrap(), b"one+two\xff");
    fs::set_permissions(server.at("a"), fs::Permissions::from_mode(0o640)).unwrap();
    server.call("fs_write", &json!({ "path": "/a", "content": "new" }));
    assert_eq!(fs::read(server.at("a")).unwrap(), b"new");
    assert_eq!(fs::metadata(server.at("a")).unwrap().mode() & 0o777, 0o640, "the mode stays");
    server.call("fs_write", &json!({ "path": "/a", "content": "" }));
    assert_eq!(fs::metadata(server.at("a")).unwrap().len(), 0);

    fs::create_dir(server.at("folder")).unwrap();
    for path in ["/folder", "/", "/none/a", "/a/b"] {
        let write = json!({ "path": path, "content": "x" });
        let result = server.result("fs_write", &write);
        assert_eq!(result["isError"], true, "{path}");
    }
    let missing = json!({ "path": "/none/a", "content": "x" });
    server.check_refused("fs_write", &missing, "not_found", "does not exist");
    let folder = json!({ "path": "/folder", "content": "x" });
    server.check_refused("fs_write", &folder, "invalid_arguments", "is a folder");
    assert_eq!(server.list(&json!({ "path": "/" })).0, ["a", "folder"], "no temporary file stays");
}

#[test]
fn a_delete_takes_a_tree_only_when_it_is_asked_to() {
    let server = Server::start();
    server.file("tree/a/b/c", "");
    server.file("tree/d", "");
    server.file("kept/file", "kept");
    symlink("../kept", server.at("tree/link")).unwrap();
    fs::create_dir(server.at("empty")).unwrap();
    let before = tree(&server.at(""));
    let refused = json!({ "path": "/tree" });
    server.check_refused("fs_delete", &refused, "conflict", "recursive");
    let refused = json!({ "path": "/tree", "recursive": false });
    server.check_refused("fs_delete", &refused, "conflict", "not empty");
    server.check_refused("fs_delete", &json!({ "path": "/none" }), "not_found", "does not exist");
    let root = json!({ "path": "/", "recursive": true });
    server.check_refused("fs_delete", &root, "denied", "exposed folder itself");
    assert_eq!(tree(&server.at("")), before);
    server.call("fs_delete", &json!({ "path": "/empty" }));
    server.call("fs_delete", &json!({ "path": "/tree", "recursive": true }));
    assert_eq!(server.list(&json!({ "path": "/" })).0, ["kept"]);
    assert_eq!(fs::read(server.at("kept/file")).unwrap(), b"kept", "a link is not followed");
    symlink("kept", server.at("link")).unwrap();
    server.call("fs_delete", &json!({ "path": "/link", "recursive": true }));
    assert_eq!(server.list(&json!({ "path": "/" })).0, ["kept"]);
    assert_eq!(server.list(&json!({ "path": "/kept" })).0, ["file"]);
}

/// Reads a folder page by page, and gives the sizes of the pages.
fn check_pages(server: &Server, folder: &str, limit: Option<usize>, expected: &[usize]) {
    let mut arguments = json!({ "path": folder });
    if let Some(limit) = limit {
        arguments["limit"] = limit.into();
    }
    let (mut names, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let (page, next) = server.list(&arguments);
        sizes.push(page.len());
        names.extend(page);
        match next {
            Some(cursor) => arguments["cursor"] = cursor.into(),
            None => break,
        }
    }
    assert_eq!(sizes, expected, "{folder} by {limit:?}");
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "each once, and sorted");
    let there = fs::read_dir(server.at(folder)).unwrap().count();
    assert_eq!(names.len(), there, "{folder}");
}

#[test]
fn a_list_is_read_page_by_page() {
    let server = Server::start();
    for count in [0, 1, MAX_LIST_ENTRIES - 1, MAX_LIST_ENTRIES, MAX_LIST_ENTRIES + 1] {
        fs::create_dir(server.at(&format!("{count}"))).unwrap();
        for entry in 0..count {
            server.file(&format!("{count}/file {entry} ü"), "");
        }
    }
    check_pages(&server, "/0", None, &[0]);
    check_pages(&server, "/999", None, &[999]);
    check_pages(&server, "/1000", None, &[1000]);
    check_pages(&server, "/1001", None, &[1000, 1]);
    check_pages(&server, "/1001", Some(1000), &[1000, 1]);
    check_pages(&server, "/1001", Some(400), &[400, 400, 201]);
    check_pages(&server, "/1", Some(1), &[1]);
    check_pages(&server, "/999", Some(333), &[333, 333, 333]);
    for limit in [json!(0), json!(1001), json!(-1), json!("1"), json!(1.5)] {
        let list = json!({ "path": "/1", "limit": limit });
        server.check_refused("fs_list", &list, "invalid_arguments", "limit");
    }
    // A page begins after its cursor, be that entry there or not.
    let (page, next) = server.list(&json!({ "path": "/1001", "limit": 2 }));
    fs::remove_file(server.at("1001").join(&page[1])).unwrap();
    let (following, _) = server.list(&json!({ "path": "/1001", "limit": 1, "cursor": next }));
    assert!(following[0] > page[1]);
    let end = json!({ "path": "/1001", "cursor": "zzz" });
    assert_eq!(server.list(&end), (vec![], None));
}

#[test]
fn what_only_reads_changes_nothing() {
    const CALLS: usize = 600;
    let server = Server::start();
    for file in ["a", "b/c", "b/d/e", "b/d/f.bin", "g h/i"] {
        server.file(file, [file.as_bytes(), &[0xff; 3]].concat());
    }
    symlink("b/d", server.at("link")).unwrap();
    symlink("loop", server.at("loop")).unwrap();
    assert!(Command::new("mkfifo").arg(server.at("pipe")).status().unwrap().success());
    let before = tree(server.folder.path());
    let paths = [
        "/",
        "/a",
        "/b",
        "/b/c",
        "/b/d/e",
        "/b/d/f.bin",
        "/g h",
        "/link",
        "/link/e",
        "/loop",
        "/pipe",
        "/none",
        "/b/none",
        "/a/b",
        "..",
        "/..",
        "/b/../a",
        "",
        "/\0",
        "/.llmbasedos-tmp-1",
    ];
    let mut chance = 1_u64;
    let mut pick = |bound: usize| {
        chance =
            chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(chance >> 33).unwrap() % bound
    };
    let mut done = 0;
    for _ in 0..CALLS {
        let path = paths[pick(paths.len())];
        let (tool, arguments) = match pick(4) {
            0 => ("fs_list", json!({ "path": path })),
            1 => ("fs_list", json!({ "path": path, "limit": 1 + pick(3), "cursor": "b" })),
            2 => ("fs_read", json!({ "path": path })),
            _ => ("fs_read", json!({ "path": path, "encoding": "base64" })),
        };
        assert_eq!(server.tools[tool]["annotations"]["readOnlyHint"], true);
        done += usize::from(server.result(tool, &arguments)["isError"] == false);
    }
    println!("{CALLS} calls that only read, {done} of them with success");
    assert!(done > CALLS / 10 && done < CALLS);
    assert_eq!(tree(server.folder.path()), before);
    // The comparison would have told.
    server.call("fs_write", &json!({ "path": "/b/new", "content": "" }));
    server.call("fs_delete", &json!({ "path": "/b/new" }));
    assert_ne!(tree(server.folder.path()), before);
}

#[test]
fn a_number_of_workers_that_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["root", "state"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let config =
        json!({ "root": folder.path().join("root"), "state": folder.path().join("state") });
    fs::write(folder.path().join("fs.yaml"), config.to_string()).unwrap();
    for (variable, workers) in [
        ("LLMBDO_FS_WORKERS", "0"),
        ("LLMBDO_FS_WORKERS", "129"),
        ("LLMBDO_FS_WORKERS", "many"),
        ("LLMBDO_DEFAULT_SERVER_WORKERS", "0"),
    ] {
        let ended = Command::new(env!("CARGO_BIN_EXE_cap-fs"))
            .args(["serve", "--socket"])
            .arg(folder.path().join("fs.sock"))
            .arg("--config")
            .arg(folder.path().join("fs.yaml"))
            .env(variable, workers)
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(1), "{variable}={workers}");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(said.contains(variable), "{said}");
    }
}
