"""Keeps a rehearsal away from everything that belongs to the user: accounts, clusters, stacks, Pulumi's own home."""

import logging
import os
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

FOREIGN = (
    *("PULUMI_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_", "GCP_", "OCI_", "TF_VAR_", "KUBE", "AWS_", "AZURE_", "ARM_"),
    # these make the engine, the SDKs and the providers print what passes between them, secrets among it
    *("GRPC_", "GODEBUG", "OTEL_", "TF_LOG"),
)
"""How the environment variables begin that Pulumi, its SDKs and cloud clients read settings and credentials from."""


@contextmanager
def isolated_environment(folder: Path) -> Generator[None]:
    """Point Pulumi and the cloud SDKs into `folder` and hide every setting of the user's, until the block ends.

    The program runs in this very process, and the SDKs take defaults from the environment, KUBECONFIG among them: that
    is why the environment itself is changed, and not only that of the engine.
    """
    (folder / "backend").mkdir(parents=True, exist_ok=True)
    (folder / "kubeconfig").touch()
    ours = {
        "PULUMI_HOME": str(folder / "home"),
        # The backend would keep attributes beside its files, and write them in place: cut off by a kill, they make it
        # refuse the state, which is whole. A file without attributes is read as it is.
        "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "KUBECONFIG": str(folder / "kubeconfig"),
    }
    hidden = {name: value for name, value in os.environ.items() if name.startswith(FOREIGN)}
    for name in hidden:
        del os.environ[name]
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(FOREIGN)]:
            del os.environ[name]
        os.environ.update(hidden)


@contextmanager
def quiet_connections() -> Generator[None]:
    """Keep the SDK from printing tracebacks when the engine goes away in the middle, as it does when it is stopped."""
    logger = logging.getLogger("grpc._server")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Error in event stream", UserWarning)
        try:
            yield
        finally:
            logger.setLevel(level)


@contextmanager
def project_as_current(folder: Path) -> Generator[None]:
    """Run the block as Pulumi runs a program: in the project's folder, whose modules can be imported."""
    previous = Path.cwd()
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        os.chdir(previous)
