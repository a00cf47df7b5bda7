//! Changes, one by one.

use std::fs;

use serde_json::json;

use crate::server::{ANNA, Server};

#[test]
fn a_stale_tag_is_refused_by_every_change() {
    let server = Server::start();
    server.plant();
    server.file("/x.zip", "");
    let stale = server.call("fs_info", &json!({ "path": "/a.txt" }))["etag"].clone();
    let read = server.call("fs_read", &json!({ "path": "/a.txt" }))["etag"].clone();
    assert_eq!(stale, read);
    let written = json!({ "path": "/a.txt", "content": "new", "etag": stale });
    let fresh = server.call("fs_write", &written)["etag"].clone();
    let edits = json!([{ "oldText": "new", "newText": "newer" }]);
    for (tool, arguments) in [
        ("fs_write", json!({ "path": "/a.txt", "content": "x", "etag": stale })),
        ("fs_write", json!({ "path": "/a.txt", "content": "x", "append": true, "etag": stale })),
        ("fs_edit", json!({ "path": "/a.txt", "edits": edits, "etag": stale })),
        ("fs_delete", json!({ "path": "/a.txt", "etag": stale })),
        ("fs_move", json!({ "source": "/a.txt", "destination": "/z", "etag": stale })),
        ("fs_copy", json!({ "source": "/b.txt", "destination": "/a.txt", "etag": stale })),
        ("fs_archive", json!({ "sources": ["/b.txt"], "destination": "/x.zip", "etag": stale })),
    ] {
        server.refused(&ANNA, tool, &arguments, "conflict", "not as it was when you read it");
        assert!(server.tools[tool]["inputSchema"]["properties"]["etag"].is_object());
    }
    assert_eq!(fs::read(server.at("/a.txt")).unwrap(), b"new");
    let edit = json!({ "path": "/a.txt", "edits": edits, "etag": fresh });
    let edited = server.call("fs_edit", &edit);
    assert_eq!(
        edited["diff"],
        "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-new\n\\ No newline at end of file\n+newer\n\\ No newline at end of file\n"
    );
    let etag = &edited["made"]["etag"];
    server.call("fs_delete", &json!({ "path": "/a.txt", "etag": etag }));
}

#[test]
fn a_dry_run_shows_what_an_edit_then_does() {
    let server = Server::start();
    server.plant();
    let before = server.state();
    let edits = json!([{ "oldText": "one\ntwo", "newText": "1\n2" }]);
    let edit = json!({ "path": "/a.txt", "edits": edits, "dryRun": true });
    let dry = server.call("fs_edit", &edit);
    assert_eq!(server.state(), before);
    assert_eq!(dry.get("made"), None);
    let done = server.call("fs_edit", &json!({ "path": "/a.txt", "edits": edits }));
    assert_eq!(done["diff"], dry["diff"]);
    assert_eq!(fs::read(server.at("/a.txt")).unwrap(), b"1\n2\n/a.txt\n");
    server.refused(&ANNA, "fs_edit", &edit, "conflict", "`oldText` is not in the file");
}

#[test]
fn folders_are_made_with_those_on_the_way() {
    let server = Server::start();
    server.plant();
    for path in ["/x", "/y/y/y", "/d/e/k/l", "/d"] {
        let made = server.call("fs_mkdir", &json!({ "path": path }));
        assert!(server.at(path).is_dir(), "{path}");
        assert_eq!(made.get("made").is_some(), path != "/d");
    }
    let beneath_a_file = json!({ "path": "/a.txt/x" });
    server.refused(&ANNA, "fs_mkdir", &beneath_a_file, "invalid_arguments", "not a folder");
    server.call("fs_undo", &json!({ "client": "anna" }));
    for path in ["/x", "/y", "/d/e/k"] {
        assert!(!server.at(path).is_dir(), "{path}");
    }
}

#[test]
fn moves_and_copies_replace_nothing_unasked() {
    let server = Server::start();
    server.plant();
    let onto = |tool: &str| {
        let arguments = json!({ "source": "/a.txt", "destination": "/b.txt" });
        server.refused(&ANNA, tool, &arguments, "conflict", "exists already");
    };
    onto("fs_move");
    onto("fs_copy");
    let into = json!({ "source": "/d", "destination": "/d/e/in" });
    server.refused(&ANNA, "fs_move", &into, "invalid_arguments", "into itself");
    server.refused(&ANNA, "fs_copy", &into, "invalid_arguments", "into itself");
    server.call("fs_copy", &json!({ "source": "/d", "destination": "/copy" }));
    assert_eq!(fs::read(server.at("/copy/e/f.txt")).unwrap(), b"one\ntwo\n/d/e/f.txt\n");
    assert_eq!(fs::read_link(server.at("/copy/link")).unwrap().to_str(), Some("../a.txt"));
    server.call(
        "fs_copy",
        &json!({ "source": "/a.txt", "destination": "/b.txt", "overwrite": true }),
    );
    assert_eq!(fs::read(server.at("/b.txt")).unwrap(), b"one\ntwo\n/a.txt\n");
    server.call("fs_move", &json!({ "source": "/d", "destination": "/g/d" }));
    assert!(server.at("/g/d/e/f.txt").is_file() && !server.at("/d").is_dir());
}
