"""The icon in macOS's menu bar: pystray's, with everything done on the main thread, as AppKit demands.

Never run on macOS by us: tested against a recorded interface (tests/tray/test_darwin.py). What differs there: a click
always opens the menu, a radio mark is a tick, and the menu is built when something changes, not when it opens. Sources:
Apple's "Thread Safety Summary" (views and menus belong to the main thread), NSApplication.ActivationPolicy (accessory:
no icon in the Dock), NSStatusItem, osascript(1).
"""

from __future__ import annotations

import io
import subprocess
import threading
from collections.abc import Callable
from typing import Any

import AppKit  # type: ignore[import-not-found,unused-ignore]
import Foundation  # type: ignore[import-not-found,unused-ignore]
from PyObjCTools import AppHelper  # type: ignore[import-not-found,unused-ignore]

from trayd.tray.pystray_import import pystray

_NOTIFY_SECONDS = 10
# The text comes as an argument: it is never a part of the script.
_SCRIPT = ("on run argv", "display notification (item 1 of argv) with title (item 2 of argv)", "end run")
# Items of menus that were replaced while somebody looked at them; a menu has a few hundred at most.
_CLICKS_KEPT = 4000


class _Clicks:
    """What each menu item does, by a number that is never given twice: an open menu may be the one before."""

    def __init__(self) -> None:
        self._next = 0
        self._actions: dict[int, Callable[..., None]] = {}

    def __len__(self) -> int:
        return self._next  # pystray gives an item the length before it adds its action as its number

    def append(self, action: Callable[..., None]) -> None:
        """Take the action of the item that has the number of the length before."""
        self._actions[self._next] = action
        self._next += 1
        self._actions.pop(self._next - 1 - _CLICKS_KEPT, None)

    def __getitem__(self, number: int) -> Callable[..., None]:
        return self._actions.get(number, lambda _icon: None)


class MenuDelegate(Foundation.NSObject):  # type: ignore[misc,unused-ignore]
    """Hears that the menu opens."""

    def menuWillOpen_(self, menu: Any) -> None:  # noqa: N802 - AppKit's name
        """Hand it on."""
        self.icon.on_open()


class Icon(pystray._darwin.Icon):  # type: ignore[misc]
    """An icon of the menu bar; see `pystray.Icon`. Any thread may change it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.on_open: Callable[[], None] = lambda: None
        self.on_secondary: Callable[[], None] = lambda: None  # macOS has no such click
        self._clicks = _Clicks()
        self._menu_handle: Any = None
        super().__init__(*args, **kwargs)
        # No icon in the Dock and no menu bar of our own.
        self._app.setActivationPolicy_(AppKit.NSApplicationActivationPolicyAccessory)
        self._menu_delegate = MenuDelegate.alloc().init()
        self._menu_delegate.icon = self

    def _in_turn(self, work: Callable[[], None]) -> None:
        """Do it now on the main thread, else let the main thread do it soon."""
        if Foundation.NSThread.isMainThread():
            work()
        else:
            AppHelper.callAfter(work)

    def _show(self) -> None:
        self._in_turn(super()._show)

    def _hide(self) -> None:
        self._in_turn(super()._hide)

    def _update_icon(self) -> None:
        self._in_turn(super()._update_icon)

    def _update_title(self) -> None:
        self._in_turn(super()._update_title)

    def _update_menu(self) -> None:
        self._in_turn(self._build_menu)

    def _stop(self) -> None:
        self._in_turn(super()._stop)

    def _build_menu(self) -> None:
        menu = self._create_menu(self.menu, self._clicks)
        if menu is not None:
            menu.setDelegate_(self._menu_delegate)
        self._status_item.setMenu_(menu)
        self._menu_handle = (menu, self._clicks)

    def _assert_image(self) -> None:
        """Show the rendition with twice the bar's points, for Retina screens; pystray scales one to the points."""
        points = int(self._status_bar.thickness())
        renditions = getattr(self._icon, "renditions", (self._icon,))
        best = min(renditions, key=lambda one: (one.width < 2 * points, abs(one.width - 2 * points)))
        file = io.BytesIO()
        best.save(file, "PNG")
        data = file.getvalue()
        image = AppKit.NSImage.alloc().initWithData_(Foundation.NSData.dataWithBytes_length_(data, len(data)))
        image.setSize_((points, points))
        self._icon_image = image
        self._status_item.button().setImage_(image)

    def _notify(self, message: str, title: str | None = None) -> None:
        """Show a notification by osascript, on a thread of its own: it may take its time, and may fail."""
        words = [_as_argument(message), _as_argument(title or self.title or self.name)]
        script = [part for line in _SCRIPT for part in ("-e", line)]

        def work() -> None:
            try:
                subprocess.run(
                    ["/usr/bin/osascript", *script, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=_NOTIFY_SECONDS,
                )
            except (OSError, subprocess.SubprocessError):
                return  # a notification that cannot be shown is no reason to stop: icon and menu say the same

        threading.Thread(target=work, name="notification", daemon=True).start()


def _as_argument(text: str) -> str:
    """A text that osascript does not take for one of its options."""
    return f" {text}" if text.startswith("-") else text
