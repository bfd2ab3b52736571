"""Making text from files and engines safe to show: bounded, one line, no control characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from trayd.core.words import _

# Controls, format characters (bidi overrides among them), surrogates, private use, line and paragraph separators.
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def clean(text: str, limit: int = 200) -> str:
    """Return `text` on one line, without control and direction characters, at most `limit` characters long."""
    # A hostile text may be megabytes long: only what can be shown is looked at.
    shown = text[: limit * 4]
    if not (shown.isascii() and shown.isprintable()):  # nearly always it is, and a menu has hundreds of texts
        shown = "".join(" " if unicodedata.category(c) in _UNSHOWABLE else c for c in shown)
    shown = " ".join(shown.split())
    if len(shown) > limit:
        return shown[: limit - 1] + "…"
    return shown


def hidden_character(text: str) -> str | None:
    """Return the name of the first character in `text` that cannot be seen or ends a line, or None."""
    for character in text:
        if unicodedata.category(character) in _UNSHOWABLE:
            return unicodedata.name(character, f"U+{ord(character):04X}")
    return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the known word nearest to `word`, or an empty text."""
    import difflib  # only on a mistake: it costs as much start-up time as argparse

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return _(" (did you mean '{word}'?)").format(word=near[0]) if near else ""


def human_size(size: float) -> str:
    """Return a size in bytes in the decimal units of `docker images`, three figures, such as "72.8 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def human_latency(seconds: float) -> str:
    """Return a latency as people read it: "<1 ms", "12 ms", "1.4 s"."""
    if seconds < 0.001:
        return "<1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s"


def human_duration(seconds: float) -> str:
    """Return a duration as a profile's file takes it: "500ms", "60s", "90s", "2m"."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds >= 120 and seconds % 60 == 0:
        return f"{seconds / 60:.0f}m"
    return f"{seconds:.1f}".removesuffix(".0") + "s"
