"""The set-up of a host, run for real, with recorders in place of what would touch the machine or the network."""

import subprocess
from pathlib import Path

import pytest

from components.oci.triton_host import SCRIPTS
from tests.workloads.triton_host import (
    A100,
    GB,
    RANGE,
    SECRET,
    STEPS,
    TOKEN,
    Host,
    changing,
    encoded,
    index,
    outcomes,
)

IMAGE = "nvcr.io/nvidia/tritonserver:25.04-trtllm-python-py3"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "host")


def test_a_new_host_comes_to_serve(host: Host) -> None:
    status, said, ran = host.boot()
    assert status == 0, host.log
    assert (said[0], said[-1]) == ("set-up started", "set-up done")
    not_needed = {"15-local-drives", "30-driver", "50-saved-engine", "65-save-engine"}
    assert outcomes(said) == {step: "skipped" if step in not_needed else "done" for step in STEPS}
    # each that was done is told to have begun, and all is in the log too
    assert [line.split(":")[0] for line in said if line.endswith(": started")] == [
        step for step in STEPS if step not in not_needed
    ]
    assert all(line in host.log for line in said)
    order = [
        "growpart /dev/sda 3",
        "pvresize /dev/sda3",
        "lvextend -l +100%FREE /dev/mapper/ocivolume-root",
        "xfs_growfs /",
        "dnf install -y oraclelinux-developer-release-el8",
        "dnf install -y python36-oci-cli",
        f"mkfs.xfs -q {host.facts['engine_device']}",
        f"mount {host.models}",
        "dnf config-manager --add-repo=https://download.docker.com/linux/centos/docker-ce.repo",
        "dnf remove -y runc",
        "dnf install -y docker-ce docker-buildx-plugin --nobest",
        "systemctl enable --now docker.service",
        "dnf install -y nvidia-container-toolkit",
        "nvidia-ctk runtime configure --runtime=docker",
        "systemctl restart docker",
        f"docker pull --quiet {IMAGE}",
        "git lfs install",
        "oci secrets secret-bundle get",
        "git clone",
        "git -C",
        "docker run --name build-engine",
        "docker run --name fill-repository",
        "firewall-cmd --permanent --add-rich-rule",
        "firewall-cmd --reload",
        "systemctl enable --now triton.service",
    ]
    assert [index(ran, start) for start in order] == sorted(index(ran, start) for start in order)


def test_the_second_run_does_nothing(host: Host) -> None:
    host.boot()
    log = host.log
    status, said, ran = host.boot()
    assert status == 0
    assert set(outcomes(said).values()) == {"skipped"}
    assert changing(ran) == []
    assert host.log.startswith(log)


@pytest.mark.parametrize(
    ("command", "step"),
    [
        ("xfs_growfs", "10-grow-root"),
        ("mount", "25-engine-store"),
        ("nvidia-ctk", "40-container-toolkit"),
        ("trtllm-build", "60-engine"),
        ("firewall-cmd", "75-firewall"),
    ],
)
def test_what_was_interrupted_goes_on_there(host: Host, command: str, step: str) -> None:
    if command == "firewall-cmd":  # its first use is a question
        (host.folder / "commands" / command).write_text("#!/bin/bash\nexit 9\n")
    else:
        host.fail_once(command)
    status, said, before = host.boot()
    assert status == 1
    assert said[-1].startswith(f"{step}: failed")
    assert STEPS.index(step) == len(outcomes(said)) - 1

    if command == "firewall-cmd":
        host.rewrite(command)
    status, said, ran = host.boot()
    assert status == 0, host.log
    assert all(outcomes(said)[earlier] == "skipped" for earlier in STEPS[: STEPS.index(step)])
    assert outcomes(said)[step] == "done"
    assert len([line for line in before + ran if line.startswith("mkfs")]) == 1
    assert len((host.etc / "fstab").read_text().splitlines()) == 1


def test_half_an_engine_is_not_taken_for_one(host: Host) -> None:
    host.fail_once("trtllm-build")
    host.boot()
    assert not (host.store / "built-for").exists()
    _, _, ran = host.boot()
    # the weights are there, and stay
    assert not [line for line in ran if line.startswith(("git", "oci secrets"))]
    assert (host.store / "engine" / "rank0.engine").exists()
    assert not (host.work / "build").exists()


def test_network_steps_are_tried_again(host: Host) -> None:
    host.fail_once("dnf")
    host.fail_once("git")
    status, said, _ = host.boot()
    assert status == 1  # git's first command needs no network
    assert said[-1].startswith("55-weights: failed")
    assert "try 1 failed: dnf" in host.log
    status, _, ran = host.boot()
    assert status == 0
    assert [line for line in ran if line.startswith("git clone")]


def test_the_token_is_nowhere_but_in_git(host: Host) -> None:
    _, _, ran = host.boot()
    assert f"--secret-id {SECRET} --query" in "\n".join(ran)
    assert "git was given the token" in ran
    texts = [path.read_text() for path in host.folder.rglob("*") if path.is_file() and path != host.state / "token"]
    assert not [text for text in texts if TOKEN in text or encoded(TOKEN) in text]


def test_a_token_after_a_failure_is_still_only_the_token(host: Host) -> None:
    host.rewrite(
        "oci", first='case "$1" in secrets) [[ -e "$STATE/asked" ]] || { touch "$STATE/asked"; exit 1; } ;; esac'
    )
    _, _, ran = host.boot()
    assert len([line for line in ran if line.startswith("oci secrets")]) == 2
    assert "git was given the token" in ran


def test_a_model_that_needs_no_token_asks_for_none(tmp_path: Path) -> None:
    host = Host(tmp_path / "host", token_secret_id=None)
    status, said, ran = host.boot()
    assert status == 0
    assert outcomes(said)["20-oci-cli"] == "skipped"
    assert not [line for line in ran if line.startswith("oci secrets") or line == "git was given the token"]


def test_containers_run_as_the_guide_runs_them(host: Host) -> None:
    _, _, ran = host.boot()
    guide = "--net host --shm-size=2g --ulimit memlock=-1 --ulimit stack=67108864 --gpus all"
    started = [line for line in ran if line.startswith("docker run")]
    assert len(started) == 2
    assert all(guide in line and " -it" not in line for line in started)
    (convert,) = [line for line in ran if "convert_checkpoint.py" in line]
    assert convert.endswith("--dtype float16 --tp_size 8")
    (build,) = [line for line in ran if line.startswith("trtllm-build")]
    assert "--gemm_plugin float16 --max_batch_size 64 --max_input_len 4096 --max_seq_len 6144" in build


def test_the_server_runs_until_it_is_stopped(host: Host) -> None:
    host.boot()
    (host.folder / "commands" / "docker").write_text('#!/bin/bash\necho "docker $*" >> "$STATE/log"\n')
    subprocess.run(["bash", str(host.home / "run-server.sh")], env=host.environment, check=True)
    removed, started = host.recorded.read_text().splitlines()[-2:]
    assert removed == "docker rm --force triton"
    assert f"--volume {host.models}:/models:ro {IMAGE} bash /inside/serve.sh" in started
    assert "--rm " not in started
    unit = (SCRIPTS / "triton.service").read_text()
    assert "ExecStart=/bin/bash /opt/llm-serving/run-server.sh\n" in unit
    assert "Restart=always\n" in unit
    assert "WantedBy=multi-user.target\n" in unit


def test_a_server_that_is_not_ready_is_no_success(host: Host) -> None:
    (host.state / "not-ready").touch()
    status, said, _ = host.boot()
    assert status == 1
    assert said[-1].startswith("80-server: failed")
    assert "not ready after half an hour" in host.log


def test_the_root_is_grown_or_the_step_has_failed(host: Host) -> None:
    (host.folder / "commands" / "xfs_growfs").write_text("#!/bin/bash\n")
    status, said, _ = host.boot()
    assert status == 1
    assert said[-1].startswith("10-grow-root: failed")
    # a partition and a volume that were grown before it was interrupted are no obstacle
    host.rewrite("xfs_growfs")
    assert host.boot()[0] == 0
    assert (host.state / "root-size").read_text() == f"{985 * GB}\n"


def test_the_engine_is_built_again_when_what_it_depends_on_changes(host: Host) -> None:
    host.boot()
    marker = (host.store / "built-for").read_text()
    assert marker.splitlines()[1:] == [A100]
    host.configure({"maxBatchSize": 16})
    status, said, ran = host.boot()
    assert status == 0, host.log
    assert [step for step, outcome in outcomes(said).items() if outcome == "done"] == [
        "60-engine",
        "70-model-repository",
    ]
    assert [line for line in ran if line.startswith("trtllm-build") and "--max_batch_size 16 " in line]
    assert (host.store / "built-for").read_text() != marker


def test_a_setting_of_the_repository_alone_builds_no_engine(host: Host) -> None:
    host.boot()
    host.configure({"decoupled": False})
    _, said, ran = host.boot()
    assert [step for step, outcome in outcomes(said).items() if outcome == "done"] == ["70-model-repository"]
    assert not [line for line in ran if line.startswith("trtllm-build")]
    assert "decoupled: false" in (host.store / "repository" / "tensorrt_llm" / "config.pbtxt").read_text()


def test_the_image_can_be_built_as_the_guide_does(tmp_path: Path) -> None:
    host = Host(tmp_path / "host", {"buildImage": True})
    status, _, ran = host.boot()
    assert status == 0, host.log
    source = host.work / "tensorrtllm_backend"
    steps = [
        "git lfs install",
        "git clone --quiet --depth 1 --branch v0.18.2"
        f" https://github.com/triton-inference-server/tensorrtllm_backend.git {source}",
        f"git -C {source} submodule update --init --recursive --depth 1",
        "docker build --progress plain -t triton_trt_llm:v0.18.2"
        f" -f {source}/dockerfile/Dockerfile.trt_llm_backend {source}",
    ]
    assert [index(ran, step) for step in steps] == sorted(index(ran, step) for step in steps)
    assert not [line for line in ran if line.startswith("docker pull")]
    # what the image leaves in the source is called there
    (fill,) = [line for line in ran if line.startswith("docker run --name fill-repository")]
    assert f"--volume {source}:/tensorrtllm_backend" in fill
    assert [line for line in ran if line.startswith("python3 /tensorrtllm_backend/tools/fill_template.py")]


def test_ubuntu_gets_the_driver_restarts_and_goes_on(tmp_path: Path) -> None:
    host = Host(tmp_path / "host", operating_system="ubuntu")
    (host.state / "gpus").unlink()
    status, said, ran = host.boot()
    assert status == 1  # on a real host, it ends there and then
    assert outcomes(said)["10-grow-root"] == "skipped"
    (installed,) = [line for line in ran if "nvidia-driver" in line]
    assert installed.endswith(" nvidia-driver-570-server nvidia-fabricmanager-570")
    assert ran[-3:-1] == ["systemctl reboot", "sleep infinity"]

    (host.state / "gpus").write_text(f"{A100}\n" * 8)
    status, said, ran = host.boot()
    assert status == 0, host.log
    assert outcomes(said)["30-driver"] == "skipped"
    assert not [line for line in ran if line.startswith("dnf")]
    docker = (host.etc / "apt/sources.list.d/docker.list").read_text()
    assert docker.startswith(
        f"deb [signed-by={host.etc}/apt/keyrings/docker.asc] https://download.docker.com/linux/ubuntu"
    )
    toolkit = (host.etc / "apt/sources.list.d/nvidia-container-toolkit.list").read_text()
    assert toolkit.endswith("/stable/deb/$(ARCH) /\n")
    # who is let in stands before the rule that lets no one in
    assert (host.state / "rules").read_text().splitlines() == [
        f"INPUT ! -i lo -p tcp --dport 8000:8002 -s {RANGE} -j ACCEPT",
        "INPUT ! -i lo -p tcp --dport 8000:8002 -j DROP",
    ]
    assert changing(host.boot()[2]) == []


def test_a_driver_that_does_not_help_is_not_installed_for_ever(tmp_path: Path) -> None:
    host = Host(tmp_path / "host", operating_system="ubuntu")
    (host.state / "gpus").unlink()
    host.boot()
    _, _, ran = host.boot()
    assert "systemctl reboot" not in ran
    assert "the driver is installed, and finds no GPU" in host.log


def test_an_image_without_driver_is_told(host: Host) -> None:
    (host.state / "gpus").unlink()
    assert host.boot()[0] == 1
    assert "boot an image of Oracle Linux whose name has Gen2-GPU" in host.log


def test_only_the_named_ranges_are_let_in(tmp_path: Path) -> None:
    host = Host(tmp_path / "host", allowed_ranges=("10.0.1.0/24", "198.51.100.0/24"))
    host.boot()
    assert (host.state / "rules").read_text().splitlines() == [
        f'rule family="ipv4" source address="{each}" port port="8000-8002" protocol="tcp" accept'
        for each in ("10.0.1.0/24", "198.51.100.0/24")
    ]


def test_a_template_with_an_open_place_is_refused(host: Host) -> None:
    template = host.state / "templates" / "tensorrt_llm" / "config.pbtxt"
    template.write_text(template.read_text() + "version_policy: ${new_name}\n")
    status, said, _ = host.boot()
    assert status == 1
    assert said[-1].startswith("70-model-repository: failed")
    assert "the config.pbtxt of tensorrt_llm has places that nothing fills in" in host.log
    assert not (host.store / "repository").exists()
