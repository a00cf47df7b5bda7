//! What counts, and what is told of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use settings::{Count, Report, SettingsError, Sources};

/// Sources of `x.yaml` and these variables.
fn sources(variables: &'static [(&str, &str)]) -> Sources {
    Sources::with_environment(Path::new("x.yaml"), move |name| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
    })
}

/// Name, value and source of each setting.
fn told(report: &Report) -> Vec<(String, Value, String)> {
    let one = |setting: &settings::Setting| {
        (setting.name.clone(), setting.value.clone(), setting.source.to_string())
    };
    report.settings.iter().map(one).collect()
}

#[track_caller]
fn check(variables: &'static [(&str, &str)], in_file: Option<u16>, value: u16, source: &str) {
    let mut sources = sources(variables);
    let found = sources.value("port", &["NEW", "OLD"], in_file, 8000).unwrap();
    assert_eq!(found, value);
    assert_eq!(told(&sources.report("x")), [("port".to_owned(), json!(value), source.to_owned())]);
}

#[test]
fn variables_count_before_the_file_and_the_file_before_the_default() {
    check(&[("NEW", "1"), ("OLD", "2")], Some(3), 1, "environment NEW");
    check(&[("OLD", "2")], Some(3), 2, "environment OLD");
    check(&[("NEW", " "), ("OLD", "2")], Some(3), 2, "environment OLD");
    check(&[("OTHER", "9")], Some(3), 3, "file x.yaml");
    check(&[("NEW", "")], None, 8000, "default");
}

#[test]
fn a_wrong_variable_is_refused_and_nothing_stands_in_for_it() {
    let error = |variables| {
        let mut sources = sources(variables);
        let port = sources.value::<Count<64>>("n", &["NEW", "OLD"], None, Count::clamped(4));
        port.unwrap_err().to_string()
    };
    let expected = |name| {
        format!(
            "the environment variable `{name}`: it must be a number from 1 to 64: correct it or unset it"
        )
    };
    assert_eq!(error(&[("NEW", "x"), ("OLD", "2")]), expected("NEW"));
    assert_eq!(error(&[("OLD", "0")]), expected("OLD"));
    assert_eq!(error(&[("OLD", "65")]), expected("OLD"));
    let bytes = |_: &str| Some(OsString::from_vec(vec![0xff]));
    let mut sources = Sources::with_environment(Path::new("x.yaml"), bytes);
    let refused = sources.secret("key", &["NEW"]);
    assert!(matches!(refused, Err(SettingsError::VariableNotUtf8 { .. })));
}

#[test]
fn what_may_be_absent_is_told_as_absent() {
    let mut sources = sources(&[("SOCKET", "/run/x.sock")]);
    let path = sources.optional::<PathBuf>("a", &["SOCKET"], Some("/file.sock".into())).unwrap();
    assert_eq!(path, Some("/run/x.sock".into()));
    assert_eq!(sources.optional::<PathBuf>("b", &[], None).unwrap(), None);
    assert_eq!(sources.in_file("c", Some(vec!["h"]), Vec::new()), ["h"]);
    assert_eq!(sources.in_file("d", None, vec!["h"; 0]), [""; 0]);
    let own = |name: &str, value, source: &str| (name.to_owned(), value, source.to_owned());
    assert_eq!(
        told(&sources.report("x")),
        [
            own("a", json!("/run/x.sock"), "environment SOCKET"),
            own("b", json!(null), "default"),
            own("c", json!(["h"]), "file x.yaml"),
            own("d", json!([]), "default"),
        ]
    );
}

#[test]
fn a_word_is_one_of_those_that_are_known() {
    let words = ["info", "debug"];
    let mut known = sources(&[("LEVEL", "DeBug")]);
    assert_eq!(known.word("level", &["LEVEL"], &words, "info").unwrap(), "debug");
    assert_eq!(sources(&[]).word("level", &["LEVEL"], &words, "info").unwrap(), "info");
    let error = sources(&[("LEVEL", "hunter2")]).word("level", &["LEVEL"], &words, "info");
    assert_eq!(
        error.unwrap_err().to_string(),
        "the environment variable `LEVEL`: it must be one of info, debug: correct it or unset it"
    );
}

#[test]
fn a_secret_is_used_and_never_told() {
    let mut sources = sources(&[("KEY", "hunter2")]);
    assert_eq!(sources.secret("key", &["KEY"]).unwrap().as_deref(), Some("hunter2"));
    assert_eq!(sources.secret("other", &["OTHER"]).unwrap(), None);
    assert!(!format!("{sources:?}").contains("hunter2"));
    let report = sources.report("x");
    let json = serde_json::to_string(&report).unwrap();
    assert!(json.contains("\"set, not shown\"") && json.contains("\"not set\""), "{json}");
    assert!(!json.contains("hunter2"), "{json}");
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}
