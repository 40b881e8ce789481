#!/bin/bash
# Converts the weights and builds the engine, inside the image that serves it and on the GPUs that run it, unless it is
# there. The tokenizer of the same weights goes with it.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

is_done() { engine_is_there; }

perform() {
  rm -rf "$STORE" "$WORK/build"
  mkdir -p "$STORE/tokenizer" "$WORK/build"
  find "$WEIGHTS" -maxdepth 1 \( -name 'tokenizer*' -o -name 'special_tokens_map.json' -o -name 'config.json' \) \
    -exec cp {} "$STORE/tokenizer/" \;
  in_image build-engine --rm --volume "$WEIGHTS:/weights:ro" --volume "$WORK/build:/build" --volume "$MODELS:/models" \
    "$IMAGE" bash /inside/build-engine.sh
  rm -rf "$WORK/build"
  # last, so that half an engine is never taken for a whole one
  built_for >"$STORE/built-for"
}

"$1"
