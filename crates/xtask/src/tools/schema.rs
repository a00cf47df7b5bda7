//! The published JSON Schemas of MCP, out of the source package of the official Python SDK.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{Site, python, read, stamp};

/// The revisions that the tests hold messages to.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];

pub(super) fn install(site: &Site<'_>) -> Result<()> {
    let requirements = site.clients.join("schema/requirements.txt");
    stamp::ensure(&site.tools.join("schema"), &read(&requirements)?, |folder| {
        let download = folder.join("download");
        // pip builds the metadata of a source package before it hands it over: with the pinned
        // build tools of our own environment, not with whatever is newest.
        site.run(
            python::pip(site)
                .args(["download", "--require-hashes", "--no-deps", "--no-binary=mcp"])
                .args(["--no-build-isolation", "--requirement"])
                .arg(&requirements)
                .arg("--dest")
                .arg(&download),
        )?;
        unpack(site, &download, folder)?;
        fs::remove_dir_all(&download)
            .with_context(|| format!("remove `{}`", download.display()))?;
        for revision in REVISIONS {
            let file = folder.join(revision).with_extension("json");
            serde_json::from_str::<serde_json::Value>(&read(&file)?)
                .with_context(|| format!("parse `{}`", file.display()))?;
        }
        Ok(())
    })
}

/// Takes the JSON files out of the archive's folder `schema`.
fn unpack(site: &Site<'_>, download: &Path, folder: &Path) -> Result<()> {
    let mut archives = fs::read_dir(download)
        .with_context(|| format!("list `{}`", download.display()))?
        .filter_map(Result::ok);
    let (Some(archive), None) = (archives.next(), archives.next()) else {
        bail!("pip did not leave exactly one archive in `{}`", download.display());
    };
    site.run(
        site.command("tar")
            .args(["--extract", "--gzip", "--strip-components=2", "--wildcards"])
            .arg("--file")
            .arg(archive.path())
            .arg("--directory")
            .arg(folder)
            .arg("*/schema/*.json"),
    )
}
