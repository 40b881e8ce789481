"""The report on a terminal and as a comment."""

import io
import re

from rich.console import Console

from cli.diff import html
from cli.diff.markdown import LIMIT, MARKER, write
from cli.diff.report import Field, Report, ResourceChange, StackDiff, Status
from cli.diff.terminal import show
from tests.cli.diff.conftest import SECRETS


def shown(report: Report) -> str:
    out = io.StringIO()
    show(report, Console(file=out, width=80))
    return out.getvalue()


def changed(stack: str, *fields: Field) -> StackDiff:
    service = ResourceChange(
        operation="update", type="kubernetes:core/v1:Service", name="service", urn="urn:service", fields=fields
    )
    return StackDiff(stack=stack, status=Status.CHANGED, resources=(service,))


def test_an_unchanged_stack_takes_one_line(report: Report) -> None:
    assert [line for line in shown(report).splitlines() if re.search(r"\bsame\b", line)] == ["same: unchanged"]
    assert [line for line in write(report).splitlines() if re.search(r"\bsame\b", line)] == ["Unchanged: same."]


def test_the_terminal_tells_fields_old_and_new(report: Report) -> None:
    lines = [line.strip() for line in shown(report).splitlines()]
    assert "~ spec.ports[0].port: 80 -> 81" in [re.sub(r"\s+", " ", line) for line in lines]
    assert "! kubernetes:Deployment server to replace, because of spec.selector.matchLabels.app" in lines
    assert "! the endpoint goes down: kubernetes:Deployment server is replaced" in lines
    assert "+ new finding: the port is high with [secret]" in lines
    assert any(line.endswith("1.00 to 2.00 -> 1.50 to 3.00 USD per hour (+0.50 to +1.00)") for line in lines)
    # of a text with several lines, those that differ
    assert [line for line in lines if re.fullmatch(r"[-+]\s+port 8\d", line)]


def test_no_secret_is_in_any_of_them(report: Report) -> None:
    for text in (shown(report), write(report), html.write(report)):
        assert "[secret]" in text
        for secret in SECRETS:
            assert secret not in text


def test_no_value_breaks_out_of_the_comment_or_moves_the_cursor(report: Report) -> None:
    comment = write(report)
    assert "\x1b" not in shown(report) + comment
    fences = re.findall(r"^(`{3,})(diff)?$", comment, re.MULTILINE)
    section = next(each for each in comment.split("<details>") if "<b>restarts</b>" in each)
    assert section.count("</details>") == 2, "one is the value's, within the fence"
    assert section.index("````diff") < section.index("@team") < section.rindex("````")
    assert len(fences) % 2 == 0


def test_markup_outside_the_fences_is_shown_as_it_is() -> None:
    report = Report(base="<img> @team [a](b)", commit="0" * 40, stacks=(changed("dev"),))
    comment = write(report)
    assert comment.startswith(MARKER)
    assert "<img>" not in comment
    assert "@team" not in comment
    assert "](" not in comment


def test_a_comment_keeps_to_the_limit_and_to_the_most_dangerous() -> None:
    fields = [Field(path=f"spec.field{number}", old="a" * 90, new="b" * 90) for number in range(100)]
    stacks = tuple(changed(f"stack-{number:02}", *fields) for number in range(50))
    comment = write(Report(base="main", commit="0" * 40, stacks=stacks))
    assert len(comment) <= LIMIT
    assert "<b>stack-00</b>" in comment
    assert "spec.field99" in comment.partition("<b>stack-01</b>")[0]
    assert "| stack-49 |" in comment
    assert "Details are left out" in comment
    assert comment.count("<details>") == comment.count("</details>")
    assert len(write(Report(base="main", commit="0" * 40, stacks=stacks), limit=500)) <= 500


def test_long_values_are_cut_where_they_differ() -> None:
    field = Field(path="userData", old="x" * 500 + "old", new="x" * 500 + "new")
    text = shown(Report(base="main", commit="0" * 40, stacks=(changed("dev", field),)))
    assert 'old" -> ...' in text
    assert "x" * 100 not in text


def test_nothing_to_tell() -> None:
    report = Report(base="main", commit="0" * 40, stacks=(StackDiff(stack="dev", status=Status.UNCHANGED),))
    assert "### No stack changes" in write(report)
    assert "<details>" not in write(report)
