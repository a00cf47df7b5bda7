//! Secrets of a real Secret Service: GNOME Keyring, on a bus of its own.
#![cfg(feature = "keyring")]
#![cfg(test)]

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use secret_service::{EncryptionType, SecretService};
use secrets::{Reason, Resolver, Secret, SecretError};
use tempfile::TempDir;

/// How long the bus and the keyring may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(20);

/// What the items hold.
const SECRET: &str = "canaryKEYRINGcanary";

/// A bus on which everybody may do everything, and which starts no service by itself: the keyring that it would start is
/// another one, without a password.
const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=FOLDER/bus</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A program that is killed when this is dropped.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_string_lossy().into_owned();
        Self(command.spawn().unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => panic!("`{program}` is not installed: run `cargo xtask tools`"),
            _ => panic!("`{program}`: {error}"),
        }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A bus, perhaps with a keyring on it.
struct Stage {
    /// What runs, the last one first to end.
    running: Vec<Running>,
    folder: TempDir,
    address: String,
}

impl Stage {
    fn bus() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        fs::write(&config, CONFIG.replace("FOLDER", &folder.path().display().to_string())).unwrap();
        let mut daemon = Running::start(
            Command::new("dbus-daemon")
                .args(["--nofork", "--print-address=1", "--config-file"])
                .arg(&config)
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let mut address = String::new();
        BufReader::new(daemon.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        Self { running: vec![daemon], folder, address }
    }

    /// With a keyring whose collection `login`, which is the default one, is there and unlocked.
    async fn keyring() -> Self {
        let mut stage = Self::bus();
        let mut keyring = Running::start(
            Command::new("gnome-keyring-daemon")
                .args(["--unlock", "--components=secrets", "--foreground"])
                .env_clear()
                .env("HOME", stage.folder.path())
                .env("XDG_RUNTIME_DIR", stage.folder.path())
                .env("DBUS_SESSION_BUS_ADDRESS", &stage.address)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        keyring.0.stdin.take().unwrap().write_all(b"password").unwrap();
        stage.running.push(keyring);
        let mut clock = tokio::time::interval(LOOK);
        let deadline = Instant::now() + PATIENCE;
        loop {
            clock.tick().await;
            let service = stage.service(EncryptionType::Plain).await;
            if let Ok(service) = service
                && service.get_default_collection().await.is_ok()
            {
                return stage;
            }
            assert!(Instant::now() < deadline, "the keyring does not start");
        }
    }

    async fn service(
        &self,
        encryption: EncryptionType,
    ) -> Result<SecretService<'static>, secret_service::Error> {
        let connection = zbus::connection::Builder::address(self.address.as_str())?.build().await?;
        SecretService::connect_with_existing(encryption, connection).await
    }

    async fn store(&self, alias: &str, attributes: &[(&str, &str)], secret: &str) {
        let service = self.service(EncryptionType::Dh).await.unwrap();
        let collection = service.get_collection_by_alias(alias).await.unwrap();
        let attributes: HashMap<&str, &str> = attributes.iter().copied().collect();
        let secret = secret.as_bytes();
        collection.create_item("item", attributes, secret, false, "text/plain").await.unwrap();
    }

    async fn resolve(&self, reference: &str) -> Result<Secret, SecretError> {
        let resolver = Resolver::new(None).unwrap().on_bus(self.address.clone());
        resolver.resolve(&reference.parse().unwrap()).await
    }

    async fn refused(&self, reference: &str, words: &str) -> Reason {
        let error = self.resolve(reference).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(words), "{text}");
        assert!(!text.contains(SECRET), "{text}");
        error.reason
    }
}

#[tokio::test]
async fn an_item_is_found_by_its_attributes() {
    let stage = Stage::keyring().await;
    stage.store("default", &[("service", "mail"), ("user", "me & you")], "one\n").await;
    stage.store("default", &[("service", "sync")], "two").await;
    stage.store("session", &[("service", "mail")], "three").await;
    for (reference, secret) in [
        ("keyring:default?service=mail", "one"),
        ("keyring:default?user=me%20%26%20you&service=mail", "one"),
        ("keyring:default?service=sync", "two"),
        ("keyring:session?service=mail", "three"),
        // By its label, where no alias is so called.
        ("keyring:Login?service=sync", "two"),
    ] {
        let found = stage.resolve(reference).await.unwrap();
        assert_eq!(found.expose_text(), Some(secret), "{reference}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let stage = Stage::keyring().await;
    stage.store("default", &[("service", "mail"), ("user", "a")], SECRET).await;
    stage.store("default", &[("service", "mail"), ("user", "b")], SECRET).await;
    let reason = stage.refused("keyring:default?service=other", "no item with these").await;
    assert!(matches!(reason, Reason::NoItem));
    let reason = stage.refused("keyring:default?service=mail&user=c", "no item with these").await;
    assert!(matches!(reason, Reason::NoItem));
    let reason = stage.refused("keyring:default?service=mail", "2 items").await;
    assert!(matches!(reason, Reason::Ambiguous { count: 2 }));
    let reason = stage.refused("keyring:other?service=mail", "no collection of this").await;
    assert!(matches!(reason, Reason::NoCollection));
    let reason = stage.refused("keyring:session?service=mail", "no item with these").await;
    assert!(matches!(reason, Reason::NoItem));
}

/// Nobody is asked for the password of the keyring: on a bus without a prompter that would never end.
#[tokio::test]
async fn a_locked_collection_stays_locked() {
    let stage = Stage::keyring().await;
    stage.store("default", &[("service", "mail")], SECRET).await;
    stage.resolve("keyring:default?service=mail").await.unwrap();
    let service = stage.service(EncryptionType::Dh).await.unwrap();
    let collection = service.get_default_collection().await.unwrap();
    collection.lock().await.unwrap();
    let reason = stage.refused("keyring:default?service=mail", "unlock the keyring").await;
    assert!(matches!(reason, Reason::Locked), "{reason}");
    assert!(collection.is_locked().await.unwrap());
}

#[tokio::test]
async fn a_bus_without_a_keyring_and_no_bus_are_said() {
    let stage = Stage::bus();
    let reason = stage.refused("keyring:default?service=mail", "no Secret Service answers").await;
    assert!(matches!(reason, Reason::NoSecretService));
    let nowhere = Stage { address: "unix:path=/nowhere/bus".to_owned(), ..stage };
    let reason = nowhere.refused("keyring:default?service=mail", "no Secret Service answers").await;
    assert!(matches!(reason, Reason::NoSecretService));
}

/// All that goes over the bus while `act` runs.
async fn overheard<F: Future<Output = ()>>(stage: &Stage, act: F) -> Vec<u8> {
    let heard = stage.folder.path().join("heard");
    let monitor = Running::start(
        Command::new("dbus-monitor")
            .args(["--address", &stage.address, "--binary"])
            .stdout(File::create(&heard).unwrap())
            .stderr(Stdio::null()),
    );
    // A call of ours by a name that nobody else uses: once it is heard, all is.
    said(stage, &heard, "begin").await;
    act.await;
    said(stage, &heard, "end").await;
    drop(monitor);
    fs::read(&heard).unwrap()
}

/// Says a word on the bus until it is heard.
async fn said(stage: &Stage, heard: &Path, word: &str) {
    let connection =
        zbus::connection::Builder::address(stage.address.as_str()).unwrap().build().await.unwrap();
    let mut clock = tokio::time::interval(LOOK);
    let deadline = Instant::now() + PATIENCE;
    let name = format!("org.llmbasedos.{word}");
    loop {
        clock.tick().await;
        let signal = connection.emit_signal(None::<&str>, "/", name.as_str(), "Said", &());
        signal.await.unwrap();
        if contains(&fs::read(heard).unwrap(), &name) {
            return;
        }
        assert!(Instant::now() < deadline, "`dbus-monitor` hears nothing");
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn whoever_listens_on_the_bus_hears_no_secret() {
    let stage = Stage::keyring().await;
    stage.store("default", &[("service", "mail")], SECRET).await;
    let heard = overheard(&stage, async {
        stage.resolve("keyring:default?service=mail").await.unwrap();
    });
    let heard = heard.await;
    assert!(contains(&heard, "dh-ietf1024-sha256-aes128-cbc-pkcs7"), "no look-up was heard");
    assert!(!contains(&heard, SECRET), "the secret was heard");
    // The control: without encryption it is heard.
    let heard = overheard(&stage, async {
        let service = stage.service(EncryptionType::Plain).await.unwrap();
        let collection = service.get_default_collection().await.unwrap();
        let items = collection.search_items(HashMap::from([("service", "mail")])).await.unwrap();
        assert_eq!(items[0].get_secret().await.unwrap(), SECRET.as_bytes());
    });
    assert!(contains(&heard.await, SECRET), "the monitor is deaf");
}
