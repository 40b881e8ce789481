"""Rehearsed stacks of other projects, for programs that refer to them."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from cli.errors import RefusedError


def offer_references(projects: Sequence[Path], folder: Path) -> None:
    """Let stack references of the rehearsal in `folder` find what is rehearsed in `projects`, as it is now.

    Raises:
        RefusedError: nothing is rehearsed in one of them.
    """
    for project in projects:
        states = list((project / ".rehearsal").glob("*/backend/.pulumi/stacks/*/*.json"))
        if not states:
            raise RefusedError(
                f"--references {project}: nothing is up there. Run `llm-serving rehearse up` in that folder first."
            )
        for state in states:
            copy = folder.joinpath(*state.parts[-5:])  # from `backend` on, which also tells it from the next project's
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(state, copy)
