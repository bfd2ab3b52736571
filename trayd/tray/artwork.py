"""The artwork of the icons, our own: which shapes each state is made of, as calls to a pen, and in which colours.

This is the only description of it: the same calls make pixels (trayd/tray/icons.py) and SVG (icons/svg.py).

Every state has an outline of its own, so that it can be told in greyscale and by a colour-blind person, and a colour
of its own (after Okabe and Ito) whose brightness lies between a light panel's and a dark one's, so that it stands out
on both. Whatever is inside an outline is a hole, not paint, and has therefore the outline's contrast. So an icon has
one colour, and a monochrome theme needs no artwork of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from math import floor

from trayd.core.view import IconSpec, Theme

Point = tuple[float, float]


class Pen:
    """What draws on a canvas of 16 × 16 units, whatever the real size; `ink=0` makes a hole.

    `place` says in which part of the canvas the 16 units of the following calls lie. Straight edges go through `snap`,
    which puts them on the border of a real pixel, so that they stay sharp at 16, 22 and 24 px; a picture that has no
    pixels has `pixels` 0.
    """

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels
        self.left = 0.0
        self.scale = 1.0

    def place(self, left: float, width: float) -> None:
        """Put what follows into a square of the canvas, which begins as far from above as from the left."""
        self.left, self.scale = left, width / 16

    def snap(self, units: float) -> float:
        """The nearest border between two real pixels, in units."""
        if not self.pixels:
            return units
        unit = self.scale * self.pixels / 16
        return floor(units * unit + 0.5) / unit

    def gap(self, units: float) -> float:
        """A distance of whole pixels, at least one."""
        return max(self.snap(units), 16 / (self.scale * self.pixels)) if self.pixels else units

    def at(self, units: float) -> float:
        """Where a place is on the canvas, which is what a pen's own methods draw on."""
        return self.left + units * self.scale

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, radius: float = 0, ink: int = 255) -> None:
        """A filled rectangle with sharp edges."""
        raise NotImplementedError

    def frame(self, width: float, radius: float) -> None:
        """A line of this width along the edges of the square, with round corners."""
        raise NotImplementedError

    def disc(self, x: float, y: float, radius: float, ink: int = 255) -> None:
        """A filled circle around a point."""
        raise NotImplementedError

    def arc(self, x: float, y: float, radius: float, width: float, start: float, end: float) -> None:
        """A part of a ring whose outer edge has this radius; degrees run clockwise from the right."""
        raise NotImplementedError

    def polygon(self, *points: Point, ink: int = 255) -> None:
        """A filled outline."""
        raise NotImplementedError

    def stroke(self, *points: Point, width: float, ink: int = 255) -> None:
        """A line with round ends and corners."""
        raise NotImplementedError


def paint(spec: IconSpec, pen: Pen) -> None:
    """Draw an icon: the state in the room that ring and mark leave, so that they cover no tick and no cross."""
    edge = pen.snap(2) if spec.protected else 0.0
    pen.place(edge, 16 - edge - (3 if spec.remote else edge))
    _SHAPES[spec.state](pen)
    if spec.protected:
        pen.place(0, 16)
        pen.frame(pen.snap(1), radius=4)
    if spec.remote:
        corner = 2 if spec.protected else 0
        pen.place(corner, 16 - corner)
        _mark(pen)


def _crate(pen: Pen) -> None:
    pen.rectangle(0, 1, 16, 5, radius=1)
    pen.rectangle(1, pen.snap(5) + pen.gap(1), 15, 15, radius=1.2)


def _reachable(pen: Pen) -> None:
    """A full crate with a tick: the goods are here."""
    _crate(pen)
    pen.stroke((4.7, 10.4), (7, 12.6), (11.3, 8.3), width=1.7, ink=0)


def _none(pen: Pen) -> None:
    """An empty crate: there is nothing to watch."""
    _crate(pen)
    pen.rectangle(2, 3, 14, 4, ink=0)
    pen.rectangle(3, 8, 13, 13, ink=0)


def _degraded(pen: Pen) -> None:
    """A warning triangle: it answers, but slowly."""
    base = pen.snap(15) - 1
    corners = (8, 2), (14.8, base), (1.2, base)
    pen.stroke(*corners, corners[0], width=2)
    pen.polygon(*corners)
    pen.rectangle(7, 5, 9, 10, ink=0)
    pen.rectangle(7, pen.snap(10) + pen.gap(1), 9, 13, ink=0)


def _hung(pen: Pen) -> None:
    """An hourglass: it took the question and does not answer."""
    left = pen.snap(2)
    pen.rectangle(left, 0, 16 - left, 3, radius=0.6)
    pen.rectangle(left, 13, 16 - left, 16, radius=0.6)
    pen.polygon((3, 2), (13, 2), (13, 4), (9, 8), (13, 12), (13, 14), (3, 14), (3, 12), (7, 8), (3, 4))


def _unreachable(pen: Pen) -> None:
    """A stop sign with a cross: no engine there."""
    low, high = pen.snap(4.7), 16 - pen.snap(4.7)
    pen.polygon((low, 0), (high, 0), (16, low), (16, high), (high, 16), (low, 16), (0, high), (0, low))
    pen.stroke((5, 5), (11, 11), width=2.3, ink=0)
    pen.stroke((11, 5), (5, 11), width=2.3, ink=0)


def _connecting(pen: Pen) -> None:
    """A speech bubble with three dots: asked, and waiting for the first answer."""
    pen.rectangle(0, 1, 16, 11, radius=4)
    pen.polygon((3, 10), (3, 15), (8, 10))
    left, step, width = pen.snap(3), pen.snap(4), pen.snap(2)  # snapped one by one, the dots would differ in width
    for x in (left, left + step, left + 2 * step):
        pen.rectangle(x, 5, x + width, 7.5, ink=0)


def _reconnecting(pen: Pen) -> None:
    """An arrow that goes round: it was there, and is looked for again."""
    pen.arc(8, 8.5, 7.5, 3, 0, 290)
    pen.polygon((8.5, 0), (15.4, 3.6), (8.5, 7.6))


def _sleeping(pen: Pen) -> None:
    """A moon."""
    pen.disc(8, 8, 8)
    pen.disc(11.5, 4.7, 6.7, ink=0)


def _mark(pen: Pen) -> None:
    """The mark of another machine, a sender with a wave, in a corner cut free for it."""
    pen.disc(15.5, 15.5, 8, ink=0)
    pen.arc(15.5, 15.5, 6.5, 2, 180, 270)
    pen.disc(14, 14, 2)


_SHAPES: dict[str, Callable[[Pen], None]] = {
    "connecting": _connecting,
    "reachable": _reachable,
    "degraded": _degraded,
    "hung": _hung,
    "reconnecting": _reconnecting,
    "unreachable": _unreachable,
    "sleeping": _sleeping,
    "none": _none,
}
STATES = tuple(_SHAPES)

# The brightness (WCAG's relative luminance) of each colour is between 0.17 and 0.27: three times less than a panel of
# #f5f5f5 and three times more than one of #2b2b2b.
_COLOURS = {
    "connecting": "#6b8299",
    "reachable": "#009e73",
    "degraded": "#b57a00",
    "hung": "#c0689a",
    "reconnecting": "#1c82c4",
    "unreachable": "#d55e00",
    "sleeping": "#7a74c8",
    "none": "#808080",
}
_MONOCHROME = {Theme.LIGHT: "#f5f5f5", Theme.DARK: "#2b2b2b"}


def colour(spec: IconSpec) -> str:
    """The one colour of an icon."""
    return _MONOCHROME.get(spec.theme) or _COLOURS[spec.state]
