#!/bin/bash
# Fills the disk of a checkpoint, once, on an Ubuntu 22.04 machine: downloads the published weights, converts them for
# JetStream and leaves the disk unmounted. Run again, it goes on where it stopped, and leaves a finished disk alone.
#
# Reads MODEL, MODEL_NAME, TOKENIZER (its path in the repository), FOLDER (where the checkpoint goes), VERSION (release
# of jetstream-pytorch), SECRET (version of the Hugging Face token in Secret Manager). The token is in no argument and in
# no log.
set -euo pipefail
: "${MODEL:?}" "${MODEL_NAME:?}" "${TOKENIZER:?}" "${FOLDER:?}" "${VERSION:?}" "${SECRET:?}"
readonly DEVICE="${DEVICE:-/dev/disk/by-id/google-checkpoint}"
readonly MOUNT="${MOUNT:-/mnt/checkpoint}"
readonly WORK="${WORK:-/var/lib/checkpoint}"
readonly WAIT_SECONDS="${WAIT_SECONDS:-5}"
export DEBIAN_FRONTEND=noninteractive PATH="$PATH:/snap/bin"

say() { echo "convert-to-disk: $*"; }

# called by traps
# shellcheck disable=SC2329
failed() { say "failed in line $1; run it again to go on"; }
trap 'failed $LINENO' ERR

# shellcheck disable=SC2329
release() {
  if mountpoint --quiet "$MOUNT"; then
    sync
    umount "$MOUNT"
    say "unmounted the disk"
  fi
}
trap release EXIT

say "waiting for the disk $DEVICE"
for _ in $(seq 60); do
  [[ -e $DEVICE ]] && break
  sleep "$WAIT_SECONDS"
done
[[ -e $DEVICE ]] || { say "the disk did not come"; exit 1; }

type="$(blkid --output value --match-tag TYPE "$DEVICE" || true)"
case "$type" in
  "")
    say "formatting the empty disk"
    mkfs.ext4 -q -m 0 "$DEVICE"
    ;;
  ext4) say "the disk is formatted already" ;;
  *)
    say "the disk holds a file system of type $type, which is not touched"
    exit 1
    ;;
esac

mkdir -p "$MOUNT" "$WORK"
mount "$DEVICE" "$MOUNT"
say "mounted the disk"

readonly TARGET="$MOUNT/$FOLDER"
readonly WANTED="$MODEL $VERSION"
if [[ -f $TARGET/converted && $(<"$TARGET/converted") == "$WANTED" ]]; then
  say "the checkpoint of $MODEL is there already"
  exit 0
fi

say "installing Python and git"
apt-get update -q
apt-get install -q -y git python3-pip python3-venv

say "installing jetstream-pytorch $VERSION"
[[ -d $WORK/venv ]] || python3 -m venv "$WORK/venv"
# its script calls pip and python by name
export PATH="$WORK/venv/bin:$PATH"
rm -rf "$WORK/source"
git clone --quiet --branch "$VERSION" https://github.com/google/jetstream-pytorch.git "$WORK/source"
cd "$WORK/source"
bash install_everything.sh
pip install --quiet "huggingface_hub[cli]"

say "downloading $MODEL"
HF_TOKEN="$(gcloud secrets versions access "$SECRET")"
export HF_TOKEN
# the same weights in other formats
huggingface-cli download "$MODEL" --local-dir "$WORK/base" --exclude "*.bin" "*.pth"
unset HF_TOKEN

say "converting"
rm -rf "$WORK/converted" "$TARGET"
JAX_PLATFORMS=cpu python3 -m convert_checkpoints --model_name="$MODEL_NAME" --input_checkpoint_dir="$WORK/base" \
  --output_checkpoint_dir="$WORK/converted" --quantize_weights=False --from_hf=True

say "copying to the disk"
mkdir -p "$TARGET"
cp "$WORK"/converted/* "$TARGET/"
cp "$WORK/base/$TOKENIZER" "$TARGET/tokenizer.model"
# servers do not run as root
chmod -R a+rX "$TARGET"
sync
echo "$WANTED" >"$TARGET/converted"
say "the checkpoint of $MODEL is on the disk"
