#!/usr/bin/env bash
# Writes down which packages the profile consists of, to the byte: lock-arch.sh PROFILE OUT
#
# pacman itself reads the database of the snapshot that PROFILE/pacman.conf names, and says what PROFILE/packages.x86_64 needs
# besides. OUT is JSON: the packages by name, each with version, URL and SHA-256.
set -euo pipefail

die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

[ "$#" = 2 ] || die "usage: lock-arch.sh PROFILE OUT"
profile="$1" out="$2"
[ -r "$profile/pacman.conf" ] && [ -r "$profile/packages.x86_64" ] || die "'$profile' is no profile of mkarchiso"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root" "$work/db" "$work/cache"

# Only root may refresh a database, even one of nobody's: fakeroot is enough of one for that.
as_root=()
[ "$(id -u)" = 0 ] || as_root=(fakeroot --)
pacman=("${as_root[@]}" pacman --config "$profile/pacman.conf" --root "$work/root" --dbpath "$work/db"
    --cachedir "$work/cache" --noconfirm --disable-sandbox)

# As mkarchiso reads it.
mapfile -t names < <(sed '/^[[:blank:]]*#.*/d;s/#.*//;/^[[:blank:]]*$/d' "$profile/packages.x86_64")
[ "${#names[@]}" -gt 0 ] || die "'$profile/packages.x86_64' names no package"
"${pacman[@]}" --sync --refresh >&2 || die "the snapshot cannot be read: is its server in '$profile/pacman.conf' right?"
"${pacman[@]}" --sync --print --print-format '%n %v %l %h' -- "${names[@]}" > "$work/packages" ||
    die "not every package of '$profile/packages.x86_64' is in the snapshot"

while read -r name version url sha256; do
    [[ "$sha256" =~ ^[0-9a-f]{64}$ ]] || die "the snapshot has no SHA-256 of '$name'"
    jq -n --arg name "$name" --arg version "$version" --arg url "$url" --arg sha256 "$sha256" '$ARGS.named'
done < "$work/packages" | jq -s '{packages: sort_by(.name)}' > "$work/lock"
mv -- "$work/lock" "$out"
printf '%s packages are in %s\n' "$(jq '.packages | length' "$out")" "$out" >&2
