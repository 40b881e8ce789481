"""The user data of a host that sets itself up to serve a model with Triton: what cloud-init writes and starts."""

import base64
import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..findings import ConfigurationError, error
from ..triton.args import TritonArgs
from ..triton.engine import (
    DEFAULT_CONVERTER,
    GRPC_PORT,
    HTTP_PORT,
    METRICS_PORT,
    Engine,
    engine_of,
    image_of,
    repository_path,
    template_values,
)
from ..triton.release import load_release
from ..workloads import workload

LOG = "/var/log/llm-serving-setup.log"
"""Where the host writes how far its set-up has come: each step, with its outcome."""

SCRIPTS = workload("triton")
HOME = "/opt/llm-serving"
SETTINGS = "/etc/llm-serving/settings"
UNITS = ("llm-serving-setup.service", "triton.service")

OCI_CLI_VERSION = "3.95.1"
"""For Ubuntu; Oracle Linux has its own package. Source: pypi.org/project/oci-cli, 2026-11-21."""

METADATA_LIMIT = 32_000
"""Bytes of all metadata of an instance together.
Source: docs.oracle.com/iaas/Content/Compute/Tasks/updatinginstancemetada.htm, 2026-11-21."""
OTHER_METADATA = 4_000
"""Of these, for SSH keys and the names of the entries."""


@dataclass(frozen=True)
class HostFacts:
    """What the set-up must know of the host that it runs on."""

    operating_system: str
    """`oracle-linux` or `ubuntu`."""
    accelerator_count: int
    """GPUs of the host."""
    allowed_ranges: tuple[str, ...]
    """CIDR ranges that may reach ports 8000 to 8002: the balancer's subnet, and its clients where it keeps their
    addresses."""
    token_secret_id: str | None = None
    """OCID of the Vault secret that holds the Hugging Face token. None: the model needs none."""
    engine_device: str | None = None
    """Device of the block volume that keeps engines, for example `/dev/oracleoci/oraclevdb`. None: there is none."""
    engine_bucket: tuple[str, str] | None = None
    """Object Storage namespace and name of the bucket that keeps engines. None: there is none."""
    nvme: bool = False
    """Whether weights and checkpoints are kept on the local NVMe drives."""


def triton_user_data(args: TritonArgs, host: HostFacts) -> str:
    """Return the user data of a host as OCI takes it: cloud-config, packed, in base64. Equal arguments give equal data.

    Raises:
        ConfigurationError: it is larger than OCI takes, or a value holds what shell or Docker would not take as it is.
    """
    # the time of packing would make it another each time, and each time another host
    packed = gzip.compress(cloud_config(args, host).encode(), compresslevel=9, mtime=0)
    encoded = base64.b64encode(packed).decode()
    limit = METADATA_LIMIT - OTHER_METADATA
    if len(encoded) > limit:
        message = f"the user data has {len(encoded)} bytes, and OCI takes {limit} beside the other metadata."
        raise ConfigurationError([error("user-data-too-large", "", message, "Allow fewer ranges.")])
    return encoded


def cloud_config(args: TritonArgs, host: HostFacts) -> str:
    """Return the cloud-config, in the part of YAML that is JSON.

    Raises:
        ConfigurationError: as `triton_user_data`.
    """
    engine = engine_of(args, host.accelerator_count)
    files = {f"{HOME}/{path.relative_to(SCRIPTS)}": path.read_text() for path in sorted(SCRIPTS.rglob("*.sh"))}
    files |= {f"/etc/systemd/system/{unit}": (SCRIPTS / unit).read_text() for unit in UNITS}
    files[SETTINGS] = settings_file(args, host)
    files[f"{HOME}/fills"] = fills_file(engine)
    config: dict[str, Any] = {  # Any: JSON
        "write_files": [
            {"path": path, "permissions": "0755" if path.endswith(".sh") else "0644", "content": content}
            for path, content in files.items()
        ],
        "runcmd": [
            ["systemctl", "daemon-reload"],
            # it goes on by itself, so that the boot does not wait for hours
            ["systemctl", "enable", "--now", "--no-block", UNITS[0]],
        ],
    }
    return f"#cloud-config\n{json.dumps(config, indent=1)}\n"


def fills_file(engine: Engine) -> str:
    """Return the values of the model repository's templates, one model in each line."""
    lines = {
        model: ",".join(f"{name}:{value}" for name, value in v.items()) for model, v in template_values(engine).items()
    }
    return "".join(f"{model} {values}\n" for model, values in lines.items())


def settings_file(args: TritonArgs, host: HostFacts) -> str:
    """Return what the scripts read, as lines that both bash and Docker take as they stand.

    Raises:
        ConfigurationError: a value holds what one of them would not take as it stands.
    """
    values = {**_host_settings(args, host), **_engine_settings(engine_of(args, host.accelerator_count), args)}
    wrong = [name for name, value in values.items() if not re.fullmatch(r"[A-Za-z0-9_./:@,=+-]*", value)]
    if wrong:
        findings = [
            error("setting-characters", "", f"{name} is {values[name]!r}.", "Use letters, digits and ./:@,=+_- only.")
            for name in wrong
        ]
        raise ConfigurationError(findings)
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _host_settings(args: TritonArgs, host: HostFacts) -> Mapping[str, str]:
    release = load_release()
    namespace, bucket = host.engine_bucket or ("", "")
    return {
        "OPERATING_SYSTEM": host.operating_system,
        "ACCELERATORS": str(host.accelerator_count),
        "NVME": "yes" if host.nvme else "no",
        "ALLOWED_RANGES": ",".join(host.allowed_ranges),
        "TOKEN_SECRET_ID": host.token_secret_id or "",
        "ENGINE_DEVICE": host.engine_device or "",
        "ENGINE_NAMESPACE": namespace,
        "ENGINE_BUCKET": bucket,
        "OCI_CLI_VERSION": OCI_CLI_VERSION,
        "DRIVER_BRANCH": str(release.release.driver_branch),
        "BUILD_IMAGE": "yes" if args.build_image else "no",
        "BACKEND_REPOSITORY": release.built.repository,
        "BACKEND_TAG": release.built.tag,
        "BACKEND_DOCKERFILE": release.built.dockerfile,
    }


def _engine_settings(engine: Engine, args: TritonArgs) -> Mapping[str, str]:
    image = image_of(args)
    build = {
        "IMAGE": image.image,
        "MODEL": engine.model,
        "CONVERTER": load_release().converters.get(engine.model, DEFAULT_CONVERTER),
        "TENSOR_PARALLEL": str(engine.tensor_parallel),
        "DTYPE": engine.dtype.value,
        "GEMM_PLUGIN": engine.gemm_plugin.value,
        "MAX_BATCH_SIZE": str(engine.max_batch_size),
        "MAX_INPUT_TOKENS": str(engine.max_input_tokens),
        "MAX_SEQUENCE_TOKENS": str(engine.max_input_tokens + engine.max_output_tokens),
        "MAX_BATCH_TOKENS": str(engine.max_batch_tokens),
    }
    return {
        **build,
        # what makes another engine, so that one is built again if any of it changes
        "ENGINE_SETTINGS": ",".join(f"{name}={value}" for name, value in build.items()),
        "FOLDER": engine.folder,
        "MODEL_TEMPLATES": image.models,
        "FILL_TEMPLATE": image.fill_template,
        "LAUNCH": image.launch,
        "EXAMPLES": image.examples,
        "MODEL_REPOSITORY": repository_path(engine.model, engine.tensor_parallel),
        "HTTP_PORT": str(HTTP_PORT),
        "GRPC_PORT": str(GRPC_PORT),
        "METRICS_PORT": str(METRICS_PORT),
    }
