"""What a program shows, seen from outside: when it changed, and when it was again as it had been."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any, Protocol

from Xlib import X
from Xlib.display import Display as XDisplay
from Xlib.error import XError
from Xlib.ext import damage

from bench.rig import Panel


class Display(Protocol):
    """A program's face; all times are time.monotonic(), 0.0 is "not yet"."""

    def appeared(self) -> float:
        """When it was first there."""

    def remember(self) -> None:
        """Take what is shown now for the good state."""

    def changed(self, since: float) -> float:
        """When something else than the good state was shown."""

    def restored(self, since: float) -> float:
        """When the good state was shown again."""


class IconDisplay:
    """A tray icon: the registration, and NewIcon signals after which the pixels are read."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._examined = 0.0
        self._good: Any = None

    def appeared(self) -> float:
        """When it registered at the panel."""
        return self._panel.registered_at

    def remember(self) -> None:
        """Read the good icon."""
        self._good = self._panel.icon()

    def changed(self, since: float) -> float:
        """The first NewIcon signal with other pixels."""
        fresh = self._fresh(since)
        return fresh[0] if fresh and self._panel.icon() != self._good else 0.0

    def restored(self, since: float) -> float:
        """The NewIcon signal that brought the good pixels back."""
        fresh = self._fresh(since)
        return fresh[-1] if fresh and self._panel.icon() == self._good else 0.0

    def _fresh(self, since: float) -> list[float]:
        """The signals that were not looked at yet: programs also announce an icon that is the same as before."""
        fresh = [signal.at for signal in self._panel.seen("NewIcon", since) if signal.at > self._examined]
        self._examined = fresh[-1] if fresh else self._examined
        return fresh


class WindowDisplay:
    """The largest window on a screen of its own: XDamage tells when it is painted, its pixels are then compared."""

    def __init__(self, display: str) -> None:
        self._x = XDisplay(display)
        self._look = XDisplay(display)  # a connection of its own for the other thread
        self._x.screen().root.change_attributes(event_mask=X.SubstructureNotifyMask)
        self._x.damage_query_version()
        self._x.sync()
        self._window: Any = None
        self._appeared = 0.0
        self._painted: list[float] = []
        self._examined = 0.0
        self._good = b""
        self._ended = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._ended = True
        self._thread.join(2)
        for connection in (self._x, self._look):
            with contextlib.suppress(Exception):
                connection.close()

    def appeared(self) -> float:
        """When the window was mapped."""
        return self._appeared

    def remember(self) -> None:
        """Take the good picture."""
        self._good = self._picture()

    def changed(self, since: float) -> float:
        """The first painting after which the picture is another one."""
        fresh = self._fresh(since)
        return fresh[0] if fresh and self._picture() != self._good else 0.0

    def restored(self, since: float) -> float:
        """The painting that brought the good picture back."""
        fresh = self._fresh(since)
        return fresh[-1] if fresh and self._picture() == self._good else 0.0

    def _fresh(self, since: float) -> list[float]:
        fresh = [at for at in list(self._painted) if at > max(since, self._examined)]
        self._examined = fresh[-1] if fresh else self._examined
        return fresh

    def _picture(self) -> bytes:
        window = self._look.create_resource_object("window", self._window)
        size = window.get_geometry()
        return bytes(window.get_image(0, 0, size.width, size.height, X.ZPixmap, 0xFFFFFFFF).data)

    def _listen(self) -> None:
        with contextlib.suppress(Exception):  # the screen ends before we do
            while not self._ended:
                if not self._x.pending_events():
                    time.sleep(0.001)
                    continue
                event = self._x.next_event()
                now = time.monotonic()
                if event.type == X.MapNotify and self._window is None:
                    self._take(event.window, now)
                elif event.type == self._x.extension_event.DamageNotify:
                    self._painted.append(now)

    def _take(self, window: Any, now: float) -> None:
        """Watch a mapped window that is large enough to be the program's."""
        with contextlib.suppress(XError):
            if window.get_geometry().width >= 300:
                self._window, self._appeared = window.id, now
                window.damage_create(damage.DamageReportRawRectangles)
                self._x.flush()
