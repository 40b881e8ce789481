#!/bin/bash
# Grows partition, volume and file system of the root to the boot volume, of which Oracle Linux takes 47 GB, whatever its
# size. Not by oci-growfs, which can hang. Ubuntu does it by itself.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

# From the root's device down to the disk: `NAME TYPE` each, as `ocivolume-root lvm`, `sda3 part`, `sda disk`.
devices() { lsblk --inverse --noheadings --list --output NAME,TYPE "$(findmnt --noheadings --output SOURCE /)"; }
of_type() { devices | awk -v type="$1" '$2 == type && !found++ { print $1 }'; }

is_done() {
  if [[ $OPERATING_SYSTEM == ubuntu ]]; then return; fi
  local disk size
  disk="$(lsblk --bytes --nodeps --noheadings --output SIZE "/dev/$(of_type disk)")"
  size="$(df --block-size=1 --output=size / | tail -n 1)"
  # beside the root are /boot, /boot/efi, and a volume of 10 GiB for Oracle's own logs
  ((disk - size < 25 * 1024 ** 3))
}

perform() {
  local disk part status=0
  disk="$(of_type disk)"
  part="$(of_type part)"
  command -v growpart >/dev/null || install_packages cloud-utils-growpart
  growpart "/dev/$disk" "${part##*[!0-9]}" || status=$?
  # 1: the partition has all of the disk already
  ((status < 2)) || fail "growpart cannot grow the partition $part"
  if [[ -n $(of_type lvm) ]]; then
    pvresize "/dev/$part"
    # it fails where nothing is free, as after an interruption
    lvextend -l +100%FREE "$(findmnt --noheadings --output SOURCE /)" || true
  fi
  xfs_growfs /
  df --human-readable /
}

"$1"
