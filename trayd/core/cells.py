"""Text in lines and columns, measured in a terminal's cells: a Chinese character takes two of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unicodedata import combining, east_asian_width

# No line begins with these and none ends with those (the plainest of the rules in "Requirements for Chinese Text
# Layout", W3C, 3.1.3): the marks that our own texts use.
_NOT_FIRST = frozenset("，。：；、？！）》”…")
_NOT_LAST = frozenset("（《“")


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows of cells as lines in which the columns stand below each other, in a terminal's cells."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell + " " * (room - width(cell)) for cell, room in zip(row, widths, strict=True)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def width(text: str) -> int:
    """Return how many cells of a terminal a text takes: East Asian characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, cells: int) -> str:
    """Return a text that fits into so many cells of a terminal, with an ellipsis where it was cut."""
    if width(text) <= cells:
        return text
    while text and width(text) > cells - 1:
        text = text[:-1]
    return text + "…"


def wrap(text: str, cells: int) -> list[str]:
    """Return a text as lines of at most so many cells, about equally long, broken between words if possible."""
    lines = _fill(text, cells)
    narrow = -(-width(text) // max(1, len(lines)))
    return next((even for w in range(narrow, cells) if len(even := _fill(text, w)) == len(lines)), lines)


def _fill(text: str, cells: int) -> list[str]:
    lines = [""]
    for gap, piece in _pieces(text):
        if width(lines[-1]) + len(gap) + width(piece) > cells and lines[-1]:
            lines.append("")
        elif lines[-1]:
            piece = gap + piece
        while width(piece) > cells:
            head = cut(piece, cells + 1)[:-1] or piece[0]
            lines[-1:], piece = [head, ""], piece[len(head) :]
        lines[-1] += piece
    return [line for line in lines if line]


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a line may break between, each with the blank before it: words, and the characters of Chinese."""
    for word in text.split():
        gap, piece = " ", ""
        for character in word:
            if piece and not _together(piece[-1], character):
                yield gap, piece
                gap, piece = "", ""
            piece += character
        yield gap, piece


def _together(one: str, other: str) -> bool:
    if one.isascii() and other.isascii():
        return True
    return other in _NOT_FIRST or one in _NOT_LAST or (width(one) < 2 and width(other) < 2)
