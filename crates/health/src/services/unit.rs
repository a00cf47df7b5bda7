//! A unit, as `systemctl show` prints it.

/// What is asked about each unit.
pub(super) const PROPERTIES: [&str; 10] = [
    "Id",
    "LoadState",
    "LoadError",
    "ActiveState",
    "SubState",
    "UnitFileState",
    "Result",
    "StatusText",
    "ExecMainCode",
    "ExecMainStatus",
];

/// What begins the names of our own units.
const OURS: &str = "llmbasedos-";

/// A unit. What it has not is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) id: String,
    pub(super) load_state: String,
    pub(super) load_error: String,
    pub(super) active_state: String,
    pub(super) sub_state: String,
    pub(super) file_state: String,
    pub(super) result: String,
    /// What the daemon itself said last, by `STATUS=` of `sd_notify(3)`.
    pub(super) status_text: String,
    /// `CLD_EXITED` is 1, `CLD_KILLED` 2, `CLD_DUMPED` 3.
    pub(super) main_code: String,
    /// The exit code, or the signal.
    pub(super) main_status: String,
}

impl Unit {
    /// All units of an answer, in which an empty line stands between two; each once, whatever it has been asked for.
    pub(super) fn read_all(text: &str) -> Vec<Self> {
        let mut units: Vec<Self> = Vec::new();
        for unit in text.split("\n\n").map(Self::read) {
            if !unit.id.is_empty() && units.iter().all(|known| known.id != unit.id) {
                units.push(unit);
            }
        }
        units
    }

    fn read(block: &str) -> Self {
        let mut unit = Self::default();
        for (name, value) in block.lines().filter_map(|line| line.split_once('=')) {
            let member = match name {
                "Id" => &mut unit.id,
                "LoadState" => &mut unit.load_state,
                "LoadError" => &mut unit.load_error,
                "ActiveState" => &mut unit.active_state,
                "SubState" => &mut unit.sub_state,
                "UnitFileState" => &mut unit.file_state,
                "Result" => &mut unit.result,
                "StatusText" => &mut unit.status_text,
                "ExecMainCode" => &mut unit.main_code,
                "ExecMainStatus" => &mut unit.main_status,
                _ => continue,
            };
            value.clone_into(member);
        }
        unit
    }

    /// The name of the daemon of ours whose service this is: `fs` of `llmbasedos-fs.service`.
    pub(super) fn daemon(&self) -> Option<&str> {
        self.id.strip_prefix(OURS)?.strip_suffix(".service")
    }

    /// Whether this is the socket of that daemon.
    pub(super) fn is_socket_of(&self, daemon: &str) -> bool {
        let name = self.id.strip_prefix(OURS).and_then(|name| name.strip_suffix(".socket"));
        name == Some(daemon)
    }

    /// Whether systemd gave up on it, or tries and fails.
    pub(super) fn has_failed(&self) -> bool {
        self.active_state == "failed" || self.sub_state.starts_with("auto-restart")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_as_systemctl_prints_them() {
        let text = "Result=exit-code\nExecMainCode=1\nExecMainStatus=1\nStatusText=a=b\nId=llmbasedos-fs.service\n\
                    LoadState=loaded\nActiveState=failed\nSubState=failed\n\n\n\nId=llmbasedos-fs.service\n\nId=x.mount\nActiveState=active\n\n";
        let units = Unit::read_all(text);
        assert_eq!(units.len(), 2);
        assert_eq!(units[0].daemon(), Some("fs"));
        assert_eq!(units[0].status_text, "a=b");
        assert!(units[0].has_failed());
        assert_eq!(units[1].daemon(), None);
        assert!(!units[1].has_failed());
        assert!(Unit::read_all("").is_empty());
    }

    #[test]
    fn a_socket_knows_its_daemon() {
        let socket = Unit { id: "llmbasedos-fs.socket".to_owned(), ..Unit::default() };
        assert!(socket.is_socket_of("fs"));
        assert!(!socket.is_socket_of("f"));
        assert_eq!(socket.daemon(), None);
    }
}
