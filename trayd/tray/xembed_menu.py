"""The menu and the tooltip of the XEMBED icon: windows of our own, which a window manager leaves alone.

While the menu is open, pointer and keyboard are ours (a grab), as with every menu on X: a click outside closes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from Xlib import X

from trayd.core.view import Item, View
from trayd.tray.menu_layout import Box, Look, beside_menu, beside_panel, room_beside
from trayd.tray.menu_model import PAGE, Menu
from trayd.tray.x11 import X11
from trayd.tray.xembed_keys import meaning
from trayd.tray.xembed_look import Looks
from trayd.tray.xembed_popup import Popup, show_tooltip

SUBMENU_SECONDS = 0.18
"""How long the pointer rests on an item before its submenu opens and others close."""
TOOLTIP_SECONDS = 0.6
DRAG_MS = 350
"""A button that is held longer than this chooses where it is let go."""
SHIFT_SECONDS = 0.35
"""How long clicks are ignored after the lines of an open menu moved: the person aimed at what was there before."""
SCROLL_SECONDS = 0.06
GRAB_SECONDS, GRAB_TRIES = 0.02, 25

# How far the keys scroll in a menu that is only read.
_LINES = {"Down": 1, "Up": -1, "Next": PAGE, "Prior": -PAGE, "Home": -(10**4), "End": 10**4}

Place = Callable[[], tuple[Box, Box]]


class Menus:
    """The open menu with its submenus, or the tooltip, on one connection."""

    def __init__(self, x11: X11, choose: Callable[[object], None], view: Callable[[], View]) -> None:
        self._x11 = x11
        self._choose = choose
        self._view = view
        self._menu: Menu | None = None
        self._popups: list[Popup] = []
        self._tip: Any = None
        self.looks = Looks(x11)
        self._look: Look | None = None
        self._opened_at = 0  # the server's time, in milliseconds
        self._shifted_at = 0.0
        self._pressed: tuple[int, str] | None = None
        self._monitor = self._icon = self._panel = Box(0, 0, 1, 1)

    @property
    def is_open(self) -> bool:
        """Whether the menu is on the screen."""
        return self._menu is not None

    # Opening and closing

    def open(self, items: tuple[Item, ...], icon: Box, panel: Box, at: int) -> None:
        """Open the menu beside an icon in a panel, because of a click at the server's time `at`."""
        self.leave()
        self._icon, self._panel = icon, panel
        self._monitor = self._x11.monitor_at(icon.x + icon.width // 2, icon.y + icon.height // 2)
        self._look = self.looks.beside(icon)
        self._menu = Menu(items)
        self._opened_at, self._pressed = at, None
        self._sync()
        self._grab(GRAB_TRIES)

    def _grab(self, tries: int) -> None:
        """Take pointer and keyboard; another program may hold them for a moment, a hotkey for example."""
        if not self._popups:
            return
        window = self._popups[0].window
        mask = X.ButtonPressMask | X.ButtonReleaseMask | X.PointerMotionMask
        got = window.grab_pointer(True, mask, X.GrabModeAsync, X.GrabModeAsync, X.NONE, X.NONE, X.CurrentTime)
        keys = window.grab_keyboard(True, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
        if got == keys == X.GrabSuccess:
            return
        if tries:
            self._x11.after("grab", GRAB_SECONDS, lambda: self._grab(tries - 1))
        elif got != X.GrabSuccess:
            self.close()  # a menu that no click outside could close

    def close(self) -> None:
        """Close the menu and the tooltip."""
        self.leave()
        for timer in ("submenu", "scroll", "grab"):
            self._x11.cancel(timer)
        if self._menu is None:
            return
        self._menu = None
        self._x11.display.ungrab_keyboard(X.CurrentTime)
        self._x11.display.ungrab_pointer(X.CurrentTime)
        for popup in self._popups:
            popup.close()
        self._popups.clear()
        self._x11.display.sync()

    def update(self, old: View) -> None:
        """Take up the newest view, in place."""
        view = self._view()
        if self._tip is not None and view.tooltip != old.tooltip:
            self._show_tip(self._icon, self._panel)
        if self._menu is not None and view.menu != old.menu:
            self._menu.update(view.menu)
            self._sync()

    def _sync(self) -> None:
        """Make the windows show what the model says is open."""
        assert self._menu is not None
        assert self._look is not None
        levels = self._menu.levels
        if not levels:
            self.close()
            return
        while len(self._popups) > len(levels):
            self._popups.pop().close()
        for depth, level in enumerate(levels):
            if depth < len(self._popups) and self._popups[depth].name == self._name(depth):
                if self._popups[depth].show(level, self._place(depth)):
                    self._shifted_at = time.monotonic()
                continue
            while len(self._popups) > depth:
                self._popups.pop().close()
            self._popups.append(Popup(self._x11, self._look, self._name(depth), self._monitor))
            self._popups[depth].show(level, self._place(depth))

    def _name(self, depth: int) -> tuple[str, ...]:
        """What a level is the menu of: the keys on the way to it."""
        assert self._menu is not None
        return tuple(level.key for level in self._menu.levels[: depth + 1])

    def _place(self, depth: int) -> Callable[[int, int], Box]:
        if depth == 0:
            return lambda width, height: beside_panel(self._icon, self._panel, self._monitor, width, height)
        parent = self._popups[depth - 1]
        key = self._name(depth)[-1]
        leftwards = depth > 1 and parent.box.x < self._popups[depth - 2].box.x
        return lambda width, height: beside_menu(
            parent.box, parent.top_of(key), room_beside(self._panel, self._monitor), width, height, leftwards
        )

    # The tooltip

    def hover(self, place: Place) -> None:
        """Show the tooltip if the pointer stays on the icon."""
        if self._menu is None:
            self._x11.after("tooltip", TOOLTIP_SECONDS, lambda: self._show_tip(*place()))

    def leave(self) -> None:
        """Take the tooltip away."""
        self._x11.cancel("tooltip")
        if self._tip is not None:
            self._tip.destroy()
            self._tip = None

    def _show_tip(self, icon: Box, panel: Box) -> None:
        self.leave()
        self._icon, self._panel = icon, panel
        monitor = self._x11.monitor_at(icon.x + icon.width // 2, icon.y + icon.height // 2)
        self._tip = show_tooltip(self._x11, self.looks.beside(icon), self._view().tooltip, icon, panel, monitor)

    # What the person does while the menu is open

    def handle(self, event: Any) -> bool:
        """Take an event if it is the menu's; say whether it was."""
        if event.type == X.MappingNotify:  # another keyboard layout, which python-xlib remembers
            self._x11.display.refresh_keyboard_mapping(event)
            return True
        if self._menu is None:
            return False
        if event.type == X.MotionNotify:
            self._moved(event.root_x, event.root_y, held=bool(event.state & (X.Button1Mask | X.Button3Mask)))
        elif event.type == X.ButtonPress:
            self._button(event)
        elif event.type == X.ButtonRelease:
            self._released(event)
        elif event.type == X.KeyPress:
            self._key(event)
        else:
            return event.type in (X.EnterNotify, X.LeaveNotify, X.KeyRelease)
        return True

    def _under(self, x: int, y: int) -> tuple[int, Popup] | None:
        """The innermost level that is under a point, and its depth."""
        for depth in reversed(range(len(self._popups))):
            if self._popups[depth].box.holds(x, y):
                return depth, self._popups[depth]
        return None

    def _moved(self, x: int, y: int, held: bool = False) -> None:
        assert self._menu is not None
        found = self._under(x, y)
        self._x11.cancel("scroll")
        if found is None:
            last = len(self._popups) - 1
            if last >= 0 and self._menu.levels[last].selected is not None and not self._x11.waiting("submenu"):
                self._menu.point(last, None)
                self._sync_selection()
            return
        depth, popup = found
        if way := popup.scroller_at(y):
            self._scroll_on(popup, way)
            return
        row = popup.row_at(y)
        key = row.item.key if row is not None else None
        if held and self._pressed is not None and key is not None:
            self._pressed = (depth, key)  # dragged to another line
        changed = key != self._menu.levels[depth].selected
        for above in range(depth):  # the way here may have led over other items
            if self._menu.levels[above].selected != self._menu.levels[above + 1].key:
                self._menu.levels[above].selected = self._menu.levels[above + 1].key
                changed = True
        if changed:
            self._menu.point(depth, key)
            self._sync_selection()
            self._x11.after("submenu", SUBMENU_SECONDS, lambda: self._settle(depth))
        elif depth + 1 < len(self._menu.levels) and self._menu.levels[depth + 1].key == key:
            self._x11.cancel("submenu")  # back on the item whose submenu is open

    def _sync_selection(self) -> None:
        """Draw the selection alone: submenus follow when the pointer rests."""
        assert self._menu is not None
        for popup, level in zip(self._popups, self._menu.levels, strict=False):
            popup.select(level.current.key if level.current else None)

    def _settle(self, depth: int) -> None:
        if self._menu is not None and depth < len(self._menu.levels):
            self._menu.settle(depth)
            self._sync()

    def _scroll_on(self, popup: Popup, way: int) -> None:
        """Scroll while the pointer rests on a strip at the end of a long menu."""

        def step() -> None:
            if popup in self._popups and popup.scroll(way):
                self._x11.after("scroll", SCROLL_SECONDS, step)

        self._x11.after("scroll", SCROLL_SECONDS, step)

    def _button(self, event: Any) -> None:
        found = self._under(event.root_x, event.root_y)
        if event.detail in (4, 5):
            if found is not None and found[1].scroll(-3 if event.detail == 4 else 3):
                self._close_below(found[0])
                self._moved(event.root_x, event.root_y)
        elif found is None:
            if event.detail <= 3:
                self.close()
        else:
            row = found[1].row_at(event.root_y)
            self._pressed = (found[0], row.item.key) if row is not None and not self._just_shifted() else None

    def _close_below(self, depth: int) -> None:
        assert self._menu is not None
        self._menu.close(depth + 1)
        self._sync()

    def _just_shifted(self) -> bool:
        return time.monotonic() - self._shifted_at < SHIFT_SECONDS

    def _released(self, event: Any) -> None:
        """Choose what is under the pointer, if it was pressed there or the button was held from the icon to here."""
        if event.detail > 3:
            return
        since, self._opened_at = self._opened_at, 0  # the button of the opening click comes up once
        pressed, self._pressed = self._pressed, None
        found = self._under(event.root_x, event.root_y)
        if found is None or self._menu is None:
            return
        depth, popup = found
        row = popup.row_at(event.root_y)
        if row is None or self._just_shifted():
            return
        if pressed == (depth, row.item.key) or (since and event.time - since > DRAG_MS):
            self._menu.point(depth, row.item.key)
            item = self._menu.levels[depth].current
            if item is not None and item.children:
                self._settle(depth)
            elif item is not None:
                self._done(item)

    def _key(self, event: Any) -> None:
        assert self._menu is not None
        name, character = meaning(self._x11.display, event)
        item = self._menu.press(name, character)
        self._x11.cancel("submenu")
        self._sync()
        if item is not None:
            self._done(item)
        elif self._menu is not None:
            level, popup = self._menu.levels[-1], self._popups[-1]
            if level.current is not None:
                popup.reveal(level.current, level.choices())
            elif not level.choices():
                popup.scroll(_LINES.get(name.removeprefix("KP_"), 0))

    def _done(self, item: Item) -> None:
        """Close everything and do what was chosen."""
        self.close()
        if item.command is not None:
            self._choose(item.command)
