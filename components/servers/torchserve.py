"""TorchServe with gpt-fast: a mixture of experts from an archive that ModelArchiveJob has made.

Sources: docs/configuration.md, docs/metrics.md, docs/token_authorization_api.md and the frontend of
github.com/pytorch/serve, v0.12.0, the last release, 2026-11-21. No longer maintained upstream; its successor is vLLM.
"""

from ..inference.inference_service_args import TorchServeArgs
from ..jobs.gpt_fast import INT8, MODEL_NAME, load_pins, model_store_folder
from ..storage.checkpoints import MOUNT_PATH
from .profile import FILES_PATH, ModelServer, Serving

PORT, MANAGEMENT_PORT, METRICS_PORT = 8080, 8081, 8082

CONFIG_FILE = "config.properties"

CACHE_PATH = "/cache"

READY_FILE = "/tmp/model-ready"  # noqa: S108 of a container that nobody else writes in

KEY_FILE = "/home/model-server/key_file.json"
"""Where TorchServe writes the keys that it makes at each start: in its working directory."""

DEFAULT_KEY_DAYS = 365
"""TorchServe's own hour would end before most clients do, and only its management API can prolong it."""

READ_KEY = f"json.load(open('{KEY_FILE}'))['inference']['key']"


def uses_keys(flags: TorchServeArgs | None) -> bool:
    """Return whether requests need the server's key."""
    return flags is None or flags.token_authorization is not False


def _config(serving: Serving) -> str:
    flags = serving.torchserve or TorchServeArgs()
    properties = {
        "inference_address": f"http://0.0.0.0:{PORT}",
        # who reaches it can load code
        "management_address": f"http://127.0.0.1:{MANAGEMENT_PORT}",
        "metrics_address": f"http://0.0.0.0:{METRICS_PORT}",
        "grpc_inference_address": "127.0.0.1",
        "grpc_management_address": "127.0.0.1",
        # into log files otherwise
        "metrics_mode": "prometheus",
        "disable_token_authorization": str(not uses_keys(flags)).lower(),
        "token_expiration_min": str((flags.key_days or DEFAULT_KEY_DAYS) * 24 * 60),
        "enable_model_api": "false",
        "enable_envvars_config": "false",
        "allowed_urls": f"file://{MOUNT_PATH}/.*",
    }
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def _arguments(serving: Serving) -> list[str]:
    store = model_store_folder(serving.model, serving.quantization, serving.shards)
    return [
        *("--start", "--foreground", "--ncs"),
        *("--ts-config", f"{FILES_PATH}/{CONFIG_FILE}"),
        *("--model-store", f"{MOUNT_PATH}/{store}"),
        *("--models", f"{MODEL_NAME}={MODEL_NAME}"),
    ]


def _key(serving: Serving) -> str | None:
    if not uses_keys(serving.torchserve):
        return None
    return f'python -c "import json; print({READ_KEY})"'


def _alive(serving: Serving) -> tuple[str, ...] | None:
    if not uses_keys(serving.torchserve):
        return None
    # Kubernetes cannot read the key, which /ping asks for, too
    request = f"Request('http://127.0.0.1:{PORT}/ping', headers={{'Authorization': 'Bearer ' + {READ_KEY}}})"
    return ("python", "-c", f"import json; from urllib.request import Request, urlopen; urlopen({request}, timeout=4)")


SERVER = ModelServer(
    name="torchserve",
    title="TorchServe",
    image=load_pins()["images"]["gpu"],
    port=PORT,
    health_path="/ping",
    generate_path=f"/predictions/{MODEL_NAME}",
    metrics_path="/metrics",
    needs_accelerator=True,
    needs_file=False,
    quantizations=frozenset({INT8}),
    token_variables=(),
    environment=lambda _: {
        "TORCHINDUCTOR_CACHE_DIR": f"{CACHE_PATH}/inductor",
        "TRITON_CACHE_DIR": f"{CACHE_PATH}/triton",
        # the handler sets it, too late: the compiler has read it by then
        "TORCHINDUCTOR_FX_GRAPH_CACHE": "1",
        "READY_FILE": READY_FILE,
    },
    arguments=_arguments,
    request=lambda _, prompt: {"prompt": prompt, "max_new_tokens": 64},
    # not the image's own, which switches the keys off
    command=("torchserve",),
    data_path=MOUNT_PATH,
    needs_checkpoint=True,
    slots=lambda _: 1,
    takes_memory_at_start=True,
    further_ports={"metrics": METRICS_PORT},
    files=lambda serving: {CONFIG_FILE: _config(serving)},
    # /ping says that it is healthy as soon as a worker was started
    ready_file=READY_FILE,
    alive_command=_alive,
    cache_path=CACHE_PATH,
    # model-server of the image, which has no number there that Kubernetes could tell from root
    user=1000,
    key_command=_key,
)
