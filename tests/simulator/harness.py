"""A stack that Pulumi's own engine deploys to simulated clouds, with a file backend in a temporary folder."""

from __future__ import annotations

import functools
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeVar

import pulumi
import pulumi.automation as auto
import pytest
from pulumi.runtime._callbacks import _CallbackServicer

from engine import find_pulumi
from simulator import Fault, SimulatedClouds

PROJECT = "example-project"
CONFIG = {"gcp:project": PROJECT, "gcp:region": "us-central1", "oci:region": "eu-frankfurt-1"}

Result = TypeVar("Result")
Program = Callable[[], None]


class Rehearsal:
    """One stack and the clouds under it, both kept in `folder`."""

    def __init__(self, folder: Path, control_plane: Path | None = None) -> None:
        self.folder = folder
        self.control_plane = control_plane
        self.output = ""

    @contextmanager
    def open(
        self, program: Program, *, faults: Sequence[str] = (), time_scale: float = math.inf
    ) -> Iterator[tuple[auto.Stack, SimulatedClouds]]:
        """The stack with this program, and its clouds."""
        parsed = [Fault.parse(fault) for fault in faults]
        with SimulatedClouds(
            self.folder / "clouds", time_scale=time_scale, faults=parsed, control_plane=self.control_plane
        ) as clouds:
            for name in ("state", "home", "work"):
                (self.folder / name).mkdir(exist_ok=True)
            settings = self.folder / "work" / "Pulumi.test.yaml"
            if not settings.exists():
                settings.write_text("config:\n" + "".join(f"  {key}: {value}\n" for key, value in CONFIG.items()))
            stack = auto.create_or_select_stack(
                "test",
                project_name="simulated",
                program=program,
                opts=auto.LocalWorkspaceOptions(
                    work_dir=str(self.folder / "work"),
                    pulumi_home=str(self.folder / "home"),
                    pulumi_command=pulumi_command(),
                    env_vars={
                        "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}?metadata=skip",
                        "PULUMI_CONFIG_PASSPHRASE": "",
                        "PULUMI_SKIP_UPDATE_CHECK": "true",
                        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                        "PULUMI_DEBUG_PROVIDERS": clouds.debug_providers,
                    },
                ),
            )
            yield stack, clouds

    def up(self, program: Program, *, faults: Sequence[str] = (), time_scale: float = math.inf) -> auto.UpResult:
        """Deploy."""
        with self.open(program, faults=faults, time_scale=time_scale) as (stack, _):
            return self._log(stack.up)

    def preview(self, program: Program) -> auto.PreviewResult:
        """Preview."""
        with self.open(program) as (stack, _):
            return self._log(stack.preview)

    def fails(
        self, program: Program, *, faults: Sequence[str] = (), preview: bool = False, all_of_it: bool = False
    ) -> str:
        """What the engine prints when the operation fails, as it must. `all_of_it`: it goes on after an error."""
        with self.open(program, faults=faults) as (stack, _), pytest.raises(auto.CommandError):
            self._log(stack.preview if preview else functools.partial(stack.up, continue_on_error=all_of_it or None))
        return self.output

    def refresh(self, program: Program) -> auto.RefreshResult:
        """Read everything back from the clouds."""
        with self.open(program) as (stack, _):
            return self._log(stack.refresh)

    def destroy(self, program: Program) -> auto.DestroyResult:
        """Delete everything."""
        with self.open(program) as (stack, _):
            return self._log(stack.destroy)

    def fails_to(self, operation: Literal["refresh", "destroy"], program: Program) -> str:
        """What the engine prints when a refresh or destroy fails, as it must."""
        with self.open(program) as (stack, _), pytest.raises(auto.CommandError):
            self._log(stack.refresh if operation == "refresh" else stack.destroy)
        return self.output

    @contextmanager
    def clouds(self) -> Iterator[SimulatedClouds]:
        """The clouds alone."""
        with SimulatedClouds(self.folder / "clouds") as clouds:
            yield clouds

    def _log(self, operation: Callable[..., Result]) -> Result:
        lines: list[str] = []
        try:
            return operation(on_output=lines.append, color="never")
        except auto.CommandError:
            pass_over_abandoned_programs()
            raise
        finally:
            self.output = re.sub(r"\s+", " ", "\n".join(lines))


def pass_over_abandoned_programs() -> None:
    """Keep what the SDK leaves pending when a program fails from being taken for a fault of the tests.

    Its settings hold it until the next program runs, and its coroutines complain when they are thrown away.
    """
    if getattr(sys.unraisablehook, "func", None) is not _tell_unless_abandoned:
        sys.unraisablehook = functools.partial(_tell_unless_abandoned, sys.unraisablehook)
    close_abandoned_programs()


_left_running: list[_CallbackServicer] = []


def close_abandoned_programs() -> None:
    """End what the SDK has left running of programs with resource hooks that failed: a server and six threads of each.

    To tell the engine, which has gone, is its last step before it would close them. They would stay as long as the
    process, which may have only so many threads: when it can have no more, gRPC aborts it. What is there for the first
    time may be about to be closed, and is left until the next time.
    """
    for servicer in _left_running:
        if servicer in _CallbackServicer._servicers:
            _CallbackServicer._servicers.remove(servicer)
            if not servicer._loop.is_closed():
                _close(servicer)
    _left_running[:] = _CallbackServicer._servicers


def _close(servicer: _CallbackServicer) -> None:
    loop = servicer._loop
    stopped = loop.create_task(servicer._server.stop(grace=0))
    while not stopped.done():
        # what the program itself has yet to do may stop the loop
        with suppress(RuntimeError):
            loop.run_until_complete(stopped)
    loop.close()


def _tell_unless_abandoned(tell: Callable[[Any], object], unraisable: Any) -> None:
    code = getattr(unraisable.object, "cr_code", None)
    if not (code and Path(code.co_filename).is_relative_to(Path(pulumi.__file__).parent)):
        tell(unraisable)


def pulumi_command() -> auto.PulumiCommand:
    """The Pulumi CLI of this machine."""
    binary = Path(os.environ.get("PULUMI_BIN") or find_pulumi())
    return auto.PulumiCommand(root=str(binary.parent.parent))


def changes(result: auto.UpResult | auto.DestroyResult | auto.RefreshResult) -> dict[str, int]:
    """How many resources each kind of step touched, the unchanged left out."""
    counted = dict(result.summary.resource_changes or {})
    counted.pop("same", None)
    return counted


def steps(result: auto.PreviewResult) -> dict[str, int]:
    """How many resources each kind of step would touch, the unchanged left out."""
    return {str(getattr(kind, "value", kind)): count for kind, count in result.change_summary.items() if kind != "same"}


def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
    """Options of a resource that has to wait for others."""
    return pulumi.ResourceOptions(depends_on=list(resources))
