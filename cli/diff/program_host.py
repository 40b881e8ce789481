"""Runs the program of one revision, with its own modules and packages, for engines that ask for it.

A script of its own: it is run by the revision's Python, which has the SDK, and none of this command line's modules.

    python program_host.py FOLDER SOCKET

FOLDER is the project's. It prints one line of JSON, the account values of the project's recipes, once it listens on the
Unix socket SOCKET. Whoever connects writes one line, the environment as JSON, and is answered with one line, the
address of a language host for the engine. It ends with the connection, and this script when its standard input ends.
"""

import json
import os
import runpy
import select
import socketserver
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2_grpc


class Programs(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    """Serves each connection in a process of its own.

    What has been imported by then need not be imported again, which takes longer than all else; and yet no stack finds
    what another has left behind in a module.
    """

    block_on_close = False


class Program(socketserver.StreamRequestHandler):
    """One stack's program, for as long as the connection lasts."""

    def handle(self) -> None:
        """Serve the engine."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads what a program prints
        os.environ.clear()
        os.environ.update(json.loads(self.rfile.readline()))
        server = grpc.server(ThreadPoolExecutor(4))
        language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(_run), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.wfile.write(f"127.0.0.1:{port}\n".encode())
        self.rfile.read()


def _run() -> None:
    runpy.run_path("__main__.py", run_name="__main__")


def _account_values() -> dict[str, Any]:  # Any: JSON
    """Return the account values of the project's recipes, by recipe and configuration key, if it has recipes."""
    if not Path("stacks").is_dir():
        return {}
    try:
        import stacks
    except Exception:  # noqa: BLE001  the program itself will fail of it, and tell
        return {}
    recipes: dict[str, Any] = getattr(stacks, "RECIPES", {})  # Any: of whatever revision
    return {
        name: {key: {"value": each.stand_in, "secret": each.secret} for key, each in recipe.account_values.items()}
        for name, recipe in recipes.items()
    }


def main(folder: str, socket: str) -> None:
    """Serve until standard input ends."""
    os.chdir(folder)
    sys.path[0] = folder
    account_values = _account_values()
    with Programs(socket, Program) as programs:
        print(json.dumps(account_values), flush=True)
        while sys.stdin not in select.select([programs, sys.stdin], [], [])[0]:
            programs.handle_request()


if __name__ == "__main__":
    main(*sys.argv[1:])
