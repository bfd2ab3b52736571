"""What a key on an X keyboard means to a menu: its name, or the character that it types."""

from __future__ import annotations

import unicodedata
from typing import Any

import Xlib.XK
from Xlib import X

Xlib.XK.load_keysym_group("xkb")
_NAMES = (
    "Escape", "Down", "Up", "Left", "Right", "Home", "End", "Next", "Prior", "Return", "Tab", "space", "KP_Enter",
    "KP_Down", "KP_Up", "KP_Left", "KP_Right", "KP_Home", "KP_End", "KP_Next", "KP_Prior", "ISO_Left_Tab",
)  # fmt: skip
_KEYS = {Xlib.XK.string_to_keysym(name): name for name in _NAMES}


def meaning(display: Any, event: Any) -> tuple[str, str]:
    """The name of a key that a menu knows, or the character it types, by the layout and the shift of this moment."""
    index = 2 * (event.state >> 13 & 3) + (event.state & X.ShiftMask)
    symbol = display.keycode_to_keysym(event.detail, index) or display.keycode_to_keysym(event.detail, 0)
    name = _KEYS.get(symbol, "")
    return name, "" if name else _character(symbol)


def _character(symbol: int) -> str:
    """The character that a key symbol types: Latin-1 has its own numbers, all others those of Unicode."""
    code = symbol - 0x01000000 if symbol >> 24 == 1 else symbol
    if not (symbol >> 24 == 1 or 0x20 <= symbol <= 0x7E or 0xA0 <= symbol <= 0xFF) or code > 0x10FFFF:
        return ""
    return "" if unicodedata.category(chr(code))[0] == "C" else chr(code)
