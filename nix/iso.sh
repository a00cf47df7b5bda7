#!/usr/bin/env bash
# Builds the medium by mkarchiso of locked packages, without a network.
#
#     iso.sh PROFILE LOCK PACKAGES OUT
#
# PROFILE is the staged profile, LOCK what lock-arch.sh wrote, PACKAGES a folder of the locked packages, OUT the folder for the
# medium. It needs mkarchiso and what that needs, repo-add and jq; and root, as pacstrap does. All times in the medium are
# SOURCE_DATE_EPOCH's, so that the same packages make the same bytes.
set -euo pipefail
export LC_ALL=C

complain() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

[[ $# -eq 4 ]] || complain "usage: iso.sh PROFILE LOCK PACKAGES OUT"
profile=$1 lock=$2 packages=$3 out=$4
[[ -f $lock ]] || complain "\`$lock\` is not there: make it with \`nix run .#lock-arch\`, which needs a network that reaches Arch"
[[ -f $profile/profiledef.sh ]] || complain "\`$profile\` is no profile: it has no \`profiledef.sh\`"
[[ $EUID -eq 0 ]] || complain "only root can do this, since pacstrap makes a root file system:
    sudo ${SOURCE_DATE_EPOCH:+env SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH }$(realpath -- "$0") ${*@Q}"

anew="make it anew with \`nix run .#lock-arch\`"
# All of it before anything is done: of half a lock, half a medium would be made.
jq --exit-status '(.snapshot | length > 0) and (.packages | length > 0 and
    all((.url | test("/[^/[:space:]]+$")) and (.sha256 | test("^[0-9a-f]{64}$"))))' "$lock" >/dev/null 2>&1 ||
    complain "\`$lock\` is not what \`lock-arch.sh\` writes: $anew"
snapshot=$(jq --raw-output '.snapshot[]' "$lock")
servers=$(sed -n 's/^[[:blank:]]*Server[[:blank:]]*=[[:blank:]]*//p' "$profile/pacman.conf" | sort -u)
[[ $snapshot == "$servers" ]] ||
    complain "\`$lock\` is of $snapshot, and \`$profile/pacman.conf\` names $servers: $anew"

mkdir -p "$out"
out=$(realpath -- "$out")
# Always the same, since a list on the medium has its name in it; and made here, or whoever made it could change what root does.
work=/var/tmp/llmbasedos-iso
mkdir --mode=0700 -- "$work" || complain "remove \`$work\`, unless another build is under way: one was cut short"
# What mkarchiso may have left mounted there is the machine's own.
trap 'rm -rf --one-file-system -- "$work"' EXIT
mkdir "$work/repository" "$work/cache" "$work/root" "$work/databases"

# In the order of the lock, which is sorted: the same lock makes the same database.
files=()
while read -r url sha256; do
    file=${url##*/}
    [[ -f $packages/$file ]] || complain "\`$file\` is locked, but not in \`$packages\`"
    copy=$work/repository/$file
    cp -- "$packages/$file" "$copy"
    found=$(sha256sum <"$copy")
    [[ ${found%% *} == "$sha256" ]] || complain "\`$file\` is not what was locked: its SHA-256 is ${found%% *}, not $sha256"
    files+=("$copy")
done < <(jq --raw-output '.packages[] | "\(.url) \(.sha256)"' "$lock")
repo-add --quiet "$work/repository/locked.db.tar.gz" "${files[@]}"

# Its own cache, or packages of another day would be taken from the machine's.
cat >"$work/pacman.conf" <<CONFIGURATION
[options]
Architecture = x86_64
CacheDir = $work/cache
# Signatures are not looked at: each package was held to the SHA-256 in the lock just now, and nothing else is here.
SigLevel = Never

[locked]
Server = file://$work/repository
CONFIGURATION

# The profile's list may be newer than the lock. pacman tells so now, and not in the midst of a build.
mapfile -t names < <(sed 's/#.*//;s/^[[:blank:]]*//;s/[[:blank:]]*$//;/^$/d' "$profile/packages.x86_64")
pacman=(pacman --config "$work/pacman.conf" --root "$work/root" --dbpath "$work/databases" --noconfirm)
"${pacman[@]}" --sync --refresh >/dev/null
"${pacman[@]}" --sync --print -- "${names[@]}" >/dev/null ||
    complain "\`$lock\` does not lock all that \`$profile/packages.x86_64\` needs: $anew"

# mkarchiso leaves to the files of the medium the time at which it wrote them: they get theirs just before it is written.
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date +%s)}
xorriso=$(command -v xorriso) || complain "xorriso is not on the path"
mkdir "$work/bin"
cat >"$work/bin/xorriso" <<WRAPPER
#!/usr/bin/env bash
set -e
find "$work/mkarchiso/iso" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
exec "$xorriso" "\$@"
WRAPPER
chmod 755 "$work/bin/xorriso"

# The packages' own scripts run in the new root, with this path: programs may be elsewhere here (in Nix they are).
export PATH=$work/bin:$PATH:/usr/local/sbin:/usr/local/bin:/usr/bin
mkarchiso -v -C "$work/pacman.conf" -w "$work/mkarchiso" -o "$out" "$profile"
