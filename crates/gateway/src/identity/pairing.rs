//! Pairing: a host posts the code that a person was shown, and gets its key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use clients::limits::MAX_WRONG_CODES;
use clients::{Digest, Paired, as_code, digest, new_key};
use jiff::Timestamp;
use subtle::ConstantTimeEq;

use crate::identity::{Clients, Identity};

/// How often a wrong code was posted while the same codes waited.
#[derive(Default)]
pub(crate) struct Pairings(AtomicU32);

/// What a good code is worth.
pub(crate) struct Redeemed {
    pub(crate) client: Arc<str>,
    pub(crate) key: String,
    /// What is to be kept before the key is given out.
    pub(crate) paired: Paired,
}

impl Pairings {
    /// Forgets the wrong codes, since others wait now.
    pub(crate) fn begin_anew(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// A new key for the client that waits with this code. `None`: none does, or it has its key already, or its time is over,
    /// or too many wrong codes were posted; whoever posts cannot tell these apart.
    pub(crate) fn redeem(
        &self,
        clients: &Clients,
        typed: &str,
        now: Timestamp,
    ) -> Result<Option<Redeemed>, getrandom::Error> {
        if self.0.load(Ordering::Relaxed) >= MAX_WRONG_CODES {
            return Ok(None);
        }
        let code = as_code(typed).map(|code| digest(&code));
        let waiting =
            clients.all().iter().filter_map(|identity| Some((identity, waits(identity, now)?)));
        let mut found: Option<(&Arc<Identity>, Digest)> = None;
        for (identity, waited_for) in waiting {
            let equal =
                code.is_some_and(|code| code.as_bytes().ct_eq(waited_for.as_bytes()).into());
            if equal {
                found = Some((identity, waited_for));
            }
        }
        let Some((identity, code)) = found else {
            self.0.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        };
        let key = new_key()?;
        let client = identity.name().clone();
        let paired = Paired { code, client: client.to_string(), key: digest(&key) };
        Ok(Some(Redeemed { client, key, paired }))
    }
}

/// The code with which a client waits for its key.
fn waits(identity: &Identity, now: Timestamp) -> Option<Digest> {
    let pairing = identity.client().pairing.filter(|_| identity.key().is_none())?;
    (now < pairing.expires_at).then_some(pairing.code_sha256)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use clients::{ClientsFile, Pairing};

    use super::*;

    const CODE: &str = "7K2M-Q9XD";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn waiting(key: Option<Digest>) -> Clients {
        let mut client = clients::Client::new("anna".parse().unwrap(), Vec::new());
        let code_sha256 = digest(&as_code(CODE).unwrap());
        client.pairing = Some(Pairing { code_sha256, expires_at: at(100) });
        let file = ClientsFile { clients: vec![client] };
        let Ok(clients) = Clients::new(file, &Clients::default(), |_| Ok::<_, Infallible>(key));
        clients
    }

    #[test]
    fn a_code_is_worth_a_key_once_and_in_time() {
        let pairings = Pairings::default();
        let redeem = |key, typed, now| pairings.redeem(&waiting(key), typed, at(now)).unwrap();
        let redeemed = redeem(None, CODE, 99).unwrap();
        assert!(clients::is_key(&redeemed.key));
        assert_eq!((&*redeemed.client, redeemed.paired.key), ("anna", digest(&redeemed.key)));
        assert!(redeem(None, CODE, 100).is_none(), "its time is over");
        assert!(redeem(Some(digest("key")), CODE, 1).is_none(), "it has its key");
        for wrong in ["", "7K2M-Q9XE", "nonsense"] {
            assert!(redeem(None, wrong, 1).is_none());
        }
    }

    #[test]
    fn after_too_many_wrong_codes_the_good_one_is_not_good_either() {
        let (pairings, clients) = (Pairings::default(), waiting(None));
        for _ in 0..MAX_WRONG_CODES {
            assert!(pairings.redeem(&clients, "0000-0000", at(1)).unwrap().is_none());
        }
        assert!(pairings.redeem(&clients, CODE, at(1)).unwrap().is_none());
        pairings.begin_anew();
        assert!(pairings.redeem(&clients, CODE, at(1)).unwrap().is_some());
    }
}
