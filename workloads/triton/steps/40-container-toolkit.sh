#!/bin/bash
# Installs NVIDIA's container toolkit, which gives containers the GPUs.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"
readonly ADDRESS=https://nvidia.github.io/libnvidia-container

is_done() { [[ $(docker info --format '{{json .Runtimes}}') == *nvidia* ]]; }

perform() {
  if [[ $OPERATING_SYSTEM == ubuntu ]]; then
    retry curl --fail --silent --show-error --location --output "$ETC/apt/keyrings/nvidia.asc" "$ADDRESS/gpgkey"
    # shellcheck disable=SC2016 # apt replaces $(ARCH)
    echo "deb [signed-by=$ETC/apt/keyrings/nvidia.asc] $ADDRESS/stable/deb/"'$(ARCH) /' \
      >"$ETC/apt/sources.list.d/nvidia-container-toolkit.list"
  else
    retry curl --fail --silent --show-error --location --output "$ETC/yum.repos.d/nvidia-container-toolkit.repo" \
      "$ADDRESS/stable/rpm/nvidia-container-toolkit.repo"
  fi
  install_packages nvidia-container-toolkit
  nvidia-ctk runtime configure --runtime=docker
  systemctl restart docker
}

"$1"
