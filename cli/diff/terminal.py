"""Shows a report to a person at a terminal."""

from rich.console import Console
from rich.text import Text

from cli.diff.report import Report, Status
from cli.diff.wording import headline, lines_of

STYLES = {"!": "magenta", "+": "green", "-": "red", "~": "yellow"}


def show(report: Report, console: Console) -> None:
    """Print `report`, a stack after the other; one line for what does not change."""
    for note in report.notes:
        console.print(Text(note), soft_wrap=True)
    for diff in report.stacks:
        style = "dim" if diff.status is Status.UNCHANGED else "bold"
        console.print(Text(f"{diff.stack}: {headline(diff)}", style=style), soft_wrap=True)
        for line in lines_of(diff):
            console.print(Text(f"  {line.sign or ' '} {line.text}", style=STYLES.get(line.sign, "")), soft_wrap=True)
    console.print(Text(f"Compared with {report.base} ({report.commit[:10]}). {report.notice}"), soft_wrap=True)
