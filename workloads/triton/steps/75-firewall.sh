#!/bin/bash
# Opens ports 8000 to 8002 to whom the load balancer lets through, and to no one else. Triton asks for no password.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../common.sh
. "${HERE:-/opt/llm-serving}/common.sh"

rule() { echo "rule family=\"ipv4\" source address=\"$1\" port port=\"8000-8002\" protocol=\"tcp\" accept"; }
chain() { iptables "$1" INPUT ! -i lo -p tcp --dport 8000:8002 "${@:2}"; }

is_done() {
  local range
  for range in ${ALLOWED_RANGES//,/ }; do
    if [[ $OPERATING_SYSTEM == ubuntu ]]; then
      chain -C -s "$range" -j ACCEPT
    else
      firewall-cmd --quiet --permanent --query-rich-rule="$(rule "$range")"
    fi
  done
  if [[ $OPERATING_SYSTEM == ubuntu ]]; then chain -C -j DROP; fi
}

perform() {
  local range
  if [[ $OPERATING_SYSTEM == ubuntu ]]; then
    # the rules do not outlive a boot, after which this step runs again; each goes before the ones that are there
    chain -C -j DROP || chain -I -j DROP
    for range in ${ALLOWED_RANGES//,/ }; do chain -C -s "$range" -j ACCEPT || chain -I -s "$range" -j ACCEPT; done
    return
  fi
  for range in ${ALLOWED_RANGES//,/ }; do firewall-cmd --permanent --add-rich-rule="$(rule "$range")"; done
  firewall-cmd --reload
}

"$1"
