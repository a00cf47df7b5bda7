//! What the state of a unit means for a person.

use super::unit::Unit;
use crate::Finding;

/// From this exit code up it is systemd that could not set the process up, and not the daemon; see `systemd.exec(5)`.
const FIRST_CODE_OF_SYSTEMD: u16 = 200;

/// What there is to say of these units: of each daemon of ours, and of whatever else has failed.
pub(super) fn all(units: &[Unit]) -> Vec<Finding> {
    units
        .iter()
        .filter_map(|unit| match unit.daemon() {
            Some(daemon) => {
                let socket = units.iter().find(|other| other.is_socket_of(daemon));
                judge(unit, daemon, socket)
            }
            None if is_of_a_daemon(unit, units) => None,
            None => unit.has_failed().then(|| failed(unit, &unit.id)),
        })
        .collect()
}

/// Whether it is a socket that is judged with its service.
fn is_of_a_daemon(unit: &Unit, units: &[Unit]) -> bool {
    units.iter().filter_map(Unit::daemon).any(|daemon| unit.is_socket_of(daemon))
}

fn judge(service: &Unit, daemon: &str, socket: Option<&Unit>) -> Option<Finding> {
    if service.load_state != "loaded" {
        return (service.load_state != "not-found").then(|| unreadable(service, daemon));
    }
    if service.has_failed() {
        return Some(failed(service, daemon));
    }
    if let Some(socket) = socket.filter(|socket| socket.has_failed()) {
        return Some(failed(socket, daemon));
    }
    match (service.active_state.as_str(), socket.map(|socket| socket.active_state.as_str())) {
        ("active", _) if service.sub_state == "exited" => None,
        ("active", _) => Some(runs(service, daemon)),
        (state @ ("activating" | "deactivating" | "reloading"), _) => {
            let remedy = "Ask again in a moment";
            Some(Finding::warning(daemon, format!("is {state}"), remedy))
        }
        (_, Some("active")) => Some(Finding::good(daemon, "sleeps until it is called")),
        (_, Some(_)) => {
            let socket = socket.map_or("", |socket| socket.id.as_str());
            Some(Finding::bad(
                daemon,
                "is switched off: nothing listens for it",
                format!(
                    "As root: `systemctl start {socket}`, and `systemctl enable {socket}` for the next boot"
                ),
            ))
        }
        // What runs once, at boot or by a timer, is at rest when it has done its work.
        (_, None) => None,
    }
}

/// A daemon that runs, which may go by files that were good before somebody changed them.
fn runs(service: &Unit, about: &str) -> Finding {
    match service.status_text.strip_prefix(crate::REFUSED) {
        None => Finding::good(about, "runs"),
        Some(refused) => Finding::bad(
            about,
            format!("runs, and refuses what was changed: {}", refused.trim()),
            "Mend what it names, as root: what was good before is in force until then",
        ),
    }
}

fn unreadable(unit: &Unit, about: &str) -> Finding {
    let Unit { id, load_state, load_error, .. } = unit;
    Finding::bad(
        about,
        format!("its unit file cannot be used ({load_state}) {load_error}").trim_end().to_owned(),
        format!(
            "As root: `systemd-analyze verify {id}` names the line; then `systemctl daemon-reload`"
        ),
    )
}

fn failed(unit: &Unit, about: &str) -> Finding {
    let id = &unit.id;
    let again = if unit.sub_state.starts_with("auto-restart") { "keeps failing" } else { "failed" };
    let said = unit.status_text.trim();
    let (what, first) = if said.is_empty() {
        (format!("{again}: {}", reason(unit)), format!("`journalctl -b -u {id}` says why"))
    } else {
        (
            format!("{again}: {said}"),
            format!("Mend what it names (more in `journalctl -b -u {id}`)"),
        )
    };
    let remedy = format!(
        "{first}; then, as root: `systemctl reset-failed {id}` and `systemctl restart {id}`"
    );
    Finding::bad(about, what, remedy)
}

/// What systemd knows of why.
fn reason(unit: &Unit) -> String {
    let status = &unit.main_status;
    match unit.result.as_str() {
        "exit-code" if status.parse().is_ok_and(|code: u16| code >= FIRST_CODE_OF_SYSTEMD) => {
            format!("systemd could not set up what it runs in (exit code {status})")
        }
        "exit-code" => format!("it ended with exit code {status}"),
        "signal" | "core-dump" => format!("signal {status} ended it"),
        "oom-kill" => "it needed more memory than it may have".to_owned(),
        "timeout" => "it did not start or stop in time".to_owned(),
        "watchdog" => "it gave no sign of life, and was ended".to_owned(),
        "start-limit-hit" => "it was started too often in a short time".to_owned(),
        "service-start-limit-hit" => "its service was started too often in a short time".to_owned(),
        "resources" => {
            "something that it needs could not be had: memory, a file, room on a disk".to_owned()
        }
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;

    fn service(active_state: &str, sub_state: &str) -> Unit {
        let [id, load_state, active_state, sub_state] =
            ["llmbasedos-fs.service", "loaded", active_state, sub_state].map(str::to_owned);
        Unit { id, load_state, active_state, sub_state, ..Unit::default() }
    }

    fn socket(active_state: &str) -> Unit {
        Unit { id: "llmbasedos-fs.socket".to_owned(), ..service(active_state, active_state) }
    }

    #[track_caller]
    fn check(units: &[Unit], level: Level, what: &str) -> String {
        let findings = all(units);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!((findings[0].level, findings[0].about.as_str()), (level, "fs"));
        assert!(findings[0].what.contains(what), "{findings:?}");
        assert_eq!(findings[0].remedy.is_some(), level != Level::Good, "{findings:?}");
        findings[0].remedy.clone().unwrap_or_default()
    }

    #[test]
    fn a_daemon_runs_or_sleeps() {
        check(&[service("active", "running"), socket("active")], Level::Good, "runs");
        check(&[service("inactive", "dead"), socket("active")], Level::Good, "sleeps");
        check(&[service("activating", "start"), socket("active")], Level::Warning, "activating");
    }

    #[test]
    fn a_daemon_that_refuses_files_is_not_well() {
        let status_text = format!("{}policies, line 3: a.cedar: no such member", crate::REFUSED);
        let refusing = Unit { status_text, ..service("active", "running") };
        let remedy = check(&[refusing], Level::Bad, "policies, line 3: a.cedar");
        assert!(remedy.contains("in force until then"), "{remedy}");
        let confined =
            Unit { status_text: "Landlock 7".to_owned(), ..service("active", "running") };
        check(&[confined], Level::Good, "runs");
    }

    #[test]
    fn a_daemon_that_cannot_start_says_why_and_what_to_do() {
        let refused = Unit {
            result: "exit-code".to_owned(),
            main_code: "1".to_owned(),
            main_status: "1".to_owned(),
            ..service("failed", "failed")
        };
        let remedy = check(&[refused.clone(), socket("active")], Level::Bad, "exit code 1");
        assert!(remedy.contains("journalctl -b -u llmbasedos-fs.service` says why"), "{remedy}");
        assert!(remedy.contains("systemctl restart llmbasedos-fs.service"), "{remedy}");

        let told =
            Unit { status_text: "gateway.yaml, line 3: no such member".to_owned(), ..refused };
        let remedy = check(&[told], Level::Bad, "failed: gateway.yaml, line 3");
        assert!(remedy.contains("Mend what it names"), "{remedy}");
    }

    #[test]
    fn each_way_to_fail_has_its_words() {
        let failed = |result: &str, status: &str| Unit {
            result: result.to_owned(),
            main_status: status.to_owned(),
            ..service("failed", "failed")
        };
        check(&[failed("signal", "9")], Level::Bad, "signal 9");
        check(&[failed("exit-code", "226")], Level::Bad, "systemd could not set up");
        check(&[failed("oom-kill", "9")], Level::Bad, "more memory");
        check(&[failed("start-limit-hit", "0")], Level::Bad, "too often");
        check(&[failed("something-new", "0")], Level::Bad, "something-new");
        check(&[service("activating", "auto-restart")], Level::Bad, "keeps failing");
    }

    #[test]
    fn a_socket_is_told_with_its_daemon() {
        let limit = Unit { result: "service-start-limit-hit".to_owned(), ..socket("failed") };
        check(&[service("inactive", "dead"), limit], Level::Bad, "its service was started");
        let remedy = check(&[service("inactive", "dead"), socket("inactive")], Level::Bad, "off");
        assert!(remedy.contains("systemctl start llmbasedos-fs.socket"), "{remedy}");
    }

    #[test]
    fn a_unit_file_that_cannot_be_read_is_named() {
        let broken = Unit { load_state: "bad-setting".to_owned(), ..service("inactive", "dead") };
        let remedy = check(&[broken], Level::Bad, "bad-setting");
        assert!(remedy.contains("systemd-analyze verify llmbasedos-fs.service"), "{remedy}");
    }

    #[test]
    fn of_other_units_only_the_failed_are_told() {
        let other = |active: &str| Unit { id: "x.mount".to_owned(), ..service(active, active) };
        assert!(all(&[other("active"), other("inactive")]).is_empty());
        let findings = all(&[other("failed")]);
        assert_eq!(findings[0].about, "x.mount");
        assert_eq!(findings[0].level, Level::Bad);
    }

    #[test]
    fn what_runs_once_is_not_told_when_it_has() {
        assert!(all(&[service("inactive", "dead")]).is_empty());
        assert!(all(&[service("active", "exited")]).is_empty());
    }
}
