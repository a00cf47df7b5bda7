//! What is in force after the files have changed.

use std::fs;

use licence::{Grant, Limits, issue};
use signing::SigningKey;
use tempfile::TempDir;

use super::*;

struct Stage {
    folder: TempDir,
    key: SigningKey,
}

impl Stage {
    fn new() -> Self {
        let stage = Self { folder: TempDir::new().unwrap(), key: SigningKey::generate().unwrap() };
        stage.put("clients.yaml", "clients: []\n");
        stage.believe(&[&stage.key]);
        stage
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn believe(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| format!("- {}\n", key.public())).collect();
        let text = if keys.is_empty() { "[]".to_owned() } else { keys.concat() };
        self.put("issuers.yaml", &text);
    }

    fn licence(&self, tier: &str) -> String {
        let grant = Grant {
            tier: tier.to_owned(),
            holder: "Anna".to_owned(),
            issued_at: Timestamp::now(),
            expires_at: None,
            limits: Limits::default(),
            capabilities: None,
            llm_models: None,
        };
        issue(&grant, &self.key).unwrap()
    }

    fn open(&self) -> Live {
        let at = |name: &str| self.folder.path().join(name);
        let files = Files {
            clients: at("clients.yaml"),
            licence: at("lic.key"),
            tiers: at("tiers.yaml"),
            issuers: at("issuers.yaml"),
            policies: at("policies"),
        };
        Live::open(files, &at("clients.db"), |_, _| ()).unwrap()
    }
}

/// The tier that is in force, and which files are refused.
fn now(live: &Live) -> (String, Vec<&'static str>) {
    live.reload();
    let refused = live.troubles().iter().map(|trouble| trouble.file).collect();
    (live.rules().terms.tier.clone(), refused)
}

fn good(tier: &str) -> (String, Vec<&'static str>) {
    (tier.to_owned(), Vec::new())
}

fn bad(tier: &str) -> (String, Vec<&'static str>) {
    (tier.to_owned(), vec!["licence"])
}

#[test]
fn a_licence_that_is_broken_leaves_the_last_good_one_in_force() {
    let stage = Stage::new();
    let pro = stage.licence("PRO");
    let other = SigningKey::generate().unwrap();
    let strange = pro.replace(&stage.key.public().to_string(), &other.public().to_string());
    let edited = pro.replacen("signature: ", "signature: AAAA", 1);
    stage.put("lic.key", &pro);
    let live = stage.open();
    assert_eq!(now(&live), good("PRO"));
    for broken in ["", "what is this?", "ELITE", &strange, &edited, "licence: x\nsignature: [\n"] {
        assert_ne!(broken, pro);
        stage.put("lic.key", broken);
        assert_eq!(now(&live), bad("PRO"), "{broken}");
        // At a start there is no good one.
        assert_eq!(now(&stage.open()), bad("FREE"), "{broken}");
        stage.put("lic.key", &pro);
        assert_eq!(now(&live), good("PRO"));
    }
}

#[test]
fn a_licence_that_its_owner_takes_back_is_not_in_force() {
    let stage = Stage::new();
    let pro = stage.licence("PRO");
    let live = stage.open();
    assert_eq!(now(&live), good("FREE"));
    let begin = || {
        stage.believe(&[&stage.key]);
        stage.put("lic.key", &pro);
        assert_eq!(now(&live), good("PRO"));
    };
    begin();
    stage.put("lic.key", "tier: ELITE\n");
    assert_eq!(now(&live), good("FREE"), "one that nobody signs is read well");
    begin();
    fs::remove_file(stage.folder.path().join("lic.key")).unwrap();
    assert_eq!(now(&live), good("FREE"));
    // It is not remembered either.
    stage.put("lic.key", "");
    assert_eq!(now(&live), bad("FREE"));
    begin();
    stage.believe(&[]);
    assert_eq!(now(&live), bad("FREE"), "its issuer is believed no more");
    begin();
    stage.put("lic.key", "");
    stage.believe(&[]);
    assert_eq!(now(&live), bad("FREE"), "nor is what was kept of it");
}

#[test]
fn a_client_whose_time_was_over_by_a_wrong_clock_returns() {
    let stage = Stage::new();
    let client = "clients:\n- {name: anna, scopes: ['*'], expires_at: '2999-01-01T00:00:00Z'}\n";
    stage.put("clients.yaml", client);
    let live = stage.open();
    assert!(live.tick().is_empty());
    live.rules().clients.expire("3000-01-01T00:00:00Z".parse().unwrap());
    assert!(live.rules().clients.all()[0].revoked().is_cancelled());
    assert!(matches!(live.tick().as_slice(), [Change::Clients(_)]));
    assert!(!live.rules().clients.all()[0].revoked().is_cancelled());
    assert!(live.tick().is_empty());
}
