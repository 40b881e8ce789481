# shellcheck shell=bash
# What the steps share. Read by each of them, after the settings.

# The tests put other paths in the place of these.
: "${SETTINGS:=/etc/llm-serving/settings}"
: "${HERE:=/opt/llm-serving}"
: "${WORK:=/srv/llm-serving/work}"
: "${MODELS:=/srv/llm-serving/models}"
: "${RUN:=/run/llm-serving}"
: "${ETC:=/etc}"
: "${OCI_CLI:=/opt/oci-cli}"
: "${WAIT_SECONDS:=10}"
export DEBIAN_FRONTEND=noninteractive PATH="$PATH:$OCI_CLI/bin"
# shellcheck source=/dev/null
. "$SETTINGS"

# All that was made of one model and one set of settings. A cluster mounts it as it is.
readonly STORE="$MODELS/${FOLDER:?}"
# shellcheck disable=SC2034 # some steps read it
readonly WEIGHTS="$WORK/weights/${MODEL:?}"

fail() {
  echo "error: $*" >&2
  exit 1
}

# Runs a command that needs the network, again if it fails: 6 times within 3 minutes.
retry() {
  local try
  for try in 1 2 3 4 5; do
    if "$@"; then return; fi
    # to the log, even where what the command says is taken for an answer
    echo "try $try failed: $1" >&2
    sleep $((try * WAIT_SECONDS))
  done
  "$@"
}

install_packages() {
  if [[ $OPERATING_SYSTEM == ubuntu ]]; then
    retry apt-get update -q
    retry apt-get install -q -y "$@"
  else
    retry dnf install -y "$@"
  fi
}

# Asks Oracle with the host's own identity.
as_host() { oci "$@" --auth instance_principal; }

# Runs a command in the serving image as the guide does, without -it, which needs a terminal. What an earlier try has
# left goes first.
in_image() {
  local name="$1" mounts=()
  shift
  docker rm --force "$name" >/dev/null 2>&1 || true
  # the image that is built leaves half of what it calls in its source
  if [[ $BUILD_IMAGE == yes ]]; then mounts=(--volume "$WORK/tensorrtllm_backend:/tensorrtllm_backend"); fi
  docker run --name "$name" --net host --shm-size=2g --ulimit memlock=-1 --ulimit stack=67108864 --gpus all \
    --env-file "$SETTINGS" --volume "$HERE/inside:/inside:ro" "${mounts[@]}" "$@"
}

# What an engine depends on: with another image, other settings or other GPUs it does not load.
built_for() {
  echo "$ENGINE_SETTINGS"
  nvidia-smi --query-gpu=name --format=csv,noheader | sort --unique
}

engine_is_there() { [[ -f $STORE/built-for && $(built_for) == "$(<"$STORE/built-for")" ]]; }

# The type of the file system on a device: nothing if the device is empty. Only one that is may be formatted.
content_of() {
  local found status=0
  found="$(blkid -p -o value -s TYPE -s PTTYPE "$1")" || status=$?
  if ((status == 0)); then echo "$found"; elif ((status != 2)); then echo "something that blkid cannot tell"; fi
}

# Mounts a device now and at every boot; if it is empty, with a new file system.
keep_mounted() {
  local device="$1" folder="$2" options="$3" content uuid
  content="$(content_of "$device")"
  case "$content" in
    "")
      echo "formatting $device, which is empty"
      mkfs.xfs -q "$device"
      content=xfs
      ;;
    xfs | ext4) echo "$device has a file system of type $content" ;;
    *) fail "$device holds $content, and is not touched" ;;
  esac
  uuid="$(blkid -p -o value -s UUID "$device")"
  mkdir -p "$folder"
  if ! grep -q "UUID=$uuid " "$ETC/fstab"; then echo "UUID=$uuid $folder $content $options 0 2" >>"$ETC/fstab"; fi
  systemctl daemon-reload
  mount "$folder"
}
