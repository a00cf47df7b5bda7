//! Client keys: who may ask.

use std::sync::Arc;

use clients::{ClientsFile, Digest, Pairing, digest};
use jiff::Timestamp;
use serde_json::{Value, json};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::identity::Identity;

/// The clients, ready to be asked.
#[derive(Debug, Default, Clone)]
pub(crate) struct Clients(Vec<Arc<Identity>>);

impl Clients {
    /// The clients of the file, `paired` telling the key that was given out for a code. Who is in it as they were in `old` stays
    /// who they were; all the others of `old` are told that they may not ask any more.
    pub(crate) fn new<E>(
        file: ClientsFile,
        old: &Self,
        paired: impl Fn(&Digest) -> Result<Option<Digest>, E>,
    ) -> Result<Self, E> {
        let now = Timestamp::now();
        let resolve = |client: clients::Client| {
            let of_code = |pairing: Pairing| paired(&pairing.code_sha256);
            let key = match client.key_sha256 {
                Some(key) => Some(key),
                None => client.pairing.map(of_code).transpose()?.flatten(),
            };
            let same = old.0.iter().find(|old| old.client == client && old.key == key);
            // Who was told that their time is over, and it is not, comes anew: the clock has been set since.
            let same = same.filter(|old| !old.revoked.is_cancelled() || !old.is_in_time(now));
            Ok(same.cloned().unwrap_or_else(|| Arc::new(Identity::of_key(client, key))))
        };
        file.clients.into_iter().map(resolve).collect::<Result<_, E>>().map(Self)
    }

    /// The file that they are of.
    pub(crate) fn file(&self) -> ClientsFile {
        ClientsFile { clients: self.0.iter().map(|identity| identity.client.clone()).collect() }
    }

    /// Tells those of these clients that are not among the `new` ones that they may not ask any more.
    pub(crate) fn revoke_all_but(&self, new: &Self) {
        for old in &self.0 {
            if !new.0.iter().any(|kept| Arc::ptr_eq(kept, old)) {
                old.revoked.cancel();
            }
        }
    }

    /// Whose key this is, if it is good now. Every stored hash is compared, each in constant time, so that the time tells
    /// neither how much of a key was right nor which client it is.
    pub(crate) fn find(&self, key: &str, now: Timestamp) -> Option<&Arc<Identity>> {
        let hash = digest(key);
        let mut found = 0_u32;
        for (at, identity) in (1_u32..).zip(&self.0) {
            let stored = identity.key.as_ref().map_or(&[0; 32], Digest::as_bytes);
            let equal: Choice = stored.ct_eq(hash.as_bytes());
            found.conditional_assign(&at, equal & Choice::from(u8::from(identity.key.is_some())));
        }
        let at = usize::try_from(found).ok()?.checked_sub(1)?;
        let identity = self.0.get(at).filter(|identity| identity.is_good_at(now))?;
        identity.use_at(now);
        Some(identity)
    }

    /// The client of this name, if it may ask now.
    pub(crate) fn named(&self, name: &str, now: Timestamp) -> Option<&Arc<Identity>> {
        self.0.iter().find(|identity| *identity.name == *name && identity.is_good_at(now))
    }

    /// Tells those whose time is over that it is.
    pub(crate) fn expire(&self, now: Timestamp) {
        for identity in self.0.iter().filter(|identity| !identity.is_good_at(now)) {
            identity.revoked.cancel();
        }
    }

    /// Whether the time of one that was told that it is over is not: the clock has been set since.
    pub(crate) fn have_returned(&self, now: Timestamp) -> bool {
        self.0.iter().any(|identity| identity.is_in_time(now) && identity.revoked.is_cancelled())
    }

    /// Whether they are the very same.
    pub(crate) fn are(&self, others: &Self) -> bool {
        self.0.len() == others.0.len()
            && self.0.iter().zip(&others.0).all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// What has become of the `old` ones, for the record: the names of those that came, went or are different now.
    pub(crate) fn since(&self, old: &Self) -> Value {
        let name = |identity: &Arc<Identity>| Value::from(&**identity.name());
        let named = |all: &Self, one: &Identity| {
            all.0.iter().find(|other| other.name() == one.name()).cloned()
        };
        let added = self.0.iter().filter(|new| named(old, new).is_none());
        let removed = old.0.iter().filter(|gone| named(self, gone).is_none());
        let changed = self
            .0
            .iter()
            .filter(|new| named(old, new).is_some_and(|before| !Arc::ptr_eq(&before, new)));
        json!({
            "added": added.map(name).collect::<Value>(),
            "removed": removed.map(name).collect::<Value>(),
            "changed": changed.map(name).collect::<Value>(),
        })
    }

    /// Every client.
    pub(crate) fn all(&self) -> &[Arc<Identity>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn client(name: &str, key: Option<&str>) -> clients::Client {
        let client = clients::Client::new(name.parse().unwrap(), vec!["mcp.fs.*".parse().unwrap()]);
        key.map_or(client.clone(), |key| client.with_key(digest(key)))
    }

    fn clients(all: Vec<clients::Client>, old: &Clients) -> Clients {
        let file = ClientsFile { clients: all };
        let Ok(clients) = Clients::new(file, old, |_| Ok::<_, Infallible>(None));
        clients
    }

    fn found(clients: &Clients, key: &str) -> Option<String> {
        clients.find(key, NOW).map(|identity| identity.name().to_string())
    }

    #[test]
    fn tells_what_has_become_of_those_before() {
        let old = clients(
            vec![client("anna", Some("a")), client("bert", Some("b")), client("cleo", None)],
            &Clients::default(),
        );
        let new = vec![client("dora", None), client("bert", Some("new")), client("cleo", None)];
        let told = clients(new, &old).since(&old);
        let expected = json!({ "added": ["dora"], "removed": ["anna"], "changed": ["bert"] });
        assert_eq!(told, expected);
    }

    #[test]
    fn finds_whose_key_it_is() {
        let all = vec![client("anna", Some("key a")), client("bert", Some("key b"))];
        let clients = clients(all, &Clients::default());
        assert_eq!(found(&clients, "key a").as_deref(), Some("anna"));
        assert_eq!(found(&clients, "key b").as_deref(), Some("bert"));
        for wrong in ["", "key", "key c", &digest("key a").to_string()] {
            assert_eq!(found(&clients, wrong), None, "{wrong}");
        }
    }

    /// C7: whoever measures must not learn from the time whether a key was good, nor whose it was.
    #[test]
    fn timing_a_wrong_key_takes_as_long_as_a_good_one() {
        const CLIENTS: u32 = 50;
        const BATCHES: u32 = 1000;
        /// With [`BATCHES`], 100,000 tries of each.
        const TRIES: u32 = 100;
        let key = |at: u32| format!("llmb_{at:043}");
        let all = (0..CLIENTS).map(|at| client(&format!("c{at}"), Some(&key(at)))).collect();
        let clients = clients(all, &Clients::default());
        let batch = |key: &str| {
            let begun = std::time::Instant::now();
            for _ in 0..TRIES {
                std::hint::black_box(clients.find(std::hint::black_box(key), NOW));
            }
            begun.elapsed()
        };
        let kinds = [key(0), key(CLIENTS - 1), key(CLIENTS), "x".repeat(48)];
        let mut times = kinds.clone().map(|_| Vec::new());
        for _ in 0..BATCHES {
            for (key, times) in kinds.iter().zip(&mut times) {
                times.push(batch(key));
            }
        }
        let medians = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64()
        });
        let [first, last, wrong, garbage] = medians;
        for (name, time) in [("the last", last), ("a wrong one", wrong), ("garbage", garbage)] {
            let apart = (time / first - 1.0).abs() * 100.0;
            println!("{name}: {apart:.2} % apart from the first (goal: 1 %)");
            assert!(apart < 1.0, "{name}: {apart:.2} %");
        }
    }

    #[test]
    fn a_client_without_a_key_is_nobody() {
        let clients = clients(vec![client("anna", None)], &Clients::default());
        assert_eq!(found(&clients, ""), None);
    }

    #[test]
    fn a_key_is_good_until_its_end() {
        let mut anna = client("anna", Some("key a"));
        anna.expires_at = Some(Timestamp::from_second(10).unwrap());
        let clients = clients(vec![anna], &Clients::default());
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(clients.find("key a", at(9)).is_some());
        assert!(clients.find("key a", at(10)).is_none());
        let identity = clients.all().first().unwrap().clone();
        clients.expire(at(9));
        assert!(!identity.revoked().is_cancelled());
        assert!(!clients.have_returned(at(9)));
        clients.expire(at(10));
        assert!(identity.revoked().is_cancelled());
        assert!(!clients.have_returned(at(10)));
        assert!(clients.have_returned(at(9)), "the clock was set back");
    }

    #[test]
    fn the_use_of_a_key_is_told_once() {
        let all = vec![client("anna", Some("key a")), client("bert", Some("key b"))];
        let clients = clients(all, &Clients::default());
        let at = |second| Timestamp::from_second(second).unwrap();
        let told = || clients.all().iter().map(|one| one.newly_used()).collect::<Vec<_>>();
        assert_eq!(told(), [None, None]);
        clients.find("key b", at(7));
        assert_eq!(told(), [None, Some(at(7))]);
        assert_eq!(told(), [None, None]);
        clients.find("key c", at(8));
        clients.find("key a", at(9));
        assert_eq!(told(), [Some(at(9)), None]);
    }

    #[test]
    fn who_changes_must_come_again_and_who_stays_is_not_troubled() {
        let (anna, bert) = (client("anna", Some("key a")), client("bert", Some("key b")));
        let old = clients(vec![anna.clone(), bert.clone()], &Clients::default());
        let mut wider = bert.clone();
        wider.scopes = vec![capfile::Pattern::all()];
        let new = clients(vec![anna, wider], &old);
        old.revoke_all_but(&new);
        let [anna, bert] = old.all() else { panic!() };
        assert!(!anna.revoked().is_cancelled() && bert.revoked().is_cancelled());
        assert!(Arc::ptr_eq(anna, new.find("key a", NOW).unwrap()));
        let wider = new.find("key b", NOW).unwrap();
        assert_eq!(wider.client().scopes, [capfile::Pattern::all()]);
    }

    #[test]
    fn a_key_that_was_given_out_for_a_code_is_good() {
        let mut anna = client("anna", None);
        let code_sha256 = digest("CODE");
        anna.pairing = Some(Pairing { code_sha256, expires_at: Timestamp::UNIX_EPOCH });
        let file = ClientsFile { clients: vec![anna] };
        let paired =
            |code: &Digest| Ok::<_, Infallible>((*code == code_sha256).then(|| digest("key a")));
        let Ok(clients) = Clients::new(file, &Clients::default(), paired);
        assert_eq!(found(&clients, "key a").as_deref(), Some("anna"));
    }
}
