"""Runs the command line: `python -m cli`, or `llm-serving` once installed."""

import signal
import sys

from cli.app import app

INTERRUPTED = 130


def main() -> None:
    """Run the command line with the arguments of this process, and exit with its code."""
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
