#!/usr/bin/env bash
# shellcheck disable=SC2034
# What mkarchiso (archiso 88) and `cargo xtask iso` make of this profile. All times in it are SOURCE_DATE_EPOCH's.

iso_name="llmbasedos"
# At most 16 characters, which is what Joliet has room for.
iso_label="LLMBASEDOS_$(date --utc --date="@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%y%m)"
iso_publisher="llmbasedos"
iso_application="llmbasedos live and installation medium"
iso_version="$(date --utc --date="@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%Y.%m.%d)"
install_dir="arch"
buildmodes=('iso')
bootmodes=('bios.syslinux' 'uefi.systemd-boot')
pacman_conf="pacman.conf"
airootfs_image_type="squashfs"
# Zstandard is read several times as fast as xz and is a tenth larger: a machine boots from this.
airootfs_image_tool_options=('-comp' 'zstd' '-Xcompression-level' '19' '-b' '256K' '-reproducible')
# mkarchiso copies `airootfs/` without modes: what is not 0644 or 0755 by being a folder stands here.
file_permissions=(
  ["/root"]="0:0:700"
  ["/root/llmbasedos_postinstall.sh"]="0:0:755"
  ["/usr/bin/llmbasedos"]="0:0:755"
  ["/usr/bin/luca-shell"]="0:0:755"
  ["/usr/lib/llmbasedos/cap-fs"]="0:0:755"
  ["/usr/lib/llmbasedos/gateway"]="0:0:755"
)
