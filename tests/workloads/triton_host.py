"""A host on which only the files are real: what would touch the machine or the network writes itself down instead."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.oci.triton_host import HOME, SCRIPTS, SETTINGS, HostFacts, cloud_config
from components.triton.args import TritonArgs

MODEL = "mistralai/Mixtral-8x7B-Instruct-v0.1"
TOKEN = "hf_0123456789"
SECRET = "ocid1.vaultsecret.oc1..token"
RANGE = "10.0.128.0/17"
A100 = "NVIDIA A100-SXM4-40GB"
GB = 10**9

INSTALL = 'for each in "$@"; do touch "$STATE/installed-$(basename -- "$each")"; done'

# what each does besides being written down; $STATE is the folder of the machine's state
COMMANDS = {
    "sleep": "",
    "dnf": INSTALL,
    "apt-get": INSTALL,
    "rpm": "echo 8",
    "curl": """
while (($# > 1)); do [[ $1 == --output && $2 != /dev/null ]] && { echo fetched > "$2"; exit; }; shift; done
[[ -e "$STATE/unit-triton.service" && ! -e "$STATE/not-ready" ]]""",
    "findmnt": "echo /dev/mapper/ocivolume-root",
    "lsblk": """
case "$*" in
  *--inverse*) printf 'ocivolume-root lvm\\nsda3 part\\nsda disk\\n' ;;
  *--bytes*) echo 1000000000000 ;;
  *--paths*) echo /dev/sda; cat "$STATE/drives" 2>/dev/null || true ;;
esac""",
    "df": 'echo header; cat "$STATE/root-size"',
    "growpart": '[[ ! -e "$STATE/grown" ]] || exit 1; touch "$STATE/grown"',
    "pvresize": '[[ -e "$STATE/grown" ]] && touch "$STATE/resized"',
    "lvextend": '[[ -e "$STATE/resized" && ! -e "$STATE/extended" ]] && touch "$STATE/extended"',
    "xfs_growfs": '[[ ! -e "$STATE/extended" ]] || echo 985000000000 > "$STATE/root-size"',
    "mdadm": '[[ $1 != --create ]] || mkdir -p "$(dirname "$STATE/array")"; true',
    "blkid": """
device="${@: -1}"
case "$*" in
  *UUID*) echo "uuid-$(basename "$device")" ;;
  *) cat "$STATE/content-$(basename "$device")" 2>/dev/null || exit 2 ;;
esac""",
    "mkfs.xfs": 'echo xfs > "$STATE/content-$(basename "${@: -1}")"',
    "mount": 'echo "$1" >> "$STATE/mounted"',
    "mountpoint": 'grep -qx "${@: -1}" "$STATE/mounted"',
    "systemctl": """
case "$1" in
  enable) touch "$STATE/unit-${@: -1}" ;;
  is-enabled | is-active) [[ -e "$STATE/unit-${@: -1}" ]] ;;
esac""",
    "nvidia-smi": '[[ -e "$STATE/gpus" ]] && cat "$STATE/gpus"',
    "nvidia-ctk": 'touch "$STATE/toolkit"',
    "python3": """
if [[ "$1 $2" == "-m venv" ]]; then
  mkdir -p "$3/bin"
  printf '#!/bin/bash\ntouch "$STATE/installed-python36-oci-cli"\n' > "$3/bin/pip"
  chmod +x "$3/bin/pip"
fi""",
    "firewall-cmd": """
for each in "$@"; do
  case "$each" in
    --add-rich-rule=*) echo "${each#*=}" >> "$STATE/rules" ;;
    --query-rich-rule=*) grep -qxF -- "${each#*=}" "$STATE/rules" ;;
  esac
done""",
    "iptables": """
case "$1" in
  -C) grep -qxF -- "${*:2}" "$STATE/rules" ;;
  -I) { echo "${*:2}"; cat "$STATE/rules"; } > "$STATE/rules.new"; mv "$STATE/rules.new" "$STATE/rules" ;;
esac""",
    "git": """
case "$*" in
  *" lfs pull "*)
    asked="Password for 'https://token@huggingface.co': "
    if [[ -n ${GIT_ASKPASS:-} && $("$GIT_ASKPASS" "$asked") == "$(cat "$STATE/token")" ]]; then
      echo "git was given the token" >> "$STATE/log"
    fi
    head -c 4000 /dev/zero > "$2/model-00001.safetensors"; echo words > "$2/tokenizer.model" ;;
  clone*) mkdir -p "${@: -1}/.git"; echo '{}' > "${@: -1}/config.json"; echo '{}' > "${@: -1}/tokenizer.json" ;;
esac""",
    "docker": """
case "$1 $2" in
  "info --format") if [[ -e "$STATE/toolkit" ]]; then echo '{"nvidia":{}}'; else echo '{}'; fi ;;
  "info "*) [[ -e "$STATE/installed-docker-ce" && -e "$STATE/unit-docker.service" ]] ;;
  "image inspect") grep -qx "$3" "$STATE/images" ;;
  "pull "*) echo "${@: -1}" >> "$STATE/images" ;;
  "build "*) echo "$5" >> "$STATE/images" ;;
  "run "*) exec env -i PATH="$INSIDE:$PATH" STATE="$STATE" MODELS="$MODELS" WEIGHTS="$WORK/weights" \\
    BUILD="$WORK/build" FILLS="$HERE/fills" bash "$STATE/container" "$SETTINGS" "$HERE${@: -1}" ;;
esac""",
    "oci": """
[[ -e "$STATE/installed-python36-oci-cli" ]] || exit 127
option() { local wanted="$1"; shift; while (($#)); do [[ $1 == "$wanted" ]] && { echo "$2"; return; }; shift; done; }
name="$BUCKET/$(option --name "$@")"
case "$*" in
  secrets*) base64 "$STATE/token" ;;
  "os object list"*) find "$BUCKET" -type f -printf '"%P"\\n' ;;
  "os object get"*) cp "$name" "$(option --file "$@")" ;;
  "os object put"*) mkdir -p "$(dirname "$name")"; cp "$(option --file "$@")" "$name" ;;
  "os object bulk-upload"*)
    mkdir -p "$BUCKET/$(option --object-prefix "$@")"
    cp -r "$(option --src-dir "$@")"/. "$BUCKET/$(option --object-prefix "$@")" ;;
  "os object bulk-download"*)
    target="$(option --download-dir "$@")/$(option --prefix "$@")"
    mkdir -p "$target"; cp -r "$BUCKET/$(option --prefix "$@")". "$target" ;;
esac""",
}

# what the serving image has, and what it does with it
CONTAINER = """
while IFS== read -r name value; do export "$name=$value"; done <"$1"
export MODEL_TEMPLATES="$STATE/templates" EXAMPLES="$STATE/examples"
exec bash "$2"
"""
INSIDE = {
    "python3": """
case "$1" in
  */fill_template.py) exec "$PYTHON" "$STATE/fill_template.py" "${@:2}" ;;
  */convert_checkpoint.py)
    while (($#)); do [[ $1 == --output_dir ]] && { mkdir -p "$2"; echo checkpoint > "$2/rank0"; }; shift; done ;;
esac""",
    "trtllm-build": """
while (($#)); do [[ $1 == --output_dir ]] && { mkdir -p "$2"; echo engine > "$2/rank0.engine"; }; shift; done""",
}

# Its rules are those of tools/fill_template.py in r25.04: it refuses a name that the template does not have.
FILL_TEMPLATE = """
import string, sys
_, path, values = sys.argv[1:]
text = open(path).read()
filled = {"max_queue_size": 0, "max_queue_delay_microseconds": 0}
for value in values.split(","):
    name, value = value.split(":")
    assert name in text, name
    filled[name] = value
open(path, "w").write(string.Template(text).safe_substitute(filled))
"""


def _parameters(*names: str) -> str:
    keys = {"batching_strategy": "gpt_model_type", "engine_dir": "gpt_model_path"}
    return "".join(
        f'parameters {{ key: "{keys.get(name, name)}" value: {{ string_value: "${{{name}}}" }} }}\n' for name in names
    )


def _template(name: str, decoupled: bool, queue: bool, count: str, *parameters: str) -> str:
    return (
        f'name: "{name}"\nmax_batch_size: ${{triton_max_batch_size}}\n# left: ${{old_name}}\n'
        + ("model_transaction_policy {\n  decoupled: ${decoupled_mode}\n}\n" if decoupled else "")
        + (
            "dynamic_batching {\n preferred_batch_size: [ ${triton_max_batch_size} ]\n"
            " max_queue_delay_microseconds: ${max_queue_delay_microseconds}\n"
            " default_queue_policy: { max_queue_size: ${max_queue_size} }\n}\n"
            if queue
            else ""
        )
        + (f"instance_group [ {{ count: {count} kind: KIND_CPU }} ]\n" if count else "")
        + _parameters(*parameters)
    )


LOGITS = 'output [ { name: "context_logits" data_type: ${logits_datatype} dims: [ -1, -1 ] } ]\n'

# The places of upstream's templates, at v0.18.2 and r25.04, that something is filled into or that stay open.
TEMPLATES = {
    "ensemble": _template("ensemble", False, False, "") + LOGITS,
    "preprocessing": _template(
        "preprocessing",
        False,
        True,
        "${preprocessing_instance_count}",
        "tokenizer_dir",
        "add_special_tokens",
        "engine_dir",
        "max_num_images",
    ),
    "postprocessing": _template(
        "postprocessing", False, False, "${postprocessing_instance_count}", "tokenizer_dir", "skip_special_tokens"
    ),
    "tensorrt_llm": 'backend: "${triton_backend}"\n'
    + _template(
        "tensorrt_llm",
        True,
        True,
        "1",
        "batching_strategy",
        "engine_dir",
        "batch_scheduler_policy",
        "kv_cache_free_gpu_mem_fraction",
    )
    + LOGITS
    + 'input [ { name: "features" data_type: ${encoder_input_features_data_type} dims: [ -1 ] } ]\n',
    "tensorrt_llm_bls": _template("tensorrt_llm_bls", True, False, "${bls_instance_count}", "accumulate_tokens")
    + LOGITS,
}


class Host:
    """A host of eight A100, set up by what cloud-init writes for it."""

    def __init__(
        self, folder: Path, args: Mapping[str, Any] | None = None, *, bucket: Path | None = None, **facts: Any
    ) -> None:
        self.folder, self.state, self.home = folder, folder / "state", folder / "opt"
        self.models, self.work, self.log_file = folder / "models", folder / "work", folder / "setup.log"
        self.etc, self.recorded = folder / "etc", folder / "state" / "log"
        for path in (self.state, self.etc / "yum.repos.d", self.etc / "apt/sources.list.d", folder / "dev"):
            path.mkdir(parents=True)
        device = folder / "dev" / "oraclevdb"
        device.touch()
        for name, text in {"root-size": f"{36 * GB}\n", "token": TOKEN, "gpus": f"{A100}\n" * 8, "rules": ""}.items():
            (self.state / name).write_text(text)
        for name in ("images", "mounted"):
            (self.state / name).touch()
        (self.etc / "fstab").touch()
        self._stand_ins("commands", COMMANDS)
        self._stand_ins("inside", INSIDE)
        (self.state / "container").write_text(CONTAINER)
        (self.state / "fill_template.py").write_text(FILL_TEMPLATE)
        for name, text in TEMPLATES.items():
            (self.state / "templates" / name / "1").mkdir(parents=True)
            (self.state / "templates" / name / "config.pbtxt").write_text(text)
        (self.state / "examples" / "llama").mkdir(parents=True)
        (self.state / "examples" / "llama" / "convert_checkpoint.py").touch()
        self.facts: dict[str, Any] = {
            "operating_system": "oracle-linux",
            "accelerator_count": 8,
            "allowed_ranges": (RANGE,),
            "token_secret_id": SECRET,
            "engine_device": None if bucket else str(device),
            "engine_bucket": ("space", "engines") if bucket else None,
            **facts,
        }
        self.environment = {
            "PATH": f"{folder / 'commands'}:{os.environ['PATH']}",
            "INSIDE": str(folder / "inside"),
            "PYTHON": sys.executable,
            "STATE": str(self.state),
            "BUCKET": str(bucket or folder / "no-bucket"),
            "HERE": str(self.home),
            "SETTINGS": str(folder / "settings"),
            "WORK": str(self.work),
            "MODELS": str(self.models),
            "RUN": str(folder / "run"),
            "ETC": str(self.etc),
            "OCI_CLI": str(folder / "oci-cli"),
            "LOG": str(self.log_file),
            "WAIT_SECONDS": "0",
        }
        self.configure(args or {})

    def _stand_ins(self, place: str, commands: Mapping[str, str]) -> None:
        (self.folder / place).mkdir()
        for name, does in commands.items():
            self._stand_in(self.folder / place / name, does)

    def _stand_in(self, path: Path, does: str) -> None:
        path.write_text(
            f'#!/bin/bash\nPYTHON={sys.executable}\necho "{path.name} $*" >> "$STATE/log"\n'
            f'[[ ! -e "$STATE/fail-{path.name}" ]] || {{ rm "$STATE/fail-{path.name}"; exit 9; }}\n{does}\n'
        )
        path.chmod(0o755)

    def rewrite(self, command: str, first: str = "") -> None:
        """Let a command do what it should, `first` before that."""
        self._stand_in(self.folder / "commands" / command, f"{first}\n{COMMANDS[command]}")

    def configure(self, args: Mapping[str, Any]) -> None:
        """Write the files of the user data to where they belong, as cloud-init does."""
        text = cloud_config(TritonArgs.parse({"model": MODEL, **args}), HostFacts(**self.facts))
        for file in json.loads(text.removeprefix("#cloud-config\n"))["write_files"]:
            place = file["path"]
            if place.startswith("/etc/systemd"):
                continue
            path = (
                Path(self.environment["SETTINGS"]) if place == SETTINGS else self.home / Path(place).relative_to(HOME)
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file["content"])
            path.chmod(int(file["permissions"], 8))

    def boot(self) -> tuple[int, list[str], list[str]]:
        """Run the set-up as systemd does. Its status, what it says of the steps, and the commands that it ran."""
        self.recorded.write_text("")
        done = subprocess.run(
            ["bash", str(self.home / "setup.sh")], env=self.environment, capture_output=True, text=True, check=False
        )
        said = [line.partition(" ")[2] for line in done.stdout.splitlines()]
        return done.returncode, said, self.recorded.read_text().splitlines()

    def fail_once(self, command: str) -> None:
        """Let a command fail when it is run next."""
        (self.state / f"fail-{command}").touch()

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    @property
    def store(self) -> Path:
        return self.models / "triton/mistralai/mixtral-8x7b-instruct-v0.1/tp8"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


STEPS = [path.stem for path in sorted((SCRIPTS / "steps").iterdir())]

# what none of these does to a host that is set up
READING = {
    ("findmnt",),
    ("lsblk",),
    ("df",),
    ("nvidia-smi",),
    ("mountpoint",),
    ("curl", "--fail"),
    ("docker", "info"),
    ("docker", "image"),
    ("oci", "--version"),
    ("systemctl", "is-enabled"),
    ("systemctl", "is-active"),
    ("firewall-cmd", "--quiet"),
    ("iptables", "-C"),
}


def changing(ran: list[str]) -> list[str]:
    return [line for line in ran if not {tuple(line.split()[:count]) for count in (1, 2)} & READING]


def outcomes(said: list[str]) -> dict[str, str]:
    """The last that was said of each step."""
    return {step: line.split(": ")[1].split(",")[0] for line in said for step in STEPS if line.startswith(f"{step}: ")}


def index(ran: list[str], start: str) -> int:
    return next(number for number, line in enumerate(ran) if line.startswith(start))
