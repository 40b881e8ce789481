"""Writes a report as a comment on a pull request: a table, and what changes, folded, the most dangerous first."""

import html
import re
from collections.abc import Iterable

from cli.diff.report import Report, StackDiff, Status
from cli.diff.wording import Line, headline, lines_of, printable

LIMIT = 65_000
"""Characters. GitHub takes 65536 in a comment; GitLab takes more."""

MARKER = "<!-- llm-serving diff -->"
"""By which a workflow finds its comment again."""


def write(report: Report, limit: int = LIMIT) -> str:
    """Return `report` as Markdown of at most `limit` characters.

    What does not fit is left out from the least dangerous stack on: first the fields, then the resources.
    """
    details = {diff.stack: _details(diff, fields=True) for diff in report.stacks}
    left_out = False
    for fields in (False, None):
        for diff in reversed(report.stacks):
            text = _whole(report, details.values(), left_out=left_out)
            if len(text) <= limit:
                return text
            left_out = True
            details[diff.stack] = "" if fields is None else _details(diff, fields=fields)
    text = _whole(report, details.values(), left_out=left_out)
    return text if len(text) <= limit else text[: limit - 40].rpartition("\n")[0] + "\n\nThe rest is left out.\n"


def _whole(report: Report, details: Iterable[str], *, left_out: bool) -> str:
    changed = [diff for diff in report.stacks if diff.status is not Status.UNCHANGED]
    unchanged = [diff for diff in report.stacks if diff.status is Status.UNCHANGED]
    title = f"{len(changed)} of {len(report.stacks)} stacks change" if changed else "No stack changes"
    parts = [f"{MARKER}\n### {title}"]
    parts += [_escaped(note) for note in report.notes]
    if changed:
        rows = [f"| {_escaped(diff.stack)} | {_escaped(headline(diff))} |" for diff in changed]
        parts.append("\n".join(["| stack | what changes |", "|---|---|", *rows]))
    parts += [each for each in details if each]
    if unchanged:
        parts.append(f"Unchanged: {', '.join(_escaped(diff.stack) for diff in unchanged)}.")
    if left_out:
        parts.append("Details are left out, so that this fits into a comment: `llm-serving diff` tells them all.")
    base = f"Compared with {_escaped(report.base)} ({report.commit[:10]}). {_escaped(report.notice)}"
    return "\n\n".join([*parts, f"<sub>{base}</sub>"]) + "\n"


def _details(diff: StackDiff, *, fields: bool) -> str:
    lines = list(lines_of(diff, fields=fields))
    if not lines:
        return ""
    text = "\n".join(_diff_line(line) for line in lines)
    # longer than any fence in it, so that no value can end the block
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"<details><summary><b>{html.escape(diff.stack)}</b></summary>\n\n{fence}diff\n{text}\n{fence}\n\n</details>"


def _diff_line(line: Line) -> str:
    # a fence of the language diff colours lines by their first character: of what changes, none
    return f"{'#' if line.sign == '~' else line.sign or ' '} {line.text}"


def _escaped(text: str) -> str:
    """Return `text` so that a comment shows it as it is: no markup, no mention of people, no end of a table's cell."""
    return re.sub(r"([\\`*_\[\]|~#@])", lambda found: f"&#{ord(found[0])};", html.escape(printable(text), quote=False))
