#!/bin/bash
# Fills upstream's model repository in with the settings, by upstream's own script.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

is_done() { cmp --silent "$HERE/fills" "$STORE/repository/filled-with"; }

perform() {
  in_image fill-repository --rm --volume "$HERE/fills:/fills:ro" --volume "$MODELS:/models" \
    "$IMAGE" bash /inside/fill-repository.sh
}

"$1"
