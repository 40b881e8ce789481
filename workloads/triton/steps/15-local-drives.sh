#!/bin/bash
# Makes one volume of the local NVMe drives and keeps weights and checkpoints there, if that is asked for. What is on it
# goes with the host.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"
readonly ARRAY=/dev/md/llm-serving

is_done() { [[ $NVME != yes ]] || mountpoint --quiet "$WORK"; }

perform() {
  local drives=() drive device
  # boot and block volumes are no NVMe drives, they come through iSCSI or virtio
  mapfile -t drives < <(lsblk --nodeps --noheadings --paths --output NAME | grep '/nvme' || true)
  ((${#drives[@]})) || fail "this shape has no local NVMe drives; set nvme to false"
  device="${drives[0]}"
  if ((${#drives[@]} > 1)); then
    device="$ARRAY"
    command -v mdadm >/dev/null || install_packages mdadm
    # an array of an earlier boot may not have been assembled
    mdadm --assemble --scan || true
    if [[ ! -e $ARRAY ]]; then
      for drive in "${drives[@]}"; do
        [[ -z $(content_of "$drive") ]] || fail "$drive holds $(content_of "$drive"), and is not touched"
      done
      mdadm --create "$ARRAY" --run --homehost=any --level=0 --chunk=256 --raid-devices="${#drives[@]}" "${drives[@]}"
    fi
  fi
  keep_mounted "$device" "$WORK" defaults,nofail
}

"$1"
