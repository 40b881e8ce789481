"""How wide text is, and where it is broken into lines."""

import re
from collections.abc import Callable

_EM = {
    **dict.fromkeys("fijlrtI |!.,:;'/\\[]()-`J", 0.42),
    **dict.fromkeys("mwMW@%…", 1.0),
    **dict.fromkeys("ABCDEFGHKLNOPQRSTUVXYZ", 0.79),
    **dict.fromkeys("+=<>~#→^&", 0.84),
}
"""Widths in em of the widest common sans-serif face, DejaVu Sans or Verdana, by character."""

_OTHER, _FULL, _BOLD = 0.64, 1.1, 1.15
_PIECES = re.compile(r"[^\s/_:.,-]*[/_:.,-]+|[^\s/_:.,-]+")


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return how many pixels `text` takes at most.

    Args:
        text: one line.
        size: of the font, in pixels.
        bold: whether it is bold.
    """
    ems = sum(_EM.get(each, _OTHER if each < "\u0250" else _FULL) for each in text)
    return ems * size * (_BOLD if bold else 1)


def wrapped(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """Return `text` in lines no wider than `width` pixels; what has no space is broken where it has to be."""

    def fits(line: str) -> bool:
        return width_of(line, size, bold=bold) <= width

    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}".strip()
        if fits(joined):
            lines[-1] = joined
        elif fits(word):
            lines.append(word)
        else:
            lines.append("")
            for piece in _PIECES.findall(word):
                if fits(lines[-1] + piece):
                    lines[-1] += piece
                else:
                    lines += [piece] if fits(piece) else _broken(piece, fits)
    return [line for line in lines if line]


def _broken(piece: str, fits: Callable[[str], bool]) -> list[str]:
    lines = [""]
    for character in piece:
        if fits(lines[-1] + character) or not lines[-1]:
            lines[-1] += character
        else:
            lines.append(character)
    return lines
