"""The script that fills a disk, with recorders in place of what would touch the machine or the network."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from components.storage.disk_converter import SCRIPT, startup_script

MODEL = "meta-llama/Llama-2-7b-hf"
TOKEN = "hf_0123456789"

# what each does besides being written down: $STATE is the folder of the machine's state
COMMANDS = {
    "blkid": 'cat "$STATE/filesystem" 2>/dev/null',
    "mkfs.ext4": 'echo ext4 > "$STATE/filesystem"',
    "mount": 'touch "$STATE/mounted"',
    "mountpoint": '[ -e "$STATE/mounted" ]',
    "umount": 'rm "$STATE/mounted"',
    "sync": "",
    "sleep": "",
    "apt-get": "",
    "pip": "",
    "git": 'mkdir -p "${@: -1}"; echo "echo installed >> $STATE/log" > "${@: -1}/install_everything.sh"',
    "gcloud": f"echo {TOKEN}",
    "huggingface-cli": 'echo "token ${HF_TOKEN:+given}" >> "$STATE/log"; mkdir -p "$4"; echo t > "$4/tokenizer.model"',
    "python3": """
case "$*" in
  "-m venv "*) mkdir -p "$3/bin" ;;
  *) [ -e "$STATE/fail" ] && exit 1
     for each in "$@"; do
       case "$each" in
         --output_checkpoint_dir=*) mkdir -p "${each#*=}"; echo w > "${each#*=}/model.safetensors" ;;
       esac
     done ;;
esac""",
}


class Machine:
    """A machine of which only the disk and the work folder are real."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.disk = folder / "disk"
        self.device = folder / "device"
        self.device.touch()
        self.log = folder / "log"
        commands = folder / "commands"
        commands.mkdir()
        for name, does in COMMANDS.items():
            (commands / name).write_text(f'#!/bin/bash\necho "{name} $*" >> "$STATE/log"\n{does}\n')
            (commands / name).chmod(0o755)
        self.environment = {
            "PATH": f"{commands}:{os.environ['PATH']}",
            "STATE": str(folder),
            "DEVICE": str(self.device),
            "MOUNT": str(self.disk),
            "WORK": str(folder / "work"),
            "WAIT_SECONDS": "0",
        }

    def run(self, model: str = MODEL) -> tuple[int, str, list[str]]:
        """The exit status, what the script said, and the commands that it ran."""
        self.log.write_text("")
        script = startup_script(model, "projects/1/secrets/token/versions/latest")
        done = subprocess.run(
            ["bash", "-s"], input=script, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr, self.log.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def names(ran: list[str]) -> list[str]:
    return [line.split()[0] for line in ran]


def test_it_fills_an_empty_disk(machine: Machine) -> None:
    status, said, ran = machine.run()
    assert status == 0, said
    folder = machine.disk / "pytorch/llama-2-7b/final/bf16"
    assert sorted(path.name for path in folder.iterdir()) == ["converted", "model.safetensors", "tokenizer.model"]
    assert (folder / "converted").read_text() == f"{MODEL} jetstream-v0.2.3\n"
    assert f"mkfs.ext4 -q -m 0 {machine.device}" in ran
    order = [
        "blkid",
        "mkfs.ext4",
        "mount",
        "apt-get",
        "git",
        "installed",
        "gcloud",
        "huggingface-cli",
        "python3",
        "umount",
    ]
    places = [len(ran) - 1 - names(ran)[::-1].index(name) for name in order]
    assert places == sorted(places)
    (converted,) = [line for line in ran if "convert_checkpoints" in line]
    assert "--model_name=llama-2" in converted
    assert "--from_hf=True" in converted
    # each step is told
    for step in (
        "formatting",
        "mounted",
        "installing",
        "downloading",
        "converting",
        "copying",
        "is on the disk",
        "unm",
    ):
        assert step in said


def test_the_token_is_in_no_argument_and_in_no_log(machine: Machine) -> None:
    _, said, ran = machine.run()
    assert "gcloud secrets versions access projects/1/secrets/token/versions/latest" in ran
    assert "token given" in ran
    assert TOKEN not in said + "\n".join(ran)


def test_run_again_it_leaves_a_finished_disk_alone(machine: Machine) -> None:
    machine.run()
    status, said, ran = machine.run()
    assert status == 0
    assert "is there already" in said
    assert names(ran) == ["blkid", "mount", "mountpoint", "sync", "umount"]


def test_run_again_it_goes_on_where_it_stopped(machine: Machine) -> None:
    (machine.folder / "fail").touch()
    status, said, ran = machine.run()
    assert status != 0
    assert "failed in line" in said
    # nothing that a server could take for a checkpoint, and the disk is free again
    assert not list(machine.disk.rglob("converted"))
    assert names(ran)[-1] == "umount"

    (machine.folder / "fail").unlink()
    status, said, ran = machine.run()
    assert status == 0, said
    assert "mkfs.ext4" not in names(ran)
    assert not [line for line in ran if line.startswith("python3 -m venv")]
    assert (machine.disk / "pytorch/llama-2-7b/final/bf16/converted").exists()


def test_another_model_is_converted(machine: Machine) -> None:
    machine.run()
    shutil.rmtree(machine.folder / "work")
    status, said, ran = machine.run("google/gemma-2b-pytorch")
    assert status == 0, said
    assert [line for line in ran if "--model_name=gemma" in line]
    assert (machine.disk / "pytorch/gemma-2b/final/bf16/converted").exists()


def test_a_disk_that_holds_something_else_is_not_formatted(machine: Machine) -> None:
    (machine.folder / "filesystem").write_text("xfs")
    status, said, ran = machine.run()
    assert status == 1
    assert "type xfs, which is not touched" in said
    assert set(names(ran)) == {"blkid", "mountpoint"}


def test_it_gives_up_on_a_disk_that_does_not_come(machine: Machine) -> None:
    machine.device.unlink()
    status, said, ran = machine.run()
    assert status == 1
    assert "the disk did not come" in said
    assert names(ran).count("sleep") == 60
    assert "mkfs.ext4" not in names(ran)


def test_llama_3_has_its_tokenizer_elsewhere() -> None:
    script = startup_script("meta-llama/Meta-Llama-3-8B", "s")
    assert "export TOKENIZER=original/tokenizer.model\n" in script
    assert "export FOLDER=pytorch/llama-3-8b/final/bf16\n" in script
    assert script.startswith("#!/bin/bash\nexport MODEL=meta-llama/Meta-Llama-3-8B\n")


def test_the_settings_are_those_that_it_reads() -> None:
    exported = {line.split("=")[0].removeprefix("export ") for line in startup_script(MODEL, "s").splitlines()[1:7]}
    required = SCRIPT.read_text().split(': "${', 1)[1].splitlines()[0]
    assert {part.split(":")[0] for part in required.replace('"', "").replace("${", "").split("} ")} == {
        part.removesuffix(":?}") for part in exported
    }
