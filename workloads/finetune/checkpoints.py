"""Checkpoints that survive any end of the process: SIGTERM leaves one, and what is half-written is not taken."""

import logging
import re
import shutil
import signal
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

COMPLETE = "complete"
"""File of a checkpoint that is written after all others."""

log = logging.getLogger(__name__)


def newest(folder: Path) -> Path | None:
    """Return the newest complete checkpoint in the folder, and delete those that are not complete."""
    steps: dict[int, Path] = {}
    for path in folder.glob("checkpoint-*"):
        number = re.fullmatch(r"checkpoint-(\d+)", path.name)
        if number and (path / COMPLETE).exists():
            steps[int(number[1])] = path
        else:
            log.info("deleting the half-written %s", path.name)
            shutil.rmtree(path)
    return steps[max(steps)] if steps else None


class Checkpoints(TrainerCallback):
    """While it is entered, SIGTERM lets the step end, saves a checkpoint and stops the training.

    Google Cloud gives a pod on a spot machine 15 seconds for that.
    """

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Self:
        self.before = signal.signal(signal.SIGTERM, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGTERM, self.before)

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 the signature of a handler
        self.asked = True

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002 the library's signature, as below
        state: TrainerState,
        control: TrainerControl,
        **_: Any,  # Any: the trainer's parts, unused
    ) -> None:
        """Stop after this step if that was asked for."""
        if self.asked:
            log.info("told to stop: saving a checkpoint after step %d", state.global_step)
            control.should_save = control.should_training_stop = True

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **_: Any,  # Any: likewise
    ) -> None:
        """Mark the checkpoint, all of which is written, as complete."""
        checkpoint = Path(args.output_dir or ".") / f"checkpoint-{state.global_step}"
        (checkpoint / COMPLETE).touch()
        log.info("saved %s", checkpoint.name)
