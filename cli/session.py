"""What one operation on a rehearsed stack works with: the stack in its folder, the engine, the simulated clouds."""

import os
import shutil
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from pulumi.automation import CommandError, LocalWorkspace, PulumiFn, Stack

from cli.engine_command import EngineCommand
from cli.errors import RefusedError
from cli.isolation import isolated_environment, quiet_connections
from cli.lock import only_rehearsal, release_engine_lock
from cli.masking import Mask
from cli.project import Project
from cli.settings import Settings
from cli.yaml_files import read_yaml_map
from cli.yaml_loader import PulumiDumper
from engine import find_control_plane
from simulator import Fault, SimulatedClouds


@dataclass(frozen=True)
class Home:
    """The folder that holds everything of a stack's rehearsals."""

    project: Project
    stack: str
    rehearsals: Path | None = None
    """Where the folder is. Default: `.rehearsal` in the project."""

    @property
    def folder(self) -> Path:
        """The folder itself."""
        return (self.rehearsals or self.project.folder / ".rehearsal") / self.stack

    @property
    def work(self) -> Path:
        """Copies of the project file and of the stack file, with which the engine works."""
        return self.folder / "work"

    @property
    def stack_file(self) -> Path:
        """The stack file with which the engine works."""
        return self.work / f"Pulumi.{self.stack}.yaml"

    @property
    def cloud(self) -> Path:
        """What exists in the simulated clouds."""
        return self.folder / "cloud"

    @property
    def log(self) -> Path:
        """All that the engine printed in the last operation."""
        return self.folder / "log.txt"

    @property
    def locks(self) -> Path:
        """Where the engine keeps the locks of this stack."""
        return self.folder / "backend" / ".pulumi" / "locks" / "organization" / self.project.name / self.stack

    @property
    def state(self) -> Path:
        """The state of this stack, as the engine writes it."""
        return self.folder / "backend" / ".pulumi" / "stacks" / self.project.name / f"{self.stack}.json"

    def remove(self) -> None:
        """Take everything away. Another rehearsal of the stack may begin meanwhile: it gets a folder of its own."""
        gone = self.folder.with_name(f".{self.stack}-gone-{os.getpid()}")
        self.folder.rename(gone)
        shutil.rmtree(gone)

    def exists(self) -> bool:
        """Tell whether the stack has been rehearsed and not destroyed since."""
        return self.stack_file.exists()

    def write_settings(self, settings: Settings) -> None:
        """Write the files that the engine reads. What the engine has put into the stack file beside `config:` stays."""
        self.work.mkdir(exist_ok=True)
        shutil.copyfile(self.project.folder / "Pulumi.yaml", self.work / "Pulumi.yaml")
        kept = read_yaml_map(self.stack_file) if self.stack_file.exists() else {}
        content = yaml.dump({**kept, "config": settings.plain()}, Dumper=PulumiDumper, sort_keys=False)
        self.stack_file.write_text(content, encoding="utf-8")


@dataclass(frozen=True)
class Session:
    """One operation's stack, engine and clouds."""

    stack: Stack
    engine: EngineCommand
    clouds: SimulatedClouds
    started: float
    """When it was opened, as `time.monotonic` tells."""
    fresh: bool = False
    """Whether the stack has only just been made, and its state is empty."""


@contextmanager
def open_session(
    home: Home,
    program: PulumiFn | None,
    *,
    settings: Settings | None,
    find_engine: Callable[[], Path],
    time_scale: float,
    faults: Sequence[Fault],
    control_plane: bool,
    say: Callable[[str], None],
    use: Callable[[EngineCommand | None], None],
) -> Generator[Session]:
    """Open the stack of `home`.

    Args:
        home: where the stack is.
        program: what the engine runs to learn what is wanted; None: what is at the engine's `language_host`.
        settings: what the stack is configured with; None: as it was last time.
        find_engine: finds the Pulumi CLI.
        time_scale: how many times faster than real time simulated time passes.
        faults: what is to go wrong.
        control_plane: whether Kubernetes objects go to a real control plane, also where they have not so far.
        say: called with lines for people.
        use: called with the engine while there is one, with None afterwards.

    Raises:
        RefusedError: another rehearsal of the stack is running, it has begun without a control plane, or Pulumi does
            not take the settings.
        KeyboardInterrupt: it was cancelled before the operation began.
        engine.EngineError: there is no engine.
    """
    with only_rehearsal(home.folder, home.stack), isolated_environment(home.folder), quiet_connections():
        (home.folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        if settings is None and not home.exists():
            raise RefusedError(f"Nothing is up: another run has just destroyed {home.stack}.")
        engine = EngineCommand(find_engine())
        engine.mask = Mask(settings.secrets().values() if settings else ())
        started = time.monotonic()
        use(engine)
        try:
            begun = SimulatedClouds.on_control_planes(home.cloud)
            programs = find_control_plane(say) if control_plane or begun else None
            with SimulatedClouds(
                home.cloud, time_scale=time_scale, faults=faults, control_plane=programs
            ) as clouds:  # fmt: skip
                if programs and not begun and any(each.provider == "kubernetes" for each in clouds.resources()):
                    raise RefusedError(
                        f"{home.stack} was brought up without --control-plane. "
                        f"Run `llm-serving rehearse destroy {home.stack}` first."
                    )
                os.environ["PULUMI_DEBUG_PROVIDERS"] = clouds.debug_providers
                fresh = not home.state.exists()
                yield Session(open_stack(home, program, engine, settings, say), engine, clouds, started, fresh)
        except CommandError as error:
            # Failures of an operation are results; these are of the steps before and after it.
            if engine.cancelled:
                raise KeyboardInterrupt from None
            raise RefusedError(f"Pulumi: {engine.errors() or error}") from None
        finally:
            use(None)
            if home.folder.exists():
                home.log.write_text(engine.log, encoding="utf-8")


def open_stack(
    home: Home, program: PulumiFn | None, engine: EngineCommand, settings: Settings | None, say: Callable[[str], None]
) -> Stack:
    """Return the stack of `home`, configured with `settings`. The other arguments are as those of `open_session`."""
    if settings:
        home.write_settings(settings)
    workspace = LocalWorkspace(work_dir=str(home.work), program=program, pulumi_command=engine)
    # to try the one and then the other takes a start of the engine
    stack = (Stack.select if home.state.exists() else Stack.create)(home.stack, workspace)
    if release_engine_lock(home.locks, home.stack, stack.cancel):
        say("The last run was killed; its lock on the stack is released.")
    if settings and settings.assignments():
        stack.set_all_config(settings.assignments(), path=True)
    for path, value in (settings.secrets() if settings else {}).items():
        engine.ask(stack, "config", "set", "--path", "--secret", "--", path, given=value)
    return stack
