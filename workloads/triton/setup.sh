#!/bin/bash
# Sets this host up: runs the steps in order, each until it is done, and stops at the first that fails. systemd starts it
# at every boot, and again a minute after a failure. A step that the host's own state shows to be done is skipped.
set -euo pipefail
: "${HERE:=/opt/llm-serving}" "${LOG:=/var/log/llm-serving-setup.log}"

# Only the outcome of each step goes to the journal, too.
say() { echo "$(date --utc +%FT%TZ) $*" | tee --append "$LOG"; }

say "set-up started"
for step in "$HERE"/steps/*.sh; do
  name="$(basename "$step" .sh)"
  if bash "$step" is_done >/dev/null 2>&1; then
    say "$name: skipped, since it is done"
    continue
  fi
  say "$name: started"
  if bash "$step" perform </dev/null >>"$LOG" 2>&1 && bash "$step" is_done >>"$LOG" 2>&1; then
    say "$name: done"
  else
    say "$name: failed, see above; it is tried again in a minute"
    exit 1
  fi
done
say "set-up done"
