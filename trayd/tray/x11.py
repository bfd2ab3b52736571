"""A connection to the X server for the tray: events, timers, pictures, monitors and scale.

Nothing here is shared between threads but `wake`. Errors of single requests are expected (a panel may go at any
moment) and swallowed; the end of the connection is `Lost`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import socket
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import Xlib.display
import Xlib.error
from PIL import Image
from Xlib import X

from trayd.tray.menu_layout import Box
from trayd.tray.x11_pixels import Pixels

_log = logging.getLogger(__name__)
REFUSED = (Xlib.error.DisplayError, Xlib.error.XauthError, Xlib.error.ConnectionClosedError, OSError)


class Lost(Exception):  # noqa: N818 - what became of the connection
    """There is no X server that lets us in, or it has gone."""


class X11:
    """One connection, used by one thread."""

    def __init__(self) -> None:
        try:
            self.display = Xlib.display.Display()
        except REFUSED as problem:
            raise Lost(str(problem)) from problem
        self.display.set_error_handler(lambda *_: None)  # python-xlib would print it
        self.screen = self.display.screen()
        self.root = self.screen.root
        self._atoms: dict[str, int] = {}
        self._timers: dict[str, tuple[float, Callable[[], None]]] = {}
        self._waker, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.display.fileno(), selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        info = self.display.display.info
        self._pixels = self._kinds_of_pixels(info)
        self._longest = (info.max_request_length << 2) - 64

    def close(self) -> None:
        """End the connection; the server removes what we made."""
        self._selector.close()
        self._waker.close()
        self._woken.close()
        with contextlib.suppress(Xlib.error.ConnectionClosedError, OSError):
            self.display.close()

    # Events and timers

    def wake(self) -> None:
        """Make `wait` return, from any thread."""
        with contextlib.suppress(OSError):  # full: it wakes anyway; closed: nobody waits
            self._waker.send(b"x")

    def after(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        """Call something later, in `events`; another one of the same name is forgotten."""
        self._timers[name] = (time.monotonic() + seconds, call)

    def cancel(self, name: str) -> None:
        """Forget a timer."""
        self._timers.pop(name, None)

    def waiting(self, name: str) -> bool:
        """Whether a timer of that name is still to come."""
        return name in self._timers

    def attend(self, handle: Callable[[Any], None]) -> None:
        """Wait, run the timers that are due, and hand on the events that came.

        Of movements that follow each other only the last is handed on. What fails because a window went meanwhile is
        let go: its end is an event of its own.
        """
        # Not flush(): python-xlib 0.33's tries once and leaves the rest of a long request unsent for good.
        self.display.sync()
        if not self.display.pending_events():
            soonest = min((due for due, _ in self._timers.values()), default=None)
            left = None if soonest is None else max(0.0, soonest - time.monotonic())
            if any(key.fileobj is self._woken for key, _ in self._selector.select(left)):
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
        now = time.monotonic()
        for name in [name for name, (due, _) in self._timers.items() if due <= now]:
            if name in self._timers:  # not cancelled by another one
                with contextlib.suppress(Xlib.error.XError):
                    self._timers.pop(name)[1]()
        came = [self.display.next_event() for _ in range(self.display.pending_events())]
        for event, following in pairwise([*came, None]):
            if event.type == X.MotionNotify and following is not None and following.type == X.MotionNotify:
                continue
            with contextlib.suppress(Xlib.error.XError):
                handle(event)

    def atom(self, name: str) -> int:
        """The number of an atom."""
        number = self._atoms.get(name)
        if number is None:
            number = self._atoms[name] = self.display.intern_atom(name)
        return number

    def property(self, window: Any, name: str) -> Any:
        """The value of a window's property, or nothing."""
        with contextlib.suppress(Xlib.error.XError):
            told = window.get_full_property(self.atom(name), X.AnyPropertyType)
            return told.value if told is not None and len(told.value) else None
        return None

    # Pictures

    def put(self, drawable: Any, depth: int, image: Image.Image, x: int = 0, y: int = 0) -> None:
        """Draw a picture: RGB, or RGBA with premultiplied alpha on a drawable of depth 32."""
        pixels = self._pixels.get(depth)
        if pixels is None:
            _log.debug("cannot draw on a screen with %d colour bits", depth)
            return
        data, stride = pixels.pack(image), pixels.stride(image.width)
        gc = drawable.create_gc()
        step = max(1, self._longest // stride)
        for row in range(0, image.height, step):
            rows_now = min(step, image.height - row)
            part = data[row * stride : (row + rows_now) * stride]
            drawable.put_image(gc, x, y + row, image.width, rows_now, X.ZPixmap, depth, 0, part)
        gc.free()

    def get(self, drawable: Any, depth: int, box: Box) -> Image.Image | None:
        """Read a piece of a drawable as RGBA; nothing where that cannot be done."""
        try:
            told = drawable.get_image(box.x, box.y, box.width, box.height, X.ZPixmap, 0xFFFFFFFF)
        except Xlib.error.XError:
            return None  # a part of it is not on the screen
        pixels = self._pixels.get(depth)
        return pixels.unpack(bytes(told.data), (box.width, box.height)) if pixels is not None else None

    def _kinds_of_pixels(self, info: Any) -> dict[int, Pixels]:
        """How pixels look, for each depth that can be drawn on; the screen's own visual comes first."""
        bits = {form.depth: form.bits_per_pixel for form in info.pixmap_formats}
        found: dict[int, Pixels] = {}
        kinds = [(allowed.depth, visual) for allowed in self.screen.allowed_depths for visual in allowed.visuals]
        for depth, visual in sorted(kinds, key=lambda kind: bool(kind[1].visual_id != self.screen.root_visual)):
            if visual.visual_class in (X.TrueColor, X.DirectColor) and bits.get(depth) in (16, 32):
                masks = visual.red_mask, visual.green_mask, visual.blue_mask
                alpha = 0xFFFFFFFF & ~sum(masks) if depth == 32 else 0
                found.setdefault(depth, Pixels(*masks, alpha, bits[depth], info.image_byte_order != 0))
        return found

    # The screen

    def monitor_at(self, x: int, y: int) -> Box:
        """The monitor on which a point is, or the whole screen."""
        # Xinerama tells of RandR's monitors too, and its question is the one that no server has changed.
        geometry = self.root.get_geometry()  # of this moment: a monitor may have been plugged in
        boxes = []
        with contextlib.suppress(Xlib.error.XError):
            if self.display.has_extension("XINERAMA"):
                told = self.display.xinerama_query_screens().screens
                boxes = [Box(box.x, box.y, box.width, box.height) for box in told]
        return next((box for box in boxes if box.holds(x, y)), Box(0, 0, geometry.width, geometry.height))

    def scale(self) -> float:
        """How many pixels a unit has: by the resolution the desktop tells all programs, or by GDK_SCALE."""
        scale = 1.0
        resources = self.property(self.root, "RESOURCE_MANAGER")
        text = resources.decode("latin-1") if isinstance(resources, bytes) else str(resources or "")
        wishes = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("Xft.dpi:")]
        with contextlib.suppress(ValueError, IndexError):
            scale = max(scale, float(wishes[0]) / 96)
        with contextlib.suppress(ValueError):
            scale = max(scale, float(os.environ.get("GDK_SCALE", "1")))
        return min(scale, 4.0)
