//! The layers of the crates: an arrow from one crate to another points down, never up or sideways.

use crate::workspace::{Dependency, Package};

/// How far up a crate is. A crate knows only what is below it, so that each layer can be read,
/// tested and replaced without the ones above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    /// Pure mechanisms.
    Base,
    /// Vocabulary and services of every daemon.
    Shared,
    /// What a server or a client is built from.
    Framework,
    /// The programs of the appliance.
    Program,
    /// What builds, starts and tests the appliance; may know everything.
    Tooling,
}

impl Layer {
    fn label(self) -> &'static str {
        match self {
            Self::Base => "0",
            Self::Shared => "1",
            Self::Framework => "2",
            Self::Program => "3",
            Self::Tooling => "T",
        }
    }
}

/// Every crate there is or is planned to be. A new crate gets its line here.
const LAYERS: [(Layer, &[&str]); 5] = [
    (Layer::Base, &["frame-socket", "mcp-wire", "names", "sandbox", "vroot"]),
    (
        Layer::Shared,
        &[
            "capfile",
            "certificates",
            "daemon",
            "extract",
            "health",
            "mcp-types",
            "secrets",
            "settings",
            "signing",
            "store",
            "telemetry",
        ],
    ),
    (
        Layer::Framework,
        &[
            "approvals",
            "audit",
            "capability",
            "clients",
            "licence",
            "mcp-client",
            "policy",
            "quota",
            "tasks",
        ],
    ),
    (
        Layer::Program,
        &[
            "cap-agent",
            "cap-fs",
            "cap-llm",
            "cap-mail",
            "cap-search",
            "cap-sync",
            "cap-system",
            "console",
            "gateway",
            "llmbasedos",
            "luca-shell",
        ],
    ),
    (Layer::Tooling, &["bench", "bringup", "fuzz", "testkit", "xtask"]),
];

/// The one crate above that a test may use.
const FOR_TESTS: &str = "testkit";

fn layer_of(name: &str) -> Option<Layer> {
    LAYERS.iter().find(|(_, names)| names.contains(&name)).map(|(layer, _)| *layer)
}

/// What the README calls the layer of a crate.
pub(super) fn label_of(name: &str) -> Option<&'static str> {
    layer_of(name).map(Layer::label)
}

/// Whether the README calls a layer so.
pub(super) fn is_label(text: &str) -> bool {
    LAYERS.iter().any(|(layer, _)| layer.label() == text)
}

/// What is wrong with the arrows between these crates, one line each.
pub(super) fn check(packages: &[Package]) -> Vec<String> {
    packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<String> {
    let name = &package.name;
    let Some(layer) = layer_of(name) else {
        return vec![format!("crate `{name}` has no layer: add it to `LAYERS` of `xtask tidy`")];
    };
    let ours = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
    ours.filter_map(|dependency| check_arrow(name, layer, dependency)).collect()
}

fn check_arrow(from: &str, layer: Layer, dependency: &Dependency) -> Option<String> {
    let to = &dependency.name;
    // A crate without a layer is reported once, for itself.
    let below = layer_of(to)?;
    let dev = dependency.kind.as_deref() == Some("dev");
    let allowed = below < layer || layer == Layer::Tooling || (dev && to == FOR_TESTS);
    (!allowed).then(|| {
        let kind = if dev { "dev-dependency" } else { "dependency" };
        let way = if below == layer { "sideways" } else { "up" };
        format!("{kind} `{from}` -> `{to}` points {way}: {layer:?} to {below:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks one arrow `from -> to`, given as the two names and the kind of the dependency.
    #[track_caller]
    fn check_one(from: &str, kind: Option<&str>, to: &str, problems: &[&str]) {
        let dependency = Dependency {
            name: to.to_owned(),
            kind: kind.map(str::to_owned),
            path: Some(to.into()),
        };
        let package =
            Package { name: from.to_owned(), description: None, dependencies: vec![dependency] };
        assert_eq!(check(&[package]), problems);
    }

    #[test]
    fn down_is_allowed() {
        check_one("gateway", None, "mcp-wire", &[]);
        check_one("capability", Some("dev"), "vroot", &[]);
        check_one("mcp-types", Some("build"), "mcp-wire", &[]);
    }

    #[test]
    fn up_and_sideways_are_not() {
        check_one(
            "mcp-wire",
            None,
            "mcp-types",
            &["dependency `mcp-wire` -> `mcp-types` points up: Base to Shared"],
        );
        check_one(
            "gateway",
            None,
            "cap-fs",
            &["dependency `gateway` -> `cap-fs` points sideways: Program to Program"],
        );
        check_one(
            "settings",
            Some("build"),
            "telemetry",
            &["dependency `settings` -> `telemetry` points sideways: Shared to Shared"],
        );
        check_one(
            "cap-fs",
            Some("dev"),
            "gateway",
            &["dev-dependency `cap-fs` -> `gateway` points sideways: Program to Program"],
        );
    }

    #[test]
    fn only_tests_may_use_the_testkit() {
        check_one("gateway", Some("dev"), "testkit", &[]);
        check_one(
            "gateway",
            None,
            "testkit",
            &["dependency `gateway` -> `testkit` points up: Program to Tooling"],
        );
        check_one(
            "gateway",
            Some("dev"),
            "bringup",
            &["dev-dependency `gateway` -> `bringup` points up: Program to Tooling"],
        );
    }

    #[test]
    fn tooling_may_use_everything() {
        check_one("testkit", None, "bringup", &[]);
        check_one("xtask", None, "gateway", &[]);
    }

    #[test]
    fn a_crate_without_a_layer_is_reported_and_other_peoples_crates_are_not() {
        check_one(
            "stranger",
            None,
            "mcp-wire",
            &["crate `stranger` has no layer: add it to `LAYERS` of `xtask tidy`"],
        );
        let foreign = Dependency { name: "gateway".to_owned(), kind: None, path: None };
        let package =
            Package { name: "mcp-wire".to_owned(), description: None, dependencies: vec![foreign] };
        assert_eq!(check(&[package]), Vec::<String>::new());
    }

    #[test]
    fn every_crate_has_one_layer() {
        let mut names: Vec<&str> =
            LAYERS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
