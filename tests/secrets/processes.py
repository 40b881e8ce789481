"""What others on a machine can read of its processes: arguments for everybody, environments for the same user."""

import contextlib
import threading
from pathlib import Path
from types import TracebackType

from tests.secrets.canary import Canary


class ProcessWatch:
    """Reads the list of processes again and again, from its beginning to its end."""

    def __init__(self, canaries: tuple[Canary, ...]) -> None:
        self.canaries = canaries
        self.found: set[str] = set()
        """Where a canary was seen, and the name of the program."""
        self.looks = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "ProcessWatch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    self._look(process, name)
            self.looks += 1

    def _look(self, process: Path, name: str) -> None:
        # it has ended meanwhile, or belongs to somebody else
        with contextlib.suppress(OSError):
            data = (process / name).read_bytes()
            if any(canary.halves[0].encode() in data or canary.halves[1].encode() in data for canary in self.canaries):
                self.found.add(f"{name} of {(process / 'comm').read_text().strip()}")
