#!/bin/bash
# Mounts the block volume that keeps engines from host to host. It is formatted only if it is empty.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

is_done() {
  if [[ -n $ENGINE_DEVICE ]]; then mountpoint --quiet "$MODELS"; else [[ -d $MODELS ]]; fi
}

perform() {
  mkdir -p "$MODELS"
  if [[ -z $ENGINE_DEVICE ]]; then return; fi
  local try
  for ((try = 0; try < 60; try++)); do
    [[ -e $ENGINE_DEVICE ]] && break
    echo "waiting for the block volume $ENGINE_DEVICE"
    sleep "$WAIT_SECONDS"
  done
  [[ -e $ENGINE_DEVICE ]] || fail "the block volume $ENGINE_DEVICE is not attached"
  keep_mounted "$ENGINE_DEVICE" "$MODELS" defaults,_netdev,nofail
}

"$1"
