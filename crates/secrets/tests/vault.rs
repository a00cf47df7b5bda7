//! Secrets of HashiCorp Vault, from a stand-in that follows its published API, and from broken ones.
#![cfg(test)]

use std::error::Error;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Instant;

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use secrets::limits::{MAX_ANSWER_BYTES, VAULT_ANSWER};
use secrets::{Reason, Resolver, ResolverError, Secret, SecretError, VaultConfig};
use serde_json::json;
use tempfile::TempDir;
use testkit::{
    VAULT_TOKEN as TOKEN, VaultFault as Fault, VaultStandIn as StandIn, VaultVersion as Version,
};
use tokio_rustls::TlsAcceptor;

/// What every secret of it begins with.
const SECRET: &str = "canarySECRETcanary";

/// A stand-in with some entries, and the folder of the token that it takes.
struct Stage {
    vault: StandIn,
    folder: TempDir,
}

impl Stage {
    async fn new() -> Self {
        Self::with(StandIn::start(None).await)
    }

    fn with(vault: StandIn) -> Self {
        let kept = |text: &str| {
            Version::Kept(
                json!({ "password": format!("{SECRET}{text}"), "port": 993, "empty": "" }),
            )
        };
        vault.store("secret", "app", &[kept("1"), kept("2\n")]);
        vault.store("secret", "deleted", &[kept("1"), Version::Deleted]);
        vault.store("secret", "destroyed", &[Version::Destroyed, kept("2")]);
        vault.store("team/kv", "mail/a%20b%23", &[kept("é\"\\")]);
        let stage = Self { vault, folder: tempfile::tempdir().unwrap() };
        stage.token(&format!("{TOKEN}\n"));
        stage
    }

    fn token(&self, token: &str) {
        let path = self.folder.path().join("token");
        fs::write(&path, token).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    fn config(&self) -> VaultConfig {
        let folder = self.folder.path().display();
        VaultConfig {
            address: format!("http://127.0.0.1:{}", self.vault.port).parse().unwrap(),
            token: format!("file:{folder}/token").parse().unwrap(),
            namespace: None,
            ca_file: None,
        }
    }

    async fn resolve(&self, reference: &str) -> Result<Secret, SecretError> {
        resolve(self.config(), reference).await
    }

    /// Sees to it that an answer is refused with these words, and that none of them is a secret.
    #[track_caller]
    fn refused(found: Result<Secret, SecretError>, words: &str) -> Reason {
        let error = found.unwrap_err();
        let text = all_of(&error);
        assert!(text.contains(words), "{text}");
        assert!(text.starts_with("the secret `vault:"), "{text}");
        error.reason
    }
}

/// All that an error can show.
#[track_caller]
fn all_of(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let shown: Vec<String> = causes.map(|error| format!("{error} {error:?}")).collect();
    let text = shown.join(" ");
    assert!(!text.contains(TOKEN) && !text.contains(SECRET), "{text}");
    text
}

async fn resolve(config: VaultConfig, reference: &str) -> Result<Secret, SecretError> {
    let reference = reference.parse().unwrap();
    Resolver::new(Some(config)).unwrap().resolve(&reference).await
}

#[tokio::test]
async fn a_field_is_fetched_of_the_newest_version_or_of_another() {
    let stage = Stage::new().await;
    for (reference, end) in [
        ("vault:secret/app#password", "2"),
        ("vault:secret/app?version=1#password", "1"),
        ("vault:secret/app?version=2#password", "2"),
        ("vault:secret/deleted?version=1#password", "1"),
        ("vault:secret/destroyed#password", "2"),
        ("vault:team%2Fkv/mail/a%20b%23#password", "é\"\\"),
    ] {
        let secret = stage.resolve(reference).await.unwrap();
        assert_eq!(secret.expose_text(), Some(format!("{SECRET}{end}").as_str()), "{reference}");
    }
}

#[tokio::test]
async fn the_token_is_in_a_header_and_nowhere_else() {
    let stage = Stage::new().await;
    let config = VaultConfig { namespace: Some("team/a".to_owned()), ..stage.config() };
    resolve(config, "vault:secret/app?version=1#password").await.unwrap();
    let [seen] = stage.vault.seen().try_into().unwrap();
    assert_eq!(seen.line, "GET /v1/secret/data/app?version=1 HTTP/1.1");
    assert_eq!(seen.headers["x-vault-token"], TOKEN);
    assert_eq!(seen.headers["x-vault-request"], "true");
    assert_eq!(seen.headers["x-vault-namespace"], "team/a");
    let others = seen.headers.iter().filter(|(name, _)| *name != "x-vault-token");
    assert!(others.into_iter().all(|(_, value)| !value.contains(TOKEN)));
    stage.resolve("vault:secret/app#password").await.unwrap();
    let seen = stage.vault.seen();
    assert_eq!(seen[1].line, "GET /v1/secret/data/app HTTP/1.1");
    assert!(!seen[1].headers.contains_key("x-vault-namespace"));
}

#[tokio::test]
async fn a_wrong_token_is_told_from_all_else() {
    let stage = Stage::new().await;
    stage.token("hvs.wrong");
    let found = stage.resolve("vault:secret/app#password").await;
    assert!(matches!(Stage::refused(found, "refuses the token (403)"), Reason::Forbidden));
}

#[tokio::test]
async fn a_sealed_vault_is_told_from_all_else() {
    let stage = Stage::new().await;
    stage.vault.set(|kv| kv.sealed = true);
    let found = stage.resolve("vault:secret/app#password").await;
    assert!(matches!(Stage::refused(found, "unseal it"), Reason::Sealed));
}

#[tokio::test]
async fn what_is_not_there_says_what_became_of_it() {
    let stage = Stage::new().await;
    let found = stage.resolve("vault:secret/deleted#password").await;
    let reason =
        Stage::refused(found, "version 2 of it was deleted from Vault: `vault kv undelete`");
    assert!(matches!(reason, Reason::Deleted { version: 2 }));
    let found = stage.resolve("vault:secret/destroyed?version=1#password").await;
    let reason = Stage::refused(found, "version 1 of it was destroyed in Vault for good");
    assert!(matches!(reason, Reason::Destroyed { version: 1 }));
    for reference in [
        "vault:secret/none#password",
        "vault:other/app#password",
        "vault:secret/app?version=3#password",
    ] {
        let found = stage.resolve(reference).await;
        assert!(matches!(Stage::refused(found, "nothing there (404)"), Reason::NotInVault));
    }
}

#[tokio::test]
async fn a_field_must_be_there_and_be_a_text() {
    let stage = Stage::new().await;
    let found = stage.resolve("vault:secret/app#user").await;
    assert!(matches!(Stage::refused(found, "no field of this name"), Reason::NoField));
    let found = stage.resolve("vault:secret/app#port").await;
    assert!(matches!(Stage::refused(found, "no text"), Reason::NotText));
    let found = stage.resolve("vault:secret/app#empty").await;
    assert!(matches!(Stage::refused(found, "it is empty"), Reason::Empty));
}

#[tokio::test]
async fn what_is_no_answer_of_the_engine_is_refused() {
    let stage = Stage::new().await;
    // The last one is what an engine of version 1 answers for a path that begins with `data/`.
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        "<html>welcome</html>",
        r#"{"data":null}"#,
        &format!(r#"{{"data":{{"data":"{SECRET}","metadata":{{"version":1}}}}}}"#),
        &format!(r#"{{"data":{{"data":{{"password":"{SECRET}"}}}}}}"#),
        &format!(r#"{{"data":{{"password":"{SECRET}"}}}}"#),
    ] {
        stage.vault.set(|kv| kv.fault = Some(Fault::Answer(200, body.to_owned())));
        let found = stage.resolve("vault:secret/app#password").await;
        let reason = Stage::refused(found, "none of Vault's KV secrets engine, version 2");
        assert!(matches!(reason, Reason::NotVault), "{body}");
    }
}

#[tokio::test]
async fn another_status_is_told_as_it_is() {
    let stage = Stage::new().await;
    for status in [204, 400, 429, 500, 502] {
        let body = format!(r#"{{"errors":["{SECRET} {TOKEN}"]}}"#);
        stage.vault.set(|kv| kv.fault = Some(Fault::Answer(status, body)));
        let found = stage.resolve("vault:secret/app#password").await;
        let reason = Stage::refused(found, &format!("HTTP status {status}"));
        assert!(matches!(reason, Reason::Status { status: found } if found == status));
    }
}

/// A standby node does this. The other stand-in would give the secret to whoever brings the token.
#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (stage, other) = (Stage::new().await, Stage::new().await);
    let there = format!("http://127.0.0.1:{}/v1/secret/data/app", other.vault.port);
    stage.vault.set(|kv| kv.fault = Some(Fault::Redirect(there)));
    let found = stage.resolve("vault:secret/app#password").await;
    let reason = Stage::refused(found, "a redirect (307), which is not followed");
    assert!(matches!(reason, Reason::Redirect { status: 307 }));
    assert!(other.vault.seen().is_empty(), "the token went elsewhere");
    other.resolve("vault:secret/app#password").await.unwrap();
}

#[tokio::test]
async fn the_bound_of_an_answer_is_kept() {
    let stage = Stage::new().await;
    for announced in [true, false] {
        let bytes = MAX_ANSWER_BYTES + 1024;
        stage.vault.set(|kv| kv.fault = Some(Fault::Huge { bytes, announced }));
        let found = stage.resolve("vault:secret/app#password").await;
        assert!(matches!(Stage::refused(found, "more than"), Reason::AnswerTooLarge));
        // As much as is allowed is read, and is then no answer.
        let bytes = MAX_ANSWER_BYTES;
        stage.vault.set(|kv| kv.fault = Some(Fault::Huge { bytes, announced }));
        let found = stage.resolve("vault:secret/app#password").await;
        assert!(matches!(Stage::refused(found, "none of Vault's"), Reason::NotVault));
    }
}

/// Both at once, since each takes all the time that there is.
#[tokio::test]
async fn a_vault_that_does_not_come_to_an_end_is_given_up() {
    let (trickle, silence) = (Stage::new().await, Stage::new().await);
    trickle.vault.set(|kv| kv.fault = Some(Fault::Trickle));
    silence.vault.set(|kv| kv.fault = Some(Fault::Silence));
    let begin = Instant::now();
    let reference = "vault:secret/app#password";
    let found = tokio::join!(trickle.resolve(reference), silence.resolve(reference));
    let waited = begin.elapsed();
    for found in [found.0, found.1] {
        assert!(matches!(Stage::refused(found, "within 10 seconds"), Reason::Slow));
    }
    assert!(waited >= VAULT_ANSWER && waited < VAULT_ANSWER * 2, "{waited:?}");
}

#[tokio::test]
async fn a_vault_that_is_not_there_cannot_be_reached() {
    let stage = Stage::new().await;
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let address = format!("http://{nobody}").parse().unwrap();
    let found =
        resolve(VaultConfig { address, ..stage.config() }, "vault:secret/app#password").await;
    let reason = Stage::refused(found, "Vault cannot be reached: Connection refused");
    assert!(matches!(reason, Reason::Unreachable(_)));
}

#[tokio::test]
async fn without_a_vault_there_is_a_remedy() {
    let reference = "vault:secret/app#password".parse().unwrap();
    let found = Resolver::new(None).unwrap().resolve(&reference).await;
    assert!(matches!(Stage::refused(found, "no Vault is configured"), Reason::NoVault));
}

/// An authority of certificates.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// TLS for 127.0.0.1.
fn acceptor(authority: &CertifiedIssuer<'static, KeyPair>) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn over_tls_only_the_authority_that_is_named_is_trusted() {
    let (ours, other) = (authority(), authority());
    let stage = Stage::with(StandIn::start(Some(acceptor(&ours))).await);
    let address = format!("https://127.0.0.1:{}", stage.vault.port).parse().unwrap();
    let ca_file = Some(stage.folder.path().join("ca.pem"));
    let config = VaultConfig { address, ca_file, ..stage.config() };
    let trust = |pem: &str| fs::write(stage.folder.path().join("ca.pem"), pem).unwrap();

    trust(&ours.pem());
    let secret = resolve(config.clone(), "vault:secret/app#password").await.unwrap();
    assert_eq!(secret.expose_text(), Some(format!("{SECRET}2").as_str()));
    trust(&other.pem());
    let found = resolve(config.clone(), "vault:secret/app#password").await;
    Stage::refused(found, "cannot be reached: invalid peer certificate");
    // Of those of this machine, none vouches for it.
    let of_machine = VaultConfig { ca_file: None, ..config.clone() };
    if let Ok(resolver) = Resolver::new(Some(of_machine)) {
        let found = resolver.resolve(&"vault:secret/app#password".parse().unwrap()).await;
        Stage::refused(found, "cannot be reached: invalid peer certificate");
    }
    assert_eq!(stage.vault.seen().len(), 1, "a request was sent to whom nobody vouches for");

    for wrong in ["", "no certificate", &ours.key().serialize_pem()] {
        trust(wrong);
        let error = Resolver::new(Some(config.clone())).unwrap_err();
        assert!(matches!(error, ResolverError::CaForm), "{error}");
    }
    let gone = VaultConfig { ca_file: Some("/nowhere/ca.pem".into()), ..config };
    let error = Resolver::new(Some(gone)).unwrap_err();
    assert!(matches!(error, ResolverError::CaFile(_)), "{error}");
    assert!(!error.to_string().contains("/nowhere"), "{error}");
}

#[tokio::test]
async fn a_token_that_cannot_be_had_or_sent_is_refused_at_once() {
    let stage = Stage::new().await;
    stage.token(&format!("{TOKEN}\nmore"));
    let error = Resolver::new(Some(stage.config())).unwrap_err();
    assert!(all_of(&error).contains("a character that no token has"));
    let token = stage.folder.path().join("token");
    fs::set_permissions(&token, Permissions::from_mode(0o644)).unwrap();
    let error = Resolver::new(Some(stage.config())).unwrap_err();
    assert!(all_of(&error).contains("`chmod 600`"));
    let token = "vault:secret/app#token".parse().unwrap();
    let error = Resolver::new(Some(VaultConfig { token, ..stage.config() })).unwrap_err();
    assert!(all_of(&error).contains("only a `credential:` or a `file:`"));
}
