#!/bin/bash
# Downloads the weights with git-lfs, unless the engine is there. The token comes from the Vault, is in memory only, and
# reaches git through its question for a password.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

is_done() { engine_is_there || [[ -e $WEIGHTS/complete ]]; }

token() {
  as_host secrets secret-bundle get --secret-id "$TOKEN_SECRET_ID" --query 'data."secret-bundle-content".content' \
    --raw-output | base64 --decode
}

perform() {
  install_packages git git-lfs
  git lfs install --system
  if [[ -n $TOKEN_SECRET_ID ]]; then
    HF_TOKEN="$(retry token)" || fail "the token cannot be read from the Vault; may this host read the secret?"
    export HF_TOKEN GIT_ASKPASS="$HERE/askpass.sh"
  fi
  export GIT_TERMINAL_PROMPT=0 GIT_LFS_SKIP_SMUDGE=1
  if [[ ! -d $WEIGHTS/.git ]]; then
    rm -rf "$WEIGHTS" "$WEIGHTS.new"
    retry git clone --quiet --depth 1 "https://huggingface.co/$MODEL" "$WEIGHTS.new"
    mv "$WEIGHTS.new" "$WEIGHTS"
  fi
  # the same weights may be there a second time, for PyTorch
  retry git -C "$WEIGHTS" lfs pull --include "*.safetensors,*.model,tokenizer*"
  if [[ -n $(find "$WEIGHTS" -name '*.safetensors' -size -2k) || -z $(find "$WEIGHTS" -name '*.safetensors') ]]; then
    fail "the weights of $MODEL are not complete"
  fi
  # git keeps a second copy of each
  rm -rf "$WEIGHTS/.git"
  touch "$WEIGHTS/complete"
}

"$1"
