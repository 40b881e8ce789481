#!/bin/bash
# Takes the engine from the bucket, if another host has built one for the same image, settings and GPUs.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

is_done() { [[ -z $ENGINE_BUCKET || -e $RUN/bucket-asked ]] || engine_is_there; }

perform() {
  local bucket=(--namespace-name "$ENGINE_NAMESPACE" --bucket-name "$ENGINE_BUCKET") listed part
  mkdir -p "$RUN" "$STORE"
  listed="$(retry as_host os object list "${bucket[@]}" --prefix "$FOLDER/built-for")"
  if [[ $listed == *"\"$FOLDER/built-for\""* ]]; then
    retry as_host os object get "${bucket[@]}" --name "$FOLDER/built-for" --file "$RUN/built-for"
    if [[ $(built_for) == "$(<"$RUN/built-for")" ]]; then
      for part in tokenizer engine; do
        retry as_host os object bulk-download "${bucket[@]}" --prefix "$FOLDER/$part/" --download-dir "$MODELS" --overwrite
      done
      # last, so that half an engine is never taken for a whole one
      cp "$RUN/built-for" "$STORE/built-for"
      touch "$STORE/saved"
      return
    fi
    echo "the bucket's engine was built for something else, and is replaced"
  fi
  touch "$RUN/bucket-asked"
}

"$1"
