"""The icons as SVG: a pen that writes what the artwork draws, so that pixels and SVG are the same calls.

Paint and holes are a mask, in the order in which they were drawn, over one square of the icon's colour.
"""

from __future__ import annotations

from math import cos, radians, sin

from trayd.core.view import IconSpec
from trayd.tray.artwork import Pen, Point, colour, paint


def svg(spec: IconSpec) -> str:
    """Return an icon as a document of 16 × 16 units."""
    pen = SvgPen()
    paint(spec, pen)
    mask = "\n".join(f"    {shape}" for shape in pen.shapes)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="64" height="64">\n'
        '  <mask id="shape" maskUnits="userSpaceOnUse" x="0" y="0" width="16" height="16" fill="#fff" '
        'stroke-linejoin="round">\n'
        f"{mask}\n"
        "  </mask>\n"
        f'  <rect width="16" height="16" fill="{colour(spec)}" mask="url(#shape)"/>\n'
        "</svg>\n"
    )


class SvgPen(Pen):
    """Writes each call as one element."""

    def __init__(self) -> None:
        super().__init__(0)
        self.shapes: list[str] = []

    def _write(self, element: str, ink: int = 255, **attributes: str) -> None:
        if not ink:
            attributes["stroke" if "stroke" in attributes else "fill"] = "#000"
        written = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
        self.shapes.append(f"<{element}{written}/>")

    def _points(self, points: tuple[Point, ...]) -> str:
        return " ".join(f"{_number(self.at(x))},{_number(self.at(y))}" for x, y in points)

    def _length(self, units: float) -> str:
        return _number(units * self.scale)

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, radius: float = 0, ink: int = 255) -> None:
        """A filled rectangle."""
        place = {"x": _number(self.at(x0)), "y": _number(self.at(y0))}
        size = {"width": self._length(x1 - x0), "height": self._length(y1 - y0)}
        self._write("rect", ink, **place, **size, **({"rx": self._length(radius)} if radius else {}))

    def frame(self, width: float, radius: float) -> None:
        """A line of this width along the edges of the square, with round corners; SVG draws on its middle."""
        start, size = _number(self.at(width / 2)), self._length(16 - width)
        line = {"fill": "none", "stroke": "#fff", "stroke_width": self._length(width)}
        self._write("rect", x=start, y=start, width=size, height=size, rx=self._length(radius - width / 2), **line)

    def disc(self, x: float, y: float, radius: float, ink: int = 255) -> None:
        """A filled circle around a point."""
        self._write("circle", ink, cx=_number(self.at(x)), cy=_number(self.at(y)), r=self._length(radius))

    def arc(self, x: float, y: float, radius: float, width: float, start: float, end: float) -> None:
        """A part of a ring whose outer edge has this radius."""
        middle = radius - width / 2
        ends = tuple((x + middle * cos(radians(at)), y + middle * sin(radians(at))) for at in (start, end))
        first, last = (self._points((point,)) for point in ends)
        r, large = self._length(middle), int(end - start > 180)
        path = f"M{first} A{r},{r} 0 {large} 1 {last}"
        self._write("path", d=path, fill="none", stroke="#fff", stroke_width=self._length(width))

    def polygon(self, *points: Point, ink: int = 255) -> None:
        """A filled outline."""
        self._write("polygon", ink, points=self._points(points))

    def stroke(self, *points: Point, width: float, ink: int = 255) -> None:
        """A line with round ends and corners."""
        line = {"fill": "none", "stroke": "#fff", "stroke_width": self._length(width), "stroke_linecap": "round"}
        self._write("polyline", ink, points=self._points(points), **line)


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
