"""What several commands take."""

from typing import Annotated, Any

import typer


def repeated(*names: str, metavar: str, help: str) -> Any:  # noqa: A002 typer's word. Any: as typer.Option
    """Return an option that can be given several times, and is an empty list without.

    Typer would show the factory of the list as the default.
    """
    return typer.Option(*names, metavar=metavar, help=help, default_factory=list, show_default=False)


StackName = Annotated[str, typer.Argument(metavar="STACK", help="Name of the stack, as in Pulumi.STACK.yaml.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, and progress on standard error.")]
Overrides = Annotated[
    list[str],
    repeated(
        "--config",
        metavar="KEY=VALUE",
        help="Use another setting than the stack file's, such as service.accelerators=2 or gcp:project=my-project. Can "
        "be repeated.",
    ),
]
NoStandIns = Annotated[
    bool, typer.Option("--no-stand-ins", help="Do not make up the account values that the stack file has not.")
]
