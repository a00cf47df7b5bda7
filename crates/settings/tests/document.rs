//! What a configuration may be, and what is said of one that may not.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, fmt::Write, fs, num::NonZeroU16, path::Path};

use serde::Deserialize;
use settings::{Position, SettingsError, limits};

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    name: Option<String>,
    clients: Option<NonZeroU16>,
    read_only: Option<bool>,
    mode: Option<Mode>,
    roots: Vec<String>,
    quota: BTreeMap<String, u32>,
    nested: Option<Box<Config>>,
    lists: Vec<List>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    ReadOnly,
    ReadWrite,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum List {
    Leaf(String),
    Lists(Vec<List>),
}

/// Parses `text` and compares the error's message without its fixed ends.
#[track_caller]
fn refused(text: &str, place: &str, reason: &str) {
    let error = settings::parse::<Config>("a.yaml", text).expect_err(text);
    let message = error.to_string();
    assert_eq!(message, format!("`a.yaml`{place}: {reason}: correct the file and start again"));
}

#[track_caller]
fn accepted(text: &str, expected: &Config) {
    assert_eq!(&settings::parse::<Config>("a.yaml", text).expect(text), expected);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, place, reason) in [
        (
            "name: x\nnam: x",
            " at line 2, column 1",
            "unknown field `nam`, expected one of name, clients, read_only, mode, roots, quota, \
             nested, lists",
        ),
        ("clients: many", " at line 1, column 10", "invalid u16"),
        (
            "clients: 0",
            " at line 1, column 1",
            "invalid value: integer `0`, expected a nonzero u16",
        ),
        ("clients: 70000", " at line 1, column 10", "invalid u16"),
        ("read_only: yes", " at line 1, column 12", "invalid boolean (true or false expected)"),
        (
            "mode: read",
            " at line 1, column 7",
            "unknown variant `read`, expected one of read-only, read-write",
        ),
        (
            "name: a\nname: b",
            " at line 2, column 1",
            "duplicate mapping key `name` is not allowed here",
        ),
        (
            "quota: {a: 1, a: 2}",
            " at line 1, column 15",
            "duplicate mapping key `a` is not allowed here",
        ),
        ("roots: [a", " at line 1, column 8", "unclosed bracket '['"),
        ("roots: a", " at line 1, column 8", "expected sequence start"),
        ("name: [1]", " at line 1, column 7", "expected string scalar"),
        ("- 1", " at line 1, column 1", "expected mapping start"),
        ("just text", " at line 1, column 1", "expected mapping start"),
        ("name: *none", " at line 1, column 7", "reference to unknown value"),
        (
            "name: !x 3",
            " at line 1, column 10",
            "it has a tag (`!`), and none is known: put a text that begins with `!` in quotes",
        ),
        ("name: x: y", " at line 1, column 8", "mapping values are not allowed in this context"),
        (
            "quota:\n  <<: {a: 1}",
            " at line 2, column 3",
            "the merge key `<<` is not taken, write the values out",
        ),
        (
            "name: a\n---\nname: b",
            " at line 2, column 1",
            "there is more than one document, use one",
        ),
    ] {
        refused(text, place, reason);
    }
}

#[test]
fn each_bound_is_told() {
    let nested = |levels: usize| {
        (0..levels).fold(String::new(), |mut text, level| {
            writeln!(text, "{}nested:", " ".repeat(level)).expect("a string takes all");
            text
        })
    };
    let depth = limits::CONFIG_MAX_DEPTH;
    accepts(&nested(depth));
    refused(&nested(depth + 1), " at line 33, column 33", "it nests deeper than 32 levels");
    // The outer mapping is a level too.
    let flow = |levels| format!("lists: {}{}", "[".repeat(levels), "]".repeat(levels));
    accepts(&flow(depth - 1));
    refused(&flow(depth), " at line 1, column 39", "it nests deeper than 32 levels");
    // Far beyond what the stack would bear: the scanner, which is ahead of the count, has its own.
    refused(&flow(100_000), " at line 1, column 41", "recursion limit exceeded");

    let aliases = |count| format!("name: &a x\nroots: [{}]", "*a,".repeat(count));
    accepts(&aliases(limits::CONFIG_MAX_ALIASES));
    refused(
        &aliases(limits::CONFIG_MAX_ALIASES + 1),
        " at line 2, column 201",
        "it has more than 64 aliases or anchors",
    );

    let values = |count| format!("roots: [{}]", "a,".repeat(count));
    // The document, its key and the list are values too.
    accepts(&values(limits::CONFIG_MAX_VALUES - 3));
    refused(
        &values(limits::CONFIG_MAX_VALUES),
        " at line 1, column 200003",
        "it holds more than 100000 values",
    );
}

#[track_caller]
fn accepts(text: &str) {
    let start: String = text.chars().take(60).collect();
    if let Err(error) = settings::parse::<Config>("a.yaml", text) {
        panic!("{error}: {start}");
    }
}

#[test]
fn an_alias_bomb_is_refused_before_it_grows() {
    // Nine lines, each ten times the one before: a thousand million values.
    let mut bomb = String::from("a: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for line in 1..9 {
        let before = format!("*a{},", line - 1).repeat(10);
        writeln!(bomb, "b{line}: &a{line} [{before}]").expect("a string takes all");
    }
    let error = settings::parse::<BTreeMap<String, List>>("a.yaml", &bomb).expect_err("a bomb");
    let message = error.to_string();
    assert!(message.contains("aliases"), "{message}");

    // The same with the aliases few enough for their own bound.
    let mut narrow = String::from("a: &a0 [x,x]\n");
    for line in 1..25 {
        writeln!(narrow, "b{line}: &a{line} [*a{0},*a{0}]", line - 1).expect("a string takes all");
    }
    let error = settings::parse::<BTreeMap<String, List>>("a.yaml", &narrow).expect_err("a bomb");
    let message = error.to_string();
    assert!(message.contains("stand for more than 65536 values"), "{message}");
}

#[test]
fn good_documents_are_read() {
    let empty = Config::default();
    for text in ["", "# only a comment\n", "{}"] {
        accepted(text, &empty);
    }
    accepted(
        "name: 'a b' # why\nclients: 12\nread_only: true\nmode: read-only\nroots:\n  - /srv\n  \
         - \"/home/me\"\nquota: {a: 1, b: 2}\nnested: {mode: read-write}\n",
        &Config {
            name: Some("a b".to_owned()),
            clients: NonZeroU16::new(12),
            read_only: Some(true),
            mode: Some(Mode::ReadOnly),
            roots: vec!["/srv".to_owned(), "/home/me".to_owned()],
            quota: [("a".to_owned(), 1), ("b".to_owned(), 2)].into(),
            nested: Some(Box::new(Config { mode: Some(Mode::ReadWrite), ..Config::default() })),
            lists: Vec::new(),
        },
    );
    // Text stays text, however much it looks like something else.
    for text in ["yes", "1.10", "0x10", "12:30:00", "no"] {
        let expected = Config { name: Some(text.to_owned()), ..Config::default() };
        accepted(&format!("name: {text}"), &expected);
    }
}

#[test]
fn a_file_is_read_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.yaml");
    let shown = path.display();
    let load = || settings::load::<Config>(&path).map_err(|error| error.to_string());

    assert_eq!(
        load().unwrap_err(),
        format!(
            "reading `{shown}`: No such file or directory (os error 2): create it, or correct its \
             owner and mode"
        )
    );

    fs::write(&path, "clients: 3\n").unwrap();
    assert_eq!(load().unwrap().clients, NonZeroU16::new(3));

    fs::write(&path, "\u{feff}clients: 3\n").unwrap();
    assert_eq!(load().unwrap().clients, NonZeroU16::new(3), "an editor's byte order mark");

    fs::write(&path, "clients: 3\nclient: 4\n").unwrap();
    assert!(load().unwrap_err().starts_with(&format!("`{shown}` at line 2, column 1: unknown")));

    fs::write(&path, b"name: a\nroots: [\xff]\n").unwrap();
    assert_eq!(
        load().unwrap_err(),
        format!("`{shown}` is not UTF-8 from byte 16 on: save it as UTF-8")
    );

    let max = usize::try_from(limits::CONFIG_MAX_BYTES).unwrap();
    let mut text = b"clients: 3\n#".to_vec();
    text.resize(max, b' ');
    fs::write(&path, &text).unwrap();
    assert_eq!(load().unwrap().clients, NonZeroU16::new(3), "as long as may be");
    text.push(b' ');
    fs::write(&path, &text).unwrap();
    assert_eq!(
        load().unwrap_err(),
        format!("`{shown}` is larger than 1048576 bytes: split it or shorten it")
    );

    let folder = settings::load::<Config>(folder.path()).unwrap_err();
    assert!(matches!(folder, SettingsError::Read { .. }), "{folder:?}");
    let endless = settings::load::<Config>(Path::new("/dev/zero")).unwrap_err();
    assert!(matches!(endless, SettingsError::TooLarge { .. }), "{endless:?}");
}

#[test]
fn the_place_is_there_for_programs_too() {
    let error = settings::parse::<Config>("a.yaml", "name: x\n\nclients: a").unwrap_err();
    let SettingsError::Document { position, .. } = error else { panic!("{error:?}") };
    assert_eq!(position, Some(Position { line: 3, column: 10 }));
}
