"""One window with one menu in it, and the tooltip's: pictures from `menu_layout`, put onto the screen.

The picture lies in a pixmap that is the window's background, so the server redraws it itself and nothing flickers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PIL import Image
from Xlib import X, Xatom

from trayd.core.view import Item
from trayd.tray.menu_layout import Box, Look, Row, Sheet, beside_panel, framed, paint_scroller, paint_tooltip
from trayd.tray.menu_model import Level
from trayd.tray.x11 import X11


def _window(x11: X11, box: Box, kind: str) -> Any:
    window = x11.root.create_window(
        box.x, box.y, box.width, box.height, 0, x11.screen.root_depth, X.InputOutput, X.CopyFromParent,
        override_redirect=True,
        save_under=True,
        event_mask=X.ButtonPressMask | X.ButtonReleaseMask | X.PointerMotionMask | X.KeyPressMask,
    )  # fmt: skip
    window.set_wm_class("trayd", "Trayd")
    window.change_property(x11.atom("_NET_WM_WINDOW_TYPE"), Xatom.ATOM, 32, [x11.atom(f"_NET_WM_WINDOW_TYPE_{kind}")])
    return window


def _fill(x11: X11, window: Any, image: Image.Image) -> Any:
    """Make a picture the window's background; gives the pixmap it lies in."""
    depth = x11.screen.root_depth
    pixmap = window.create_pixmap(image.width, image.height, depth)
    x11.put(pixmap, depth, image)
    window.change_attributes(background_pixmap=pixmap)
    return pixmap


def show_tooltip(x11: X11, look: Look, text: str, icon: Box, panel: Box, monitor: Box) -> Any:
    """Show a tooltip beside an icon; gives its window."""
    image = paint_tooltip(text, look, monitor.width * 2 // 3)
    gap = look.px(4)
    box = beside_panel(icon, panel, monitor, image.width, image.height + 2 * gap)
    window = _window(x11, Box(box.x, box.y + gap, image.width, image.height), "TOOLTIP")
    _fill(x11, window, image).free()
    window.map()
    return window


class Popup:
    """The window of one open menu. `name` says which menu it is."""

    def __init__(self, x11: X11, look: Look, name: tuple[str, ...], monitor: Box) -> None:
        self.name = name
        self.box = Box(0, 0, 0, 0)
        self.window: Any = None
        self._x11 = x11
        self._look = look
        self._monitor = monitor
        self._edge = look.px(1)
        self._strip = 0  # the height of each scroll strip; none where all lines have room
        self._sheet = Sheet((), look, 1)
        self._scroll = 0
        self._selected: str | None = None
        self._pixmap: Any = None

    # Showing

    def show(self, level: Level, place: Callable[[int, int], Box]) -> bool:
        """Show a level where `place` says; gives whether lines are now elsewhere than they were."""
        current = level.current
        selected = current.key if current is not None else None
        if [row.item for row in self._sheet.rows] == list(level.items) and self.window is not None:
            self.select(selected)
            return False
        before = {row.item.key: self._y(row) for row in self._sheet.rows} if self.window is not None else {}
        widest = self._monitor.width - 2 * self._edge
        # It never gets narrower while it is open: that would only be restless.
        self._sheet = Sheet(level.items, self._look, widest, least=self.box.width - 2 * self._edge)
        self._selected = selected
        frame = 2 * self._edge
        box = place(self._sheet.width + frame, self._sheet.height + frame)
        self._strip = self._look.px(14) if box.height < self._sheet.height + frame else 0
        self._scroll = max(0, min(self._scroll, self._deepest(box)))
        self._settle(box)
        return bool(before) and any(before.get(row.item.key, -1) != self._y(row) for row in self._sheet.rows)

    def _settle(self, box: Box) -> None:
        """Put the window to its place, with a new picture."""
        if self.window is None:
            self.box = box
            self.window = _window(self._x11, box, "POPUP_MENU")
            self._repaint()
            self.window.map()
        else:
            self.box = box
            self.window.configure(x=box.x, y=box.y, width=box.width, height=box.height)
            self._repaint()

    def _repaint(self) -> None:
        sheet, strip = self._sheet, self._strip
        height = self.box.height - 2 * self._edge
        image = sheet.paint(self._selected, self._scroll, height - 2 * strip)
        if strip:
            whole = Image.new("RGB", (sheet.width, height))
            whole.paste(paint_scroller(self._look, sheet.width, strip, True, self._scroll > 0), (0, 0))
            whole.paste(image, (0, strip))
            more = self._scroll < self._deepest(self.box)
            whole.paste(paint_scroller(self._look, sheet.width, strip, False, more), (0, height - strip))
            image = whole
        if self._pixmap is not None:
            self._pixmap.free()
        self._pixmap = _fill(self._x11, self.window, framed(image, self._look))
        self.window.clear_area()

    def select(self, key: str | None) -> None:
        """Show another item as selected; only the two lines are drawn."""
        old, self._selected = self._selected, key
        if old == key:
            return
        for each in (old, key):
            row = self._sheet.row(each)
            if row is not None:
                self._paint_row(row)

    def _paint_row(self, row: Row) -> None:
        top, bottom = self._view()
        y = self._y(row) - self.box.y
        image = self._sheet.paint_row(row, row.item.key == self._selected)
        cut_above, cut_below = max(0, top - y), max(0, y + row.height - bottom)
        if cut_above + cut_below >= row.height:
            return
        image = image.crop((0, cut_above, image.width, row.height - cut_below))
        self._x11.put(self._pixmap, self._x11.screen.root_depth, image, self._edge, y + cut_above)
        self.window.clear_area(x=self._edge, y=y + cut_above, width=image.width, height=image.height)

    def close(self) -> None:
        """Take the window away."""
        if self._pixmap is not None:
            self._pixmap.free()
        if self.window is not None:
            self.window.destroy()

    # Where things are

    def _view(self) -> tuple[int, int]:
        """The first line of pixels that shows items, and the first after them, in the window."""
        return self._edge + self._strip, self.box.height - self._edge - self._strip

    def _y(self, row: Row) -> int:
        """Where a row is on the screen."""
        return self.box.y + self._edge + self._strip + row.top - self._scroll

    def top_of(self, key: str | None) -> int:
        """Where the submenu of an item begins, so that its first line is beside the item."""
        row = self._sheet.row(key)
        return self.box.y if row is None else self._y(row) - self._edge - self._look.px(4)

    def row_at(self, y: int) -> Row | None:
        """The row at a height of the screen, or nothing."""
        top, bottom = self._view()
        inside = y - self.box.y
        return self._sheet.at(inside - top + self._scroll) if top <= inside < bottom else None

    def scroller_at(self, y: int) -> int:
        """Which way the strip at a height of the screen scrolls; 0 where there is none."""
        top, bottom = self._view()
        inside = y - self.box.y
        return 0 if not self._strip or top <= inside < bottom else -1 if inside < top else 1

    # Scrolling

    def _deepest(self, box: Box) -> int:
        """How far the sheet can be scrolled."""
        return self._sheet.height - (box.height - 2 * self._edge - 2 * self._strip) if self._strip else 0

    def scroll(self, lines: int) -> bool:
        """Scroll by so many lines; gives whether anything moved."""
        step = self._look.fonts.height + 2 * self._look.px(4)
        return self._scroll_to(self._scroll + lines * step)

    def reveal(self, item: Item, choices: list[Item]) -> None:
        """Scroll as little as shows an item; at the first and the last choice, also what can only be read beyond it."""
        row = self._sheet.row(item.key)
        if row is None or not self._strip:
            return
        top, bottom = self._view()
        low = 0 if item == choices[0] else row.top
        end = self._sheet.height if item == choices[-1] else row.top + row.height
        high = end - (bottom - top)
        self._scroll_to(min(max(self._scroll, high), low))

    def _scroll_to(self, place: int) -> bool:
        place = max(0, min(place, self._deepest(self.box)))
        if place == self._scroll:
            return False
        self._scroll = place
        self._repaint()
        return True
