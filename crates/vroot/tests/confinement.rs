//! All operations work under Landlock, with nothing allowed but the handles.
#![cfg(test)]

#[path = "common/host.rs"]
mod host;

use std::fs;
use std::thread;

use host::{Host, path};
use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, PathBeneath, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus,
};
use vroot::{Recursion, uninterrupted};

#[test]
fn the_handles_are_all_that_is_needed() {
    let host = Host::new();
    host.file("a/file", "content");
    host.link("link", "a/../a/file");
    thread::scope(|scope| {
        // A ruleset holds for the thread that asks for it.
        let confined = scope.spawn(|| {
            let all = AccessFs::from_all(ABI::V2);
            let mut ruleset = Ruleset::default()
                .set_compatibility(CompatLevel::HardRequirement)
                .handle_access(all)
                .and_then(Ruleset::create)
                .expect("a ruleset");
            for handle in host.root.handles() {
                ruleset = ruleset.add_rule(PathBeneath::new(handle, all)).expect("a rule");
            }
            let status = ruleset.restrict_self().expect("a restriction");
            assert_eq!(status.ruleset, RulesetStatus::FullyEnforced);
            fs::read(host.at("outside/secret")).expect_err("a file outside");
            fs::read("/proc/self/status").expect_err("a file of the kernel");

            host.root.recover().expect("a recovery");
            assert_eq!(host.root.read(&path("/link"), 100).expect("a read"), b"content");
            host.root.write(&path("/link"), b"new").expect("a write");
            host.root.write(&path("/a/made"), b"new").expect("a write");
            host.root.append(&path("/a/file"), b"er").expect("an append");
            assert_eq!(host.root.read(&path("/a/../link"), 100).expect("a read"), b"newer");
            assert_eq!(
                host.root
                    .list(&path("/a"), None, 10, &uninterrupted)
                    .expect("a list")
                    .entries
                    .len(),
                2
            );
            host.root.remove(&path("/link"), Recursion::Refuse, &uninterrupted).expect("a removal");
            host.root.remove(&path("/a"), Recursion::Whole, &uninterrupted).expect("a removal");
        });
        confined.join().expect("no panic");
    });
}
