"""Writes the picture of a stack as Mermaid, which GitHub and GitLab draw."""

from cli.graph.layout import mark_of
from cli.graph.picture import Box, Picture

_STYLES = {
    "create": "stroke:#1a7f37,stroke-width:3px",
    "update": "stroke:#9a6700,stroke-width:3px",
    "inside": "stroke:#9a6700,stroke-width:3px",
    "replace": "stroke:#8250df,stroke-width:3px",
    "delete": "stroke:#cf222e,stroke-width:3px,stroke-dasharray:9 4",
}


def mermaid(picture: Picture) -> str:
    """Return `picture` as a flowchart."""
    ids = {box.id: f"b{number}" for number, box in enumerate(picture.boxes)}
    lines = ["flowchart TB", f"  accTitle: {_plain(f'The stack {picture.title}')}", *_inside(None, picture, ids, "  ")]
    for number, arrow in enumerate(picture.arrows, 1):
        line = "-.->" if arrow.rights else "-->"
        lines.append(f'  {ids[arrow.start]} {line}|"{number}: {_plain(arrow.text)}"| {ids[arrow.end]}')
    lines += [f"  style {ids[box.id]} {_STYLES[box.marks]}" for box in picture.boxes if box.marks in _STYLES]
    return "\n".join(lines) + "\n"


def _inside(parent: str | None, picture: Picture, ids: dict[str, str], indent: str) -> list[str]:
    lines: list[str] = []
    for box in picture.boxes:
        if box.parent != parent:
            continue
        inner = _inside(box.id, picture, ids, indent + "  ")
        if inner:
            lines += [f'{indent}subgraph {ids[box.id]}["{_label(box)}"]', *inner, f"{indent}end"]
        else:
            lines.append(f'{indent}{ids[box.id]}["{_label(box)}"]')
    return lines


def _label(box: Box) -> str:
    told = (mark_of(box), *box.lines, f"with {box.summary}" if box.summary else "")
    return "<br>".join((f"<b>{_plain(box.title)}</b>", *(_plain(line) for line in told if line)))


def _plain(text: str) -> str:
    """Return `text` so that it is shown as it is: no markup, no end of a label."""
    shown = "".join(each if each.isprintable() else "?" for each in text)
    return "".join(each if each.isalnum() or each in " .,:/_-+~!→" else f"#{ord(each)};" for each in shown)
