"""Text for the desktop: what may be in a name that somebody else gave must do no harm in a panel."""

from __future__ import annotations

import re
from unicodedata import bidirectional

# C0 and C1 controls and the line separators; NUL would even make the bus throw us out (D-Bus specification,
# "Valid Strings"). The bidirectional embeddings could turn a label around (Unicode TR 9).
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]+")
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # from a file name that is not UTF-8; it cannot be sent

_ALIKE = str.maketrans({"<": "‹", ">": "›", "&": "+"})


def plain(text: str, limit: int, lines: bool = False) -> str:
    """Take out control characters (line ends stay if `lines`) and shorten to `limit` characters."""
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", _BIDI.sub("", text))
    if not text.isprintable():
        text = (_CONTROL_BUT_LINES if lines else _CONTROL).sub(" ", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def in_order(text: str) -> str:
    """Keep name and state in our order where the name is written from right to left: GTK goes by the first letter."""
    if text.isascii():
        return text
    strong = next((way for way in map(bidirectional, text) if way in ("L", "R", "AL")), "L")
    return text if strong == "L" else f"\N{LEFT-TO-RIGHT MARK}{text}"


def unmarked(text: str) -> str:
    """Replace the characters that mean something in markup by others that look alike, for a tooltip.

    Panels do not agree on what is markup: of XFCE 4.18 the title is plain text and the description is markup, of
    waybar the title is markup; wrong markup gives an empty box, and escapes in plain text are shown as such. A text
    without these characters reads the same everywhere.
    """
    return text.translate(_ALIKE)


def escape_markup(text: str) -> str:
    """Escape the characters that a notification's body takes as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
