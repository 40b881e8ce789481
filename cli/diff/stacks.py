"""Compares all stacks of a project with those of a base revision, one process for each, a few at a time."""

import multiprocessing
import os
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import FrameType

from cli.diff.comparison import compare
from cli.diff.report import Report, StackDiff, Status
from cli.diff.revision import EnvironmentFailedError, commit_of, export, python_for
from cli.diff.side import hosted
from cli.engine_command import EngineCommand
from cli.errors import RefusedError
from cli.project import Project, find_project
from engine import find_pulumi

AT_A_TIME = min(os.cpu_count() or 1, 4)
"""How many stacks are compared at once. Each takes a processor, and about 300 MB."""

Say = Callable[[str], None]
Job = Callable[[str, Callable[[EngineCommand | None], None]], StackDiff]
"""Compares one stack, and tells which engine it is using."""


def diff(project: Project, reference: str, stacks: Sequence[str], say: Say) -> Report:
    """Return what the working tree does to stacks that the base has brought up.

    Args:
        project: the working tree's.
        reference: names the base's commit.
        stacks: names of the stacks; none: all of both sides.
        say: called with lines for people.

    Raises:
        RefusedError: there is no such commit or stack, or the working tree's program cannot be run at all.
        engine.EngineError: there is no Pulumi CLI, and none can be got.
    """
    commit = commit_of(project.folder, reference)
    pulumi = find_pulumi(say)
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="llm-serving-") as temporary, ExitStack() as hosts:
        folder = Path(temporary)
        # the path of a socket may have about 100 characters, which $TMPDIR alone can come near to
        short = tempfile.TemporaryDirectory(prefix="llm-serving-", dir="/tmp")
        sockets = Path(hosts.enter_context(short))
        base = _base_project(export(project.folder, commit, folder / "base"), project)
        chosen = _chosen(stacks, base, project)
        base_side, base_error = None, None
        head_host = hosts.enter_context(hosted(project, Path(sys.executable), sockets / "head.socket"))
        if base:
            try:
                environments = project.folder / ".rehearsal" / "environments"
                python = python_for(base.folder, project.folder, environments, say)
                if python != Path(sys.executable):
                    notes.append("requirements.txt differs: the base ran with packages of its own.")
                base_side = hosts.enter_context(hosted(base, python, sockets / "base.socket"))()
            except (EnvironmentFailedError, RefusedError) as error:
                base_error = str(error)
        head_side = head_host()

        def job(stack: str, use: Callable[[EngineCommand | None], None]) -> StackDiff:
            in_base = base is not None and stack in base.stacks()
            return compare(
                stack,
                base_side if in_base else None,
                head_side if stack in project.stacks() else None,
                base_error if in_base else None,
                folder / "stacks" / stack,
                pulumi,
                use,
            )

        found = list(_all(chosen, job, say))
    found.sort(key=lambda each: each.stack)
    found.sort(key=lambda each: each.danger, reverse=True)
    return Report(base=reference, commit=commit, notes=tuple(notes), stacks=tuple(found))


def _base_project(folder: Path, head: Project) -> Project | None:
    """Return the base's project, or None if the base has none yet."""
    if not (folder / "Pulumi.yaml").is_file():
        return None
    base = find_project(folder)
    if base.name != head.name:
        raise RefusedError(f"The base is the project {base.name}, the working tree {head.name}: they share no stacks.")
    return base


def _chosen(stacks: Sequence[str], base: Project | None, head: Project) -> list[str]:
    known = sorted({*head.stacks(), *(base.stacks() if base else ())})
    for stack in stacks:
        if stack not in known:
            raise RefusedError(f"No stack {stack!r} on either side. Stacks with a settings file: {', '.join(known)}.")
    return list(dict.fromkeys(stacks)) or known


def _all(stacks: Sequence[str], job: Job, say: Say) -> Iterator[StackDiff]:
    """Run `job` for each stack in a process of its own, so that what one takes, the next has again."""
    context = multiprocessing.get_context("fork")  # which has what takes seconds to import
    waiting, running = deque(stacks), dict["Connection[StackDiff, StackDiff]", tuple[str, ForkProcess]]()
    try:
        while waiting or running:
            while waiting and len(running) < AT_A_TIME:
                stack = waiting.popleft()
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(stack, job, theirs))
                process.start()
                theirs.close()
                running[ours] = (stack, process)
            answered = wait(list(running))
            for ready in [each for each in running if each in answered]:
                stack, process = running[ready]
                try:
                    result: StackDiff = ready.recv()
                except EOFError:
                    process.join()
                    error = f"The comparison itself ended with exit code {process.exitcode}."
                    result = StackDiff(stack=stack, status=Status.UNPLANNABLE, errors=(error,))
                del running[ready]
                process.join()
                say(f"{stack}: {result.status}")
                yield result
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.join()


def _work(stack: str, job: Job, answer: "Connection[StackDiff, StackDiff]") -> None:
    engines: list[EngineCommand] = []

    def use(engine: EngineCommand | None) -> None:
        engines[:] = [engine] if engine else []

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for engine in engines:
            engine.cancel()  # asks it to stop
            engine.cancel()  # and kills it
        raise SystemExit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this decides
    signal.signal(signal.SIGTERM, stop)
    answer.send(job(stack, use))
