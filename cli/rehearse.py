"""The commands of `llm-serving rehearse`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.conduct import conduct
from cli.errors import RefusedError
from cli.options import Json, NoStandIns, Overrides, StackName, repeated
from cli.rehearsal import Rehearsal
from cli.result import Result
from cli.timeline.command import require_durations, show_timeline
from simulator import Fault

rehearse = typer.Typer(
    help="Run a stack's program in Pulumi's own engine on simulated clouds. Nothing is created in any cloud, and no "
    "account is needed.\n\n"
    "The stack's settings are read from Pulumi.STACK.yaml; all else lives in the project's `.rehearsal` folder. "
    "Your stacks, state, credentials and kubeconfig are not touched.\n\n"
    "Exit codes: **0** done, **1** the deployment failed, **2** the settings or the command line were refused, "
    "**3** there is no Pulumi CLI and none can be had, **130** interrupted.",
    no_args_is_help=True,
)

Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback when the program fails unexpectedly.")]
TimeScale = Annotated[
    float,
    typer.Option(
        metavar="N",
        help="How many times faster simulated time passes. With 600, ten minutes take a second; with inf, no time.",
    ),
]
Faults = Annotated[
    list[str],
    repeated(
        "--fault",
        metavar="KIND[:TARGET[:COUNT]]",
        help="Let something go wrong: quota, stockout, throttle, timeout or partial. TARGET is part of a resource's "
        "type or name, COUNT how often. Can be repeated.",
    ),
]
SecretOverrides = Annotated[
    list[str],
    repeated(
        "--config-secret",
        metavar="KEY=@FILE",
        help="The same, held encrypted: what FILE holds. KEY=VALUE, too, which the list of processes shows to all. "
        "Can be repeated.",
    ),
]
ControlPlane = Annotated[
    bool,
    typer.Option(
        "--control-plane",
        help="Apply Kubernetes objects to a real control plane, with simulated nodes. It is built when first needed, "
        "and gone on with by the commands that follow.",
    ),
]
PolicyPacks = Annotated[
    list[Path],
    repeated(
        "--policy-pack",
        metavar="DIR",
        help="Judge by this policy pack. Can be repeated.",
    ),
]
References = Annotated[
    list[Path],
    repeated(
        metavar="DIR",
        help="Project whose rehearsed stacks the program refers to. Can be repeated.",
    ),
]
PolicyConfigs = Annotated[
    list[Path],
    repeated(
        "--policy-pack-config",
        metavar="FILE",
        help="JSON file that configures the policy pack of the same position.",
    ),
]


@rehearse.command()
def preview(
    stack: StackName,
    *,
    config: Overrides,
    config_secret: SecretOverrides,
    policy_pack: PolicyPacks,
    policy_pack_config: PolicyConfigs,
    references: References,
    control_plane: ControlPlane = False,
    no_stand_ins: NoStandIns = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Tell what an `up` would create and change, and refuse what cannot work."""

    def make() -> Rehearsal:
        return Rehearsal(
            stack,
            overrides=config,
            secret_overrides=config_secret,
            policy_packs=policy_pack,
            policy_configs=policy_pack_config,
            references=references,
            stand_ins=not no_stand_ins,
            control_plane=control_plane,
        )

    _exit(Rehearsal.preview, make, stack, as_json=as_json, debug=debug)


@rehearse.command()
def up(
    stack: StackName,
    *,
    fault: Faults,
    config: Overrides,
    config_secret: SecretOverrides,
    policy_pack: PolicyPacks,
    policy_pack_config: PolicyConfigs,
    references: References,
    control_plane: ControlPlane = False,
    no_stand_ins: NoStandIns = False,
    time_scale: TimeScale = 600,
    timeline: Annotated[
        bool,
        typer.Option("--timeline", help="Also tell how long a real cloud would take, and why: a table and a picture."),
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Create or change everything that the stack describes, and print its outputs."""

    def make() -> Rehearsal:
        if timeline:
            require_durations(stack, control_plane=control_plane)
        return Rehearsal(
            stack,
            time_scale=_time_scale(time_scale),
            faults=_faults(fault),
            overrides=config,
            secret_overrides=config_secret,
            policy_packs=policy_pack,
            policy_configs=policy_pack_config,
            references=references,
            stand_ins=not no_stand_ins,
            control_plane=control_plane,
        )

    result = conduct(Rehearsal.up, make, stack, as_json=as_json, debug=debug)
    if timeline:
        show_timeline(result, Console(stderr=as_json, highlight=False))
    raise typer.Exit(result.outcome.exit_code)


@rehearse.command()
def refresh(
    stack: StackName,
    *,
    fault: Faults,
    control_plane: ControlPlane = False,
    time_scale: TimeScale = 600,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Read back what became of the resources since the last `up`."""
    make = _made_before(stack, fault, time_scale, control_plane=control_plane)
    _exit(Rehearsal.refresh, make, stack, as_json=as_json, debug=debug)


@rehearse.command()
def destroy(
    stack: StackName,
    *,
    fault: Faults,
    control_plane: ControlPlane = False,
    time_scale: TimeScale = 600,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Delete everything that the stack has created, and forget the rehearsal."""
    make = _made_before(stack, fault, time_scale, control_plane=control_plane)
    _exit(Rehearsal.destroy, make, stack, as_json=as_json, debug=debug)


@rehearse.command()
def outputs(stack: StackName, *, as_json: Json = False, debug: Debug = False) -> None:
    """Print the outputs of the last `up`, its secrets hidden."""
    _exit(Rehearsal.outputs, lambda: Rehearsal(stack), stack, as_json=as_json, debug=debug)


def _made_before(stack: str, fault: list[str], time_scale: float, *, control_plane: bool) -> Callable[[], Rehearsal]:
    """Return how to make the rehearsal of what an `up` has left, whose settings are there already."""
    return lambda: Rehearsal(
        stack, time_scale=_time_scale(time_scale), faults=_faults(fault), control_plane=control_plane
    )


def _exit(
    operation: Callable[[Rehearsal], Result], make: Callable[[], Rehearsal], stack: str, *, as_json: bool, debug: bool
) -> None:
    result = conduct(operation, make, stack, as_json=as_json, debug=debug)
    raise typer.Exit(result.outcome.exit_code)


def _faults(written: list[str]) -> list[Fault]:
    try:
        return [Fault.parse(each) for each in written]
    except ValueError as error:
        raise RefusedError(f"--fault: {error}") from None


def _time_scale(number: float) -> float:
    if not number > 0:
        raise RefusedError(f"--time-scale {number}: must be a number above 0, or inf.")
    return number
