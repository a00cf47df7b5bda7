//! Signs of life for a supervisor that asks for them.

use sd_notify::NotifyState;

use crate::notify;

/// Gives the supervisor a sign of life every half of the time after which it would restart the daemon, for as long as the
/// runtime turns; see `sd_notify(3)`. It ends at once where the supervisor asks for none.
///
/// Spawn it on the runtime that serves: then a runtime that is stuck gives no sign.
pub async fn watchdog() {
    // Nobody can give signs every zero seconds.
    let Some(patience) = sd_notify::watchdog_enabled().filter(|patience| !patience.is_zero())
    else {
        return;
    };
    loop {
        notify(&[NotifyState::Watchdog]);
        tokio::time::sleep(patience / 2).await;
    }
}
