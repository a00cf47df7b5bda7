//! What may not be seen is shown by no tool.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::server::{AGENT, ANNA, Server, Who};

/// What stands in every file that must not be seen, and in no other.
const SECRET: &str = "only-for-others";

fn worker() -> Who {
    Who { client: "worker", prefixes: vec!["/work/mine"], ..AGENT }
}

fn plant(server: &Server) {
    for path in [
        "/secret-top.txt",
        "/work/secret-beside.txt",
        "/work/mine2/secret-like.txt",
        "/work/mine/.ssh/secret-key",
        "/work/mine/sub/.gnupg/secret-ring",
        "/work/mine/secret.kdbx",
    ] {
        server.file(path, SECRET);
    }
    for path in ["/work/mine/open.txt", "/work/mine/sub/open2.txt"] {
        server.file(path, "open");
    }
    symlink("../secret-beside.txt", server.at("/work/mine/leads-out")).unwrap();
    symlink("..", server.at("/work/mine/up")).unwrap();
    symlink(".ssh", server.at("/work/mine/keys")).unwrap();
    symlink("work/mine", server.at("/door")).unwrap();
}

/// Arguments of a tool whose every path is this one; what is made is made at `free`.
fn arguments(tool: &Value, path: &str, free: &str) -> Value {
    let mut arguments = json!({});
    for (name, schema) in tool["inputSchema"]["properties"].as_object().into_iter().flatten() {
        let required = tool["inputSchema"]["required"].as_array();
        if !required.is_some_and(|required| required.contains(&json!(name))) {
            continue;
        }
        arguments[name] = match name.as_str() {
            "path" | "source" => json!(path),
            "paths" | "sources" => json!([path]),
            "destination" => json!(free),
            "pattern" => json!("*"),
            "query" => json!(SECRET),
            "content" => json!("x"),
            "edits" => json!([{ "oldText": SECRET, "newText": "x" }]),
            _ => match schema["type"].as_str() {
                Some("integer") => json!(0),
                _ => panic!("a parameter that this test does not know: {name}"),
            },
        };
    }
    if tool["inputSchema"]["properties"]["recursive"].is_object() {
        arguments["recursive"] = json!(true);
    }
    arguments
}

#[test]
fn no_tool_shows_what_the_caller_may_not_see() {
    let server = Server::start();
    plant(&server);
    let hidden = [
        "/secret-top.txt",
        "/work/secret-beside.txt",
        "/work/mine2",
        "/work/mine2/secret-like.txt",
        "/work/mine/.ssh",
        "/work/mine/.SSH/../.ssh/secret-key",
        "/work/mine/sub/.gnupg/secret-ring",
        "/work/mine/secret.kdbx",
        "/work/mine/leads-out",
        "/work/mine/up/secret-beside.txt",
        "/work/mine/keys/secret-key",
        "/work/mine/../secret-beside.txt",
        "/door/.ssh/secret-key",
    ];
    let partly = ["/", "/work", "/work/mine", "/work/mine/up", "/work/mine/sub"];
    let before = server.state();
    let (mut calls, mut changes) = (0, 0);
    for (name, tool) in &server.tools {
        for path in hidden.iter().chain(&partly) {
            // A link that may be seen is an entry like another; it is what it leads to that is not shown.
            let of_link = ["fs_copy", "fs_delete", "fs_move"].contains(&name.as_str());
            if of_link && *path == "/work/mine/leads-out" {
                continue;
            }
            let free = format!("/work/mine/new-{calls}.zip");
            let mut calling = arguments(tool, path, &free);
            if name == "fs_undo" {
                calling = json!({ "client": "anna" });
            }
            let result = server.result(&worker(), name, &calling);
            calls += 1;
            let text = result.to_string();
            // The caller's own words come back.
            let told = text.replace(path, "");
            assert!(!told.contains(SECRET), "{name} {path}: {text}");
            assert!(!told.contains("secret"), "{name} {path}: {text}");
            if hidden.contains(path)
                && !matches!(name.as_str(), "fs_history" | "fs_roots" | "fs_undo" | "fs_read_many")
            {
                assert_eq!(result["isError"], true, "{name} {path}: {text}");
            }
            // What was made holds nothing of it either; and each call finds what was planted.
            if tool["annotations"]["readOnlyHint"] == false && result["isError"] == false {
                for (made, _) in
                    server.state().into_iter().filter(|one| !before.contains_key(&one.0))
                {
                    let content = fs::read(&made).unwrap_or_default();
                    let content =
                        format!("{} {}", made.display(), String::from_utf8_lossy(&content));
                    for word in [SECRET, "secret"] {
                        assert!(!content.contains(word), "{name} {path}: {content}");
                    }
                }
                // Of what was there already nothing was made.
                let undo = json!({ "client": "worker" });
                changes += usize::from(server.result(&ANNA, "fs_undo", &undo)["isError"] == false);
                assert_eq!(server.state(), before, "{name} {path}");
            }
        }
    }
    assert!(calls > 300, "{calls}");
    assert!(changes > 5, "{changes}");
}

#[test]
fn sums_and_searches_count_only_what_is_seen() {
    let server = Server::start();
    plant(&server);
    let seen = |tool: &str, arguments: Value| server.by(&worker(), tool, &arguments);
    let du = seen("fs_du", json!({ "path": "/" }));
    assert_eq!((&du["bytes"], &du["files"]), (&json!(8), &json!(2)));
    let grep = seen("fs_grep", json!({ "path": "/", "query": "o" }));
    assert_eq!(grep["files"], 2);
    let list = seen("fs_list", json!({ "path": "/" }));
    assert_eq!(list["entries"].as_array().unwrap().len(), 1);
    assert_eq!(
        seen("fs_duplicates", json!({ "path": "/" }))["groups"][0]["paths"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    // A link to what may be seen is as good as the path.
    let door = json!({ "path": "/work/mine/up/mine/open.txt" });
    assert_eq!(seen("fs_read", door)["content"], "open");
    seen("fs_archive", json!({ "sources": ["/work/mine"], "destination": "/work/mine/all.tar" }));
    let packed = fs::read(server.at("/work/mine/all.tar")).unwrap();
    assert!(!packed.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()));
    seen("fs_copy", json!({ "source": "/work/mine/sub", "destination": "/work/mine/copy" }));
    assert!(server.at("/work/mine/copy/open2.txt").is_file());
    assert!(!server.at("/work/mine/copy/.gnupg").is_dir());
    // What holds something unseen cannot be taken away, nor to where it would be seen.
    let delete = json!({ "path": "/work/mine/sub", "recursive": true });
    server.refused(&worker(), "fs_delete", &delete, "denied", "protected");
    let away = json!({ "source": "/work/mine/sub", "destination": "/work/mine/other" });
    server.refused(&worker(), "fs_move", &away, "denied", "protected");
    server.refused(
        &worker(),
        "fs_delete",
        &json!({ "path": "/work", "recursive": true }),
        "denied",
        "protected",
    );
    // The history of others is shown as far as their paths are.
    server.call("fs_write", &json!({ "path": "/secret-top.txt", "content": "x" }));
    server.call("fs_write", &json!({ "path": "/work/mine/open.txt", "content": "x" }));
    let history = seen("fs_history", json!({ "client": "anna" }));
    assert_eq!(history["changes"].as_array().unwrap().len(), 1);
    let person = Who { origin: "person", ..worker() };
    let undone = server.by(&person, "fs_undo", &json!({ "client": "anna" }));
    assert_eq!(undone["undone"].as_array().unwrap().len(), 1);
    let nobody = Who { prefixes: vec!["/nowhere"], ..ANNA };
    let list = server.by(&nobody, "fs_list", &json!({ "path": "/" }));
    assert_eq!(list["entries"], json!([]));
}

#[test]
fn several_folders_stand_side_by_side() {
    let host = tempfile::tempdir().unwrap();
    for name in ["docs", "photos"] {
        fs::create_dir(host.path().join(name)).unwrap();
        fs::write(host.path().join(name).join("a.txt"), name).unwrap();
    }
    let roots = json!([
        { "name": "docs", "path": host.path().join("docs") },
        { "name": "photos", "path": host.path().join("photos"), "writable": false },
    ]);
    let server = Server::with(&json!({ "roots": roots }), Path::new("/tmp"));
    let list = server.call("fs_list", &json!({ "path": "/" }));
    let names: Vec<_> =
        list["entries"].as_array().unwrap().iter().map(|entry| entry["path"].clone()).collect();
    assert_eq!(names, ["/docs", "/photos"]);
    let tree = server.call("fs_tree", &json!({ "path": "/" }));
    let paths: Vec<_> =
        tree["entries"].as_array().unwrap().iter().map(|entry| entry["path"].clone()).collect();
    assert_eq!(paths, ["/docs", "/docs/a.txt", "/photos", "/photos/a.txt"]);
    assert_eq!(tree["entries"][1]["depth"], 2);
    assert_eq!(server.call("fs_read", &json!({ "path": "/photos/a.txt" }))["content"], "photos");
    server.call("fs_write", &json!({ "path": "/docs/b.txt", "content": "x" }));
    assert_eq!(fs::read(host.path().join("docs/b.txt")).unwrap(), b"x");
    let write = json!({ "path": "/photos/b.txt", "content": "x" });
    server.refused(&ANNA, "fs_write", &write, "denied", "`/photos/b.txt` is on a read-only");
    let out = json!({ "path": "/docs/../photos/a.txt" });
    server.refused(&ANNA, "fs_read", &out, "denied", "`/docs/../photos/a.txt` leads outside");
    server.refused(&ANNA, "fs_read", &json!({ "path": "/music/a" }), "not_found", "`/music/a`");
    let across = json!({ "source": "/docs/a.txt", "destination": "/photos/c.txt" });
    server.refused(&ANNA, "fs_copy", &across, "invalid_arguments", "two exposed folders");
    server.refused(&ANNA, "fs_mkdir", &json!({ "path": "/music" }), "not_found", "`/music`");
    let undone = server.call("fs_undo", &json!({ "client": "anna" }));
    assert_eq!(undone["undone"][0]["path"], "/docs/b.txt");
    assert!(!host.path().join("docs/b.txt").is_file());
    let only = Who { prefixes: vec!["/photos"], ..ANNA };
    let roots = server.by(&only, "fs_roots", &json!({}));
    assert_eq!(roots["roots"], json!([{ "path": "/photos", "writable": false }]));
}

#[test]
fn text_says_where_it_comes_from_unless_the_owner_vouches_for_it() {
    let server = Server::with(&json!({ "trusted": ["/mine"] }), Path::new("/tmp"));
    server.file("/mine/a.txt", "by me");
    server.file("/mine2/b.txt", "by others");
    symlink("../mine2/b.txt", server.at("/mine/out")).unwrap();
    symlink("../mine/a.txt", server.at("/mine2/in")).unwrap();
    let from = |tool: &str, arguments: Value| {
        let result = server.result(&ANNA, tool, &arguments);
        assert_eq!(result["isError"], false, "{tool}: {result}");
        result["_meta"].get("org.llmbasedos/textFrom").cloned().unwrap_or(json!([]))
    };
    let (others, nobody) = (json!(["file"]), json!([]));
    for (path, expected) in [
        ("/mine/a.txt", &nobody),
        ("/mine2/in", &nobody),
        ("/mine2/b.txt", &others),
        ("/mine/out", &others),
    ] {
        assert_eq!(from("fs_read", json!({ "path": path })), *expected, "{path}");
        assert_eq!(from("fs_read_lines", json!({ "path": path, "offset": 0 })), *expected);
        assert_eq!(from("fs_read_many", json!({ "paths": [path] })), *expected);
        assert_eq!(from("fs_grep", json!({ "path": path, "query": "by" })), *expected);
        let edits = json!([{ "oldText": "by", "newText": "of" }]);
        let edit = json!({ "path": path, "edits": edits, "dryRun": true });
        assert_eq!(from("fs_edit", edit), *expected);
    }
    let both = json!({ "paths": ["/mine/a.txt", "/mine2/b.txt"] });
    assert_eq!(from("fs_read_many", both), others);
    assert_eq!(from("fs_grep", json!({ "path": "/", "query": "by me" })), nobody);
    assert_eq!(from("fs_grep", json!({ "path": "/", "query": "by" })), others);
    assert_eq!(from("fs_find", json!({ "path": "/mine2", "pattern": "*" })), others);
    assert_eq!(from("fs_list", json!({ "path": "/" })), others);
    assert_eq!(from("fs_write", json!({ "path": "/mine2/c", "content": "c" })), nobody);
}

#[test]
fn nothing_that_others_wrote_becomes_trusted() {
    let server = Server::with(
        &json!({ "trusted": ["/mine", "/box/mine", "/chest/mine"] }),
        Path::new("/tmp"),
    );
    server.file("/mine/a.txt", "by me");
    server.file("/theirs/b.txt", "by others");
    server.file("/theirs/mine/c.txt", "by others");
    server.file("/chest/d.txt", "by others");
    let pack = json!({ "sources": ["/theirs/mine"], "destination": "/theirs/x.zip" });
    server.by(&AGENT, "fs_archive", &pack);
    let before = server.state();
    let both =
        |source: &str, destination: &str| json!({ "source": source, "destination": destination });
    let edits = json!([{ "oldText": "me", "newText": "others" }]);
    for (tool, arguments) in [
        ("fs_write", json!({ "path": "/mine/a.txt", "content": "x" })),
        ("fs_write", json!({ "path": "/mine/a.txt", "content": "x", "append": true })),
        ("fs_write", json!({ "path": "/mine/new", "content": "x" })),
        ("fs_edit", json!({ "path": "/mine/a.txt", "edits": edits })),
        ("fs_mkdir", json!({ "path": "/mine/words of others" })),
        ("fs_mkdir", json!({ "path": "/box/mine" })),
        ("fs_copy", both("/theirs/b.txt", "/mine/b.txt")),
        ("fs_copy", both("/theirs", "/box")),
        ("fs_copy", both("/theirs/mine", "/chest/mine")),
        ("fs_mkdir", json!({ "path": "/chest/mine" })),
        ("fs_move", both("/theirs/b.txt", "/mine/b.txt")),
        ("fs_move", both("/theirs", "/box")),
        ("fs_move", both("/mine/a.txt", "/theirs/a.txt")),
        ("fs_move", both("/mine", "/theirs/m")),
        ("fs_extract", both("/theirs/x.zip", "/mine/x")),
        ("fs_extract", both("/theirs/x.zip", "/box")),
        ("fs_archive", json!({ "sources": ["/theirs"], "destination": "/mine/x.zip" })),
        ("fs_delete", json!({ "path": "/mine/a.txt" })),
        ("fs_delete", json!({ "path": "/mine", "recursive": true })),
    ] {
        server.refused(&AGENT, tool, &arguments, "denied", "only a person changes it");
        assert_eq!(server.state(), before, "{tool} {arguments}");
    }
    // What is trusted can be read and copied away, where nobody vouches for it any more.
    let from = |path: &str| {
        let result = server.result(&AGENT, "fs_read", &json!({ "path": path }));
        result["_meta"].get("org.llmbasedos/textFrom").cloned()
    };
    server.by(&AGENT, "fs_copy", &both("/mine/a.txt", "/theirs/a.txt"));
    assert_eq!(
        (from("/mine/a.txt"), from("/theirs/a.txt")),
        (Some(json!([])), Some(json!(["file"])))
    );
    // The person vouches for what he puts there.
    server.call("fs_copy", &both("/theirs/b.txt", "/mine/b.txt"));
    assert_eq!(from("/mine/b.txt"), Some(json!([])));
    let undo = json!({ "client": "anna" });
    server.refused(&AGENT, "fs_undo", &undo, "denied", "by `anna`");
}

#[test]
fn a_folder_is_exposed_once_only() {
    let host = tempfile::tempdir().unwrap();
    for name in ["state", "docs/inner"] {
        fs::create_dir_all(host.path().join(name)).unwrap();
    }
    symlink("docs/inner", host.path().join("link")).unwrap();
    for (one, other) in [("docs", "docs/inner"), ("link", "docs"), ("docs", "docs/inner/..")] {
        let roots = json!([
            { "name": "one", "path": host.path().join(one) },
            { "name": "other", "path": host.path().join(other) },
        ]);
        let config = json!({ "state": host.path().join("state"), "roots": roots });
        fs::write(host.path().join("fs.yaml"), config.to_string()).unwrap();
        let ended = Command::new(env!("CARGO_BIN_EXE_cap-fs"))
            .args(["serve", "--socket"])
            .arg(host.path().join("fs.sock"))
            .arg("--config")
            .arg(host.path().join("fs.yaml"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{one} {other}: {said}");
        assert!(said.contains("can be exposed only once"), "{said}");
    }
}
