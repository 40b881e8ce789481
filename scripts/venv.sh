#!/bin/sh
# Makes .venv and installs into it what `make` needs: `venv.sh cli` for rehearsals, `venv.sh dev` for tests and linters
# as well. `venv.sh finetune` makes .venv-finetune, for the tests of workloads/finetune. Does nothing if that was done and
# the requirements have not changed since.
set -eu
cd "$(dirname "$0")/.."

venv=.venv
requirements="requirements.txt requirements-cli.txt"
constraints=
size="a minute or two at first"
case "$1" in
dev) requirements="$requirements requirements-dev.txt" ;;
finetune)
  venv=.venv-finetune
  requirements="workloads/finetune/requirements.txt tests/finetune/requirements.txt"
  constraints=workloads/finetune/constraints.txt
  size="3 GB at first, since PyTorch comes with CUDA"
  ;;
esac

fail() {
  echo "error: $1" >&2
  exit 1
}

new_enough() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Prints the first Python that is new enough.
find_python() {
  for python in python3 python3.14 python3.13 python3.12 python3.11; do
    if new_enough "$python"; then
      echo "$python"
      return
    fi
  done
  if version=$(python3 --version 2>/dev/null); then
    fail "Python 3.11 or newer is needed, and the python3 on PATH is $version. Install a newer one, from python.org or as the package python3.13 or the like."
  fi
  fail "Python 3.11 or newer is needed, and there is no python3 on PATH. Install it, from python.org or your system's packages."
}

if ! new_enough $venv/bin/python || ! $venv/bin/python -m pip --version >/dev/null 2>&1; then
  python=$(find_python)
  echo "==> Making $venv with $("$python" --version)"
  if ! "$python" -m venv --clear $venv; then
    rm -rf $venv
    fail "$python cannot make a virtual environment (see above). On Debian and Ubuntu, install the package python3-venv."
  fi
fi

# The folder belongs to it, since a virtual environment does not work from another place.
# shellcheck disable=SC2086 # the file names are meant to be split
wanted=$(pwd; cat $requirements $constraints pyproject.toml)
stamp=$venv/installed-$1
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi

echo "==> Installing Python packages into $venv ($requirements): $size"
set --
for file in $requirements; do set -- "$@" --requirement "$file"; done
# the fine-tune stands alone: in the cluster it has no more than its own folder
if [ "$constraints" ]; then set -- "$@" --constraint $constraints; else set -- "$@" --editable .; fi
if ! $venv/bin/python -m pip install --no-compile --disable-pip-version-check "$@"; then
  fail "pip could not install the packages (see above). It needs a network, or a package mirror set with 'pip config set global.index-url'."
fi
printf '%s\n' "$wanted" >"$stamp"
