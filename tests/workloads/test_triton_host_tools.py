"""What hosts run, with the tools of their own systems: cloud-init reads the user data, growpart grows a disk."""

import base64
import gzip
import os
import subprocess
from pathlib import Path

import pytest

from components.oci.triton_host import HostFacts, triton_user_data
from components.triton.args import TritonArgs
from tests.workloads.triton_host import MODEL, RANGE, SECRET, Host

TOOLS = Path(__file__).parents[2] / ".engine" / "host-tools"
MIB = 1024**2

pytestmark = pytest.mark.host


def schema(config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TOOLS / "python/bin/python", "-m", "cloudinit.cmd.main", "schema", "--config-file", config],
        env={**os.environ, "PYTHONPATH": str(TOOLS / "usr/lib/python3/dist-packages")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command finds sfdisk, as growpart does, and sfdisk its libraries: not every machine has it."""
    libraries = {str(path.parent) for path in TOOLS.rglob("lib*.so.*")}
    monkeypatch.setenv("LD_LIBRARY_PATH", os.pathsep.join(libraries))
    monkeypatch.setenv("PATH", os.pathsep.join([str(TOOLS / "sbin"), str(TOOLS / "usr/sbin"), os.environ["PATH"]]))


@pytest.mark.parametrize("system", ["oracle-linux", "ubuntu"])
def test_cloud_init_takes_the_user_data(tmp_path: Path, system: str) -> None:
    facts = HostFacts(system, 8, (RANGE,), SECRET, engine_bucket=("space", "engines"), nvme=True)
    config = tmp_path / "user-data"
    config.write_bytes(gzip.decompress(base64.b64decode(triton_user_data(TritonArgs(model=MODEL), facts))))
    checked = schema(config)
    assert checked.returncode == 0, checked.stderr
    assert "Valid cloud-config" in checked.stdout

    # and would not take anything
    config.write_text(config.read_text().replace('"permissions": "0755"', '"permissions": 755'))
    assert "is not of type 'string'" in schema(config).stderr


@pytest.mark.usefixtures("found")
def test_growpart_grows_the_partition_and_runs_again_in_peace(tmp_path: Path) -> None:
    disk = tmp_path / "disk.img"
    with disk.open("wb") as file:
        file.truncate(64 * MIB)
    layout = "label: gpt\nsize=4MiB\nsize=4MiB\nsize=16MiB\n"
    subprocess.run(["sfdisk", "--quiet", str(disk)], input=layout, text=True, check=True)
    with disk.open("r+b") as file:
        file.truncate(256 * MIB)  # as when the boot volume is larger than the image

    def third() -> int:
        shown = subprocess.run(["sfdisk", "--dump", str(disk)], capture_output=True, text=True, check=True).stdout
        (line,) = [line for line in shown.splitlines() if line.startswith(f"{disk}3")]
        return int(line.split("size=")[1].split(",")[0]) * 512

    assert third() == 16 * MIB
    host = Host(tmp_path / "host")
    # growpart takes an image for a disk; what it says with its status is what the step reads
    stand_in = f'#!/bin/bash\n"{TOOLS}/usr/bin/growpart" "{disk}" "$2"\nstatus=$?\ntouch "$STATE/grown"\nexit $status\n'
    (host.folder / "commands" / "growpart").write_text(stand_in)
    environment = {**host.environment, "LD_LIBRARY_PATH": os.environ["LD_LIBRARY_PATH"]}
    step = [str(host.home / "steps" / "10-grow-root.sh")]
    for _ in range(2):
        done = subprocess.run(["bash", *step, "perform"], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert third() > 245 * MIB
    assert "NOCHANGE" in done.stdout
