#!/bin/bash
# Starts the server, now and at every boot, and waits until it is ready.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

ready() { curl --fail --silent --output /dev/null --max-time 10 http://localhost:8000/v2/health/ready; }

is_done() { systemctl is-enabled --quiet triton.service && systemctl is-active --quiet triton.service && ready; }

perform() {
  local try
  systemctl enable --now triton.service
  for ((try = 0; try < 180; try++)); do
    if ready; then return; fi
    sleep "$WAIT_SECONDS"
  done
  fail "the server is not ready after half an hour; see journalctl --unit triton"
}

"$1"
