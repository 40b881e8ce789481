"""Shows people what is known of stacks before anything is made."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.check import StackCheck
from components.findings import Severity

STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}

UNKNOWN = "-"


def show(checks: Sequence[StackCheck], console: Console) -> None:
    """Print one table of all stacks, their findings, and what each needs of its account."""
    console.print(_summary(checks))
    for check in checks:
        for finding in check.findings:
            console.print(Text(f"{check.stack}: {finding}", style=STYLES[finding.severity]), soft_wrap=True)
        for reason in check.skipped:
            console.print(Text(f"{check.stack}: not checked online: {reason}", style="dim"), soft_wrap=True)
    quotas = _quotas(checks)
    if quotas.row_count:
        console.print(quotas)
    for check in checks:
        made_up = [*(f"{key} ({shown})" for key, shown in check.stand_ins.items()), *check.placeholders]
        if made_up:
            console.print(
                Text(f"{check.stack}: stood in, since they are not at hand: {', '.join(made_up)}", style="dim"),
                soft_wrap=True,
            )


def _summary(checks: Sequence[StackCheck]) -> Table:
    table = Table("stack", "findings", "USD per hour on demand", "accelerators on spot", "prices of", box=None)
    for check in checks:
        cost = (check.needs.cost if check.needs else None) or {}
        table.add_row(
            Text(check.stack, style="bold"),
            _counted(check),
            bounds_text(cost.get("onDemand")),
            bounds_text(cost.get("spot")),
            str(cost.get("pricesOf", UNKNOWN)),
        )
    return table


def _counted(check: StackCheck) -> Text:
    counts = {severity: sum(finding.severity is severity for finding in check.findings) for severity in Severity}
    parts = [
        Text(f"{count} {severity}{'s' if count > 1 else ''}", style=STYLES[severity])
        for severity, count in counts.items()
        if count
    ]
    return Text(", ").join(parts) if parts else Text("none", style="green")


def bounds_text(bounds: object) -> str:
    """Write what something costs at its fewest and at its most, as in `5.02 to 10.03`; `-` where it is not known."""
    if not isinstance(bounds, Mapping):
        return UNKNOWN
    minimum, maximum = f"{bounds['minimum']:.2f}", f"{bounds['maximum']:.2f}"
    return minimum if minimum == maximum else f"{minimum} to {maximum}"


def _quotas(checks: Sequence[StackCheck]) -> Table:
    table = Table("stack", "quota", "where", "to come up", "at the most", box=None)
    for column in table.columns[3:]:
        column.justify = "right"
    for check in checks:
        for number, quota in enumerate(check.needs.quotas if check.needs else ()):
            name = Text("" if number else check.stack, style="bold")
            table.add_row(name, quota.metric, quota.place, str(quota.needed), str(quota.most))
    return table
