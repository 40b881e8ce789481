#!/bin/bash
# Saves the engine to the bucket for hosts to come, if there is one.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

is_done() { [[ -z $ENGINE_BUCKET || -e $STORE/saved ]]; }

perform() {
  local bucket=(--namespace-name "$ENGINE_NAMESPACE" --bucket-name "$ENGINE_BUCKET") part
  for part in tokenizer engine; do
    retry as_host os object bulk-upload "${bucket[@]}" --src-dir "$STORE/$part" --object-prefix "$FOLDER/$part/" \
      --overwrite
  done
  # last, as when it is built
  retry as_host os object put "${bucket[@]}" --name "$FOLDER/built-for" --file "$STORE/built-for" --force
  touch "$STORE/saved"
}

"$1"
