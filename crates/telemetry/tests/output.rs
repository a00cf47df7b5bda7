//! What a daemon writes to standard error, seen from outside: each case is a child process, because
//! logging is set up once in a process and for all of it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use serde_json::{Value, json};
use telemetry::limits;

/// The variable that makes this test binary the child, and says what it does.
const ACT: &str = "TELEMETRY_TEST_ACT";
/// What somebody else's text may hold: lines, colours, a forged event.
const HOSTILE: &str =
    "a\n2026-01-01T00:00:00Z  INFO forged: yes\r\x1b[31mred\u{9b}2J\u{202e}x\u{2028}";

/// Not a test of its own: what the child does when [`run`] starts it.
#[test]
fn child() {
    let Ok(act) = std::env::var(ACT) else { return };
    let telemetry = match telemetry::init("cap-test") {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("<{error}>");
            std::process::exit(1);
        }
    };
    match act.as_str() {
        "levels" => {
            tracing::error!("e");
            tracing::warn!("w");
            tracing::info!("i");
            tracing::debug!("d");
            tracing::trace!("t");
        }
        "spans" => {
            let request =
                tracing::info_span!("request", request_id = "r-1", tool = tracing::field::Empty);
            let _request = request.enter();
            request.record("tool", "fs_list");
            let call = tracing::info_span!("call", attempt = 2);
            let _call = call.enter();
            tracing::info!(bytes = 12_u64, ratio = 0.5, odd = f64::NAN, ok = true, "routed");
        }
        "hostile" => {
            let span = tracing::info_span!("request", shown = %HOSTILE, raw = HOSTILE);
            let _span = span.enter();
            let error = std::io::Error::other(HOSTILE);
            let error: &dyn std::error::Error = &error;
            tracing::info!(shown = %HOSTILE, debug = ?HOSTILE, raw = HOSTILE, error, "{HOSTILE}");
        }
        "long" => tracing::info!(long = "é".repeat(limits::LOG_LINE_MAX_BYTES), "start"),
        "twice" => match telemetry::init("cap-test") {
            Ok(_) => eprintln!("<a second time>"),
            Err(error) => eprintln!("<{error}>"),
        },
        "many" => {
            for number in 0..limits::LOG_QUEUE_LINES / 2 {
                tracing::info!(number, "one of many");
            }
            assert_eq!(telemetry.dropped_lines(), 0);
        }
        "stalled" => {
            // More than the pipe and the queue hold, which nobody reads.
            let more = limits::LOG_QUEUE_LINES * 4;
            let logged = (1..=more).find(|number| {
                tracing::info!(number, "nobody reads this");
                telemetry.dropped_lines() > 0
            });
            println!("<{}>", logged.is_some());
            // Dropping the guard is bounded too.
        }
        other => panic!("no act `{other}`"),
    }
    drop(telemetry);
    // The harness would write its own lines after this.
    std::process::exit(0);
}

fn run(act: &str, variables: &[(&str, &str)]) -> Output {
    child_of(act, variables).output().unwrap()
}

fn child_of(act: &str, variables: &[(&str, &str)]) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    for name in ["LOG_LEVEL", "LOG_FORMAT"] {
        child.env_remove(format!("LLMBDO_{name}")).env_remove(format!("LLMBDO_CAP_TEST_{name}"));
    }
    child.args(["--exact", "child", "--nocapture"]).env(ACT, act).envs(variables.iter().copied());
    child
}

/// The lines of the log.
fn lines(act: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let output = run(act, variables);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    text.split_terminator('\n').map(str::to_owned).collect()
}

const JSON: (&str, &str) = ("LLMBDO_LOG_FORMAT", "json");

fn objects(act: &str, variables: &[(&str, &str)]) -> Vec<Value> {
    let all: Vec<_> = [JSON].iter().chain(variables).copied().collect();
    lines(act, &all).iter().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn the_level_is_that_of_the_daemon_else_of_all_else_info() {
    let own = |level| ("LLMBDO_CAP_TEST_LOG_LEVEL", level);
    let all = |level| ("LLMBDO_LOG_LEVEL", level);
    let check = |variables: &[_], expected: &str| {
        let logged = objects("levels", variables);
        let messages: String =
            logged.iter().map(|line| line["message"].as_str().unwrap()).collect();
        assert_eq!(messages, expected, "{variables:?}");
    };
    check(&[], "ewi");
    check(&[all("error")], "e");
    check(&[all("Warn")], "ew");
    check(&[all("info")], "ewi");
    check(&[all("DEBUG")], "ewid");
    check(&[all("trace")], "ewidt");
    check(&[all("trace"), own("error")], "e");
    check(&[all("error"), own("")], "e");
    check(&[all("nonsense"), own("warn")], "ew");
}

#[test]
fn json_has_the_fields_of_all_spans_in_one_place() {
    let [line] = objects("spans", &[]).try_into().unwrap();
    let Value::Object(mut line) = line else { panic!("{line}") };
    let timestamp = line.shift_remove("timestamp").unwrap();
    let timestamp = timestamp.as_str().unwrap();
    let digits_are_zero: String =
        timestamp.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    assert_eq!(digits_are_zero, "0000-00-00T00:00:00.000000Z", "{timestamp}");
    assert_eq!(
        Value::Object(line),
        json!({
            "level": "INFO",
            "target": "output",
            "message": "routed",
            "fields": {"bytes": 12, "ratio": 0.5, "odd": "NaN", "ok": true},
            "span": {"request_id": "r-1", "tool": "fs_list", "attempt": 2},
            "spans": ["request", "call"],
        })
    );
}

#[test]
fn text_is_one_line_an_event() {
    for (format, start, rest) in [
        (
            "text",
            28,
            " INFO request{request_id=\"r-1\" tool=\"fs_list\"}:call{attempt=2}: output: routed \
             bytes=12 ratio=0.5 odd=NaN ok=true",
        ),
        (
            "Simple",
            0,
            " INFO request{request_id=\"r-1\" tool=\"fs_list\"}:call{attempt=2}: routed bytes=12 \
             ratio=0.5 odd=NaN ok=true",
        ),
    ] {
        let [line] = lines("spans", &[("LLMBDO_CAP_TEST_LOG_FORMAT", format)]).try_into().unwrap();
        assert_eq!(line.get(start..), Some(rest), "{format}: {line}");
    }
}

#[test]
fn nothing_in_a_value_makes_a_line_or_drives_a_terminal() {
    for format in ["text", "simple", "json"] {
        let [line] = lines("hostile", &[("LLMBDO_LOG_FORMAT", format)]).try_into().unwrap();
        let acting: Vec<_> = line
            .chars()
            .filter(|char| char.is_control() || matches!(char, '\u{202e}' | '\u{2028}'))
            .collect();
        assert!(acting.is_empty(), "{format}: {acting:?} in {line}");
    }
    // In JSON nothing of the value is lost.
    let [line] = objects("hostile", &[]).try_into().unwrap();
    for value in [&line["message"], &line["fields"]["raw"], &line["fields"]["shown"]] {
        assert_eq!(value, HOSTILE);
    }
    assert_eq!(line["span"]["raw"], HOSTILE);
    assert_eq!(line["fields"]["debug"], format!("{HOSTILE:?}"));
    assert_eq!(line["fields"]["error"], HOSTILE);
}

#[test]
fn long_values_are_cut_and_say_so() {
    let [line] = lines("long", &[]).try_into().unwrap();
    assert!(line.ends_with("é [cut]"), "{}", line.len());
    assert!(line.len() <= limits::LOG_LINE_MAX_BYTES + " [cut]".len(), "{}", line.len());

    let [line] = objects("long", &[]).try_into().unwrap();
    let value = line["fields"]["long"].as_str().unwrap();
    assert_eq!(value, format!("{} [cut]", "é".repeat(limits::LOG_VALUE_MAX_BYTES / 2)));
}

#[test]
fn what_is_queued_is_written_at_the_end() {
    let written = objects("many", &[]);
    let numbers = written.iter().map(|line| line["fields"]["number"].as_u64().unwrap());
    assert!(numbers.eq(0..limits::LOG_QUEUE_LINES as u64 / 2), "{} lines", written.len());
}

#[test]
fn a_stalled_reader_stops_neither_the_work_nor_the_end() {
    // Held and not read until the child has ended.
    let (_stalled, stderr) = std::io::pipe().unwrap();
    let output = child_of("stalled", &[]).stderr(stderr).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("<true>"), "{text}");
}

#[test]
fn what_is_wrong_is_told_and_nothing_starts() {
    for (variable, value, reason) in [
        (
            "LLMBDO_CAP_TEST_LOG_LEVEL",
            "loud",
            "not a log level, which is `error`, `warn`, `info`, `debug` or `trace`",
        ),
        (
            "LLMBDO_LOG_LEVEL",
            "off",
            "not a log level, which is `error`, `warn`, `info`, `debug` or `trace`",
        ),
        ("LLMBDO_LOG_FORMAT", "xml", "not a log format, which is `json`, `simple` or `text`"),
    ] {
        let output = run("levels", &[(variable, value)]);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            format!("<the environment variable `{variable}`: {reason}: correct it or unset it>\n")
        );
    }
    let [line] = lines("twice", &[]).try_into().unwrap();
    assert_eq!(line, "<logging is set up already: call `init` once in a process>");
}

#[test]
fn a_name_that_is_no_variable_is_refused() {
    for name in ["", "Cap", "cap_fs", "cap fs", "cap=fs", "é", &"a".repeat(33)] {
        let error = telemetry::init(name).map(drop).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("the daemon name `{name}`: use 1 to 32 of `a` to `z`, `0` to `9` and `-`")
        );
    }
}
