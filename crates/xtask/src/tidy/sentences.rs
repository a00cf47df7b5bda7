//! The README's table of crates: each crate stands in it, in its layer, with the sentence that its manifest has.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::layers;
use crate::workspace::Package;

/// What is wrong with the table, one line each.
pub(super) fn check(root: &Path, packages: &[Package]) -> Result<Vec<String>> {
    let file = root.join("README.md");
    let readme = fs::read_to_string(&file).with_context(|| format!("read `{}`", file.display()))?;
    Ok(check_text(&readme, packages))
}

fn check_text(readme: &str, packages: &[Package]) -> Vec<String> {
    let rows: Vec<[&str; 3]> = readme.lines().filter_map(row).collect();
    let missing = packages.iter().filter_map(|package| {
        let name = &package.name;
        // A crate without a layer is reported where the layers are.
        let layer = layers::label_of(name)?;
        let Some(sentence) = package.description.as_deref() else {
            return Some(format!("crate `{name}` has no `description`: give it its one sentence"));
        };
        let is_its = |row: &&[&str; 3]| **row == [layer, name.as_str(), sentence];
        match rows.iter().filter(is_its).count() {
            1 => None,
            _ => Some(format!(
                "crate `{name}`: the README's table must have one row `| {layer} | `{name}` | {sentence} |`"
            )),
        }
    });
    let is_known = |name: &str| packages.iter().any(|package| package.name == name);
    let strangers = rows
        .iter()
        .filter(|[_, name, _]| !is_known(name))
        .map(|[_, name, _]| format!("the README's table has `{name}`, which is no crate"));
    missing.chain(strangers).collect()
}

/// The layer, the crate and the sentence of a row of that table, which alone begins with a layer.
fn row(line: &str) -> Option<[&str; 3]> {
    let mut cells = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
    let (Some(layer), Some(name), Some(sentence), None) =
        (cells.next(), cells.next(), cells.next(), cells.next())
    else {
        return None;
    };
    let name = name.strip_prefix('`')?.strip_suffix('`')?;
    layers::is_label(layer).then_some([layer, name, sentence])
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "\
| layer | crate | sentence |
|---|---|---|
| 0 | `mcp-wire` | Envelopes |
| 3 | `gateway` | Routes |

| `gateway` | `is` | elsewhere |
";

    fn package(name: &str, sentence: Option<&str>) -> Package {
        let description = sentence.map(str::to_owned);
        Package { name: name.to_owned(), description, dependencies: Vec::new() }
    }

    #[track_caller]
    fn check_one(name: &str, sentence: Option<&str>, problem: Option<&str>) {
        let packages = [package("mcp-wire", Some("Envelopes")), package(name, sentence)];
        let problems = check_text(README, &packages);
        assert_eq!(problems.first().map(String::as_str), problem, "{problems:?}");
    }

    #[test]
    fn each_crate_has_its_row() {
        check_one("gateway", Some("Routes"), None);
        check_one(
            "gateway",
            Some("Guards"),
            Some(
                "crate `gateway`: the README's table must have one row `| 3 | `gateway` | Guards |`",
            ),
        );
        check_one(
            "xtask",
            Some("Routes"),
            Some("crate `xtask`: the README's table must have one row `| T | `xtask` | Routes |`"),
        );
        let problem = "crate `gateway` has no `description`: give it its one sentence";
        check_one("gateway", None, Some(problem));
    }

    #[test]
    fn each_row_has_its_crate() {
        let problems = check_text(README, &[package("mcp-wire", Some("Envelopes"))]);
        assert_eq!(problems, ["the README's table has `gateway`, which is no crate"]);
        let twice = README.replace("\n|---|---|---|\n", "\n| 0 | `mcp-wire` | Envelopes |\n");
        let packages = [package("mcp-wire", Some("Envelopes")), package("gateway", Some("Routes"))];
        assert_eq!(check_text(&twice, &packages).len(), 1, "a row stands once");
    }
}
