"""Which language trayd speaks: what TRAYD_LANG says, or what was chosen in the menu, or what the system is set to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping

from trayd.core import words
from trayd.core.words import ENGLISH

FOLDER = os.path.join(os.path.dirname(__file__), "locale")
VARIABLE = "TRAYD_LANG"


def speak(chosen: str = "", environ: Mapping[str, str] = os.environ) -> str:
    """Speak the language that is chosen, or the system's; return its key in `words.LANGUAGES`."""
    key = known(environ.get(VARIABLE, "")) or known(chosen) or system(environ)
    words.speak(None if key == ENGLISH else _catalogue(key))
    return key


def known(name: str) -> str:
    """Return the language that a locale's name means ("zh_CN.UTF-8", "zh-Hans-CN"), or nothing if trayd has none.

    Traditional Chinese is another one than Simplified, and no translation of it is here.
    """
    parts = name.partition(".")[0].partition("@")[0].replace("-", "_").split("_")
    if parts[0].lower() in ("en", "c", "posix"):
        return ENGLISH
    if parts[0].lower() == "zh" and not {part.lower() for part in parts} & {"hant", "tw", "hk", "mo"}:
        return "zh_CN"
    return ""


def system(environ: Mapping[str, str]) -> str:
    """Return the language of the session."""
    return next(filter(None, map(known, _wanted(environ))), ENGLISH)


def _wanted(environ: Mapping[str, str]) -> Iterable[str]:
    """Yield names of locales, the most wanted first, by the rules of GNU gettext ("Locale Environment Variables")."""
    locale = next((environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if environ.get(n)), "")
    if locale.partition(".")[0] in ("C", "POSIX"):
        return  # whoever sets this wants plain English, and no list of languages counts
    if locale:
        # A list of languages counts only where a locale is set; an unknown one in it is passed over.
        yield from environ.get("LANGUAGE", "").split(":")
        yield locale
    elif sys.platform != "linux":
        from trayd.desktop.languages import preferred

        yield from preferred()


def _catalogue(key: str) -> words.Catalogue | None:
    """Load a language's catalogue; without it (a broken installation) English is spoken."""
    import gettext  # not for English: it costs 4 ms

    try:
        with open(os.path.join(FOLDER, key, "LC_MESSAGES", "trayd.mo"), "rb") as file:
            return gettext.GNUTranslations(file)
    except (OSError, ValueError, UnicodeError):
        return None
