"""The language of what trayd says to people: `_("…")` around every such text, chosen once for the whole process.

It is the one thing that functions of the core take from outside of their arguments: a language belongs to the person,
not to a snapshot, and every sentence would have to carry it. A text with values in it is `_("{name} is …").format(…)`,
so that a translation may order them anew. Tables of texts are marked by `N_` where they are made, and go through `_`
where they are shown. English is what stands in the source and needs no catalogue.
"""

from __future__ import annotations

from typing import Protocol


class Catalogue(Protocol):
    """What the standard library's gettext makes of a file of translations."""

    def gettext(self, message: str) -> str:
        """Return the translation of a text, or the text."""

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """Return the translation of one of two texts, by a number."""


ENGLISH = "en"
# Each in its own words, for whoever cannot read the others'.
LANGUAGES = {ENGLISH: "English", "zh_CN": "简体中文"}

_catalogue: Catalogue | None = None


def speak(catalogue: Catalogue | None) -> None:
    """From now on use this catalogue; None is English."""
    global _catalogue  # the language of the process
    _catalogue = catalogue


def _(text: str) -> str:
    """Return a text in the person's language."""
    return text if _catalogue is None or not text else _catalogue.gettext(text)


def many(one: str, more: str, number: int) -> str:
    """Return the text for a number of things, in the person's language."""
    if _catalogue is None:
        return one if number == 1 else more
    return _catalogue.ngettext(one, more, number)


def N_(text: str) -> str:  # noqa: N802 - the name by which translators' tools find it
    """Mark a text of a table for translation, and return it as it is."""
    return text
