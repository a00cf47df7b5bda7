//! Nothing is lost.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::server::{AGENT, ANNA, Server, Who};

fn run(name: &'static str) -> Who {
    Who { run: Some(name), ..AGENT }
}

/// Chance that is the same in each run of the tests.
struct Chance(u64);

impl Chance {
    fn pick(&mut self, bound: usize) -> usize {
        let step = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = step.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn path(&mut self) -> &'static str {
        const PATHS: [&str; 16] = [
            "/a.txt",
            "/b.txt",
            "/d",
            "/d/c.txt",
            "/d/e",
            "/d/e/f.txt",
            "/g",
            "/g/h.txt",
            "/link",
            "/d/link",
            "/new",
            "/new/x",
            "/d/new.txt",
            "/new.tar.gz",
            "/new.zip",
            "/g/same.txt",
        ];
        PATHS[self.pick(PATHS.len())]
    }

    fn change(&mut self) -> (&'static str, Value) {
        let (one, other) = (self.path(), self.path());
        match self.pick(10) {
            0 => ("fs_write", json!({ "path": one, "content": format!("{}", self.0) })),
            1 => ("fs_write", json!({ "path": one, "content": "more\n", "append": true })),
            2 => {
                let edits = json!([{ "oldText": "two", "newText": "2" }]);
                ("fs_edit", json!({ "path": one, "edits": edits, "replaceAll": true }))
            }
            3 => ("fs_delete", json!({ "path": one })),
            4 => ("fs_delete", json!({ "path": one, "recursive": true })),
            5 => ("fs_mkdir", json!({ "path": one })),
            6 => ("fs_move", json!({ "source": one, "destination": other })),
            7 => {
                let overwrite = self.pick(2) == 0;
                let arguments =
                    json!({ "source": one, "destination": other, "overwrite": overwrite });
                ("fs_copy", arguments)
            }
            8 => {
                ("fs_archive", json!({ "sources": [one], "destination": other, "overwrite": true }))
            }
            _ => {
                let archive = ["/box.tar", "/new.tar.gz", "/new.zip"][self.pick(3)];
                ("fs_extract", json!({ "source": archive, "destination": other }))
            }
        }
    }
}

/// An archive of one file in a folder.
fn archive() -> Vec<u8> {
    let content = "one\ntwo\n";
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, "in/file", content.as_bytes()).unwrap();
    builder.into_inner().unwrap()
}

/// Makes changes by chance, and gives how many there were of each tool.
fn change(
    server: &Server,
    chance: &mut Chance,
    calls: usize,
) -> std::collections::BTreeMap<&'static str, usize> {
    let mut done = std::collections::BTreeMap::new();
    for _ in 0..calls {
        let (tool, arguments) = chance.change();
        let effects = &server.tools[tool]["annotations"];
        assert_eq!(effects["readOnlyHint"], false);
        if server.result(&AGENT, tool, &arguments)["isError"] == false {
            *done.entry(tool).or_default() += 1;
        }
    }
    done
}

#[test]
fn all_that_a_client_did_is_undone_and_redone() {
    const CALLS: usize = 60;
    let mut done = std::collections::BTreeMap::<&str, usize>::new();
    for seed in 0..12 {
        // On the file system of the root, and on another one.
        let state = if seed % 2 == 0 { std::env::temp_dir() } else { "/dev/shm".into() };
        let server = Server::with(&json!({}), &state);
        server.plant();
        server.file("/box.tar", archive());
        let before = server.state();
        for (tool, count) in change(&server, &mut Chance(seed), CALLS) {
            *done.entry(tool).or_default() += count;
        }
        let after = server.state();
        assert_ne!(after, before);
        let server = if seed % 3 == 0 { server.restart() } else { server };
        let undone = server.call("fs_undo", &json!({ "client": "agent" }));
        assert_eq!(undone["complete"], true, "{undone}");
        assert_eq!(server.state(), before, "seed {seed}");
        // And each undo can be undone, the newest first.
        for made in undone["undone"].as_array().unwrap().iter().rev() {
            server.call("fs_undo", &json!({ "change": made["undone_by"] }));
        }
        assert_eq!(server.state(), after, "seed {seed}");
        server.call("fs_undo", &json!({ "client": "anna" }));
        assert_eq!(server.state(), before, "seed {seed}");
        assert_eq!(server.left().1, 0);
    }
    println!("{done:?}");
    assert_eq!(done.len(), 8, "not every tool was ever of use: {done:?}");
}

#[test]
fn a_run_is_undone_without_what_others_did() {
    let server = Server::start();
    server.plant();
    let before = fs::read(server.at("/a.txt")).unwrap();
    server.by(&run("one"), "fs_write", &json!({ "path": "/a.txt", "content": "by one" }));
    server.by(&run("two"), "fs_write", &json!({ "path": "/b.txt", "content": "by two" }));
    server.by(&run("one"), "fs_delete", &json!({ "path": "/d", "recursive": true }));
    let undone = server.call("fs_undo", &json!({ "run": "one" }));
    assert_eq!(undone["undone"].as_array().unwrap().len(), 2);
    assert_eq!(fs::read(server.at("/a.txt")).unwrap(), before);
    assert_eq!(fs::read(server.at("/b.txt")).unwrap(), b"by two");
    assert!(server.at("/d/e/f.txt").is_file());
    server.refused(&ANNA, "fs_undo", &json!({ "run": "one" }), "not_found", "no such change");
    server.refused(&ANNA, "fs_undo", &json!({}), "invalid_arguments", "name one of");
}

#[test]
fn who_is_not_a_person_undoes_only_what_it_did_itself() {
    let server = Server::start();
    server.plant();
    let before = server.state();
    let write = json!({ "path": "/a.txt", "content": "by the agent" });
    let made = server.by(&run("one"), "fs_write", &write);
    let other = Who { client: "other", ..AGENT };
    server.by(&other, "fs_write", &json!({ "path": "/b.txt", "content": "by the other" }));
    for undo in [
        json!({ "client": "agent" }),
        json!({ "run": "one" }),
        json!({ "change": made["change"] }),
        json!({ "client": "agent", "path": "/a.txt" }),
    ] {
        server.refused(&other, "fs_undo", &undo, "denied", "by `agent`");
    }
    assert_eq!(fs::read(server.at("/a.txt")).unwrap(), b"by the agent");
    server.by(&AGENT, "fs_undo", &json!({ "client": "agent" }));
    server.call("fs_undo", &json!({ "client": "other" }));
    assert_eq!(server.state(), before);
}

#[test]
fn what_others_built_upon_a_change_stands_in_its_way() {
    let server = Server::start();
    server.plant();
    let first = server.by(&AGENT, "fs_write", &json!({ "path": "/a.txt", "content": "1" }));
    let second = server.call("fs_write", &json!({ "path": "/a.txt", "content": "2" }));
    let by = format!("change {} of `/a.txt` by `anna`", second["change"]);
    let undo = json!({ "change": first["change"] });
    server.refused(&ANNA, "fs_undo", &undo, "conflict", &by);
    server.refused(&ANNA, "fs_undo", &json!({ "client": "agent" }), "conflict", &by);
    assert_eq!(fs::read(server.at("/a.txt")).unwrap(), b"2");
    // A folder that goes with the file stands in the way too, and so does what is in a new folder.
    let made = server.by(&AGENT, "fs_mkdir", &json!({ "path": "/x/y" }));
    server.call("fs_write", &json!({ "path": "/x/y/z", "content": "" }));
    let undo_mkdir = json!({ "change": made["made"]["change"] });
    server.refused(&ANNA, "fs_undo", &undo_mkdir, "conflict", "by `anna`");
    // In order it works.
    server.call("fs_undo", &json!({ "change": second["change"] }));
    server.call("fs_undo", &undo);
    assert_eq!(fs::read(server.at("/a.txt")).unwrap(), b"one\ntwo\n/a.txt\n");
    server.refused(&ANNA, "fs_undo", &undo, "conflict", "undone already");
    // What a program of the host changed is not lost either.
    let third = server.by(&AGENT, "fs_write", &json!({ "path": "/a.txt", "content": "3" }));
    fs::write(server.at("/a.txt"), "by hand").unwrap();
    let undo = json!({ "change": third["change"] });
    server.refused(&ANNA, "fs_undo", &undo, "conflict", "something else has changed `/a.txt`");
    assert_eq!(fs::read(server.at("/a.txt")).unwrap(), b"by hand");
}

#[test]
fn the_history_tells_who_did_what() {
    let server = Server::start();
    server.plant();
    server.by(&run("r"), "fs_move", &json!({ "source": "/a.txt", "destination": "/d/a.txt" }));
    server.call("fs_delete", &json!({ "path": "/g", "recursive": true }));
    let history = server.call("fs_history", &json!({}));
    let changes = history["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    assert_eq!(
        (&changes[0]["act"], &changes[0]["path"], &changes[0]["client"], &changes[0]["tool"]),
        (&json!("remove"), &json!("/g"), &json!("anna"), &json!("fs_delete"))
    );
    assert_eq!(
        (&changes[1]["act"], &changes[1]["target"], &changes[1]["run"]),
        (&json!("move"), &json!("/d/a.txt"), &json!("r"))
    );
    for (which, found) in [
        (json!({ "path": "/d" }), 1),
        (json!({ "path": "/g" }), 1),
        (json!({ "path": "/" }), 2),
        (json!({ "path": "/a" }), 0),
        (json!({ "client": "agent" }), 1),
        (json!({ "run": "r" }), 1),
    ] {
        let history = server.call("fs_history", &which);
        assert_eq!(history["changes"].as_array().unwrap().len(), found, "{which}");
    }
    let page = server.call("fs_history", &json!({ "limit": 1 }));
    let next = server.call("fs_history", &json!({ "limit": 1, "before": page["next_before"] }));
    assert_eq!(next["changes"], json!([changes[1]]));
    assert_eq!(next.get("next_before"), None);
}

#[test]
fn the_budget_is_kept_and_the_oldest_goes_first() {
    let settings = json!({ "history": { "bytes": 1000 } });
    let server = Server::with(&settings, Path::new("/tmp"));
    for at in 0..5 {
        server.file(&format!("/{at}"), vec![b'x'; 400]);
    }
    server.file("/large", vec![b'x'; 1001]);
    let mut changes = Vec::new();
    for at in 0..5 {
        let done = server.call("fs_delete", &json!({ "path": format!("/{at}") }));
        assert_eq!(done["undoable"], true);
        changes.push(done["change"].clone());
    }
    assert_eq!(server.left(), (2, 0));
    let undo = |at: usize| json!({ "change": changes[at] });
    server.refused(&ANNA, "fs_undo", &undo(2), "conflict", "not kept any more");
    server.call("fs_undo", &undo(3));
    assert_eq!(fs::metadata(server.at("/3")).unwrap().len(), 400);
    let delete = json!({ "path": "/large" });
    server.refused(&ANNA, "fs_delete", &delete, "too_large", "undo keeps at most 1000");
    assert!(server.at("/large").is_file());
    let settings = json!({ "history": { "bytes": 1000, "make_too_large": true } });
    let server = Server::with(&settings, Path::new("/tmp"));
    server.file("/large", vec![b'x'; 1001]);
    let done = server.call("fs_delete", &delete);
    assert_eq!(done["undoable"], false);
    assert!(!server.at("/large").is_file());
    let undo = json!({ "change": done["change"] });
    server.refused(&ANNA, "fs_undo", &undo, "conflict", "not kept any more");
}
