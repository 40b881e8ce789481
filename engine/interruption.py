"""What keeps Ctrl-C from getting lost in between."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruption_put_off() -> Generator[None]:
    """Handles SIGINT and SIGTERM only when the block has ended.

    For a block that starts a process and keeps it: in the middle of it the process runs already, and nobody knows it
    who could stop it. Nothing is put off in other threads than the main one, which have no signals handled.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    # What is ignored stays so, also for the process that is started.
    handlers = {each: signal.getsignal(each) for each in _SIGNALS}
    noted = [each for each, handler in handlers.items() if callable(handler)]
    for each in noted:
        signal.signal(each, note)
    try:
        yield
    finally:
        for each in noted:
            signal.signal(each, handlers[each])
        for number in came:
            signal.raise_signal(number)
