"""The icon in Windows' notification area: pystray's, with everything done on the thread that owns its window.

pystray would change the menu from any thread and destroy it while it is open: it stays on the screen and a click in it
does nothing (pystray issue 60; seen). Here other threads only leave work and post a message; icon and tooltip then
change while the menu is open, and the menu that a person looks at stays as it is, its clicks mean what they say, and
the newest one is built when it is opened next.
"""

from __future__ import annotations

import ctypes
import ctypes.wintypes
import io
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from PIL import Image

from trayd.tray.pystray_import import pystray

win32 = pystray._win32.win32  # its declarations of the system's functions

WM_WORK = 0x8000 + 1  # WM_APP + 1: there is work for the window's thread
WM_NULL = 0x0000
WM_QUERYENDSESSION = 0x0011
WM_ENDSESSION = 0x0016
WM_MBUTTONUP = 0x0208
SM_CXSMICON = 49
ICON_FORMAT = 0x00030000  # the only version of icon resources there is
ICO_HEADER = 22  # bytes before the one picture of an .ico file

_user32 = ctypes.WinDLL("user32")  # type: ignore[attr-defined,unused-ignore] # Windows only
_user32.CreateIconFromResourceEx.restype = ctypes.c_void_p
_user32.SetForegroundWindow.argtypes = (ctypes.c_void_p,)


class Icon(pystray._win32.Icon):  # type: ignore[misc]
    """An icon of the notification area whose left click opens the menu too, as the shell's own icons do.

    `on_open` and `on_secondary` are called on the window's thread, when the menu opens and for the middle button.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._owner: int | None = None  # the thread of the window, once there is one
        self._menu_handle: Any = None
        self._is_open = False
        self.on_open: Callable[[], None] = lambda: None
        self.on_secondary: Callable[[], None] = lambda: None
        _user32.SetProcessDPIAware()  # or everything is drawn small and blown up on a fine screen
        self._icon_handle: Any = None
        super().__init__(*args, **kwargs)
        self._message_handlers[WM_WORK] = self._on_work
        # pystray answers 0 to whatever it does not know, which to this question means: do not log off.
        self._message_handlers[WM_QUERYENDSESSION] = lambda *_: 1
        self._message_handlers[WM_ENDSESSION] = self._on_end_session

    def _run(self) -> None:
        self._owner = threading.get_ident()
        super()._run()

    def _in_turn(self, work: Callable[[], None]) -> None:
        """Do it now on the window's thread, else leave it for that."""
        if threading.get_ident() == self._owner:
            work()
        else:
            self._work.put(work)
            if self._hwnd:
                win32.PostMessage(self._hwnd, WM_WORK, 0, 0)

    def _on_work(self, wparam: int, lparam: int) -> None:
        while True:
            try:
                work = self._work.get_nowait()
            except Empty:
                return
            work()

    def _show(self) -> None:
        self._in_turn(super()._show)

    def _hide(self) -> None:
        self._in_turn(super()._hide)

    def _update_icon(self) -> None:
        self._in_turn(super()._update_icon)

    def _update_title(self) -> None:
        self._in_turn(super()._update_title)

    def _notify(self, message: str, title: str | None = None) -> None:
        notify = super()._notify
        self._in_turn(lambda: notify(message, title))

    def _remove_notification(self) -> None:
        self._in_turn(super()._remove_notification)

    def _update_menu(self) -> None:
        """Nothing: the menu is built when it is opened, and an open one is left alone."""

    def _on_notify(self, wparam: int, lparam: int) -> None:
        if lparam in (win32.WM_LBUTTONUP, win32.WM_RBUTTONUP):
            self._open_menu()
        elif lparam == WM_MBUTTONUP:
            self.on_secondary()

    def _open_menu(self) -> None:
        if self._is_open or not self.menu:
            return
        self._is_open = True
        callbacks: list[Any] = []
        hmenu = self._create_menu(self.menu, callbacks)
        try:
            self.on_open()
            # Without the foreground the menu would not close by a click elsewhere.
            win32.SetForegroundWindow(self._hwnd)
            point = ctypes.wintypes.POINT()
            win32.GetCursorPos(ctypes.byref(point))
            flags = win32.TPM_RIGHTALIGN | win32.TPM_BOTTOMALIGN | win32.TPM_RETURNCMD
            chosen = win32.TrackPopupMenuEx(hmenu, flags, point.x, point.y, self._menu_hwnd, None)
            # Without a message behind it the menu would close at once the next time (Microsoft's Q135788).
            win32.PostMessage(self._hwnd, WM_NULL, 0, 0)
        finally:
            self._is_open = False
            win32.DestroyMenu(hmenu)
        if chosen > 0:
            callbacks[chosen - 1](self)

    def _create_menu_item(self, descriptor: Any, callbacks: list[Any]) -> Any:
        item = super()._create_menu_item(descriptor, callbacks)
        if descriptor.text and item.dwTypeData:
            item.dwTypeData = as_label(descriptor.text)
        return item

    def _on_stop(self, wparam: int, lparam: int) -> None:
        _user32.EndMenu()
        super()._on_stop(wparam, lparam)

    def _on_end_session(self, wparam: int, lparam: int) -> None:
        if wparam:
            self._on_stop(0, 0)

    def _assert_icon_handle(self) -> None:
        """Make the icon from memory, in the size the notification area shows; pystray goes by a file and scales it."""
        if self._icon_handle:
            return
        size = _user32.GetSystemMetrics(SM_CXSMICON)
        data = icon_resource(self.icon, size)
        handle = _user32.CreateIconFromResourceEx(data, len(data), True, ICON_FORMAT, size, size, 0)
        if not handle:
            raise ctypes.WinError()  # type: ignore[attr-defined,unused-ignore]
        self._icon_handle = ctypes.wintypes.HICON(handle)


def as_label(text: str) -> str:
    """A text as a menu item's label: an ampersand would underline the next letter, a tab push the rest to the right."""
    return text.replace("&", "&&").replace("\t", " ")


def icon_resource(image: Image.Image, size: int) -> bytes:
    """One picture as an icon resource, from the rendition that is next in size."""
    renditions = getattr(image, "renditions", (image,))
    best = min(renditions, key=lambda one: (one.width < size, abs(one.width - size)))
    file = io.BytesIO()
    best.save(file, "ICO", sizes=[best.size], bitmap_format="bmp")
    return file.getvalue()[ICO_HEADER:]
