"""Values full of metacharacters reach containers, scripts and cloud-init as what they are, and run nothing."""

import subprocess
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
import yaml

from components.findings import ConfigurationError
from components.inference.inference_checks import check_inference_service
from components.inference.inference_service import InferenceService
from components.jobs.fine_tune_checks import check_fine_tune_job
from components.jobs.fine_tune_job import SCRATCH_PATH
from components.jobs.fine_tune_job_args import FineTuneJobArgs
from components.oci.triton_host import SCRIPTS, SETTINGS, HostFacts, cloud_config
from components.storage import disk_converter
from components.storage.checkpoints import jetstream_names
from components.triton.args import TritonArgs
from tests.components.guide import MODEL, TOKEN, changed, container, inputs, record_service, service_args
from tests.components.inference.test_triton_service import TRITON
from tests.components.jobs.test_fine_tune_job import FINE_TUNE, JOB, record_fine_tune
from tests.components.oci.host import found
from tests.recording import record
from tests.workloads.hostile import CANARY, HOSTILE, Shell, expanded
from tests.workloads.triton_host import Host

VARIABLES = {"SECRET": "told", "HF_TOKEN": TOKEN}
NUMBERED = {f"value_{number}": text for number, text in enumerate(HOSTILE)}
FACTS: dict[str, Any] = {"operating_system": "ubuntu", "accelerator_count": 8, "allowed_ranges": ("10.0.0.0/16",)}


def test_arguments_and_variables_of_a_server_are_not_replaced_by_others() -> None:
    found = container(record_service(service_args(arguments=list(HOSTILE), environment=NUMBERED)))
    assert [expanded(each, VARIABLES) for each in found["args"]] == list(HOSTILE)
    told = {each["name"]: expanded(each["value"], VARIABLES) for each in found["env"] if "value" in each}
    assert {name: told[name] for name in NUMBERED} == NUMBERED


def test_flags_of_a_fine_tune_pass_its_shell(tmp_path: Path) -> None:
    recording = record_fine_tune(settings=NUMBERED)
    (only,) = inputs(recording, JOB, "tune")["spec"]["template"]["spec"]["containers"]
    shell = Shell(tmp_path, "python", "pip")
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/bin").symlink_to(tmp_path / "bin")
    command = [expanded(each, VARIABLES).replace(SCRATCH_PATH, str(tmp_path)) for each in only["command"]]
    *_, (name, *arguments) = shell.run([*command, *(expanded(each, VARIABLES) for each in only["args"])], VARIABLES)
    assert (name, arguments[:2]) == ("python", ["-m", "finetune"])
    assert arguments[-len(HOSTILE) :] == [f"--value-{number}={text}" for number, text in enumerate(HOSTILE)]


@pytest.fixture
def triton(tmp_path: Path) -> Shell:
    """Where the script of a Triton pod runs, and finds its server ended."""
    shell = Shell(tmp_path, "python3", "sleep")
    (tmp_path / "bin/pgrep").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin/pgrep").chmod(0o755)
    return shell


def test_the_script_of_a_triton_pod_takes_its_settings_for_values(triton: Shell) -> None:
    found = container(record_service(service_args(TRITON, arguments=list(HOSTILE))))
    command = [expanded(each, VARIABLES) for each in (*found["command"], *found["args"])]
    variables = {each["name"]: expanded(each["value"], VARIABLES) for each in found["env"]}
    for text in HOSTILE:
        # no such model is taken; the script would not mind
        (started, *_) = triton.run(command, {**variables, "MODEL_REPOSITORY": text})
        assert f"--model_repo={text}" in started
        assert started[-len(HOSTILE) :] == list(HOSTILE)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_the_machine_that_fills_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    model = "meta-llama/Llama-2-7b-hf"
    monkeypatch.setattr(
        disk_converter, "jetstream_names", lambda _: jetstream_names(model).model_copy(update={"model_name": text})
    )
    monkeypatch.setattr(disk_converter, "checkpoint_folder", lambda *_, **__: "folder")
    silent = ("blkid", "mkfs.ext4", "mount", "mountpoint", "umount", "sync", "sleep", "apt-get", "pip")
    shell = Shell(tmp_path, *silent, "gcloud", "huggingface-cli", "python3", "git")
    git = tmp_path / "bin/git"
    git.write_text(
        f'{git.read_text().replace("exec ", "")}mkdir -p "${{@: -1}}"; touch "${{@: -1}}/install_everything.sh"\n'
    )
    git.write_text(git.read_text().replace("#!/bin/sh", "#!/bin/bash"))
    (tmp_path / "device").touch()
    places = {name: str(tmp_path / name.lower()) for name in ("DEVICE", "MOUNT", "WORK")}
    ran = shell.run(["bash", "-c", disk_converter.startup_script(text, text)], {**places, "WAIT_SECONDS": "0"})
    asked = {name: arguments for name, *arguments in ran if name in ("gcloud", "huggingface-cli", "python3")}
    assert asked["gcloud"] == ["secrets", "versions", "access", text]
    assert asked["huggingface-cli"][:2] == ["download", text]
    assert f"--model_name={text}" in asked["python3"]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_settings_of_a_host_are_values_or_refused(tmp_path: Path, text: str) -> None:
    taken = {
        "MODEL": lambda: cloud_config(TritonArgs(model=text), HostFacts(**FACTS)),
        "IMAGE": lambda: cloud_config(TritonArgs(model=MODEL, image=text), HostFacts(**FACTS)),
        "ALLOWED_RANGES": lambda: cloud_config(
            TritonArgs(model=MODEL), HostFacts(**{**FACTS, "allowed_ranges": (text,)})
        ),
        **{
            fact.upper(): lambda fact=fact: cloud_config(TritonArgs(model=MODEL), HostFacts(**{**FACTS, fact: text}))
            for fact in ("operating_system", "token_secret_id", "engine_device")
        },
        "ENGINE_BUCKET": lambda: cloud_config(
            TritonArgs(model=MODEL), HostFacts(**{**FACTS, "engine_bucket": ("space", text)})
        ),
    }
    shell, codes = Shell(tmp_path, "tell"), set[str]()
    for name, render in taken.items():
        try:
            document = render()
        except ConfigurationError as refused:
            codes.update(finding.code for finding in refused.findings)
            continue
        files = {file["path"]: file["content"] for file in yaml.safe_load(document)["write_files"]}
        (tmp_path / "settings").write_text(files[SETTINGS])
        # as bash reads it, and as `docker run --env-file` does
        if text or name != "IMAGE":
            assert shell.run(["bash", "-c", f'. ./settings; tell "${name}"'], {}) == [["tell", text]]
            assert dict(line.split("=", 1) for line in files[SETTINGS].splitlines())[name] == text
    assert codes <= {"setting-characters"}


@pytest.mark.parametrize("token", [text for text in HOSTILE if text.strip()])
def test_a_whole_boot_takes_a_token_for_a_value(tmp_path: Path, token: str) -> None:
    host = Host(tmp_path / "host")
    canary = tmp_path / "host/commands" / CANARY
    canary.write_text(f'#!/bin/sh\ntouch "$STATE/{CANARY}"\n')
    canary.chmod(0o755)
    (host.state / "token").write_text(token)
    status, _, ran = host.boot()
    assert status == 0, host.log
    assert any(line.startswith("git clone") for line in ran)
    assert list(tmp_path.rglob(CANARY)) == [canary]


def test_cloud_init_writes_the_scripts_as_they_are() -> None:
    written = yaml.safe_load(cloud_config(TritonArgs(model=MODEL), HostFacts(**FACTS)))["write_files"]
    contents = {Path(file["path"]).name: file["content"] for file in written}
    for script in SCRIPTS.rglob("*.sh"):
        assert contents[script.name] == script.read_text()


@pytest.mark.parametrize("token", [text for text in HOSTILE if text])
def test_git_is_given_the_very_token(token: str) -> None:
    command = ["bash", str(SCRIPTS / "askpass.sh"), "Password for 'https://token@huggingface.co': "]
    done = subprocess.run(command, env={"HF_TOKEN": token}, capture_output=True, text=True, check=True)
    assert done.stdout == f"{token}\n"


def test_the_line_that_forwards_a_port_quotes_a_namespace_that_was_not_known(tmp_path: Path) -> None:
    lines: list[str] = []

    def program() -> None:
        there = pulumi.ResourceOptions(providers=[kubernetes.Provider("there", kubeconfig="{}")])
        namespace = pulumi.Output.from_input(f"x; {CANARY}")
        args = service_args(exposure="cluster").model_copy(update={"namespace": namespace, "source_ranges": None})
        InferenceService("llm", args, there).access.apply(lines.append)

    assert record(program).error is None
    (line,) = lines
    ran = Shell(tmp_path, "kubectl").run(["bash", "-c", line.removeprefix("port-forward: ")], {})
    assert ran == [["kubectl", "--namespace", f"x; {CANARY}", "port-forward", "service/llm-service", "8080:80"]]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_such_model_is_taken(text: str) -> None:
    for model in (text, f"mistralai/{text}"):
        told = [
            *check_inference_service("llm", service_args(model=model)),
            *check_fine_tune_job("tune", FineTuneJobArgs.parse(changed(FINE_TUNE, {"models": [model]}))),
            *found({"triton.model": model}),
        ]
        assert [each.code for each in told].count("model-invalid") == 3
