"""Runs the command line in processes that have imported it already, which takes longer than most of what it does."""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from cli.__main__ import main

_CONTEXT = multiprocessing.get_context("forkserver")
# one that has run no test, and so holds no token
_CONTEXT.set_forkserver_preload(["tests.secrets.commands", "pulumi_gcp", "pulumi_kubernetes", "pulumi_oci", "stacks"])


def start_command(
    arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], printed: Path
) -> ForkServerProcess:
    """Start `llm-serving` in `folder`, with this environment alone. What it prints goes into the file `printed`."""
    process = _CONTEXT.Process(target=_run, args=(arguments, folder, dict(environment), printed))
    process.start()
    return process


def _run(arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str], printed: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None
    with printed.open("wb") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    sys.argv = ["llm-serving", *arguments]
    main()
