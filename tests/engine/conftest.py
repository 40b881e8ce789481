"""A machine of its own for each test: PATH holds only what the test puts there, and no network answers."""

import shutil
from pathlib import Path

import pytest

TOOLS = ["sh", "sleep", "cat", "mkdir", "chmod", "dirname", "find", "mv", "rm"]


class Machine:
    """An empty home, a PATH of one folder, and the folder that the engine is put into."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home"
        self.path = root / "bin"
        self.engine = root / "engine"
        self.log = root / "log"
        self.home.mkdir()
        self.path.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, f"the tests need {tool}"
            (self.path / tool).symlink_to(found)

    def program(self, name: str, script: str, folder: Path | None = None) -> Path:
        """Puts a shell script on PATH, or into a folder."""
        program = (folder or self.path) / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return program

    def pulumi(self, version: str, folder: Path | None = None) -> Path:
        return self.program("pulumi", f"echo {version}", folder)

    def go(self, build: str, version: str = "go1.26.0") -> Path:
        """Puts a Go on PATH; `build` is what `go build` does, with the file to make in $target. It has every module."""
        module = self.root / "module"
        (module / "manifests").mkdir(parents=True, exist_ok=True)
        for file in ("manifests/setup.yaml", "cloud.google.com_computeclasses.yaml"):
            (module / file).write_text("kind: CustomResourceDefinition\n")
        return self.program(
            "go",
            f"""
            if [ "$1" = env ]; then echo {version}; exit; fi
            if [ "$1" = mod ]; then echo "go: downloading $4"; echo '{{"Dir": "{module}"}}'; exit; fi
            while [ "$1" != -o ]; do shift; done
            target=$2
            echo "$*" >>{self.log}
            mkdir -p "$(dirname "$target")"
            {build}
            """,
        )


def until(file: Path) -> str:
    """What a shell waits for a file with; not forever, lest a fault be one that never ends."""
    return f"i=0; while [ ! -e {file} ] && [ $i -lt 6000 ]; do i=$((i + 1)); sleep 0.05; done"


GOOD_BUILD = 'printf \'#!/bin/sh\\necho v3.256.0\\n\' >"$target"; chmod +x "$target"'


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine(tmp_path)
    # The last three tell a make that it was started by another.
    for variable in ["PULUMI_HOME", "PIP_FIND_LINKS", "NO_PROXY", "no_proxy", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"]:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(machine.path))
    monkeypatch.setenv("HOME", str(machine.home))
    # Nothing listens on the discard port, so every download fails at once.
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return machine
