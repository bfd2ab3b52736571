"""A language for a test: real gettext, with a catalogue of a few texts."""

from __future__ import annotations

import contextlib
import gettext
import io
from collections.abc import Iterator, Mapping

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from trayd.core import words


@contextlib.contextmanager
def speaking(texts: Mapping[str, str], locale: str = "zh_CN") -> Iterator[None]:
    """Speak a language that has these texts, and English again behind it."""
    catalogue, file = Catalog(locale=locale), io.BytesIO()
    for text, translation in texts.items():
        catalogue.add(text, translation)
    write_mo(file, catalogue)
    file.seek(0)
    words.speak(gettext.GNUTranslations(file))
    try:
        yield
    finally:
        words.speak(None)
