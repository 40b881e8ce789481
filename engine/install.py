"""`python -m engine.install FOLDER`: the official installer, as a program of its own so that it can be stopped."""

import socket
import subprocess
import sys

from pulumi.automation import PulumiCommand

_SILENCE_SECONDS = 15
"""How long the download may be silent before there is taken to be no network."""


def main(folder: str) -> str | None:
    """Installs the CLI of the Python SDK's own version under `folder`; returns what went wrong, if anything did."""
    socket.setdefaulttimeout(_SILENCE_SECONDS)
    try:
        PulumiCommand.install(root=folder)
    except subprocess.CalledProcessError as error:
        return error.output.decode(errors="replace")
    except OSError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
