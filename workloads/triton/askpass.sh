#!/bin/bash
# Answers git's questions, so that the token is in no argument, no file and no address. Hugging Face takes any user name.
set -euo pipefail
case "$1" in
  Username*) echo token ;;
  *) echo "$HF_TOKEN" ;;
esac
