"""Shows what is waited for: on a terminal in one line that changes, anywhere else in a line for each change."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from cli.words import duration_text


class WaitingDisplay:
    """Tells how long it has waited, how long at most, and what for."""

    def __init__(self, console: Console, most_seconds: float) -> None:
        self._console = console
        self._most_seconds = most_seconds
        self._began = time.monotonic()
        self._waits_for = ""
        self._live: Live | None = None
        self._spinner = Spinner("dots")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def say(self, waits_for: str) -> None:
        """Tell what is waited for."""
        changed, self._waits_for = waits_for != self._waits_for, waits_for
        if self._console.is_terminal:
            if self._live is None:
                self._live = Live(get_renderable=self._render, console=self._console, transient=True)
                self._live.start()
        elif changed:
            self._console.print(Text(f"Waiting: {waits_for}"), soft_wrap=True)

    def end(self) -> None:
        """Take the line away."""
        if self._live:
            self._live.stop()
            self._live = None

    def _render(self) -> Spinner:
        passed, most = duration_text(time.monotonic() - self._began), duration_text(self._most_seconds)
        self._spinner.update(text=Text(f"{passed} of at most {most}: {self._waits_for}"))
        return self._spinner
