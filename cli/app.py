"""The commands of `llm-serving`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Table

from cli.endpoint_bench.command import bench
from cli.errors import RefusedError
from cli.options import Json, NoStandIns, Overrides, StackName
from cli.project import Project, find_project
from cli.rehearse import rehearse
from cli.size import size
from cli.smoke import smoke
from components import __version__

if TYPE_CHECKING:
    from stacks import Recipe

app = typer.Typer(
    help="Serve large language models with Pulumi: see the recipes, and rehearse their stacks without a cloud account.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
)
app.add_typer(rehearse, name="rehearse")


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _all_commands(  # pyright: ignore[reportUnusedFunction]  typer calls it
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take what is said before the command."""


app.command()(size)
app.command()(smoke)
app.command()(bench)

Stacks = Annotated[
    list[str],
    typer.Argument(
        metavar="[STACK]...",
        help="Names of stacks. Default: all of the project.",
        default_factory=list,
        show_default=False,
    ),
]
Online = Annotated[
    bool,
    typer.Option(
        "--online", help="Also ask the account for its quota, Hugging Face for the model, its registry for the image."
    ),
]


@app.command()
def recipes(*, as_json: Json = False) -> None:
    """List the recipes: what each deploys, and the guide it follows."""
    from stacks import RECIPES  # here, because it takes seconds, which the other commands' help need not wait for

    try:
        project = find_project(Path.cwd())
        rows = [_describe(project, recipe) for recipe in RECIPES.values()]
    except RefusedError as error:
        Console(stderr=True, style="red").print(error, markup=False)
        raise typer.Exit(2) from None
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    console = Console(highlight=False)
    for row in rows:
        console.print(row.pop("recipe"), style="bold")
        table = Table.grid(padding=(0, 2))
        for label, value in row.items():
            table.add_row(f"  {label}", value or "-")
        console.print(table)


@app.command()
def check(
    stacks: Stacks,
    *,
    config: Overrides,
    online: Online = False,
    no_stand_ins: NoStandIns = False,
    as_json: Json = False,
) -> None:
    """Tell what is wrong with stacks, what quota they need and what they cost. Nothing is made.

    Needs no Pulumi CLI, account or network, unless with --online. Exit codes: **0** no errors, **1** errors,
    **2** the stack or the command line was refused.
    """
    # here, because they take seconds, which the other commands' help need not wait for
    from cli.check import check_stack
    from cli.check_report import show

    console = Console(stderr=as_json, highlight=False)
    try:
        project = find_project(Path.cwd())
        checks = [
            check_stack(project, stack, config, stand_ins=not no_stand_ins, online=online)
            for stack in stacks or project.stacks()
        ]
    except RefusedError as error:
        Console(stderr=True, style="red").print(error, markup=False)
        raise typer.Exit(2) from None
    if as_json:
        print(json.dumps([each.to_json() for each in checks], indent=2))
    else:
        show(checks, console)
    raise typer.Exit(1 if any(each.refused for each in checks) else 0)


@app.command()
def diff(
    stacks: Stacks,
    *,
    against: Annotated[
        str | None, typer.Option(metavar="REF", help="The base: a commit, branch or tag of this repository.")
    ] = None,
    read: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Show a report that was written with --json instead."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="terminal|json|markdown|html",
            help="How to tell it. html: one page, with a picture of each stack.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="The same as --format markdown.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 1 if anything changes.")] = False,
) -> None:
    """Tell what the working tree does to each stack that a base revision has brought up. Nothing is made.

    Both revisions' programs run in Pulumi's own engine on simulated clouds; no account is needed. Progress is on
    standard error. Exit codes: **0** done, **1** something changes and --exit-code is given, **2** the command line
    was refused or a stack of the working tree cannot be planned, **3** there is no Pulumi CLI and none can be had,
    **130** interrupted.
    """
    from cli.diff.command import run  # here, because it takes seconds, which the other commands' help need not wait for

    forms = [*([form] if form else ()), *["json"] * as_json, *["markdown"] * as_markdown]
    raise typer.Exit(run(against, read, stacks, forms, exit_code=exit_code))


@app.command()
def graph(
    stack: StackName,
    *,
    form: Annotated[str, typer.Option("--format", metavar="svg|mermaid", help="What to write.")] = "svg",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to. Default: standard output.")
    ] = None,
) -> None:
    """Draw a stack: what is inside what, and what talks to what. Nothing is made, and no account is needed.

    The picture is of what the stack's own program registers, on simulated clouds. Exit codes: **0** done, **2** the
    stack or the command line was refused, **3** there is no Pulumi CLI and none can be had, **130** interrupted.
    """
    from cli.graph.command import Format, run  # here, because it takes seconds, which help need not wait for

    if form not in list(Format):
        Console(stderr=True, style="red").print(f"--format {form}: must be svg or mermaid.", markup=False)
        raise typer.Exit(2)
    raise typer.Exit(run(stack, Format(form), output))


def _describe(project: Project, recipe: "Recipe[Any]") -> dict[str, str | None]:
    """Tell of `recipe` what its own stack file says."""
    config: dict[str, Any] = {}  # Any: settings are whatever YAML can say
    if recipe.name in project.stacks():
        config = project.stack_config(recipe.name)
    service, host = (_map_at(config, f"{project.name}:{key}") for key in ("service", "host"))
    count, accelerator = service.get("accelerators"), service.get("accelerator")
    if host:  # which serves with Triton alone
        count, accelerator = host.get("hosts"), host.get("shape")
    return {
        "recipe": recipe.name,
        "what it is": recipe.title,
        "model": service.get("model"),
        "server": service.get("server") or ("triton" if host else None),
        "accelerators": f"{count} x {accelerator}" if count and accelerator else None,
        "guide": recipe.guide,
    }


def _map_at(config: dict[str, Any], key: str) -> dict[str, Any]:  # Any: settings are whatever YAML can say
    value = config.get(key)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
