//! Environment variables, each in a child that has them: the environment is shared by all threads.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStringExt,
    process::Command,
};

/// The variable that makes this test binary the child.
const ACT: &str = "SETTINGS_TEST_ACT";
/// The variable that the child reads.
const NAME: &str = "LLMBDO_TEST_PORT";

/// Not a test of its own: what the child does when [`check`] starts it.
#[test]
fn child() {
    if std::env::var_os(ACT).is_some() {
        match settings::env::<u16>(NAME) {
            Ok(value) => println!("<{value:?}>"),
            Err(error) => println!("<{error}>"),
        }
    }
}

#[track_caller]
fn check(value: Option<&OsStr>, expected: &str) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "child", "--nocapture"]).env(ACT, "1").env_remove(NAME);
    if let Some(value) = value {
        child.env(NAME, value);
    }
    let output = child.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let told = text.split_once('<').and_then(|(_, rest)| rest.rsplit_once('>'));
    assert_eq!(told.map(|(told, _)| told), Some(expected), "{text}");
}

#[test]
fn a_value_is_absent_good_or_an_error() {
    check(None, "None");
    for (value, expected) in [
        ("", "None"),
        ("  ", "None"),
        ("8000", "Some(8000)"),
        (" 8000\n", "Some(8000)"),
        (
            "80000",
            "the environment variable `LLMBDO_TEST_PORT`: number too large to fit in target type: \
             correct it or unset it",
        ),
        (
            "http",
            "the environment variable `LLMBDO_TEST_PORT`: invalid digit found in string: correct \
             it or unset it",
        ),
    ] {
        check(Some(value.as_ref()), expected);
    }
    check(
        Some(&OsString::from_vec(vec![0xff])),
        "the environment variable `LLMBDO_TEST_PORT` is not UTF-8: correct it or unset it",
    );
    let long = "1".repeat(settings::limits::ENV_MAX_BYTES + 1);
    check(
        Some(long.as_ref()),
        "the environment variable `LLMBDO_TEST_PORT` is longer than 4096 bytes: shorten it or \
         unset it",
    );
}
