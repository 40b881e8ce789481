#!/bin/sh
# Puts Debian's or Ubuntu's cloud-init, growpart and sfdisk into .engine/host-tools, for the tests of what hosts do when they boot.
# They are only unpacked: a cloud-init that is installed would set this machine up when it boots next.
set -eu
cd "$(dirname "$0")/.."
tools=.engine/host-tools

# what was unpacked by another version of this file is not all
if cmp -s "$tools/unpacked" scripts/host-tools.sh; then exit 0; fi
if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-deb >/dev/null 2>&1; then
  echo "error: cloud-init is taken from Debian's or Ubuntu's package, and this machine has no apt-get. Run this on one of them." >&2
  exit 1
fi
echo "==> Unpacking cloud-init, growpart and sfdisk into $tools"
rm -rf "$tools"
mkdir -p "$tools/packages"
(
  cd "$tools/packages"
  download() {
    # shellcheck disable=SC2046 # the names are meant to be split; those of libraries differ from release to release
    apt-get -qq download cloud-init cloud-guest-utils fdisk \
      $(apt-cache depends fdisk | sed -nE 's/^ *Depends: (lib(fdisk|readline).*)/\1/p')
  }
  download 2>/dev/null || { apt-get -qq update && download; }
)
for package in "$tools"/packages/*.deb; do dpkg-deb --extract "$package" "$tools"; done
# what cloud-init imports, apart from what the project has
.venv/bin/python -m venv "$tools/python"
"$tools/python/bin/python" -m pip install --quiet --disable-pip-version-check configobj==5.0.9 jinja2==3.1.6 \
  jsonpatch==1.47 jsonschema==4.26.0 oauthlib==4.0.1 pyyaml==6.0.3 requests==2.34.2
cp scripts/host-tools.sh "$tools/unpacked"
