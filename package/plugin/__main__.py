"""What Pulumi runs to have the components: prints the port on which they are served."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

# Pulumi runs this folder, wherever it has put the checkout.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pulumi.provider import main

from package.plugin.host import Host


def _end(_number: int, _frame: FrameType | None) -> None:
    """End at once, as the engine wants: it waits 5 seconds for all its plugins together, and then calls it a crash."""
    os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, _end)
    main(Host(), sys.argv[1:])
