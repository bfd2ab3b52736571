"""A menu's geometry and picture: items in, sizes and pixels out; it knows no screen and no window.

Greyed lines carry what trayd has to say about an engine, so they are as legible as WCAG asks of text (4.5 : 1).
"""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from trayd.core.value import Value
from trayd.core.view import Item, Mark
from trayd.tray.fonts import Fonts
from trayd.tray.sni_text import plain

LABEL_LIMIT = 400
FONT = 40 / 3  # 10 pt on a screen of 96 dots per inch


class Theme(Value):
    """The colours of a menu and a tooltip."""

    ground: str
    edge: str
    text: str
    greyed: str
    line: str
    chosen: str


LIGHT = Theme("#fafafa", "#b8b8b8", "#1e1e1e", "#666666", "#dcdcdc", "#d6e4f5")
DARK = Theme("#2b2b2b", "#555555", "#eeeeee", "#a8a8a8", "#454545", "#344b69")


class Look:
    """How menus are drawn on one screen: colours, fonts, and how many pixels a unit has."""

    def __init__(self, theme: Theme, fonts: Fonts, scale: float) -> None:
        self.theme = theme
        self.fonts = fonts
        self.scale = scale

    def px(self, units: float) -> int:
        """So many units in pixels, at least one."""
        return max(1, round(units * self.scale))


class Row(Value):
    """One line of a menu: where it is on the whole sheet, and what it says (shortened to its room)."""

    item: Item
    text: str
    top: int
    height: int


class Sheet:
    """All lines of one menu one below the other, as if there were room for all, and how wide they are."""

    def __init__(self, items: Sequence[Item], look: Look, widest: int, least: int = 0) -> None:
        px, fonts = look.px, look.fonts
        self.look = look
        self.before = px(26 if any(item.mark is not Mark.NONE for item in items) else 12)
        self.after = px(26 if any(item.children for item in items) else 14)
        room = max(px(40), widest - self.before - self.after)
        self.rows: list[Row] = []
        self._places: dict[str, int] = {}
        top, width = px(4), 0
        for item in items:
            text = "" if item.separator else fonts.fit(plain(item.label, LABEL_LIMIT), room)
            height = px(9) if item.separator else fonts.height + 2 * px(4)
            width = max(width, fonts.width(text))
            self._places.setdefault(item.key, len(self.rows))
            self.rows.append(Row(item, text, top, height))
            top += height
        self.height = top + px(4)
        self.width = max(width + self.before + self.after, least)

    def row(self, key: str | None) -> Row | None:
        """The row of an item, or nothing."""
        place = self._places.get(key) if key is not None else None
        return None if place is None else self.rows[place]

    def at(self, y: int) -> Row | None:
        """The row at a height of the sheet, or nothing."""
        return next((row for row in self.rows if row.top <= y < row.top + row.height), None)

    def paint_row(self, row: Row, chosen: bool) -> Image.Image:
        """The picture of one row."""
        look, item = self.look, row.item
        theme, px = look.theme, look.px
        image = Image.new("RGB", (self.width, row.height), theme.chosen if chosen else theme.ground)
        middle = row.height // 2
        if item.separator:
            image.paste(theme.line, (px(8), middle, self.width - px(8), middle + px(1)))
            return image
        colour = theme.text if item.enabled else theme.greyed
        look.fonts.draw(image, self.before, px(4), row.text, colour)
        if item.mark is not Mark.NONE:
            _paint(image, _radio if item.mark is Mark.RADIO else _check, px(8), middle, px(12), colour, item.checked)
        if item.children:
            _paint(image, _arrow, self.width - px(18), middle, px(12), colour, True)
        return image

    def paint(self, chosen: str | None, scroll: int, height: int) -> Image.Image:
        """The picture of the part of the sheet that begins at `scroll`."""
        image = Image.new("RGB", (self.width, height), self.look.theme.ground)
        for row in self.rows:
            if row.top + row.height > scroll and row.top < scroll + height:
                image.paste(self.paint_row(row, row.item.key == chosen), (0, row.top - scroll))
        return image


_SMOOTH = 4
Stroke = tuple[list[tuple[float, float]], float]


def _paint(image: Image.Image, shape: object, x: int, middle: int, size: int, colour: str, on: bool) -> None:
    """Put a small sign, drawn larger and shrunk, to the left edge x and around a middle height."""
    mask = Image.new("L", (size * _SMOOTH, size * _SMOOTH))
    assert callable(shape)
    shape(ImageDraw.Draw(mask), size * _SMOOTH / 12, on)
    image.paste(colour, (x, middle - size // 2), mask.reduce(_SMOOTH))


def _radio(pen: ImageDraw.ImageDraw, unit: float, on: bool) -> None:
    pen.ellipse((unit * 0.5, unit * 0.5, unit * 11.5 - 1, unit * 11.5 - 1), outline=150, width=round(unit * 1.1))
    if on:
        pen.ellipse((unit * 3.2, unit * 3.2, unit * 8.8 - 1, unit * 8.8 - 1), fill=255)


def _check(pen: ImageDraw.ImageDraw, unit: float, on: bool) -> None:
    pen.rounded_rectangle(
        (unit * 0.5, unit * 0.5, unit * 11.5 - 1, unit * 11.5 - 1), unit * 2, outline=150, width=round(unit * 1.1)
    )
    if on:
        pen.line([(unit * 3, unit * 6.2), (unit * 5.2, unit * 8.6), (unit * 9.2, unit * 3.6)], 255, round(unit * 1.6))


def _arrow(pen: ImageDraw.ImageDraw, unit: float, on: bool) -> None:
    pen.line([(unit * 4, unit * 2.5), (unit * 7.8, unit * 6), (unit * 4, unit * 9.5)], 255, round(unit * 1.4))


def paint_scroller(look: Look, width: int, height: int, up: bool, more: bool) -> Image.Image:
    """The picture of the strip above or below a menu that is longer than the screen; greyed where it ends."""
    image = Image.new("RGB", (width, height), look.theme.ground)
    unit = height / 14
    mask = Image.new("L", (width * _SMOOTH, height * _SMOOTH))
    middle, low, high = width * _SMOOTH / 2, height * _SMOOTH / 2 + 2.5 * unit * _SMOOTH, 0.0
    high = height * _SMOOTH - low
    tip, base = (high, low) if up else (low, high)
    ImageDraw.Draw(mask).polygon(
        [(middle, tip), (middle - 5 * unit * _SMOOTH, base), (middle + 5 * unit * _SMOOTH, base)], fill=255
    )
    image.paste(look.theme.text if more else look.theme.line, (0, 0), mask.reduce(_SMOOTH))
    return image


def framed(image: Image.Image, look: Look) -> Image.Image:
    """A picture with the thin edge that every popup has."""
    edge = look.px(1)
    whole = Image.new("RGB", (image.width + 2 * edge, image.height + 2 * edge), look.theme.edge)
    whole.paste(image, (edge, edge))
    return whole


def paint_tooltip(text: str, look: Look, widest: int) -> Image.Image:
    """The picture of a tooltip: its lines, the first of which is the title."""
    px, fonts = look.px, look.fonts
    lines = [
        fonts.fit(line.strip(), widest - 2 * px(9)) for line in plain(text, 1000, lines=True).strip().split("\n")[:12]
    ]
    leading = fonts.height + px(2)
    size = (max(map(fonts.width, lines)) + 2 * px(8), len(lines) * leading + 2 * px(6) - px(2))
    image = Image.new("RGB", size, look.theme.ground)
    for number, line in enumerate(lines):
        fonts.draw(image, px(8), px(6) + number * leading, line, look.theme.greyed if number else look.theme.text)
    return framed(image, look)


class Box(Value):
    """A rectangle on the screen."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column behind it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first line below it."""
        return self.y + self.height

    def holds(self, x: int, y: int) -> bool:
        """Whether a point is inside."""
        return self.x <= x < self.right and self.y <= y < self.bottom


def beside_panel(icon: Box, panel: Box, monitor: Box, width: int, height: int) -> Box:
    """Where a menu of this size opens: along the panel's inner edge, near the icon, wholly on the monitor."""
    room = room_beside(panel, monitor)
    height = min(height, room.height)
    if room.height < monitor.height:
        return inside(Box(icon.x, room.y if room.y > monitor.y else room.bottom - height, width, height), room)
    return inside(Box(room.x if room.x > monitor.x else room.right - width, icon.y, width, height), room)


def room_beside(panel: Box, monitor: Box) -> Box:
    """The larger part of a monitor that a panel leaves: above, below, left or right of it."""
    # A tray of one icon may be as high as wide: only a clearly upright panel stands at a side of the screen.
    if panel.height <= 2 * panel.width:
        above, below = max(1, panel.y - monitor.y), max(1, monitor.bottom - panel.bottom)
        if below >= above:
            return Box(monitor.x, monitor.bottom - below, monitor.width, below)
        return Box(monitor.x, monitor.y, monitor.width, above)
    left, right = max(1, panel.x - monitor.x), max(1, monitor.right - panel.right)
    if right >= left:
        return Box(monitor.right - right, monitor.y, right, monitor.height)
    return Box(monitor.x, monitor.y, left, monitor.height)


def beside_menu(parent: Box, top: int, monitor: Box, width: int, height: int, leftwards: bool = False) -> Box:
    """Where a submenu opens: right of its menu, or left where there is more room, its first line at `top`.

    With `leftwards`, its menu stands left of its own: it goes on to the left, so that it does not hide that one.
    """
    right, left = parent.right + width <= monitor.right, parent.x - width >= monitor.x
    more_right = monitor.right - parent.right >= parent.x - monitor.x
    goes_right = (right and not (leftwards and left)) or (not left and more_right)
    x = parent.right if goes_right else parent.x - width
    return inside(Box(x, top, width, min(height, monitor.height)), monitor)


def inside(box: Box, monitor: Box) -> Box:
    """The box moved so that it lies on the monitor; its upper left corner wins where it is too large."""
    x = max(monitor.x, min(box.x, monitor.right - box.width))
    y = max(monitor.y, min(box.y, monitor.bottom - box.height))
    return Box(x, y, box.width, box.height)
