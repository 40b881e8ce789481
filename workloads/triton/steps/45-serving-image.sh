#!/bin/bash
# Gets the serving image: NVIDIA's, or one built from the backend's source, of the release that is pinned.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

is_done() { docker image inspect "$IMAGE"; }

perform() {
  if [[ $BUILD_IMAGE != yes ]]; then
    retry docker pull --quiet "$IMAGE"
    return
  fi
  local source="$WORK/tensorrtllm_backend"
  install_packages git git-lfs
  git lfs install --system
  if [[ ! -d $source/.git ]]; then
    rm -rf "$source"
    retry git clone --quiet --depth 1 --branch "$BACKEND_TAG" "$BACKEND_REPOSITORY" "$source"
  fi
  retry git -C "$source" submodule update --init --recursive --depth 1
  DOCKER_BUILDKIT=1 docker build --progress plain -t "$IMAGE" -f "$source/$BACKEND_DOCKERFILE" "$source"
}

"$1"
