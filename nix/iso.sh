#!/usr/bin/env bash
# Builds the medium of locked packages by mkarchiso, without a network: iso.sh PROFILE LOCK PACKAGES OUT
#
# LOCK is what lock-arch.sh wrote, PACKAGES a folder that holds the files that it names, OUT the folder for the medium. mkarchiso
# and what it needs are on the path. Needs root, as pacstrap does. SOURCE_DATE_EPOCH is the time that the medium gets.
set -euo pipefail

die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

[ "$#" = 4 ] || die "usage: iso.sh PROFILE LOCK PACKAGES OUT"
profile="$1" lock="$2" packages="$3" out="$4"
[ -r "$lock" ] || die "there is no '$lock': 'nix run .#lock-arch' writes it"
[ "$(id -u)" = 0 ] || die "only root can do this: pacstrap makes files of other owners"
# Always the same: a list on the medium has the name in it.
work=/var/tmp/llmbasedos-iso
rm -rf "$work"
mkdir -p "$work/repository" "$out"
trap 'rm -rf "$work"' EXIT

while read -r sha256 url; do
    file="${url##*/}"
    [ -r "$packages/$file" ] || die "'$file' is locked, but not in '$packages'"
    printf '%s  %s\n' "$sha256" "$packages/$file" | sha256sum --check --quiet - ||
        die "'$file' is not what was locked: fetch it again, or make the lock anew by 'nix run .#lock-arch'"
    cp -- "$packages/$file" "$work/repository/"
done < <(jq --raw-output '.packages[] | "\(.sha256) \(.url)"' "$lock")
(cd "$work/repository" && LC_ALL=C repo-add --quiet locked.db.tar.gz ./*.pkg.tar.*)

# The hashes of the lock hold every byte, which signatures would say once more, of a keyring that this machine may not have.
cat > "$work/pacman.conf" <<END
[options]
Architecture = x86_64
SigLevel = Never
DisableSandbox

[locked]
Server = file://$work/repository
END
# The profile may be in a store that nobody writes to; mkarchiso reads it only.
mkarchiso -v -C "$work/pacman.conf" -w "$work/work" -o "$out" "$profile"
