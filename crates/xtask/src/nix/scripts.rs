//! `nix/lock-arch.sh` and `nix/iso.sh`, run over a repository of three small packages that is served by HTTP.
//!
//! mkarchiso is a recorder here, which keeps what it was told and installs all packages from the repository that it was given:
//! so it is shown that this one is whole, and that nothing else is needed.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;

use anyhow::{Context, Result, ensure};

use crate::say;
use crate::vm::trees::Trees;

/// Makes three packages, of which one needs another, and a repository of them, in `/mnt/mirror`.
const PACKAGES: &str = r#"
mkdir -p mirror; cd mirror
for name in first:second second: third:; do
    needs="${name#*:}"; name="${name%:*}"
    mkdir -p "$name/usr/share/$name"; echo "$name" > "$name/usr/share/$name/file"
    printf 'pkgname = %s\npkgver = 1-1\narch = any\nsize = 1\nbuilddate = 0\n' "$name" > "$name/.PKGINFO"
    [ -z "$needs" ] || echo "depend = $needs" >> "$name/.PKGINFO"
    bsdtar -C "$name" -cf - .PKGINFO usr | zstd -q > "$name-1-1-any.pkg.tar.zst"
    rm -r "$name"
done
repo-add --quiet core.db.tar.gz *.pkg.tar.zst
"#;
/// In the place of mkarchiso.
const RECORDER: &str = r#"#!/bin/bash
set -e
printf '%s\n' "$@" > /mnt/told
while getopts vC:w:o: option; do [ "$option" = C ] && conf="$OPTARG"; done
mkdir -p /mnt/root/var/lib/pacman
pacman --config "$conf" --root /mnt/root --noconfirm -Sy first third > /dev/null
"#;
/// Runs both scripts as an app does: the folder of packages is what the lock says, fetched.
const FETCH: &str = r#"
mkdir -p packages; jq -r '.packages[].url' lock.json | while read -r url; do
    curl --silent --fail --output "packages/${url##*/}" "$url"
done
"#;
/// What iso.sh is called with.
const ISO: &str = "PATH=/mnt/bin:$PATH bash iso.sh profile lock.json packages out";

/// Runs them, and shows that they refuse what is wrong.
pub(super) fn check(trees: &Trees, root: &Path, folder: &Path) -> Result<()> {
    let work = folder.join("scripts");
    fs::create_dir_all(work.join("profile"))?;
    fs::create_dir(work.join("bin"))?;
    for script in ["lock-arch.sh", "iso.sh"] {
        fs::copy(root.join("nix").join(script), work.join(script))?;
    }
    let inside = |script: &str| -> Result<Output> {
        Ok(trees.inside(&work, &format!("cd /mnt\n{script}"))?.output()?)
    };
    let done = |script: &str| -> Result<()> {
        let output = inside(script)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`{script}` ended with {}: {said}", output.status);
        Ok(())
    };
    let refused = |script: &str, why: &str| -> Result<()> {
        let output = inside(script)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success() && said.contains(why), "not refused by {why:?}: {said}");
        Ok(())
    };

    done(PACKAGES)?;
    let server = serve(work.join("mirror"))?;
    fs::write(
        work.join("profile/pacman.conf"),
        format!("[options]\nArchitecture = x86_64\nSigLevel = Never\n[core]\nServer = {server}\n"),
    )?;
    fs::write(work.join("bin/mkarchiso"), RECORDER)?;
    done("chmod 755 bin/mkarchiso")?;

    let names = |list: &str| fs::write(work.join("profile/packages.x86_64"), list);
    let lock = "bash lock-arch.sh profile lock.json";
    refused(ISO, "nix run .#lock-arch")?;
    names("# nothing\n")?;
    refused(lock, "names no package")?;
    names("first\nunheard-of\n")?;
    refused(lock, "not every package")?;
    names("# why\nfirst\nthird# and why\n")?;
    done(lock)?;
    let locked = fs::read_to_string(work.join("lock.json"))?;
    let locked: serde_json::Value = serde_json::from_str(&locked)?;
    let packages = locked["packages"].as_array().context("the lock has packages")?;
    let found: Vec<_> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    ensure!(found == ["first", "second", "third"], "locked is {found:?}");
    ensure!(
        packages.iter().all(|p| p["url"].as_str().is_some_and(|u| u.starts_with(&server))),
        "{locked}"
    );

    done(FETCH)?;
    done(ISO)?;
    let told = fs::read_to_string(work.join("told"))?;
    ensure!(told.ends_with("-o\nout\nprofile\n"), "mkarchiso was told {told}");
    for name in ["first", "second", "third"] {
        ensure!(work.join(format!("root/usr/share/{name}/file")).is_file(), "{name} is missing");
    }
    // The same lock twice is the same; another byte, or a package too few, is refused.
    done("cp lock.json before && bash lock-arch.sh profile lock.json && cmp before lock.json")?;
    done("cp -a packages whole && printf x >> packages/second-1-1-any.pkg.tar.zst")?;
    refused(ISO, "is not what was locked")?;
    done("rm packages/second-1-1-any.pkg.tar.zst")?;
    refused(ISO, "is locked, but not in")?;
    names("first\nthird\n")?;
    done(
        "sed -i s,/$,, profile/pacman.conf; sed -i 's,Server = .*,Server = http://127.0.0.1:1,' profile/pacman.conf",
    )?;
    refused(lock, "cannot be read")?;
    say::line("lock-arch.sh and iso.sh lock, fetch and hand over packages, and refuse other bytes");
    Ok(())
}

/// Serves the files of a folder for as long as this process lives, and gives where.
fn serve(folder: PathBuf) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever hangs up early wanted no more.
            answer(stream, &folder).ok();
        }
    });
    Ok(format!("http://{address}"))
}

fn answer(mut stream: TcpStream, folder: &Path) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let name = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    while reader.read_line(&mut line)? > 2 {}
    let file = folder.join(&name);
    if name.contains('/') || !file.is_file() {
        stream.write_all(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )?;
        return Ok(());
    }
    let mut bytes = Vec::new();
    File::open(file)?.read_to_end(&mut bytes)?;
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
    stream.write_all(head.as_bytes())?;
    Ok(stream.write_all(&bytes)?)
}
