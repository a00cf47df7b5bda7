//! Reading, finding and measuring.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};

use serde_json::{Value, json};

use crate::server::{ANNA, Server};

/// How much the memory of the server may grow.
const MAX_GROWTH_KIB: u64 = 16 * 1024;

#[test]
fn a_file_of_10_gib_is_read_by_range_in_little_memory() {
    const SIZE: u64 = 10 * 1024 * 1024 * 1024;
    let server = Server::start();
    let mut file = fs::File::create(server.at("/large")).unwrap();
    for offset in [0, SIZE / 2, SIZE - 12] {
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.write_all(b"here\nit is\n\n").unwrap();
    }
    server.call("fs_read", &json!({ "path": "/large", "head": 1 }));
    let before = server.memory("VmHWM");
    for offset in [0, SIZE / 2, SIZE - 12] {
        let part = json!({ "path": "/large", "offset": offset, "length": 4 });
        let read = server.call("fs_read", &part);
        assert_eq!((&read["content"], &read["size"]), (&json!("here"), &json!(SIZE)));
        assert_eq!(read["more"], true);
    }
    let most = json!({ "path": "/large", "offset": SIZE / 3, "encoding": "base64" });
    assert!(server.call("fs_read", &most)["content"].as_str().unwrap().len() > 1024 * 1024);
    let tail = server.call("fs_read", &json!({ "path": "/large", "tail": 2 }));
    assert_eq!(tail["content"], "it is\n\n");
    let whole = json!({ "path": "/large" });
    server.refused(&ANNA, "fs_read", &whole, "too_large", "read it in parts");
    let lines = json!({ "path": "/large", "offset": 2, "limit": 2 });
    server.refused(&ANNA, "fs_read_lines", &lines, "too_large", "ask for fewer");
    let grown = server.memory("VmHWM") - before;
    println!("the memory grew by {grown} KiB");
    assert!(grown < MAX_GROWTH_KIB, "{grown} KiB");
}

#[test]
fn parts_of_files_are_what_they_are_in_the_file() {
    let server = Server::start();
    server.plant();
    let read = |arguments: Value| server.call("fs_read", &arguments)["content"].clone();
    assert_eq!(read(json!({ "path": "/a.txt", "head": 2 })), "one\ntwo\n");
    assert_eq!(read(json!({ "path": "/a.txt", "tail": 1 })), "/a.txt\n");
    assert_eq!(read(json!({ "path": "/a.txt", "offset": 4, "length": 3 })), "two");
    let both = json!({ "path": "/a.txt", "head": 1, "tail": 1 });
    server.refused(&ANNA, "fs_read", &both, "invalid_arguments", "only one of");
    let lines = server.call("fs_read_lines", &json!({ "path": "/a.txt", "offset": 1, "limit": 1 }));
    assert_eq!((&lines["content"], &lines["more"]), (&json!("two\n"), &json!(true)));
    let many = server.call("fs_read_many", &json!({ "paths": ["/a.txt", "/none", "/b.txt"] }));
    assert_eq!(many["files"][0]["content"], "one\ntwo\n/a.txt\n");
    assert!(many["files"][1]["error"].as_str().unwrap().contains("does not exist"));
    server.file("/i.png", b"\x89PNG\r\n\x1a\n\xff");
    let media = server.call("fs_read_media", &json!({ "path": "/i.png" }));
    assert_eq!((&media["mimeType"], &media["size"]), (&json!("image/png"), &json!(9)));
    let hash = server.call("fs_hash", &json!({ "path": "/i.png" }));
    assert_eq!(hash["hash"].as_str().unwrap().len(), 64);
    server.file("/abc", "abc");
    let hash = server.call("fs_hash", &json!({ "path": "/abc" }));
    assert_eq!(hash["hash"], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn names_and_content_are_found() {
    let server = Server::start();
    server.plant();
    server.file("/bin", b"two\0two");
    let paths = |list: &Value| -> Vec<String> {
        let entries = list.as_array().unwrap().iter();
        entries.map(|entry| entry["path"].as_str().unwrap().to_owned()).collect()
    };
    let found = server
        .call("fs_find", &json!({ "path": "/", "pattern": "*.txt", "excludePatterns": ["e"] }));
    let expected = ["/a.txt", "/b.txt", "/d/c.txt", "/g/h.txt", "/g/same.txt"];
    assert_eq!(paths(&found["entries"]), expected);
    let found =
        server.call("fs_find", &json!({ "path": "/d", "pattern": "e/*.txt", "type": "file" }));
    assert_eq!(paths(&found["entries"]), ["/d/e/f.txt"]);
    let found =
        server.call("fs_grep", &json!({ "path": "/", "query": "^/d/.*\\.txt$", "is_regex": true }));
    assert_eq!(paths(&found["matches"]), ["/d/c.txt", "/d/e/f.txt"]);
    assert_eq!(
        (&found["matches"][0]["line"], &found["matches"][0]["text"]),
        (&json!(3), &json!("/d/c.txt"))
    );
    let found = server.call(
        "fs_grep",
        &json!({ "path": "/", "query": "TWO", "ignore_case": true, "pattern": "[ab].txt" }),
    );
    assert_eq!(paths(&found["matches"]), ["/a.txt", "/b.txt"]);
    let found = server.call("fs_grep", &json!({ "path": "/bin", "query": "two" }));
    assert_eq!(found["matches"], json!([]));
    let regex = json!({ "path": "/", "query": "(", "is_regex": true });
    server.refused(&ANNA, "fs_grep", &regex, "invalid_arguments", "`query`");
    let huge = json!({ "path": "/", "query": "(a{1000}){1000}", "is_regex": true });
    server.refused(&ANNA, "fs_grep", &huge, "invalid_arguments", "`query`");
    let tree = server.call("fs_tree", &json!({ "path": "/d" }));
    assert_eq!(paths(&tree["entries"]), ["/d/c.txt", "/d/e", "/d/e/f.txt", "/d/link"]);
    let tree = server.call("fs_tree", &json!({ "path": "/", "max_depth": 1 }));
    assert_eq!(tree["entries"].as_array().unwrap().len(), 6);
    let du = server.call("fs_du", &json!({ "path": "/g" }));
    assert_eq!((&du["bytes"], &du["files"]), (&json!(17), &json!(2)));
    server.file("/twin", "one\ntwo\n/a.txt\n");
    let same = server.call("fs_duplicates", &json!({ "path": "/" }));
    assert_eq!(same["groups"][0]["paths"], json!(["/a.txt", "/twin"]));
    assert_eq!(same["groups"].as_array().unwrap().len(), 1);
    let roots = server.call("fs_roots", &json!({}));
    assert_eq!(roots["roots"], json!([{ "path": "/", "writable": true }]));
}

#[test]
fn no_tool_that_only_reads_changes_anything() {
    let server = Server::start();
    server.plant();
    let before = (server.state(), server.left());
    let mut called = 0;
    for (name, tool) in &server.tools {
        if tool["annotations"]["readOnlyHint"] == false {
            continue;
        }
        for path in ["/", "/a.txt", "/d", "/link", "/none", "/d/e/f.txt"] {
            let mut arguments = json!({});
            for member in tool["inputSchema"]["required"].as_array().into_iter().flatten() {
                arguments[member.as_str().unwrap()] = match member.as_str().unwrap() {
                    "path" => json!(path),
                    "paths" => json!([path]),
                    "offset" => json!(0),
                    _ => json!("*"),
                };
            }
            called += usize::from(server.result(&ANNA, name, &arguments)["isError"] == false);
        }
    }
    assert!(called > 40, "{called}");
    assert_eq!((server.state(), server.left()), before);
}
