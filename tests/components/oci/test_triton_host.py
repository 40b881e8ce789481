"""The user data of a host."""

import base64
import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

from components.findings import ConfigurationError
from components.oci.triton_host import METADATA_LIMIT, HostFacts, cloud_config, settings_file, triton_user_data
from components.triton.args import TritonArgs
from tests.workloads.triton_host import MODEL, RANGE, SECRET

ARGS = TritonArgs(model=MODEL)


def facts(**changes: Any) -> HostFacts:
    base: dict[str, Any] = {
        "operating_system": "oracle-linux",
        "accelerator_count": 8,
        "allowed_ranges": (RANGE,),
        "token_secret_id": SECRET,
    }
    return HostFacts(**{**base, **changes})


def settings(args: TritonArgs = ARGS, **changes: Any) -> dict[str, str]:
    lines = settings_file(args, facts(**changes)).splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_it_is_the_cloud_config_by_gzip_in_base64() -> None:
    data = base64.b64decode(triton_user_data(ARGS, facts()), validate=True)
    assert gzip.decompress(data).decode() == cloud_config(ARGS, facts())
    # no time of packing
    assert data[4:8] == b"\0\0\0\0"


def test_it_is_the_same_for_the_same_arguments() -> None:
    assert triton_user_data(ARGS, facts()) == triton_user_data(ARGS, facts())
    assert triton_user_data(ARGS, facts()) != triton_user_data(ARGS, facts(nvme=True))


def test_it_has_room_for_more() -> None:
    assert len(triton_user_data(ARGS, facts())) < METADATA_LIMIT / 2


def test_more_than_oci_takes_is_refused() -> None:
    numbers = random.Random(1)
    ranges = tuple(".".join(str(numbers.randrange(256)) for _ in range(4)) + "/32" for _ in range(3000))
    with pytest.raises(ConfigurationError, match=r"user-data-too-large.*OCI takes 28000"):
        triton_user_data(ARGS, facts(allowed_ranges=ranges))


def test_it_writes_what_it_starts() -> None:
    text = cloud_config(ARGS, facts())
    first, _, rest = text.partition("\n")
    assert first == "#cloud-config"
    config = json.loads(rest)
    files = {file["path"]: file for file in config["write_files"]}
    assert files["/opt/llm-serving/setup.sh"]["permissions"] == "0755"
    assert files["/etc/llm-serving/settings"]["permissions"] == "0644"
    assert {path for path in files if path.startswith("/etc/systemd")} == {
        "/etc/systemd/system/llm-serving-setup.service",
        "/etc/systemd/system/triton.service",
    }
    assert len([path for path in files if path.startswith("/opt/llm-serving/steps/")]) == 15
    assert config["runcmd"] == [
        ["systemctl", "daemon-reload"],
        ["systemctl", "enable", "--now", "--no-block", "llm-serving-setup.service"],
    ]
    assert set(config) == {"write_files", "runcmd"}


def test_a_host_with_a_block_volume() -> None:
    found = settings(engine_device="/dev/oracleoci/oraclevdb")
    assert found["ENGINE_DEVICE"] == "/dev/oracleoci/oraclevdb"
    assert (found["ENGINE_NAMESPACE"], found["ENGINE_BUCKET"]) == ("", "")


def test_a_host_with_a_bucket() -> None:
    found = settings(engine_bucket=("space", "engines"))
    assert (found["ENGINE_NAMESPACE"], found["ENGINE_BUCKET"], found["ENGINE_DEVICE"]) == ("space", "engines", "")


def test_a_host_without_token() -> None:
    assert settings(token_secret_id=None)["TOKEN_SECRET_ID"] == ""


def test_the_model_is_split_over_all_gpus_unless_told() -> None:
    assert settings(accelerator_count=4)["TENSOR_PARALLEL"] == "4"
    assert settings(TritonArgs(model=MODEL, tensor_parallel=2), accelerator_count=4)["TENSOR_PARALLEL"] == "2"


def test_image_and_paths_agree() -> None:
    ready, built = settings(), settings(TritonArgs(model=MODEL, build_image=True))
    assert ready["IMAGE"] == "nvcr.io/nvidia/tritonserver:25.04-trtllm-python-py3"
    assert built["IMAGE"] == "triton_trt_llm:v0.18.2"
    paths = ("MODEL_TEMPLATES", "FILL_TEMPLATE", "LAUNCH", "EXAMPLES")
    assert {ready[path].split("/")[1] for path in paths} == {"app"}
    assert {built[path].split("/")[1] for path in paths} == {"tensorrtllm_backend"}
    other = settings(TritonArgs(model=MODEL, image="nvcr.io/nvidia/tritonserver:25.03-trtllm-python-py3"))
    assert other["IMAGE"].endswith(":25.03-trtllm-python-py3")
    assert other["LAUNCH"] == ready["LAUNCH"]


def test_what_makes_another_engine_is_marked() -> None:
    marks = {
        settings(TritonArgs.parse({"model": MODEL, **changes}))["ENGINE_SETTINGS"]
        for changes in (
            {},
            {"dtype": "bfloat16"},
            {"gemmPlugin": "disable"},
            {"maxBatchSize": 1},
            {"maxInputTokens": 1},
            {"maxOutputTokens": 1},
            {"maxBatchTokens": 9000},
            {"tensorParallel": 4},
            {"buildImage": True},
            {"model": "mistralai/Mixtral-8x7B-v0.1"},
        )
    }
    assert len(marks) == 10
    # what only the model repository says
    assert settings(TritonArgs(model=MODEL, decoupled=False))["ENGINE_SETTINGS"] == settings()["ENGINE_SETTINGS"]


@pytest.mark.parametrize("value", ["a b", "a\nb", "$(reboot)", "a;b", "a'b", 'a"b', "a`b", "a&b", "a|b", "a>b", "a\\b"])
def test_what_a_shell_would_read_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="TOKEN_SECRET_ID"):
        settings_file(ARGS, facts(token_secret_id=value))


def test_nothing_of_this_machine_is_in_it() -> None:
    text = cloud_config(ARGS, facts())
    assert str(Path.cwd()) not in text
