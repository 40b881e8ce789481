"""Elements of HTML. All text is escaped, so that nothing of a report can be taken for markup."""

from html import escape


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def element(name: str, *content: str, **attributes: str) -> Markup:
    """Return an element.

    Args:
        name: of its tag.
        content: what is in it; all but `Markup` is shown as it is.
        attributes: of the element; `class_` for `class`, `data_label` for `data-label`.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_shown(value))}"' for key, value in attributes.items()
    )
    return Markup(f"<{name}{told}>{joined(*content)}</{name}>")


def joined(*content: str) -> Markup:
    """Return what is given, one after the other; all but `Markup` is shown as it is."""
    return Markup("".join(each if isinstance(each, Markup) else escape(_shown(each)) for each in content))


def _shown(text: str) -> str:
    # what turns the direction of writing, or has no shape, would let a text pass for another
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
