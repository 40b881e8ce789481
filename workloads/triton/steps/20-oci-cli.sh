#!/bin/bash
# Installs Oracle's command line, which reads the token from the Vault and engines from the bucket.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

is_done() { [[ -z $TOKEN_SECRET_ID && -z $ENGINE_BUCKET ]] || oci --version; }

perform() {
  if [[ $OPERATING_SYSTEM == ubuntu ]]; then
    install_packages python3-venv
    python3 -m venv "$OCI_CLI"
    retry "$OCI_CLI/bin/pip" install --quiet "oci-cli==$OCI_CLI_VERSION"
    return
  fi
  local version
  version="$(rpm --eval '%{rhel}')"
  install_packages "oraclelinux-developer-release-el$version"
  case "$version" in
    8) install_packages python36-oci-cli ;;
    *) install_packages python39-oci-cli ;;
  esac
}

"$1"
