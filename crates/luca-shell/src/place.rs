//! Where to connect to.

use std::path::{Path, PathBuf};

use mcp_client::Target;
use rustix::fs::{Access, access};

use crate::failure::Failure;

/// The gateway's socket on the appliance.
const APPLIANCE: &str = "/run/mcp/gateway.sock";

/// The gateway's socket in the state folder of `cargo xtask up`.
const OWN: &str = "run/gateway.sock";

/// The door of people, beside that of programs: who comes in by it may answer calls that wait.
const PERSON: &str = "person.sock";

/// The gateway, by the first of these that is there: `--url`, `LLMBDO_GATEWAY_WS_URL`,
/// `LLMBDO_GATEWAY_UNIX_SOCKET_PATH`, the appliance's socket, the socket of the user's own `cargo xtask up`; of the last two the one for people, where this user may
/// open it.
pub(crate) fn find(url: Option<Target>) -> Result<Target, Failure> {
    match place(url)? {
        Target::Http(_) => Err(Failure::Usage(
            "the shell speaks over WebSocket or a UNIX socket: write `ws://HOST:PORT/ws`, \
             `wss://HOST/ws` or `unix:/PATH`"
                .to_owned(),
        )),
        target => Ok(target),
    }
}

fn place(url: Option<Target>) -> Result<Target, Failure> {
    let usage = |error: settings::SettingsError| Failure::Usage(error.to_string());
    if let Some(target) = url {
        return Ok(target);
    }
    if let Some(target) = settings::env("LLMBDO_GATEWAY_WS_URL").map_err(usage)? {
        return Ok(target);
    }
    if let Some(target) = settings::env("LLMBDO_GATEWAY_UNIX_SOCKET_PATH").map_err(usage)? {
        return Ok(target);
    }
    let appliance = Path::new(APPLIANCE);
    // Not the last word: it only chooses between two places, and connecting tells whether somebody is there.
    let is_there = appliance.symlink_metadata().is_ok();
    if is_there {
        return Ok(Target::Unix(best_door(appliance.to_owned())));
    }
    let state = settings::state_folder().ok_or_else(|| {
        Failure::Usage("no gateway is known: name one with `--url` (there is no `HOME`)".to_owned())
    })?;
    Ok(Target::Unix(best_door(state.join(OWN))))
}

/// Whether this is the door of people.
pub(crate) fn is_for_people(target: &Target) -> bool {
    matches!(target, Target::Unix(path) if path.ends_with(PERSON))
}

/// The door of people beside this one, if this user may open it, else this one.
fn best_door(gateway: PathBuf) -> PathBuf {
    let person = gateway.with_file_name(PERSON);
    // To connect to a socket is to write to it. Its mode has the last word when that is done.
    if access(&person, Access::WRITE_OK).is_ok() { person } else { gateway }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn the_door_of_people_is_taken_where_it_can_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        let (gateway, person) = (folder.path().join("gateway.sock"), folder.path().join(PERSON));
        assert_eq!(best_door(gateway.clone()), gateway);
        let _listener = UnixListener::bind(&person).unwrap();
        assert_eq!(best_door(gateway.clone()), person);
        assert!(is_for_people(&Target::Unix(person.clone())));
        assert!(!is_for_people(&Target::Unix(gateway.clone())));
        std::fs::set_permissions(&person, Permissions::from_mode(0o000)).unwrap();
        // Root may open anything.
        let expected = if rustix::process::getuid().is_root() { person } else { gateway.clone() };
        assert_eq!(best_door(gateway), expected);
    }
}
