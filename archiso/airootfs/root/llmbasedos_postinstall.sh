#!/bin/sh
# Makes llmbasedos of an installed system: its files, users, folders, and what is enabled. Once more it changes nothing.
#
#   llmbasedos_postinstall.sh ROOT   from the medium: of the system whose root is mounted at ROOT, made by pacstrap
#   llmbasedos_postinstall.sh        in that system itself, to set right what is enabled and who owns what
#
# A person at a terminal is asked whether the gateway takes plain HTTP from their own network; LLMBASEDOS_PLAIN=private or =loopback
# answers that where nobody is. The answer is kept as the credential /etc/credstore/llmbasedos.plain of that system.
#
# Nothing else here gives anybody a password or opens a way in that was not there.
set -eu

list=/usr/share/llmbasedos/files.list
preset=/usr/lib/systemd/system-preset

die() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

[ "$#" -le 1 ] || die "one folder at the most: the root of the system to be made"
[ "$(id -u)" = 0 ] || die "only root can do this"
root="${1:-/}"
root="$(cd "$root" 2> /dev/null && pwd -P)" || die "'$1' is no folder: mount the new system's root there"
[ "$root" != / ] || root=
[ -x "$root/usr/bin/systemctl" ] || die "there is no system in '$root': make one with pacstrap first"
for needed in nft:nftables sshd:openssh; do
    [ -x "$root/usr/sbin/${needed%%:*}" ] ||
        die "'${needed#*:}' is missing there: pacstrap -K '$root' ${needed#*:}"
done

changed=0

# Whether the file or link `$1` is in the other system as it is in this one.
is_there() {
    if [ -L "/$1" ]; then
        [ "$(readlink "/$1")" = "$(readlink "$root/$1")" ]
    else
        [ ! -L "$root/$1" ] && cmp -s "/$1" "$root/$1" && [ "$(stat -c %a "/$1")" = "$(stat -c %a "$root/$1")" ]
    fi
}

# Puts it there.
lay() {
    [ -e "/$1" ] || [ -L "/$1" ] || die "'/$1' is missing here, though $list names it: this medium is not whole"
    is_there "$1" && return
    mkdir -p -- "$root/${1%/*}"
    # Beside it and then over it: whoever is interrupted has the old one or the new one.
    cp -P --preserve=mode,timestamps -- "/$1" "$root/$1.new"
    mv -f -- "$root/$1.new" "$root/$1"
    changed=$((changed + 1))
}

if [ -n "$root" ]; then
    # What an older medium laid and this one has no more would still be read there.
    if [ -e "$root$list" ]; then
        gone="$(grep -Fxv -f "$list" "$root$list" || true)"
        for file in $gone; do
            rm -f -- "$root/$file"
            changed=$((changed + 1))
        done
    fi
    while read -r file; do
        lay "$file"
    done < "$list"
fi

systemd-sysusers --root="$root/"
# What belongs into /run is made at each boot.
systemd-tmpfiles --root="$root/" --create --exclude-prefix=/run llmbasedos.conf llmbasedos-machine.conf

# These units alone: the administrator's choice of all others stays.
for verb in enable disable; do
    units="$(sed -n "s/^$verb //p" "$root$preset/40-llmbasedos-image.preset" "$root$preset/50-llmbasedos.preset")"
    for unit in $units; do
        # Not every distribution has each of them, and a later line may disagree with an earlier one.
        [ -e "$root/usr/lib/systemd/system/$unit" ] || continue
        systemctl --root="$root/" --quiet preset "$unit"
    done
done

if [ ! -e "$root/etc/hostname" ]; then
    echo llmbasedos > "$root/etc/hostname"
fi
# Names are resolved by systemd-resolved, for programs that read this file themselves, too; not where it is mounted for now.
if [ ! -L "$root/etc/resolv.conf" ] && ! mountpoint -q "$root/etc/resolv.conf"; then
    ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
fi

# The owner's word on plain HTTP, once; where there is none the gateway takes it from this machine alone.
answer="$root/etc/credstore/llmbasedos.plain"
plain="${LLMBASEDOS_PLAIN:-}"
if [ -n "$root" ] && [ -z "$plain" ] && [ ! -e "$answer" ] && [ -t 0 ]; then
    printf 'Other machines connect to it by https. May those of your own network do so without encryption,\n'
    printf 'by which others there could read keys and files? [y/N] '
    read -r said || said=
    case "$said" in
    [Yy]*) plain=private ;;
    *) plain=loopback ;;
    esac
fi
case "$plain" in
'') ;;
private | loopback)
    if [ "$(cat "$answer" 2> /dev/null)" != "$plain" ]; then
        mkdir -p -m 0700 -- "${answer%/*}"
        echo "$plain" > "$answer.new"
        mv -f -- "$answer.new" "$answer"
    fi
    ;;
*) die "LLMBASEDOS_PLAIN is '$plain': it must be private or loopback" ;;
esac

# In the making of a medium there is nobody to read it.
if [ -n "$root" ]; then
    echo "llmbasedos is in $root ($changed files changed)."
    echo "  The first console is its shell, without a password, as llmuser."
    case "$(sed -n 's/^root:\([^:]*\):.*/\1/p' "$root/etc/shadow")" in
    '' | '!'* | '*') echo "  Root cannot log in: 'passwd --root $root root' sets a password for the other consoles." ;;
    esac
    echo "  Other machines connect by https ('llmbasedos tls show' on it shows what they must trust)."
    echo "  SSH begins with the first key in /etc/llmbasedos/authorized_keys/NAME."
fi
