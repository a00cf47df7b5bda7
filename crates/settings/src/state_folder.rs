//! Where a user's own appliance keeps its state.

use std::env;
use std::path::PathBuf;

/// The folder `llmbasedos` in the user's state directory, where `cargo xtask up` keeps everything if it is not told
/// otherwise; `None` where the environment names neither a state directory nor a home.
///
/// By the XDG Base Directory Specification 0.8, which wants a relative value to be ignored.
pub fn state_folder() -> Option<PathBuf> {
    let xdg = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".local/state"));
    Some(xdg.or_else(home)?.join("llmbasedos"))
}
