"""What runs in the serving image, and what holds for all scripts of the set-up."""

import subprocess
import sysconfig
from pathlib import Path

from components.oci.triton_host import LOG, SCRIPTS, UNITS
from tests.workloads.triton_host import STEPS


def serve(folder: Path, mpirun: str) -> subprocess.Popen[str]:
    """Start `serve.sh` with a launcher that leaves `mpirun` in the background, as upstream's does."""
    commands = folder / "commands"
    commands.mkdir()
    # stays a while, as upstream's does: a stop may come before it goes
    python = '#!/bin/bash\necho "python3 $*"\nmpirun >/dev/null 2>&1 &\nsleep 1\n'
    # looks at these processes only, since there may be others of such a name on this machine
    pgrep = '#!/bin/bash\nkill -0 "$(cat "$STATE/pid")" 2>/dev/null\n'
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
    (folder / "pid").write_text("0")
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
    script = str(SCRIPTS / "inside" / "serve.sh")
    return subprocess.Popen(
        ["bash", script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_the_server_ends_when_its_processes_end(tmp_path: Path) -> None:
    server = serve(tmp_path, 'echo $$ > "$STATE/pid"; sleep 3')
    said, _ = server.communicate(timeout=60)
    assert server.returncode == 1
    assert said.splitlines() == [
        "python3 /app/scripts/launch_triton_server.py --world_size=8 --model_repo=/models/r --http_port=8000"
        " --grpc_port=8001 --metrics_port=8002",
        "error: the server has ended",
    ]


def test_a_stop_reaches_the_processes(tmp_path: Path) -> None:
    server = serve(
        tmp_path, "trap 'touch $STATE/stopped; exit' TERM; echo $$ > $STATE/pid; while true; do sleep 0.1; done"
    )
    while (tmp_path / "pid").read_text().strip() in ("", "0"):
        assert server.poll() is None
    server.terminate()
    server.communicate(timeout=60)
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
