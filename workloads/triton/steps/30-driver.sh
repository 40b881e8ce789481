#!/bin/bash
# Sees to NVIDIA's driver. Oracle's GPU images of Oracle Linux have it; on Ubuntu it is installed, and the host restarts.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

is_done() { nvidia-smi; }

perform() {
  if [[ $OPERATING_SYSTEM != ubuntu ]]; then
    fail "nvidia-smi finds no driver or no GPU; boot an image of Oracle Linux whose name has Gen2-GPU"
  fi
  if [[ -e $WORK/driver-installed ]]; then fail "the driver is installed, and finds no GPU"; fi
  local packages=("linux-headers-$(uname --kernel-release)" "nvidia-driver-$DRIVER_BRANCH-server")
  # eight GPUs talk through NVSwitch, which it manages
  if ((ACCELERATORS == 8)); then packages+=("nvidia-fabricmanager-$DRIVER_BRANCH"); fi
  install_packages "${packages[@]}"
  if ((ACCELERATORS == 8)); then systemctl enable nvidia-fabricmanager.service; fi
  mkdir -p "$WORK"
  touch "$WORK/driver-installed"
  echo "restarting for the driver; the set-up goes on afterwards"
  systemctl reboot
  sleep infinity
}

"$1"
