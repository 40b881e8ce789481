"""One side of a comparison: a revision of the project, and the process that runs its program."""

import json
import os
import socket
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.errors import RefusedError
from cli.isolation import FOREIGN
from cli.project import Project
from cli.settings import StandIn

HOST = Path(__file__).with_name("program_host.py")


@dataclass(frozen=True)
class Side:
    """A revision whose program can be run."""

    project: Project
    stand_ins: Mapping[str, Mapping[str, StandIn]]
    """The account values of its recipes, by recipe and configuration key."""
    socket: Path
    """Where its program is asked for."""

    @contextmanager
    def program(self) -> Generator[str]:
        """Start its program with the environment of this process, and give the address for the engine."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            with connection.makefile("rw", encoding="utf-8") as stream:
                stream.write(json.dumps(dict(os.environ)) + "\n")
                stream.flush()
                yield stream.readline().strip()


@contextmanager
def hosted(project: Project, python: Path, socket_file: Path) -> Generator[Callable[[], Side]]:
    """Keep the program of `project` ready to be run by `python`, at `socket_file`.

    Gives a function that waits until it is. It raises `RefusedError` if that Python cannot: it has no Pulumi SDK.
    """
    log = socket_file.with_suffix(".log")
    environment = {
        # another revision's modules on the path would be found where this one has none of that name
        name: value
        for name, value in os.environ.items()
        if not name.startswith(FOREIGN) and name != "PYTHONPATH"
    }
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [python, HOST, project.folder, socket_file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            encoding="utf-8",
            start_new_session=True,
        ) as process,
    ):
        assert process.stdin  # noqa: S101  pipes, as asked for

        def ready() -> Side:
            assert process.stdout  # noqa: S101
            line = process.stdout.readline()
            if not line:
                process.wait()
                raise RefusedError(f"The program of {project.folder} cannot be run: {_last_line(log)}")
            return Side(project, _stand_ins(json.loads(line)), socket_file)

        try:
            yield ready
        finally:
            process.stdin.close()


def _stand_ins(recipes: Mapping[str, Any]) -> Mapping[str, Mapping[str, StandIn]]:  # Any: JSON
    return {
        name: {key: StandIn(each["value"], each["secret"]) for key, each in values.items()}
        for name, values in recipes.items()
    }


def _last_line(log: Path) -> str:
    return (log.read_text(encoding="utf-8").strip().splitlines() or ["it ended at once"])[-1]
