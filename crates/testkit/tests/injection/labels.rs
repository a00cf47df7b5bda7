//! Every result with text that nobody has vouched for says so, at every door that speaks MCP.

use serde_json::{Value, json};

use crate::case::{Carrier, Class, Destination, Ways};
use crate::host::{Host, Way};
use crate::play::{Cast, play};
use crate::stage::{Stage, label};
use crate::{OPEN, all};

/// The ways that speak MCP.
fn ways() -> impl Iterator<Item = Way> {
    Way::PROGRAMS.into_iter().chain([Way::Person]).filter(|way| !way.is_old())
}

#[test]
fn every_result_with_untrusted_text_says_where_it_came_from() {
    let stage = Stage::new(OPEN);
    let (mut labelled, mut wrong) = (0, Vec::new());
    for case in all().filter(|case| matches!(case.ways, Ways::Every | Ways::Mcp | Ways::Latest)) {
        // One case of each carrier by each way, and all of those of several steps.
        let first = all().find(|other| other.texts[0].0 == case.texts[0].0);
        if case.class != Class::Steps && first.is_some_and(|first| first.name != case.name) {
            continue;
        }
        for way in ways().filter(|way| case.ways != Ways::Latest || way.is_latest()) {
            let cast = Cast { way, to: Destination::Friend, own_notes: false, insists: false };
            let play = play(&stage, case, cast);
            for read in &play.reads {
                let Some(found) = &read.label else { continue };
                let expected = if read.from.is_empty() { Value::Null } else { json!(read.from) };
                labelled += usize::from(!read.from.is_empty());
                if *found != expected {
                    wrong.push(format!("{}: {found} instead of {expected}", play.title));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {labelled}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(labelled >= 100, "{labelled}");
}

#[test]
fn what_is_the_owners_is_not_called_untrusted() {
    let stage = Stage::new(OPEN);
    let (_, key) = stage.new_client();
    stage.put(Carrier::Doc, "own-letter", "Dear Anna");
    stage.put(Carrier::Doc, "letter", "Dear owner");
    stage.put(Carrier::Note, "note", "milk");
    for way in ways() {
        let mut host = Host::new(&stage.appliance, way, &key);
        for (tool, arguments, expected) in [
            ("outside_notes_read", json!({ "name": "note" }), Value::Null),
            ("outside_doc_read", json!({ "name": "own-letter" }), Value::Null),
            ("outside_doc_read", json!({ "name": "letter" }), json!(["document"])),
            ("fs_write", json!({ "path": "/a.md", "content": "a" }), Value::Null),
            ("fs_read", json!({ "path": "/a.md" }), json!(["file"])),
            ("outside_text_send", json!({ "number": "+1", "body": "a" }), Value::Null),
        ] {
            let reply = host.call(tool, &arguments);
            assert_eq!(reply["result"]["isError"], false, "{way:?}: {reply}");
            assert_eq!(label(&reply), expected, "{way:?} {tool} {arguments}");
        }
    }
}
