//! Who comes with a key or a code, and whose it is.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use audit::{Entry, Kind};

use crate::access::pass::Pass;
use crate::access::{Access, Ended, PairRefused, Stranger};
use crate::identity::{Identity, Redeemed};
use crate::log_gate::LogGate;

/// How a pairing is called in the record.
const PAIR: &str = "pair";

impl Access {
    /// Whose key this is, which came from `address`.
    ///
    /// # Errors
    ///
    /// Nobody's; and whether the address has shown too many of those. Give it to [`Access::turn_away`] before it is answered.
    pub(crate) fn find(
        &self,
        key: Option<&str>,
        address: IpAddr,
    ) -> Result<Arc<Identity>, Stranger> {
        if let Some(identity) = key.and_then(|key| self.live.find(key)) {
            return Ok(identity);
        }
        // Whoever shows none has guessed nothing.
        let penalty = key.map_or(Ok(()), |_| self.keys.wrong(address, Instant::now()));
        Err(Stranger { address, has_key: key.is_some(), penalty: penalty.err() })
    }

    /// Records that somebody has shown a wrong key.
    pub(crate) async fn turn_away(&self, stranger: Stranger) -> Stranger {
        static GATE: LogGate = LogGate::new();
        if stranger.has_key {
            self.strange(&GATE, "key", stranger.address).await;
        }
        stranger
    }

    /// Records a wrong key or code. Their number is not ours to decide, so of many only some are recorded, each with how many
    /// were not.
    async fn strange(&self, gate: &LogGate, what: &'static str, address: IpAddr) {
        let Some(untold) = gate.pass() else { return };
        let mut entry = Entry::new(Kind::Refusal, what);
        entry.outcome = "wrong";
        entry.arguments = Some(format!(r#"{{"address":"{address}","untold":{untold}}}"#).into());
        if let Err(error) = self.audit.record_durably(entry).await {
            tracing::warn!(what, %error, "a refusal could not be recorded");
        }
    }

    /// The client and the new key of a pairing code that came from `address`.
    pub(crate) async fn pair(
        &self,
        code: &str,
        address: IpAddr,
    ) -> Result<(Arc<str>, String), PairRefused> {
        static GATE: LogGate = LogGate::new();
        let now = Instant::now();
        self.codes.look(address, now).map_err(PairRefused::Penalty)?;
        let redeemed = self.live.redeem(code).map_err(|error| {
            tracing::error!(%error, "no key could be made");
            PairRefused::Broken
        })?;
        let Some(Redeemed { client, key, paired }) = redeemed else {
            self.strange(&GATE, PAIR, address).await;
            return Err(match self.codes.wrong(address, now) {
                Ok(()) => PairRefused::Wrong,
                Err(penalty) => PairRefused::Penalty(penalty),
            });
        };
        let mut entry = Entry::new(Kind::Intent, PAIR);
        entry.client = client.clone();
        entry.arguments = Some(format!(r#"{{"address":"{address}"}}"#).into());
        let pass = Pass::begin(&self.audit, entry, None, &[]).await;
        let pass = pass.map_err(|_| PairRefused::Broken)?;
        let live = self.live.clone();
        // It waits for the disk.
        let kept = tokio::task::spawn_blocking(move || live.keep(&paired)).await;
        let kept = kept.unwrap_or(Ok(false)).inspect_err(|error| {
            tracing::error!(%error, "no key could be given out");
        });
        match kept {
            Ok(true) => {
                pass.end(Ended::Result(""));
                Ok((client, key))
            }
            // Somebody was faster with the same code.
            Ok(false) => {
                pass.end(Ended::NotMade(0));
                Err(PairRefused::Wrong)
            }
            Err(_) => {
                pass.end(Ended::Failed(0));
                Err(PairRefused::Broken)
            }
        }
    }
}
