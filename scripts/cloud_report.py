"""Asks the clouds about stacks, by Pulumi with the credentials at hand, and writes what they say, without values.

    cloud_report.py preview FOLDER STACK...       what `pulumi up` would do, as STACK.json
    cloud_report.py drift FOLDER STACK...         what others have changed of what the stacks have made
    cloud_report.py comment FOLDER STACK...       what is in FOLDER of the stacks, as Markdown
    cloud_report.py changing FOLDER               the stacks of FOLDER that something is to be done with, one on a line

Needs nothing but Python and, for the first two, the Pulumi CLI. They exit with 1 if Pulumi fails, and print why.
"""

import html
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

COMMANDS = {
    "preview": ("preview",),
    "drift": ("refresh", "--preview-only"),
}
STATES = {0: "unchanged", 6: "absent", 7: "changes"}
"""By exit code of the CLI: with `--expect-no-changes` it has one for changes, and always one for a stack not found."""
MARKER = "<!-- llm-serving {operation} -->"
"""By which a workflow finds its comment again."""
LIMIT = 60_000
"""Characters of a comment. GitHub takes 65536."""

TITLES = {
    "preview": "`pulumi preview`, with the clouds' own answers",
    "drift": "What others have changed of what the stacks have made",
}
SAYS = {
    "unchanged": "nothing to do",
    "absent": "not in the state backend: `pulumi stack init` it first",
    "failed": "Pulumi fails: the run's log says why",
}


@dataclass(frozen=True)
class Step:
    """What is done to one resource."""

    operation: str
    type: str
    name: str
    paths: tuple[str, ...]
    """Properties that differ. Their values are left out: a comment may be public."""


@dataclass(frozen=True)
class StackReport:
    """What the clouds say of one stack."""

    operation: str
    """preview or drift."""
    stack: str
    state: str
    """unchanged, changes, absent or failed."""
    steps: tuple[Step, ...] = ()

    @property
    def says(self) -> str:
        """The state in words."""
        if self.state in SAYS:
            return SAYS[self.state]
        counts = Counter(each.operation for each in self.steps)
        return ", ".join(f"{count} to {operation}" for operation, count in counts.items()) or "only the stack itself"


def ask(operation: str, stack: str) -> StackReport:
    """Run Pulumi, and return what it says of `stack`."""
    options = ["--stack", stack, "--json", "--expect-no-changes", "--non-interactive"]
    done = subprocess.run(["pulumi", *COMMANDS[operation], *options], capture_output=True, text=True, check=False)
    state = STATES.get(done.returncode, "failed")
    if state == "failed":
        print(done.stderr.strip() or done.stdout.strip(), file=sys.stderr)
    steps = steps_of(json.loads(done.stdout)["steps"]) if state == "changes" else ()
    return StackReport(operation, stack, state, steps)


def steps_of(told: Iterable[dict[str, Any]]) -> tuple[Step, ...]:  # Any: Pulumi's JSON
    """Return the steps that do something, the most dangerous first, in an order that does not depend on the run."""
    order = ("replace", "delete", "update", "create")
    found: dict[str, Step] = {}
    for each in told:
        # a replacement is told as two or three steps
        operation = "replace" if "replace" in each["op"] else each["op"]
        kind, _, name = each["urn"].split("::", 2)[2].partition("::")
        kind = kind.rpartition("$")[2]
        if operation in order and kind != "pulumi:pulumi:Stack":
            paths = each.get("detailedDiff") or each.get("diffReasons") or ()
            before = found.get(each["urn"])
            found[each["urn"]] = Step(operation, kind, name, tuple(sorted({*paths, *(before.paths if before else ())})))
    return tuple(sorted(found.values(), key=lambda step: (order.index(step.operation), step.type, step.name)))


def read(folder: Path) -> list[StackReport]:
    """Return the reports of `folder`, by stack."""
    reports: list[StackReport] = []
    for path in sorted(folder.glob("*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        steps = [Step(each["operation"], each["type"], each["name"], tuple(each["paths"])) for each in told["steps"]]
        reports.append(StackReport(told["operation"], told["stack"], told["state"], tuple(steps)))
    return reports


def complete(reports: Sequence[StackReport], stacks: Sequence[str]) -> list[StackReport]:
    """Return the reports of `stacks`. One that is missing tells that what should have written it failed."""
    found = {each.stack: each for each in reports}
    return [found.get(stack) or StackReport("preview", stack, "failed") for stack in stacks]


def comment(reports: Sequence[StackReport], limit: int = LIMIT) -> str:
    """Return `reports` as Markdown of at most `limit` characters. Details that do not fit are left out."""
    operation = reports[0].operation if reports else "preview"
    rows = [f"| {_shown(each.stack)} | {each.says} |" for each in reports]
    text = "\n".join([MARKER.format(operation=operation), f"### {TITLES[operation]}", ""])
    text += "\n".join(["", "| stack | what it says |", "|---|---|", *rows]) if rows else "\nNo stack changes."
    for each in reports:
        lines = "\n".join(html.escape(_line(step)) for step in each.steps)
        details = (
            f"\n\n<details><summary><b>{html.escape(each.stack)}</b></summary>\n<pre>\n{lines}\n</pre>\n</details>"
        )
        if each.steps and len(text) + len(details) <= limit:
            text += details
        elif each.steps:
            text += f"\n\n{_shown(each.stack)}: too long for a comment, see the run's log."
    return text + "\n"


def _line(step: Step) -> str:
    paths = f" [{', '.join(step.paths)}]" if step.paths else ""
    return f"{step.operation:<7} {step.type} {step.name}{paths}"


def _shown(text: str) -> str:
    # a stack's name: letters, digits, hyphens, underscores and periods, but that is for Pulumi to check
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>"


def main(arguments: Sequence[str]) -> int:
    """Do what the first of `arguments` says, and return the exit code."""
    match arguments:
        case [("preview" | "drift") as operation, folder, *stacks]:
            Path(folder).mkdir(parents=True, exist_ok=True)
            reports = [ask(operation, stack) for stack in stacks]
            for each in reports:
                print(f"{each.stack}: {each.says}", *map(_line, each.steps), sep="\n", file=sys.stderr)
                text = json.dumps(asdict(each), indent=2) + "\n"
                Path(folder, f"{each.stack}.json").write_text(text, encoding="utf-8")
            return 1 if any(each.state == "failed" for each in reports) else 0
        case ["comment", folder, *stacks]:
            print(comment(complete(read(Path(folder)), stacks)), end="")
        case ["changing", folder]:
            for each in read(Path(folder)):
                if each.state == "changes":
                    print(each.stack)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
