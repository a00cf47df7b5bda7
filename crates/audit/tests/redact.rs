//! What is kept of arguments.

use std::time::Instant;

use audit::Redactor;
use audit::limits::{
    MAX_ARGUMENT_BYTES, MAX_KEPT_BYTES, MAX_NAME_BYTES, MAX_NAMES_BYTES, MAX_TEXT_BYTES,
};
use serde_json::{Value, json};

const METHOD: &str = "mcp.mail.send";

fn redact(given: &str) -> String {
    let rules = ["Colour", "mcp.mail.send:subject", "mcp.fs.*:path"];
    Redactor::new(rules).redact(METHOD, given)
}

#[track_caller]
fn check(given: &str, expected: &str) {
    assert_eq!(redact(given), expected);
}

/// Nothing of it is changed.
#[track_caller]
fn check_kept(given: &str) {
    check(given, given);
}

#[test]
fn what_is_needed_to_know_what_was_done_is_kept() {
    check_kept(r#"{"path":"/a.txt","append":true,"n":3,"m":-1,"f":1.5,"e":{},"l":[[],null]}"#);
    check_kept(r#"["/a.txt",null]"#);
    check_kept(r#""a""#);
    check_kept(r#"{"path":"/docs/risk-report-of-november-2026.pdf","keyword":"x","spinner":1}"#);
    check(" { \"a\" : [ 1 , 2 ] } ", r#"{"a":[1,2]}"#);
    // Whichever of the two the server took is there.
    check_kept(r#"{"path":"/a","path":"/b"}"#);
}

#[test]
fn secrets_and_what_people_wrote_are_not() {
    check(r#"{"password":"x"}"#, r#"{"password":"[redacted, 1 bytes]"}"#);
    check(
        r#"{"API_Key":"xy","o":{"accessToken":[1]}}"#,
        r#"{"API_Key":"[redacted, 2 bytes]","o":{"accessToken":"[redacted, 3 bytes]"}}"#,
    );
    check(r#"{"pass\u0077ord":"x"}"#, r#"{"password":"[redacted, 1 bytes]"}"#);
    check(
        r#"{"password":"x","a":1,"password":"yy"}"#,
        r#"{"password":"[redacted, 1 bytes]","a":1,"password":"[redacted, 2 bytes]"}"#,
    );
    check(
        r#"{"key":"a","ssh-key":{"k":1},"PIN":1234}"#,
        r#"{"key":"[redacted, 1 bytes]","ssh-key":"[redacted, 7 bytes]","PIN":"[redacted, 4 bytes]"}"#,
    );
    check(r#"{"content":"dear diary"}"#, r#"{"content":"[redacted, 10 bytes]"}"#);
    check(r#"[["a","Bearer abcdefgh"]]"#, r#"[["a","[redacted, 15 bytes]"]]"#);
    check(r#"{"q":"see ftp://u:pw@h/a"}"#, r#"{"q":"see ftp://u:[redacted, 2 bytes]@h/a"}"#);
    // By the beginning of its hash whoever has the key knows it again.
    let hidden = "[redacted, 25 bytes, sha256 6745762588205233]";
    let key = "llmb_abcdefghijklmnopqrst";
    check(&format!(r#"{{"q":"my {key}"}}"#), &format!(r#"{{"q":"my {hidden}"}}"#));
    let escaped = key.replace('b', r"\u0062");
    check(&format!(r#"{{"q":"{escaped}"}}"#), &format!(r#"{{"q":"{hidden}"}}"#));
    check(&format!(r#"{{"{key}":{{"a":1}},"b":2}}"#), &format!(r#"{{"{hidden}":null,"b":2}}"#));
    let nested = format!("{}{}{}", "[".repeat(60), r#"{"token":"x"}"#, "]".repeat(60));
    check(&nested, &nested.replace("\"x\"", "\"[redacted, 1 bytes]\""));
}

#[test]
fn names_of_the_configuration_are_secret_too_for_all_methods_or_for_some() {
    check(r#"{"colour":"red"}"#, r#"{"colour":"[redacted, 3 bytes]"}"#);
    check(r#"{"subject":"hi","path":"/"}"#, r#"{"subject":"[redacted, 2 bytes]","path":"/"}"#);
    let rules = Redactor::new(["mcp.mail.send:subject", "mcp.fs.*:path"]);
    let kept = |method| rules.redact(method, r#"{"subject":"hi","path":"/"}"#);
    assert_eq!(kept("mcp.fs.read"), r#"{"subject":"hi","path":"[redacted, 1 bytes]"}"#);
    assert_eq!(kept("mcp.mail.search"), r#"{"subject":"hi","path":"/"}"#);
}

#[test]
fn what_is_long_is_kept_as_its_length_and_hash() {
    let long = "a".repeat(MAX_TEXT_BYTES + 1);
    let kept = redact(&format!(r#"{{"q":"{long}","{long}":1}}"#));
    assert_eq!(kept.matches("[cut, 257 bytes, sha256 ").count(), 2, "{kept}");
    for given in ["not json", "", "[1", "[1] 2", r#"{"a":1}}"#] {
        assert!(redact(given).starts_with(&format!("\"[cut, {} bytes", given.len())), "{given}");
    }
    let broken = "[".repeat(200);
    assert!(redact(&broken).starts_with("\"[cut, 200 bytes"));
    let huge = json!({ "path": "a/".repeat(MAX_ARGUMENT_BYTES) }).to_string();
    let kept = redact(&huge);
    assert!(kept.len() < 100 && kept.starts_with("\"[cut, "), "{kept}");
}

#[test]
fn what_something_is_done_to_cannot_be_hidden() {
    // By a path that is long, by arguments around it, or by what looks like a secret.
    let path = format!("{}important.txt", "/".repeat(MAX_NAME_BYTES - 100));
    let many: Vec<String> = (0..5000).map(|n| format!(r#""n{n}":"some text","#)).collect();
    let many = many.concat();
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    for given in [
        format!(r#"{{"path":"{path}"}}"#),
        format!(r#"{{{many}"path":"/important.txt","z":1}}"#),
        format!(r#"{{{many}"target":[{{"id":"important.txt"}}],"z":1}}"#),
        format!(r#"{{"z":{deep},"path":"/important.txt"}}"#),
        format!(r#"{{"z":{many:?},"path":"/important.txt"}}"#),
        r#"{"path":"/llmb_x/../important.txt"}"#.to_owned(),
        r#"{"path":"/sk-aaaaaaaaaaaaaaaaaaaaaaaaa/important.txt"}"#.to_owned(),
        r#"{"path":"/-----BEGIN X-----/important.txt"}"#.to_owned(),
        r#"{"path":"/x://a:b@c/important.txt"}"#.to_owned(),
        format!(r#"{{"path":"/important.txt/{}"}}"#, "./".repeat(MAX_NAME_BYTES)),
        format!(r#"{{"uri":"file:///{}important.txt"}}"#, "/".repeat(2 * MAX_NAME_BYTES)),
    ] {
        let kept = redact(&given);
        assert!(kept.contains("important.txt"), "{kept}");
        assert!(serde_json::from_str::<Value>(&kept).is_ok(), "{kept}");
        assert!(kept.len() < MAX_KEPT_BYTES + MAX_NAMES_BYTES, "{}", kept.len());
    }
}

#[test]
fn of_a_large_document_the_small_members_are_kept() {
    let given = json!({ "content": "x".repeat(1 << 20), "path": "/notes/a.txt" });
    let kept: Value = serde_json::from_str(&redact(&given.to_string())).unwrap();
    let expected = json!({ "content": "[redacted, 1048576 bytes]", "path": "/notes/a.txt" });
    assert_eq!(kept, expected);
}

#[test]
fn of_many_members_the_first_are_kept_and_the_whole_is_told_by_its_hash() {
    for given in [
        json!({ "path": "/a", "list": vec!["/a/b/c"; 100_000], "last": 1 }),
        json!([vec![1; 100_000], 2, {}]),
        Value::Object((0..50_000).map(|n| (format!("n{n}"), n.into())).collect()),
    ] {
        let given = given.to_string();
        let kept = redact(&given);
        assert!(kept.len() < MAX_KEPT_BYTES + 1024, "{}", kept.len());
        assert!(kept.contains(&format!("[cut, {} bytes, sha256 ", given.len())), "{kept}");
        assert!(serde_json::from_str::<Value>(&kept).is_ok(), "{kept}");
    }
}

#[test]
fn timing_of_arguments() {
    let path = json!({ "path": "/notes/2026/november.txt", "limit": 20, "note": "a short text" });
    let cases = [
        ("a call", path.to_string()),
        ("100 kB of small members", json!(vec![path; 1400]).to_string()),
        ("100 kB of content", json!({ "content": "lorem ipsum\n".repeat(7700) }).to_string()),
        ("100 kB of one text", json!({ "q": "lorem ipsum ".repeat(8300) }).to_string()),
        ("4 MB of content", json!({ "content": "lorem ipsum\n".repeat(320_000) }).to_string()),
        ("4 MB of small numbers", json!(vec![1; 2_000_000]).to_string()),
    ];
    for (what, given) in cases {
        let best = (0..20).map(|_| {
            let begun = Instant::now();
            assert!(!redact(&given).is_empty());
            begun.elapsed()
        });
        let best = best.min().unwrap();
        println!("{what}: {} bytes in {best:?}", given.len());
        // A bound that a slow and busy machine keeps too; what is printed is the figure.
        assert!(given.len() > 200_000 || best.as_millis() < 10, "{what}: {best:?}");
    }
}
