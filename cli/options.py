"""How the commands declare what can be given several times."""

from typing import Any

import typer


def repeated(*names: str, metavar: str, help: str) -> Any:  # noqa: A002 typer's word. Any: as typer.Option
    """Return an option that can be given several times, and is an empty list without.

    Typer would show the factory of the list as the default.
    """
    return typer.Option(*names, metavar=metavar, help=help, default_factory=list, show_default=False)
