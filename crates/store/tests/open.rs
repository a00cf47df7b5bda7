//! What a store keeps, and what it refuses.

#![expect(clippy::unwrap_used, reason = "what is missing fails the test")]

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use store::rusqlite::Connection;
use store::{Check, Schema, StoreError, open, open_read_only};

const FIRST: &str = "CREATE TABLE words (word TEXT PRIMARY KEY) STRICT;";
const SECOND: &str = "ALTER TABLE words ADD COLUMN language TEXT;";
const ONE: Schema = Schema { application_id: 7, migrations: &[FIRST], check: Check::Pages };
const BROKEN: Schema = Schema {
    application_id: 7,
    migrations: &[FIRST, "CREATE TABLE half (a); nonsense;"],
    check: Check::Pages,
};
const TWO: Schema = Schema { application_id: 7, migrations: &[FIRST, SECOND], check: Check::Pages };

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words.db");
    (folder, path)
}

fn put(store: &Connection, word: &str) {
    store.execute("INSERT INTO words (word) VALUES (?1)", [word]).unwrap();
}

fn words(store: &Connection) -> Vec<String> {
    let mut all = store.prepare("SELECT word FROM words ORDER BY word").unwrap();
    let words = all.query_map([], |row| row.get(0)).unwrap();
    words.collect::<Result<_, _>>().unwrap()
}

fn refused(path: &Path, schema: &Schema) -> StoreError {
    let before = fs::read(path).unwrap_or_default();
    let error = open(path, schema).unwrap_err();
    assert_eq!(fs::read(path).unwrap_or_default(), before, "a refused file is left as it is");
    error
}

#[test]
fn what_was_written_is_there_again_and_is_the_daemons_alone() {
    let (_folder, path) = folder();
    put(&open(&path, &ONE).unwrap(), "a");
    let store = open(&path, &ONE).unwrap();
    put(&store, "b");
    assert_eq!(words(&store), ["a", "b"]);
    for suffix in ["", "-wal", "-shm"] {
        let file = PathBuf::from(format!("{}{suffix}", path.display()));
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

#[test]
fn a_commit_waits_for_the_disk() {
    let (_folder, path) = folder();
    let store = open(&path, &ONE).unwrap();
    let pragma = |name| store.pragma_query_value(None, name, |row| row.get::<_, String>(0));
    let number = |name| store.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(pragma("journal_mode").unwrap(), "wal");
    assert_eq!((number("synchronous"), number("foreign_keys"), number("mmap_size")), (2, 1, 0));
}

#[test]
fn a_store_is_led_from_version_to_version_and_never_back() {
    let (_folder, path) = folder();
    put(&open(&path, &ONE).unwrap(), "kept");
    assert!(matches!(open_read_only(&path, &TWO), Err(StoreError::Damaged { .. })));
    let store = open(&path, &TWO).unwrap();
    assert_eq!(words(&store), ["kept"]);
    store.execute("UPDATE words SET language = 'en'", []).unwrap();
    drop(store);
    assert!(matches!(refused(&path, &ONE), StoreError::Later { found: 2, known: 1, .. }));
}

#[test]
fn a_migration_that_fails_leaves_the_version_before_it() {
    let (_folder, path) = folder();
    put(&open(&path, &ONE).unwrap(), "kept");
    assert!(matches!(open(&path, &BROKEN), Err(StoreError::Sqlite { .. })));
    let store = open(&path, &TWO).unwrap();
    assert_eq!(words(&store), ["kept"]);
    assert!(store.execute("SELECT * FROM half", []).is_err());
}

#[test]
fn what_is_not_ours_is_refused() {
    let (folder, path) = folder();
    fs::write(
        &path,
        "a text that somebody keeps here, longer than a header of a database".repeat(3),
    )
    .unwrap();
    assert!(matches!(refused(&path, &ONE), StoreError::Foreign { .. }));
    let other = folder.path().join("other.db");
    drop(open(&other, &Schema { application_id: 8, ..ONE }).unwrap());
    assert!(matches!(refused(&other, &ONE), StoreError::Foreign { .. }));
    let plain = folder.path().join("plain.db");
    Connection::open(&plain).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    assert!(matches!(refused(&plain, &ONE), StoreError::Foreign { .. }));
    let link = folder.path().join("link.db");
    symlink(folder.path().join("elsewhere"), &link).unwrap();
    assert!(matches!(refused(&link, &ONE), StoreError::File { .. }));
    assert!(fs::symlink_metadata(folder.path().join("elsewhere")).is_err());
    let missing = folder.path().join("none").join("x.db");
    assert!(matches!(open(&missing, &ONE), Err(StoreError::File { .. })));
    assert!(matches!(open_read_only(&missing, &ONE), Err(StoreError::File { .. })));
}

#[test]
fn a_damaged_file_is_refused() {
    let (_folder, path) = folder();
    let store = open(&path, &ONE).unwrap();
    for word in 0..2000 {
        put(&store, &format!("word {word}"));
    }
    store.close().unwrap();
    drop(open(&path, &ONE).expect("a sound file of this size"));
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0xff; 512], 3 * 4096).unwrap();
    let error = open(&path, &ONE).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    let unchecked = Schema { check: Check::Opening, ..ONE };
    drop(open(&path, &unchecked).expect("what is damaged is met when it is read"));
    // The list of tables, which follows the header, is met at once.
    file.write_all_at(&[0xff; 64], 100).unwrap();
    let error = open(&path, &unchecked).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("words.db"), "it tells which: {error}");
}

#[test]
fn a_reader_sees_what_is_committed_and_writes_nothing() {
    let (_folder, path) = folder();
    let store = open(&path, &ONE).unwrap();
    let reader = open_read_only(&path, &ONE).unwrap();
    put(&store, "a");
    assert_eq!(words(&reader), ["a"]);
    assert!(reader.execute("DELETE FROM words", []).is_err());
}
