"""The tray icon for panels of the old kind (i3bar, trayer, tint2, polybar): a small window that the panel takes in.

Everything about X happens on one thread of its
own, which waits for the server, for timers and for `show`; it survives panels and servers that come and go.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import Xlib.error

from trayd.core.view import View
from trayd.tray.x11 import X11, Lost
from trayd.tray.xembed_dock import Dock

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5.0  # seconds between two attempts to reach an X server
_log = logging.getLogger(__name__)


class XembedIcon:
    """One icon; `show`, `stop` and `docked` may be used from any thread. `on_docked` is called on ours."""

    def __init__(self, view: View, post: Callable[[object], None], on_docked: Callable[[bool], None]) -> None:
        self._view = view
        self._post = post
        self._on_docked = on_docked
        self._connection: X11 | None = None
        self._stopped = threading.Event()
        self.reachable = True
        """Whether the X server let us in when last asked."""
        self.docked = False
        """Whether a panel shows the icon."""
        self._thread = threading.Thread(target=self._run, name="xembed", daemon=True)
        self._thread.start()

    @property
    def connected(self) -> bool:
        """Whether there is a connection to the X server right now."""
        return self._connection is not None

    def show(self, view: View) -> None:
        """Show a view; what is open stays open."""
        self._view = view
        self._wake()

    def stop(self) -> None:
        """Take the icon away; its thread ends soon after."""
        self._stopped.set()
        self._wake()

    def join(self, seconds: float) -> None:
        """Wait for the end after `stop`."""
        self._thread.join(seconds)

    def _wake(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.wake()

    def _run(self) -> None:
        wait = _FIRST_WAIT
        while not self._stopped.is_set():
            try:
                connection = X11()
            except Lost as problem:
                _log.debug("no X server: %s", problem)
                self.reachable = False
            else:
                self.reachable, wait = True, _FIRST_WAIT
                self._connection = connection
                try:
                    self._serve(connection)
                except (Xlib.error.ConnectionClosedError, OSError) as problem:
                    _log.debug("the X server is gone: %s", problem)
                except Exception:
                    _log.exception("a bug in the tray icon")
                    wait = _LONGEST_WAIT
                finally:
                    self._connection = None
                    connection.close()
            self._tell(False)
            self._stopped.wait(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def _serve(self, x11: X11) -> None:
        """Keep the icon in whatever tray there is until we are stopped or the server goes."""
        dock = Dock(x11, lambda: self._view, self._post, self._tell)
        while not self._stopped.is_set():
            x11.attend(dock.handle)
            dock.refresh()
        dock.close()

    def _tell(self, docked: bool) -> None:
        if docked != self.docked:
            self.docked = docked
            self._on_docked(docked)
