"""What runs in the serving image, and what holds for all scripts of the set-up."""

import os
import signal
import subprocess
import sysconfig
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from components.oci.triton_host import LOG, SCRIPTS, UNITS
from tests.waiting import PATIENCE_SECONDS, wait_until
from tests.workloads.triton_host import STEPS


@contextmanager
def serve(folder: Path, mpirun: str) -> Generator[subprocess.Popen[str]]:
    """Run `serve.sh` with a launcher that leaves `mpirun` in the background, as upstream's does."""
    commands = folder / "commands"
    commands.mkdir()
    # stays until the test lets it go, or the processes are there: a stop may come before upstream's goes
    python = (
        '#!/bin/bash\necho "python3 $*"\nmpirun &>/dev/null &\nuntil [[ -e $STATE/launched ]]; do sleep 0.1; done\n'
    )
    # looks at these processes only, since there may be others of such a name on this machine
    pgrep = "#!/bin/bash\n[[ -e $STATE/pid ]]\n"
    pkill = '#!/bin/bash\nkill -TERM "$(cat "$STATE/pid")"\n'
    scripts = {
        "python3": python,
        "pgrep": pgrep,
        "pkill": pkill,
        "mpirun": f"#!/bin/bash\n{mpirun}\n",
    }
    for name, text in scripts.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    environment = {
        "PATH": f"{commands}:/usr/bin:/bin",
        "STATE": str(folder),
        "LAUNCH": "/app/scripts/launch_triton_server.py",
        "TENSOR_PARALLEL": "8",
        "MODEL_REPOSITORY": "/models/r",
        "HTTP_PORT": "8000",
        "GRPC_PORT": "8001",
        "METRICS_PORT": "8002",
    }
    with subprocess.Popen(
        ["bash", str(SCRIPTS / "inside" / "serve.sh")],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as server:
        try:
            yield server
        finally:
            # of a test that fails, too, nothing is left
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)


# what mpirun does first, so that it can be looked for and stopped, and last
STARTED, ENDED = 'echo $$ >"$STATE/new"; mv "$STATE/new" "$STATE/pid"', 'rm "$STATE/pid"'


def test_the_server_ends_when_its_processes_end(tmp_path: Path) -> None:
    with serve(tmp_path, f"{STARTED}; until [[ -e $STATE/end ]]; do sleep 0.05; done; {ENDED}") as server:
        wait_until((tmp_path / "pid").exists)
        (tmp_path / "launched").touch()
        assert server.poll() is None
        (tmp_path / "end").touch()
        said, _ = server.communicate(timeout=PATIENCE_SECONDS)
    assert server.returncode == 1
    assert said.splitlines() == [
        "python3 /app/scripts/launch_triton_server.py --world_size=8 --model_repo=/models/r --http_port=8000"
        " --grpc_port=8001 --metrics_port=8002",
        "error: the server has ended",
    ]


@pytest.mark.parametrize("launched", [False, True])
def test_a_stop_reaches_the_processes(tmp_path: Path, launched: bool) -> None:
    mpirun = f"trap 'touch $STATE/stopped; {ENDED}; exit' TERM; {STARTED}; while true; do sleep 0.1; done"
    with serve(tmp_path, mpirun) as server:
        wait_until((tmp_path / "pid").exists)
        if launched:
            (tmp_path / "launched").touch()
        server.terminate()
        (tmp_path / "launched").touch()
        server.communicate(timeout=PATIENCE_SECONDS)
    assert (tmp_path / "stopped").exists()


SHELLCHECK = Path(sysconfig.get_path("scripts")) / "shellcheck"


def test_shellcheck_finds_nothing() -> None:
    scripts = [str(path) for path in sorted(SCRIPTS.rglob("*.sh"))]
    assert len(scripts) == len(STEPS) + 7
    done = subprocess.run([SHELLCHECK, "--external-sources", *scripts], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


def test_the_log_is_where_it_is_said_to_be() -> None:
    assert f"LOG:={LOG}" in (SCRIPTS / "setup.sh").read_text()
    unit = (SCRIPTS / UNITS[0]).read_text()
    assert "Restart=on-failure\n" in unit
    assert "WantedBy=multi-user.target\n" in unit
