"""What runs on Windows' side of a test: looks at windows and the clipboard, and prints JSON in UTF-8.

Only the standard library, since it stands in for the eyes of another program than trayd.
"""

import ctypes
import json
import sys
from ctypes import wintypes

user32, kernel32 = ctypes.WinDLL("user32"), ctypes.WinDLL("kernel32")
CF_UNICODETEXT = 13
WM_QUERYENDSESSION = 0x0011
SWP_NOSIZE, SWP_NOZORDER, SWP_NOACTIVATE = 0x0001, 0x0004, 0x0010
user32.SendMessageW.restype = wintypes.LPARAM
user32.SendMessageW.argtypes = (wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)
user32.GetClipboardData.restype = wintypes.HANDLE
kernel32.GlobalLock.restype, kernel32.GlobalLock.argtypes = ctypes.c_void_p, (wintypes.HANDLE,)
CALLBACK = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)


def windows():
    """Every top-level window: handle, class, title, whether it is visible, and its place."""
    found = []

    def one(handle, _):
        name, title, place = (
            ctypes.create_unicode_buffer(200),
            ctypes.create_unicode_buffer(400),
            wintypes.RECT(),
        )
        user32.GetClassNameW(handle, name, 200)
        user32.GetWindowTextW(handle, title, 400)
        user32.GetWindowRect(handle, ctypes.byref(place))
        found.append(
            {
                "handle": handle,
                "class": name.value,
                "title": title.value,
                "visible": bool(user32.IsWindowVisible(handle)),
                "rect": [place.left, place.top, place.right, place.bottom],
            }
        )
        return True

    user32.EnumWindows(CALLBACK(one), 0)
    return found


def area_to_the_corner():
    """Put the notification area where it is on Windows, at the right below: a menu has its place above it there."""
    handle = next(w["handle"] for w in windows() if w["class"] == "Shell_TrayWnd")
    place = wintypes.RECT()
    user32.GetWindowRect(handle, ctypes.byref(place))
    left = user32.GetSystemMetrics(0) - (place.right - place.left)
    top = user32.GetSystemMetrics(1) - (place.bottom - place.top)
    return user32.SetWindowPos(handle, None, left, top, 0, 0, SWP_NOSIZE | SWP_NOZORDER | SWP_NOACTIVATE)


def clipboard():
    """The text on the clipboard, or None."""
    if not user32.OpenClipboard(None):
        return None
    try:
        handle = user32.GetClipboardData(CF_UNICODETEXT)
        return ctypes.wstring_at(kernel32.GlobalLock(handle)) if handle else None
    finally:
        user32.CloseClipboard()


def may_log_off():
    """What trayd's window answers when Windows asks whether the session may end."""
    handle = next(w["handle"] for w in windows() if w["class"].startswith("trayd"))
    # pystray's window function gives 32 bits, in the lower half of what comes back; a BOOL has no more.
    return user32.SendMessageW(handle, WM_QUERYENDSESSION, 0, 0) & 0xFFFFFFFF


sys.stdout.buffer.write(json.dumps(globals()[sys.argv[1]]()).encode())
