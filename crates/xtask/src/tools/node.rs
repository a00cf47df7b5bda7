//! The official TypeScript SDKs, the conformance suite, and the Node that runs them.

use std::fs;

use anyhow::{Context, Result, bail};

use super::{Site, read, stamp};
use crate::process;

pub(super) fn install(site: &Site<'_>) -> Result<()> {
    let source = site.clients.join("typescript");
    let manifest = read(&source.join("package.json"))?;
    let lock = read(&source.join("package-lock.json"))?;
    // The binary of Node differs, also where two machines share a home.
    let inputs = format!("{}\n{manifest}{lock}", std::env::consts::ARCH);
    stamp::ensure(&site.tools.join("node"), &inputs, |folder| {
        fs::write(folder.join("package.json"), &manifest)
            .and_then(|()| fs::write(folder.join("package-lock.json"), &lock))
            .with_context(|| format!("copy the manifest to `{}`", folder.display()))?;
        // No package that is needed here has an install script, and none may grow one.
        site.run(
            site.command("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
                .current_dir(folder),
        )?;
        // npm passes over an optional package that it cannot install.
        let node = folder.join("node_modules/.bin/node");
        if !process::succeeds(site.command(&node).arg("--version")) {
            bail!("npm has no Node for `{}` that runs here", std::env::consts::ARCH);
        }
        Ok(())
    })
}
