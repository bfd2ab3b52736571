"""The tray's icons as pixels: drawn once for each size, from the artwork, and kept."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from PIL import Image, ImageDraw

from trayd.core.view import IconSpec
from trayd.tray.artwork import Pen, Point, colour, paint

SIZES = (16, 22, 24, 32, 48, 64)


class Icon(Image.Image):
    """An icon of 64 px that also carries a rendition for each of `SIZES`."""

    renditions: tuple[Image.Image, ...]


class PixelPen(Pen):
    """Draws a mask several times larger, and shrinks it, which smooths slants and curves."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._finer = 8 if size <= 24 else 4
        self._pixel = size * self._finer / 16  # of the mask, in a unit of the canvas
        self._mask = Image.new("L", (size * self._finer, size * self._finer))
        self._draw = ImageDraw.Draw(self._mask)

    def _length(self, units: float) -> float:
        return units * self.scale * self._pixel

    def _box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
        left, top, right, bottom = (self.at(units) * self._pixel for units in (x0, y0, x1, y1))
        return left, top, right - 1, bottom - 1  # Pillow counts the last pixel in, we do not

    def _points(self, points: tuple[Point, ...]) -> list[Point]:
        return [(self.at(x) * self._pixel, self.at(y) * self._pixel) for x, y in points]

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, radius: float = 0, ink: int = 255) -> None:
        """A filled rectangle with sharp edges."""
        box = self._box(self.snap(x0), self.snap(y0), self.snap(x1), self.snap(y1))
        self._draw.rounded_rectangle(box, self._length(radius), fill=ink)

    def frame(self, width: float, radius: float) -> None:
        """A line of this width along the edges of the square, with round corners."""
        box = self._box(0, 0, 16, 16)
        self._draw.rounded_rectangle(box, self._length(radius), outline=255, width=round(self._length(width)))

    def disc(self, x: float, y: float, radius: float, ink: int = 255) -> None:
        """A filled circle around a point."""
        self._draw.ellipse(self._box(x - radius, y - radius, x + radius, y + radius), fill=ink)

    def arc(self, x: float, y: float, radius: float, width: float, start: float, end: float) -> None:
        """A part of a ring whose outer edge has this radius; degrees run clockwise from the right."""
        box = self._box(x - radius, y - radius, x + radius, y + radius)
        self._draw.arc(box, start, end, fill=255, width=round(self._length(width)))

    def polygon(self, *points: Point, ink: int = 255) -> None:
        """A filled outline."""
        self._draw.polygon(self._points(points), fill=ink)

    def stroke(self, *points: Point, width: float, ink: int = 255) -> None:
        """A line with round ends and corners."""
        self._draw.line(self._points(points), fill=ink, width=round(self._length(width)))
        for x, y in points:
            self.disc(x, y, width / 2, ink)

    def finished(self) -> Image.Image:
        """The mask in its real size."""
        return self._mask.reduce(self._finer)


def draw(spec: IconSpec, size: int) -> Image.Image:
    """Draw one icon for one size."""
    pen = PixelPen(size)
    paint(spec, pen)
    image = Image.new("RGBA", (size, size), colour(spec))
    image.putalpha(pen.finished())
    return image


@lru_cache(maxsize=32)  # all of one theme: 50 KB each, and a person's profiles need few of them
def render(spec: IconSpec) -> Icon:
    """The icon in all sizes; equal specs get the very same image, so a change of icon can be told by identity."""
    renditions = tuple(draw(spec, size) for size in SIZES)
    icon = cast(Icon, renditions[-1].copy())
    icon.renditions = renditions
    return icon
