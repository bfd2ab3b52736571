"""Which of the two icons is there on Linux: StatusNotifier where a panel shows it, else XEMBED where X has a tray.

Nothing of X is loaded before it is needed: not where a StatusNotifier panel answers, nor without a display.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from trayd.core.view import View

if TYPE_CHECKING:
    from trayd.tray.xembed import XembedIcon

PATIENCE = 1.0
"""How long a StatusNotifier panel is waited for at login, or after its restart, before the other way is tried."""


class Fallback:
    """The XEMBED icon while there is no StatusNotifier panel; `on_host` hears whether any panel shows our icon."""

    def __init__(self, view: View, post: Callable[[object], None], on_host: Callable[[bool], None]) -> None:
        self._view = view
        self._post = post
        self._on_host = on_host
        # Guards what follows: the bus's thread, the timer's and X's own all come here.
        self._lock = threading.RLock()
        self._icon: XembedIcon | None = None
        self._timer: threading.Timer | None = None
        self._stopped = False
        self._host = False
        self._told: bool | None = None

    @property
    def hopeful(self) -> bool:
        """Whether there is an X server that may have a tray."""
        icon = self._icon
        return has_display(os.environ) and (icon is None or icon.reachable)

    def start(self) -> None:
        """Wait for a StatusNotifier panel from now on: a bus that hangs says neither that there is one nor that not."""
        with self._lock:
            self._wait(PATIENCE)

    def host(self, present: bool, soon: bool) -> None:
        """A StatusNotifier panel came or is missing; with `soon` none can come, since there is no bus."""
        with self._lock:
            self._host = present
            if present:
                self._forget_timer()
                self._end()
            else:
                self._wait(0.0 if soon else PATIENCE)
            self._tell()

    def _wait(self, seconds: float) -> None:
        self._forget_timer()
        if self._icon is None and not self._stopped and has_display(os.environ):
            self._timer = threading.Timer(seconds, self._begin)
            self._timer.daemon = True
            self._timer.start()

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def show(self, view: View) -> None:
        """Show a view, if the icon is ours."""
        with self._lock:
            self._view = view
            if self._icon is not None:
                self._icon.show(view)

    def stop(self) -> None:
        """Take the icon away for good."""
        with self._lock:
            self._stopped = True
            self._forget_timer()
            icon = self._end()
        if icon is not None:
            icon.join(2.0)

    def _begin(self) -> None:
        from trayd.tray.xembed import XembedIcon  # python-xlib

        with self._lock:
            if not self._host and not self._stopped and self._icon is None:
                self._icon = XembedIcon(self._view, self._post, self._docked)

    def _end(self) -> XembedIcon | None:
        icon, self._icon = self._icon, None
        if icon is not None:
            icon.stop()
        return icon

    def _docked(self, _docked: bool) -> None:
        with self._lock:
            self._tell()

    def _tell(self) -> None:
        shown = self._host or (self._icon is not None and self._icon.docked)
        if shown != self._told:
            self._told = shown
            self._on_host(shown)


def has_display(environ: Mapping[str, str]) -> bool:
    """Whether this is an X session: under Wayland, X has no tray, and its menus could not take the pointer."""
    return bool(environ.get("DISPLAY")) and not environ.get("WAYLAND_DISPLAY")
