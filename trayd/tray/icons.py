"""The tray's icons: our own artwork, drawn for each size, told apart by shape and by colour.

Every state has an outline of its own, so that it can be told in greyscale and by a colour-blind person, and a
colour of its own (after Okabe and Ito) whose brightness lies between a light panel's and a dark one's, so that it
stands out on both. Whatever is inside an outline is a hole, not paint, and has therefore the outline's contrast.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import floor
from typing import cast

from PIL import Image, ImageDraw

from trayd.core.view import IconSpec

SIZES = (16, 22, 24, 32, 48, 64)
REMOTE_ROOM = 13 / 16  # the state makes room for the mark, so that the mark covers no tick and no cross

Point = tuple[float, float]


class Icon(Image.Image):
    """An icon of 64 px that also carries a rendition for each of `SIZES`."""

    renditions: tuple[Image.Image, ...]


class Pen:
    """Draws a mask on a canvas of 16 × 16 units, whatever the real size.

    The mask is drawn several times larger and shrunk, which smooths slants and curves. Straight edges go through
    `snap`, which puts them on the border of a real pixel, so that they stay sharp at 16, 22 and 24 px. With `room`,
    the 16 units take only that part of the picture, from its upper left corner.
    """

    def __init__(self, size: int, room: float = 1) -> None:
        self.scale = 8 if size <= 24 else 4
        self.unit = size * room / 16  # in real pixels
        self.mask = Image.new("L", (size * self.scale, size * self.scale))
        self._draw = ImageDraw.Draw(self.mask)

    def snap(self, units: float) -> float:
        """The nearest border between two real pixels, in units."""
        return floor(units * self.unit + 0.5) / self.unit

    def _px(self, units: float) -> float:
        return units * self.unit * self.scale

    def _box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        # Pillow counts the last pixel in, we do not.
        return self._px(x0), self._px(y0), self._px(x1) - 1, self._px(y1) - 1

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, radius: float = 0, ink: int = 255) -> None:
        """A filled rectangle with sharp edges; `ink=0` makes a hole."""
        box = self._box(self.snap(x0), self.snap(y0), self.snap(x1), self.snap(y1))
        self._draw.rounded_rectangle(box, self._px(radius), fill=ink)

    def disc(self, x: float, y: float, radius: float, ink: int = 255) -> None:
        """A filled circle around a point."""
        self._draw.ellipse(self._box(x - radius, y - radius, x + radius, y + radius), fill=ink)

    def arc(self, x: float, y: float, radius: float, width: float, start: float, end: float) -> None:
        """A part of a ring whose outer edge has this radius; degrees run clockwise from the right."""
        box = self._box(x - radius, y - radius, x + radius, y + radius)
        self._draw.arc(box, start, end, fill=255, width=round(self._px(width)))

    def polygon(self, *points: Point, ink: int = 255) -> None:
        """A filled outline."""
        self._draw.polygon([(self._px(x), self._px(y)) for x, y in points], fill=ink)

    def stroke(self, *points: Point, width: float, ink: int = 255) -> None:
        """A line with round ends and corners."""
        line = [(self._px(x), self._px(y)) for x, y in points]
        self._draw.line(line, fill=ink, width=round(self._px(width)))
        for x, y in points:
            self.disc(x, y, width / 2, ink)

    def finished(self) -> Image.Image:
        """The mask in its real size."""
        return self.mask.reduce(self.scale)


def _crate(pen: Pen) -> None:
    pen.rectangle(0, 1, 16, 5, radius=1)
    pen.rectangle(1, 6, 15, 15, radius=1.2)


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
    pen.rectangle(7, 11, 9, 13, ink=0)


def _hung(pen: Pen) -> None:
    """An hourglass: it took the question and does not answer."""
    pen.rectangle(2, 0, 14, 3, radius=0.6)
    pen.rectangle(2, 13, 14, 16, radius=0.6)
    pen.polygon((3, 2), (13, 2), (13, 4), (9, 8), (13, 12), (13, 14), (3, 14), (3, 12), (7, 8), (3, 4))


def _unreachable(pen: Pen) -> None:
    """A stop sign with a cross: no engine there."""
    low, high = pen.snap(4.7), 16 - pen.snap(4.7)
    pen.polygon((low, 0), (high, 0), (16, low), (16, high), (high, 16), (low, 16), (0, high), (0, low))
    pen.stroke((5, 5), (11, 11), width=2.3, ink=0)
    pen.stroke((11, 5), (5, 11), width=2.3, ink=0)


def _connecting(pen: Pen) -> None:
    """A speech bubble with three dots: asked, and waiting for the first answer."""
    pen.rectangle(0, 1, 16, 12, radius=2.5)
    pen.polygon((3, 11), (3, 16), (9, 11))
    left, step, width = pen.snap(3), pen.snap(4), pen.snap(2)  # snapped one by one, the dots would differ in width
    for x in (left, left + step, left + 2 * step):
        pen.rectangle(x, 5, x + width, 8, ink=0)


def _reconnecting(pen: Pen) -> None:
    """An arrow that goes round: it was there, and is looked for again."""
    pen.arc(8, 8.5, 7.5, 3, 0, 290)
    pen.polygon((8.5, 0), (15.4, 3.6), (8.5, 7.6))


def _sleeping(pen: Pen) -> None:
    """A moon."""
    pen.disc(8, 8, 8)
    pen.disc(11.5, 4.7, 6.7, ink=0)


def _remote(pen: Pen) -> None:
    """The mark of another machine, a sender with a wave, in a corner cut free for it."""
    pen.disc(15.5, 15.5, 8, ink=0)
    pen.arc(15.5, 15.5, 6.5, 2, 180, 270)
    pen.disc(14, 14, 2)


# The brightness (WCAG's relative luminance) of each colour is between 0.17 and 0.27: three times less than a panel of
# #f5f5f5 and three times more than one of #2b2b2b.
ARTWORK: dict[str, tuple[Callable[[Pen], None], str]] = {
    "connecting": (_connecting, "#6b8299"),
    "reachable": (_reachable, "#009e73"),
    "degraded": (_degraded, "#b57a00"),
    "hung": (_hung, "#c0689a"),
    "reconnecting": (_reconnecting, "#1c82c4"),
    "unreachable": (_unreachable, "#d55e00"),
    "sleeping": (_sleeping, "#7a74c8"),
    "none": (_none, "#808080"),
}


def draw(spec: IconSpec, size: int) -> Image.Image:
    """Draw one icon for one size."""
    shape, colour = ARTWORK[spec.state]
    pen = Pen(size, room=REMOTE_ROOM if spec.remote else 1)
    shape(pen)
    if spec.remote:
        pen.unit = size / 16
        _remote(pen)
    image = Image.new("RGBA", (size, size), colour)
    image.putalpha(pen.finished())
    return image


@cache
def render(spec: IconSpec) -> Icon:
    """The icon in all sizes; equal specs get the very same image, so a change of icon can be told by identity."""
    renditions = tuple(draw(spec, size) for size in SIZES)
    icon = cast(Icon, renditions[-1].copy())
    icon.renditions = renditions
    return icon
