#!/bin/bash
# Runs in the serving image, on a host as in a pod: starts one server for each GPU, and ends when they end.
# Arguments are further ones of the launcher.
set -euo pipefail
# the launcher leaves mpirun in the background, and goes: a stop that comes meanwhile is for mpirun too
trap 'pkill --signal TERM "mpirun|prterun"' TERM INT
python3 "$LAUNCH" --world_size="$TENSOR_PARALLEL" --model_repo="$MODEL_REPOSITORY" --http_port="$HTTP_PORT" \
  --grpc_port="$GRPC_PORT" --metrics_port="$METRICS_PORT" "$@"
sleep 2
while pgrep 'mpirun|prterun' >/dev/null; do sleep 2; done
echo "error: the server has ended" >&2
exit 1
