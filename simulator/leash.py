"""`python leash.py COMMAND...`: becomes the command, which is killed when whoever started it is gone.

Standard input is a pipe whose other end the starter holds and never writes to: it closes when the starter ends, however
that ends, and on every system. (Linux could signal it as well, but at the end of the thread that started the command.)
A program of its own, since to fork is not safe in a process with threads.
"""

import os
import signal
import sys


def main(command: list[str]) -> None:
    """Forks a watcher of the pipe, and runs the command in this process."""
    process = os.getpid()
    if os.fork():
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execv(command[0], command)  # noqa: S606 no shell is wanted
    os.read(0, 1)
    # A watcher whose parent is another one has outlived its command, and the number may be another process's by now.
    if os.getppid() == process:
        os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
