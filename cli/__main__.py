"""Runs the command line: `python -m cli`, or `llm-serving` once installed."""

import gc
import signal
import sys

from cli.app import app

INTERRUPTED = 130
ALLOCATIONS_PER_COLLECTION = 10_000
"""Python's own 700 has a command look several times through all that it has imported, 380,000 objects that live as long
as it does: a sixth of the processor time of a small rehearsal, and for each of hundreds of services more."""


def main() -> None:
    """Run the command line with the arguments of this process, and exit with its code."""
    gc.set_threshold(ALLOCATIONS_PER_COLLECTION)
    try:
        app(prog_name="llm-serving")
    except KeyboardInterrupt:
        # a second Ctrl-C, which came when the first had done its work
        sys.exit(INTERRUPTED)
    finally:
        # the exit code is settled, and Python takes a while to end
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
