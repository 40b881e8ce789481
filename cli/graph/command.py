"""Runs `llm-serving graph`: plans a stack on simulated clouds, and draws it."""

import sys
import tempfile
from enum import StrEnum
from pathlib import Path

from rich.console import Console
from rich.text import Text

from cli.diff.recording import Recording
from cli.diff.side import hosted
from cli.diff.side_run import plan
from cli.errors import RefusedError
from cli.graph.drawing import picture_of
from cli.graph.mermaid import mermaid
from cli.graph.picture import Picture
from cli.graph.svg import svg
from cli.project import Project, find_project
from engine import EngineError, find_pulumi


class Format(StrEnum):
    """What a picture is written as."""

    SVG = "svg"
    MERMAID = "mermaid"


def run(stack: str, form: Format, output: Path | None) -> int:
    """Draw `stack` as it is wanted, into the file `output` or to standard output, and return the exit code."""
    progress = Console(stderr=True, highlight=False)
    try:
        picture = draw(find_project(Path.cwd()), stack)
        text = svg(picture) if form is Format.SVG else mermaid(picture)
        if output:
            output.write_text(text, encoding="utf-8")
        else:
            print(text, end="")
    except OSError as error:
        progress.print(Text(f"--output {output}: {error.strerror}.", style="red"), soft_wrap=True)
        return 2
    except (RefusedError, EngineError) as error:
        progress.print(Text(str(error), style="red"), soft_wrap=True)
        return 3 if isinstance(error, EngineError) else 2
    except KeyboardInterrupt:
        progress.print("Interrupted.")
        return 130
    return 0


def draw(project: Project, stack: str) -> Picture:
    """Return the picture of a stack of `project`, as its program describes it.

    Raises:
        RefusedError: there is no such stack, or its program refuses its settings or fails.
        engine.EngineError: there is no Pulumi CLI, and none can be got.
    """
    return picture_of(stack, planned(project, stack), "same")


def planned(project: Project, stack: str) -> Recording:
    """Return what the program of a stack would make where nothing is. Raises as `draw` does."""
    project.stack_file(stack)
    pulumi = find_pulumi(lambda line: print(line, file=sys.stderr))
    with (
        tempfile.TemporaryDirectory() as folder,
        # the path of a socket may have about 100 characters, which $TMPDIR alone can come near to
        tempfile.TemporaryDirectory(dir="/tmp") as sockets,
        hosted(project, Path(sys.executable), Path(sockets) / "program.socket") as ready,
    ):
        recording = plan(ready(), stack, Path(folder), pulumi, lambda _: None)
    if recording.errors:
        raise RefusedError("\n".join(recording.errors))
    return recording
