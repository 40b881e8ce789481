"""Everything that runs of `llm-serving` leave behind, in one folder, to be searched for tokens."""

import json
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import yaml

from engine import find_pulumi
from tests.secrets.canary import Canary
from tests.secrets.commands import start_command
from tests.secrets.processes import ProcessWatch
from tests.waiting import PATIENCE_SECONDS, wait_until

ROOT = Path(__file__).resolve().parents[2]

TALKATIVE = {
    "PULUMI_OPTION_VERBOSE": "9",
    "PULUMI_OPTION_LOGTOSTDERR": "true",
    "PULUMI_OPTION_LOGFLOW": "true",
    "PULUMI_OPTION_SHOW_SECRETS": "true",
    "PULUMI_OPTION_TRACING": "file:{folder}/temporary/tracing",
    "PULUMI_OPTION_OTEL_TRACES": "file://{folder}/temporary/traces.json",
    "PULUMI_OPTION_DEBUG": "true",
    "PULUMI_DEBUG_GRPC": "{folder}/temporary/grpc.json",
    "PULUMI_DEBUG_COMMANDS": "true",
    "PULUMI_CONSOLE_LOG": "true",
    "OCI_GO_SDK_DEBUG": "verbose",
    "TF_LOG": "TRACE",
    "TF_LOG_PATH": "{folder}/temporary/terraform.log",
    "GRPC_GO_LOG_VERBOSITY_LEVEL": "99",
    "GRPC_GO_LOG_SEVERITY_LEVEL": "info",
    "GODEBUG": "http2debug=2",
    "GOTRACEBACK": "all",
}
"""What a user may have set to see more, with all of which nothing of a token may be seen."""


class Expedition:
    """A project, a home and a temporary folder, and runs of the command line that have no others."""

    def __init__(self, folder: Path, canaries: Mapping[str, Canary], project: Path = ROOT) -> None:
        self.folder = folder
        self.canaries = canaries
        """By the path of the setting."""
        self.project, self.home, self.temporary, self.bin, self.printed = (
            folder / name for name in ("project", "home", "temporary", "bin", "printed")
        )
        for made in (self.project, self.home, self.temporary, self.bin, self.printed):
            made.mkdir(parents=True)
        for path in [*project.glob("Pulumi*.yaml"), project / "__main__.py"]:
            shutil.copy(path, self.project)
        self.pulumi = find_pulumi()
        self._given = folder / "given"
        self._given.mkdir()
        self.secrets: list[str] = []
        """The options that give each setting its token."""
        for number, (path, canary) in enumerate(canaries.items()):
            file = self._given / str(number)
            file.write_text(canary.text + "\n")
            self.secrets += ["--config-secret", f"{path}=@{file}"]
        self.refusing_states = folder / "refusing-states"
        """While this file is there, Pulumi takes no state."""
        self._write_recorder()
        self.seen: set[str] = set()
        """Where a token was seen in the list of processes."""
        self.environment = {
            **{name: value.format(folder=folder) for name, value in TALKATIVE.items()},
            **{name: value for name, value in os.environ.items() if not name.startswith(("PULUMI", "PYTEST"))},
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "200",
        }

    def change(self, stack: str, **settings: object) -> None:
        """Put settings into the copy of the stack's file."""
        file = self.project / f"Pulumi.{stack}.yaml"
        content = yaml.safe_load(file.read_text())
        content["config"] |= {f"llm-serving:{name}": value for name, value in settings.items()}
        file.write_text(yaml.safe_dump(content))

    def start(self, *arguments: str) -> ForkServerProcess:
        """Start a command; what it prints goes into a file of `printed` each."""
        name = f"{len(list(self.printed.iterdir())):03} {' '.join(arguments)}".replace("/", "|")[:200]
        (self.printed / name).touch()
        return start_command(arguments, self.project, self.environment, self.printed / name)

    def run(self, *arguments: str) -> int | None:
        """Run a command to its end, watched by who lists processes, and return its exit code."""
        with ProcessWatch(tuple(self.canaries.values())) as watch:
            process = self.start(*arguments)
            process.join(PATIENCE_SECONDS)
        self.seen |= watch.found
        return process.exitcode

    def kill_in(self, *arguments: str, when: str, engine: bool = False) -> None:
        """Start a command, and kill it, or its engine alone, as soon as it has printed `when`."""
        with ProcessWatch(tuple(self.canaries.values())) as watch:
            process = self.start(*arguments)
            assert process.pid
            wait_until(lambda: when in self.last_printed())
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            killed = [int(each) for each in children] if engine else [process.pid]
            assert len(killed) == 1
            os.kill(killed[0], signal.SIGKILL)
            process.join(PATIENCE_SECONDS)
        assert process.exitcode
        self.seen |= watch.found

    def last_printed(self) -> str:
        """What the last command has printed."""
        return max(self.printed.iterdir()).read_text(errors="replace")

    def leaks(self) -> dict[str, set[str]]:
        """Where a token is that should be nowhere, and in which form."""
        places = (self.project, self.home, self.temporary, self.printed, self.folder / "started")
        found: dict[str, set[str]] = {where: {"in the list of processes"} for where in self.seen}
        for canary in self.canaries.values():
            for file, forms in canary.found_below(*places).items():
                found.setdefault(file, set()).update(forms)
        return found

    def secrets_of(self, stack: str) -> set[str]:
        """What the state of `stack` holds encrypted, as who has its passphrase reads it."""
        rehearsal = self.project / ".rehearsal" / stack
        exported = subprocess.run(
            [self.pulumi, "stack", "export", "--show-secrets", "--stack", stack],
            cwd=rehearsal / "work",
            env={
                **os.environ,
                "PULUMI_HOME": str(rehearsal / "home"),
                "PULUMI_BACKEND_URL": f"file://{rehearsal / 'backend'}?metadata=skip",
                "PULUMI_CONFIG_PASSPHRASE": "",
            },
            capture_output=True,
            check=True,
        )
        return set(_plaintexts(json.loads(exported.stdout)))

    def _write_recorder(self) -> None:
        """Put a Pulumi in front that writes down how it is started: a look into the list of processes can miss it."""
        started = self.folder / "started"
        started.mkdir()
        recorder = self.bin / "pulumi"
        recorder.write_text(
            f'#!/bin/sh\ncase "$*" in *" import "*) [ -e "{self.refusing_states}" ] && exit 1; esac\n'
            f'{{ printf "%s\\n" "$@"; env; }} >"{started}/$$"\nexec {shlex.quote(str(self.pulumi))} "$@"\n'
        )
        recorder.chmod(0o755)


def _plaintexts(value: Any) -> Iterator[str]:
    """Every text within what Pulumi holds encrypted."""
    match value:
        case {"plaintext": str(encoded)}:
            yield from _texts(json.loads(encoded))
        case _:
            for item in _items(value):
                yield from _plaintexts(item)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in _items(value):
        yield from _texts(item)


def _items(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(value.values())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType, reportUnknownMemberType] JSON
        case list():
            return value  # pyright: ignore[reportUnknownVariableType] JSON
        case _:
            return []
