#!/usr/bin/env bash
# Writes down which packages the medium consists of: pacman itself reads the databases of the snapshot that the profile's
# `pacman.conf` names, and resolves its list.
#
#     lock-arch.sh PROFILE LOCK
#
# It needs pacman, jq, and a network that reaches the snapshot; root or fakeroot, without which pacman reads nothing. What is
# locked is what the snapshot's databases say, as TLS brought them: Arch does not sign databases.
set -euo pipefail
export LC_ALL=C

complain() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

[[ $# -eq 2 ]] || complain "usage: lock-arch.sh PROFILE LOCK"
profile=$1 lock=$2
configuration=$profile/pacman.conf
list=$profile/packages.x86_64
for file in "$configuration" "$list"; do
    [[ -f $file ]] || complain "\`$file\` is not there: name the folder of the profile, which is \`archiso\` in the checkout"
done

mapfile -t servers < <(sed -n 's/^[[:blank:]]*Server[[:blank:]]*=[[:blank:]]*//p' "$configuration" | sort -u)
[[ ${#servers[@]} -gt 0 ]] || complain "\`$configuration\` names no server"
day=
for server in "${servers[@]}"; do
    [[ $server =~ /repos/([0-9]{4}/[0-9]{2}/[0-9]{2})(/|$) ]] ||
        complain "\`$server\` is not the snapshot of one day: a lock of it would not hold tomorrow"
    # Packages of two days were never tried together.
    [[ ${day:=${BASH_REMATCH[1]}} == "${BASH_REMATCH[1]}" ]] ||
        complain "\`$configuration\` names the days $day and ${BASH_REMATCH[1]}: set the same in every \`Server\` line"
done
# As mkarchiso reads it, and without blanks around a name.
mapfile -t packages < <(sed 's/#.*//;s/^[[:blank:]]*//;s/[[:blank:]]*$//;/^$/d' "$list")
[[ ${#packages[@]} -gt 0 ]] || complain "\`$list\` names no package"

root=()
if [[ $EUID -ne 0 ]]; then
    command -v fakeroot >/dev/null || complain "pacman wants to be root: install fakeroot, or run this as root"
    root=(fakeroot --)
fi
work=$(mktemp --directory)
trap 'rm -rf -- "$work"' EXIT
mkdir -p "$work/root/var/lib/pacman" "$work/cache" "$work/gnupg" "$work/hooks"
pacman=("${root[@]}" pacman --config "$configuration" --root "$work/root" --dbpath "$work/root/var/lib/pacman"
    --cachedir "$work/cache" --gpgdir "$work/gnupg" --hookdir "$work/hooks" --logfile "$work/log" --noconfirm)

"${pacman[@]}" --sync --refresh >&2 || complain "the databases of the snapshot cannot be had: ${servers[*]}"
"${pacman[@]}" --sync --print -- "${packages[@]}" >/dev/null ||
    complain "the snapshot does not have all that \`$list\` names: correct what pacman tells above, or set another day in \`$configuration\`"
# pacman 7.0 crashes when it is to print a hash that the database lacks: so whether all is there was asked before.
"${pacman[@]}" --sync --print --print-format '%n %v %l %h' -- "${packages[@]}" >"$work/resolved" ||
    complain "the snapshot lacks the SHA-256 of a package, which would be held to nothing: set another day in \`$configuration\`"

# A member that is missing would be a package that is not held to anything.
while read -r name version url sha256 rest; do
    [[ -n $version && $url == *://*.pkg.tar.* && $sha256 =~ ^[0-9a-f]{64}$ && -z $rest ]] ||
        complain "what pacman says of \`$name\` is not its version, address and SHA-256: $version $url $sha256 $rest"
done <"$work/resolved"

sort -u "$work/resolved" | jq --raw-input --null-input '
    {
        snapshot: $ARGS.positional,
        packages: [inputs | split(" ") | {name: .[0], version: .[1], url: .[2], sha256: .[3]}]
    }' --args "${servers[@]}" >"$work/lock"
mkdir -p "$(dirname "$lock")"
# By rename, so that nobody finds half of a lock.
cp "$work/lock" "$lock.new"
mv "$lock.new" "$lock"
printf '%s packages are locked in %s\n' "$(wc -l <"$work/resolved")" "$lock"
