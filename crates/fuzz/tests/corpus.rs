//! Every input of the corpus holds, without libFuzzer too.
#![cfg(test)]

use std::fs;
use std::path::Path;

/// Gives a target each of its inputs.
#[track_caller]
fn check(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "no input for {target}");
}

#[test]
fn the_corpus_holds() {
    check("envelope", fuzz::envelope);
    check("framing", fuzz::framing);
    check("http_head", fuzz::http_head);
    check("licence", fuzz::licence);
    check("shell_line", fuzz::shell_line);
    check("tiers", fuzz::tiers);
}

#[test]
fn the_signed_licence_of_the_corpus_is_believed() {
    let kept = include_str!("../corpus/licence/signed");
    assert_eq!(fuzz::signed_licence().unwrap(), kept);
}
