use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;

use rustix::fs::mkfifoat;
use tempfile::TempDir;

use super::*;

/// A folder with a file of a secret.
struct Stage(TempDir);

impl Stage {
    fn new() -> Self {
        let stage = Self(tempfile::tempdir().unwrap());
        stage.write("secret", b"hunter2\n", 0o600);
        stage
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8], mode: u32) {
        fs::write(self.at(name), content).unwrap();
        fs::set_permissions(self.at(name), Permissions::from_mode(mode)).unwrap();
    }

    fn file(&self, name: &str) -> Result<Secret, SecretError> {
        resolve_local(&format!("file:{}", self.at(name).display()).parse().unwrap())
    }

    fn credential(&self, name: &str) -> Result<Secret, SecretError> {
        let local = Local { credentials: Some(self.0.path().to_owned()) };
        local.resolve(&format!("credential:{name}").parse().unwrap())
    }
}

#[track_caller]
fn refused(found: Result<Secret, SecretError>, words: &str) {
    let error = found.unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_file_that_only_its_owner_can_read_is_taken() {
    let stage = Stage::new();
    assert_eq!(stage.file("secret").unwrap().expose(), b"hunter2");
    stage.write("secret", b"hunter2\n", 0o400);
    assert_eq!(stage.file("secret").unwrap().expose(), b"hunter2");
}

#[test]
fn a_file_that_others_can_get_at_is_refused_with_the_remedy() {
    let stage = Stage::new();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o660, 0o644, 0o610, 0o601, 0o700, 0o4600, 0o777] {
        stage.write("secret", b"hunter2\n", mode);
        let error = stage.file("secret").unwrap_err();
        assert!(matches!(error.reason, Reason::Mode { mode: found } if found == mode), "{error}");
        refused(stage.file("secret"), "`chmod 600`");
    }
}

/// Only root can give a file away.
#[test]
fn a_file_of_somebody_else_is_refused() {
    let stage = Stage::new();
    if geteuid().is_root() {
        chown(stage.at("secret"), Some(65534), None).unwrap();
        refused(stage.file("secret"), "belongs to user 65534");
        refused(stage.file("secret"), "`chown` it");
    }
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let stage = Stage::new();
    symlink(stage.at("secret"), stage.at("link")).unwrap();
    mkfifoat(CWD, stage.at("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
    fs::create_dir(stage.at("folder")).unwrap();
    let _socket = UnixListener::bind(stage.at("socket")).unwrap();
    for name in ["link", "pipe", "folder", "socket"] {
        let error = stage.file(name).unwrap_err();
        assert!(matches!(error.reason, Reason::NotRegular), "{name}: {error}");
    }
    let error = resolve_local(&"file:/dev/zero".parse().unwrap()).unwrap_err();
    assert!(matches!(error.reason, Reason::NotRegular), "{error}");
    refused(stage.file("none"), "there is no such file");
    refused(stage.file("secret/x"), "there is no such file");
}

#[test]
fn the_bound_of_a_file_is_exact() {
    let stage = Stage::new();
    for (more, fits) in [("", true), ("\n", true), ("\n\n", false), ("x", false)] {
        let content = "x".repeat(MAX_SECRET_BYTES) + more;
        stage.write("secret", content.as_bytes(), 0o600);
        assert_eq!(stage.file("secret").is_ok(), fits, "{more:?}");
    }
    stage.write("secret", b"", 0o600);
    refused(stage.file("secret"), "it is empty");
}

#[test]
fn a_credential_is_a_file_of_the_folder_that_systemd_names() {
    let stage = Stage::new();
    // With an access control list, which is how systemd lets a user in, the mode looks so.
    stage.write("mail.password", b"hunter2\n", 0o440);
    assert_eq!(stage.credential("mail.password").unwrap().expose(), b"hunter2");
    refused(stage.credential("other"), "there is no such credential");
    symlink(stage.at("secret"), stage.at("link")).unwrap();
    refused(stage.credential("link"), "no regular file");
    let error = stage.credential("other").unwrap_err().to_string();
    assert!(!error.contains(stage.0.path().to_str().unwrap()), "{error}");
}

#[test]
fn a_process_without_credentials_says_so() {
    let local = Local { credentials: None };
    let found = local.resolve(&"credential:mail.password".parse().unwrap());
    refused(found, "`LoadCredential=`");
}

#[test]
fn what_needs_a_runtime_is_not_asked_for_here() {
    for text in ["vault:secret/app#password", "keyring:default?service=mail"] {
        refused(resolve_local(&text.parse().unwrap()), "only a `credential:` or a `file:`");
    }
}
