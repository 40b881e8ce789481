#!/bin/bash
# Installs and starts Docker.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

is_done() { docker info; }

perform() {
  if [[ $OPERATING_SYSTEM == ubuntu ]]; then
    install_packages ca-certificates curl
    install --directory --mode=0755 "$ETC/apt/keyrings"
    retry curl --fail --silent --show-error --location --output "$ETC/apt/keyrings/docker.asc" \
      https://download.docker.com/linux/ubuntu/gpg
    # shellcheck source=/dev/null
    echo "deb [signed-by=$ETC/apt/keyrings/docker.asc] https://download.docker.com/linux/ubuntu" \
      "$(. /etc/os-release && echo "$VERSION_CODENAME") stable" >"$ETC/apt/sources.list.d/docker.list"
    install_packages docker-ce docker-ce-cli containerd.io docker-buildx-plugin
  else
    install_packages dnf-utils zip unzip
    retry dnf config-manager --add-repo=https://download.docker.com/linux/centos/docker-ce.repo
    # it is in the way of the one that comes with containerd.io
    dnf remove -y runc
    install_packages docker-ce docker-buildx-plugin --nobest
  fi
  systemctl enable --now docker.service
}

"$1"
