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

/// Where the packages are on the server: of one day, as in Arch's archive.
const SNAPSHOT: &str = "/repos/2026/11/01/";
/// Makes three packages, of which one needs another and one has an epoch, and in `/mnt/mirror` two repositories of them:
/// `core`, and `bare` which has no hashes.
const PACKAGES: &str = r#"
mkdir -p mirror; cd mirror
for name in first:second second: third:; do
    needs="${name#*:}"; name="${name%:*}"; version=1-1
    [ "$name" != third ] || version=1:1-1
    mkdir -p "$name/usr/share/$name"; echo "$name" > "$name/usr/share/$name/file"
    printf 'pkgname = %s\npkgver = %s\narch = any\nsize = 1\nbuilddate = 0\n' "$name" "$version" > "$name/.PKGINFO"
    [ -z "$needs" ] || echo "depend = $needs" >> "$name/.PKGINFO"
    bsdtar -C "$name" -cf - .PKGINFO usr | zstd -q > "$name-$version-any.pkg.tar.zst"
    rm -r "$name"
done
repo-add --quiet core.db.tar.gz *.pkg.tar.zst
mkdir bare; bsdtar -C bare -xf core.db.tar.gz
sed -i '/^%SHA256SUM%$/,+1d' bare/*/desc
bsdtar -C bare -czf bare.db $(ls bare); rm -r bare
"#;
/// In the place of mkarchiso.
const RECORDER: &str = r#"#!/bin/bash
set -e
printf '%s\n' "$SOURCE_DATE_EPOCH" "$@" > /mnt/told
while getopts vC:w:o: option; do case "$option" in C) conf="$OPTARG" ;; w) work="$OPTARG" ;; esac; done
mkdir -p "$work/iso/folder"
xorriso -version > /dev/null 2>&1
stat --format %Y "$work/iso/folder" > /mnt/time
if [ -d /mnt/machine ]; then mkdir "$work/dev"; mount --bind /mnt/machine "$work/dev"; exit 1; fi
cp "$conf" /mnt/conf
mkdir -p /mnt/root/var/lib/pacman
pacman --config "$conf" --root /mnt/root --noconfirm -Sy first third > /dev/null
"#;
/// Runs both scripts as an app does: the folder of packages is what the lock says, fetched.
const FETCH: &str = r#"
mkdir -p packages; jq -r '.packages[].url' lock.json | while read -r url; do
    curl --silent --fail --output "packages/${url##*/}" "$url"
done
"#;
/// How iso.sh is called: without a network. Its work folder is not in the tools tree.
const ISO: &str = "mount -t tmpfs tmpfs /var/tmp; SOURCE_DATE_EPOCH=86400 PATH=/mnt/bin:$PATH unshare --net bash iso.sh profile lock.json packages out";

/// What is done to whole files before iso.sh, and the words in which it then refuses.
const BROKEN: [(&str, &str); 11] = [
    ("rm lock.json", "`lock.json` is not there: make it with `nix run .#lock-arch`"),
    ("printf x >> packages/second-1-1-any.pkg.tar.zst", "is not what was locked"),
    ("rm packages/second-1-1-any.pkg.tar.zst", "is locked, but not in"),
    (": > lock.json", "is not what `lock-arch.sh` writes"),
    ("truncate --size=-9 lock.json", "is not what `lock-arch.sh` writes"),
    ("jq '.packages = []' whole/lock.json > lock.json", "is not what `lock-arch.sh` writes"),
    ("jq '.packages[2] = 3' whole/lock.json > lock.json", "is not what `lock-arch.sh` writes"),
    ("jq 'del(.packages[1].sha256)' whole/lock.json > lock.json", "is not what `lock-arch.sh`"),
    ("jq 'del(.packages[1])' whole/lock.json > lock.json", "does not lock all"),
    ("echo unheard-of >> profile/packages.x86_64", "does not lock all"),
    ("sed -i s,2026/11/01,2026/11/02, profile/pacman.conf", "pacman.conf` names http"),
];

/// How lock-arch.sh is called.
const LOCK: &str = "bash lock-arch.sh profile lock.json";

/// Runs them, and shows that they refuse what is wrong.
pub(super) fn check(trees: &Trees, root: &Path, folder: &Path) -> Result<()> {
    let scripts = Scripts { trees, work: &folder.join("scripts") };
    scripts.prepare(root)?;
    let server = serve(scripts.work.join("mirror"))?;
    scripts.lock(&server)?;
    scripts.build()?;
    say::line(format!(
        "lock-arch.sh and iso.sh lock, fetch and hand over packages, and refuse {} breaks",
        BROKEN.len()
    ));
    Ok(())
}

/// The scripts, and the folder that they work in.
struct Scripts<'a> {
    trees: &'a Trees,
    work: &'a Path,
}

impl Scripts<'_> {
    fn inside(&self, script: &str) -> Result<Output> {
        Ok(self.trees.inside(self.work, &format!("cd /mnt\n{script}"))?.output()?)
    }

    fn done(&self, script: &str) -> Result<()> {
        let output = self.inside(script)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`{script}` ended with {}: {said}", output.status);
        Ok(())
    }

    fn refused(&self, script: &str, why: &str) -> Result<()> {
        let output = self.inside(script)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success() && said.contains(why), "not refused by {why:?}: {said}");
        Ok(())
    }

    fn read(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.work.join(name)).with_context(|| format!("read `{name}`"))
    }

    fn prepare(&self, root: &Path) -> Result<()> {
        fs::create_dir_all(self.work.join("profile"))?;
        fs::create_dir(self.work.join("bin"))?;
        for script in ["lock-arch.sh", "iso.sh"] {
            fs::copy(root.join("nix").join(script), self.work.join(script))?;
        }
        fs::write(self.work.join("profile/profiledef.sh"), "")?;
        fs::write(self.work.join("bin/mkarchiso"), RECORDER)?;
        self.done("chmod 755 bin/mkarchiso")?;
        self.done(PACKAGES)
    }

    fn names(&self, list: &str) -> Result<()> {
        Ok(fs::write(self.work.join("profile/packages.x86_64"), list)?)
    }

    fn mirror(&self, address: &str) -> Result<()> {
        let text = format!(
            "[options]\nArchitecture = x86_64\nSigLevel = Required DatabaseOptional\n[core]\nServer = {address}\n"
        );
        Ok(fs::write(self.work.join("profile/pacman.conf"), text)?)
    }

    fn lock(&self, server: &str) -> Result<()> {
        self.names("first\nthird # and why\n")?;
        for (address, why) in [
            (server, "snapshot of one day"),
            ("http://127.0.0.1:1/repos/2026/11/01", "cannot be had"),
        ] {
            self.mirror(address)?;
            self.refused(LOCK, why)?;
        }
        let snapshot = format!("{server}{SNAPSHOT}");
        self.mirror(&format!("{snapshot}\nServer = {server}/repos/2026/11/02/"))?;
        self.refused(LOCK, "the days 2026/11/01 and 2026/11/02")?;
        self.mirror(&snapshot)?;
        self.refused(
            &format!("sed -i 's/core/bare/' profile/pacman.conf; {LOCK}"),
            "lacks the SHA-256",
        )?;
        self.mirror(&snapshot)?;
        for (list, why) in
            [("# nothing\n", "names no package"), ("first\nunheard-of\n", "does not have all")]
        {
            self.names(list)?;
            self.refused(LOCK, why)?;
        }
        ensure!(!self.work.join("lock.json").is_file(), "what could not be locked left a lock");

        self.names("# why\nfirst\nthird # and why\n")?;
        self.done(LOCK)?;
        let lock: serde_json::Value = serde_json::from_str(&self.read("lock.json")?)?;
        let packages = lock["packages"].as_array().context("the lock has packages")?;
        let named: Vec<_> =
            packages.iter().filter_map(|package| package["name"].as_str()).collect();
        ensure!(named == ["first", "second", "third"], "locked is {named:?}");
        ensure!(packages[2]["version"] == "1:1-1", "{lock}");
        ensure!(packages[2]["url"] == format!("{snapshot}third-1:1-1-any.pkg.tar.zst"), "{lock}");
        ensure!(lock["snapshot"][0] == snapshot, "{lock}");
        // The same snapshot twice is the same lock.
        self.done(&format!("cp lock.json before && {LOCK} && cmp before lock.json"))
    }

    fn build(&self) -> Result<()> {
        self.done(FETCH)?;
        self.done(ISO)?;
        let told = self.read("told")?;
        let all = told.starts_with("86400\n") && told.ends_with("-o\n/mnt/out\nprofile\n");
        ensure!(all, "mkarchiso was told {told}");
        let configuration = self.read("conf")?;
        let servers = configuration.lines().filter_map(|line| line.strip_prefix("Server = "));
        let servers: Vec<_> = servers.collect();
        let local = matches!(servers[..], [server] if server.starts_with("file:///"));
        ensure!(local, "packages come from {servers:?}");
        ensure!(self.read("time")? == "86400\n", "files get another time than is asked for");
        for name in ["first", "second", "third"] {
            let file = self.work.join(format!("root/usr/share/{name}/file"));
            ensure!(file.is_file(), "{name} is missing");
        }
        self.done("mkdir whole; cp -a lock.json packages profile whole; rm told")?;
        for (change, why) in BROKEN {
            self.refused(&format!("{change}\n{ISO}"), why)?;
            ensure!(self.read("told").is_err(), "after `{change}` mkarchiso is started");
            self.done("rm -r packages profile; cp -a whole/. .")?;
        }
        // As are a work folder that somebody else made, and a caller who is not root.
        let somebody = ISO.replacen(';', "; mkdir /var/tmp/llmbasedos-iso;", 1);
        self.refused(&somebody, "another build")?;
        self.refused(&ISO.replace("bash", "setpriv --reuid 65534 bash"), "only root")?;
        // What mkarchiso left mounted when it failed stays, since it is the machine's.
        self.refused(
            &format!("mkdir machine; touch machine/file; {ISO}"),
            "on a different device",
        )?;
        self.done("rm machine/file; rmdir machine")?;
        // It was the breaks that were refused.
        self.done(ISO)
    }
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
    let path = line.split(' ').nth(1).and_then(|path| path.strip_prefix(SNAPSHOT));
    let name = path.unwrap_or_default().to_owned();
    while reader.read_line(&mut line)? > 2 {}
    let file = folder.join(&name);
    if name.is_empty() || name.contains('/') || !file.is_file() {
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
