#!/bin/bash
# Runs the server until it ends. systemd calls it, and starts it again.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "${HERE:=/opt/llm-serving}/common.sh"
in_image triton --log-opt max-size=50m --log-opt max-file=2 --volume "$MODELS:/models:ro" "$IMAGE" bash /inside/serve.sh
