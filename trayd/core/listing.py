"""A level of the menu as lines of text, for programs and terminals that show a list and say which line was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trayd.core.text import clean
from trayd.core.value import Value
from trayd.core.view import Item, Mark
from trayd.core.words import N_, _

LONGEST = 160
BACK = Item("back", N_("‹ Back"))
RULE = "─────"

_MARKS = {
    (Mark.RADIO, True): "(•) ",
    (Mark.RADIO, False): "( ) ",
    (Mark.CHECK, True): "[✓] ",
    (Mark.CHECK, False): "[ ] ",
}


class Line(Value):
    """One line of a list; `item` is what it stands for."""

    text: str
    item: Item

    @property
    def choosable(self) -> bool:
        """Whether choosing it does something; the others only tell."""
        return self.item.enabled or self.item == BACK


def lines(items: Iterable[Item], nested: bool) -> tuple[Line, ...]:
    """Return a level of the menu as lines, "‹ Back" on top of a submenu.

    No two lines that can be chosen are equal: many programs answer with the text and nothing else.
    """
    made, taken = [], set[str]()
    for item in (*((BACK,) if nested else ()), *items):
        text = _text(item)
        if item.enabled:
            text = _unique(text, taken)
            taken.add(text)
        made.append(Line(text, item))
    return tuple(made)


def choices(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return the lines that can be chosen."""
    return tuple(line for line in lines if line.choosable)


def notes(lines: Iterable[Line]) -> tuple[str, ...]:
    """Return what the other lines tell."""
    return tuple(line.text for line in lines if line.text and not line.choosable)


def numbered(lines: Sequence[Line]) -> str:
    """Return a list for a plain terminal: a number before each line that can be chosen; 0 goes back."""
    width, number, written = len(str(len(lines))), 0, []
    for line in lines:
        mark = ""
        if line.item == BACK:
            mark = "0"
        elif line.choosable:
            number += 1
            mark = str(number)
        written.append(f"{mark:>{width}}  {line.text or RULE}")
    return "\n".join(written)


def _text(item: Item) -> str:
    text = _(BACK.label) if item == BACK else clean(item.label, LONGEST)
    if not text:
        return ""
    return _MARKS.get((item.mark, item.checked), "") + text + (" ▸" if item.children else "")


def _unique(text: str, taken: set[str]) -> str:
    number, told = 1, text
    while told in taken:
        number += 1
        told = f"{text} [{number}]"
    return told
