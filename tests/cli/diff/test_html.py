"""The report as a page: safe to open, whole, and without secrets."""

import re
import subprocess
from html.parser import HTMLParser

import pytest

from cli.diff.html import POLICY, write
from cli.diff.report import Effect, EffectKind, Field, Message, OutputChange, Report, ResourceChange, StackDiff, Status
from cli.graph.picture import Box, Kind, Picture
from tests.cli.diff.conftest import SECRETS, STACKS, Repository

HOSTILE = "</code></pre></details><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


class Page(HTMLParser):
    """Every element of a page, each of them closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile() -> Report:
    fields = (
        Field(path=HOSTILE, old=HOSTILE, new={HOSTILE: [HOSTILE]}),
        Field(path="script", old=f"first\n{HOSTILE}\n", new="first\nlast\n"),
    )
    change = ResourceChange(
        operation="update", type=HOSTILE, name=HOSTILE, urn=HOSTILE, fields=fields, replaced_for=(HOSTILE,)
    )
    diff = StackDiff(
        stack=HOSTILE,
        status=Status.CHANGED,
        effects=(Effect(kind=EffectKind.DATA_LOST, reason=HOSTILE),),
        resources=(change,),
        outputs=(OutputChange(name=HOSTILE, old=None, new=HOSTILE),),
        new_findings=(Message(severity="warning", text=HOSTILE),),
        resolved_findings=(Message(severity="warning", text=HOSTILE),),
        errors=(HOSTILE,),
        base_errors=(HOSTILE,),
        notes=(HOSTILE,),
        picture=Picture(title=HOSTILE, boxes=(Box(id=HOSTILE, kind=Kind.PODS, title=HOSTILE, lines=(HOSTILE,)),)),
    )
    return Report(base=HOSTILE, commit=HOSTILE, notice=HOSTILE, notes=(HOSTILE,), stacks=(diff,))


def test_no_secret_is_in_the_page(report: Report) -> None:
    page = write(report)
    assert "[secret]" in page
    for secret in SECRETS:
        assert secret not in page


def test_no_text_becomes_markup() -> None:
    page = Page(write(hostile()))
    assert not {"script", "img", "iframe", "object", "link", "base", "form"} & {tag for tag, _ in page.elements}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") > 10


def test_the_page_loads_and_runs_nothing(report: Report) -> None:
    text = write(report)
    page = Page(text)
    metas = [attributes for tag, attributes in page.elements if tag == "meta"]
    assert {"http-equiv": "Content-Security-Policy", "content": POLICY} in metas
    assert POLICY.startswith("default-src 'none'")
    assert "script" not in POLICY
    assert text.index("Content-Security-Policy") < text.index("<style>")
    links = [attributes["href"] for _, attributes in page.elements if "href" in attributes]
    assert links
    assert all(link and link.startswith("#") for link in links)
    assert not [attributes for _, attributes in page.elements if "src" in attributes]
    assert not re.search(r"@import|url\(", text)


def test_the_most_dangerous_comes_first_and_nothing_is_left_out(report: Report) -> None:
    page = Page(write(report))
    ids = [str(attributes["id"]) for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [str(attributes["href"])[1:] for tag, attributes in page.elements if tag == "a"]
    assert targets == [name for name in ids if name.startswith("stack-")]
    changed = [each.stack for each in report.stacks if each.status is not Status.UNCHANGED]
    where = [page.text.rindex(f"{stack}What users notice:") for stack in changed]
    assert where == sorted(where)
    assert page.text.rindex("Unchangedsame") > where[-1]
    told = f"{len(changed)} of {len(STACKS)} stacks change"
    assert page.text.count(told) == 2, "the page's title, and its heading"


def section(report: Report, stack: str) -> str:
    """What the page says of one stack."""
    number = [each.stack for each in report.stacks].index(stack)
    return write(report).partition(f'<section id="stack-{number}">')[2].partition("</section>")[0]


def test_each_change_is_told_with_before_and_after(report: Report) -> None:
    moves = section(report, "moves")
    assert "<strong>What users notice: the endpoint moves.</strong>" in moves
    row = '<td class="old"><code>80</code></td><td class="new"><code>81</code></td>'
    assert f'<th scope="row">spec.ports[0].port</th>{row}' in moves
    assert "-port 80\n+port 81" in moves, "of a text, what differs"
    replaces = section(report, "replaces")
    assert "spec.selector.matchLabels.app<em> (replaces)</em>" in replaces
    assert "to replace, because of spec.selector.matchLabels.app" in replaces
    creates = section(report, "creates")
    assert "<h3>New findings</h3><ul><li>the port is high with [secret]</li></ul>" in creates
    assert "<h3>Resolved findings</h3><ul><li>the port is low with [secret]</li></ul>" in creates
    assert "Cost: 1.00 to 2.00 -&gt; 1.50 to 3.00 USD per hour (+0.50 to +1.00)" in creates
    assert "The configuration is refused:" in section(report, "broken")


def test_pictures_mark_what_changes(report: Report) -> None:
    replaces = section(report, "replaces")
    assert replaces.count("<svg") == 2, "a wide one and a narrow one"
    assert replaces.count('class="box op-replace"') == 2
    assert replaces.count('class="box op-delete"') == 2, "the disk"
    assert section(report, "removed").count('class="box op-delete') >= 2
    assert 'class="box op-create' in section(report, "added")
    assert "op-create" not in section(report, "repaired").partition("<h3>")[0]
    assert "<svg" not in section(report, "broken")


def test_a_report_that_was_written_is_shown(
    repository: Repository, compared: "subprocess.CompletedProcess[str]"
) -> None:
    (repository.folder / "report.json").write_text(compared.stdout)
    shown = repository.diff("--read", "report.json", "--format", "html")
    assert shown.stdout == write(Report.model_validate_json(compared.stdout))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--format", "pdf"], "--format pdf: must be one of terminal, json, markdown, html."),
        (["--format", "html", "--json"], "--format html and json: choose one."),
    ],
)
def test_formats_that_there_are_not(repository: Repository, arguments: list[str], told: str) -> None:
    refused = repository.diff("--against", "HEAD", *arguments)
    assert (refused.returncode, refused.stdout, refused.stderr.strip()) == (2, "", told)


def test_nothing_to_tell() -> None:
    page = Page(write(Report(base="main", commit="0" * 40, stacks=(StackDiff(stack="dev", status=Status.UNCHANGED),))))
    assert "No stack changes" in page.text
    assert "table" not in {tag for tag, _ in page.elements}
