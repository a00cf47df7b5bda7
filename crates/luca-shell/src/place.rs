//! Where to connect to.

use std::path::Path;

use mcp_client::Target;

use crate::failure::Failure;

/// The gateway's socket on the appliance.
const APPLIANCE: &str = "/run/mcp/gateway.sock";

/// The gateway's socket in the state folder of `cargo xtask up`.
const OWN: &str = "run/gateway.sock";

/// The gateway, by the first of these that is there: `--url`, `LLMBDO_GATEWAY_WS_URL`,
/// `LLMBDO_GATEWAY_UNIX_SOCKET_PATH`, the appliance's socket, the socket of the user's own `cargo xtask up`.
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
        return Ok(Target::Unix(appliance.to_owned()));
    }
    let state = settings::state_folder().ok_or_else(|| {
        Failure::Usage("no gateway is known: name one with `--url` (there is no `HOME`)".to_owned())
    })?;
    Ok(Target::Unix(state.join(OWN)))
}
