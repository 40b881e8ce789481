#!/bin/bash
# Answers git's questions, so that the token is in no argument, no file and no address. Hugging Face takes any user name.
set -euo pipefail
case "$1" in
  Username*) echo token ;;
  *) printf '%s\n' "$HF_TOKEN" ;;
esac
