"""Keeps the translations: `.venv/bin/python scripts/translations.py` after a text was changed, then translate what it
names in trayd/locale/*/LC_MESSAGES/trayd.po, and run it again.

It collects what the source marks (`_`, `many`, `N_`) and the tables of sentences, merges that into each .po file, and
compiles the .mo files, which are committed: an installation needs no compiler for them. Babel does all of it.
`--add FILE` first takes in translations from a JSON object {text: translation}.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "trayd" / "locale"
KEYWORDS = {"_": None, "N_": None, "many": (1, 2)}


def tables() -> Iterator[tuple[str, str]]:
    """Yield where and what: the texts of the modules that are nothing but tables, where every text is shown."""
    from trayd.cli_parser import TEXTS
    from trayd.core.sentences import SENTENCES

    for pair in SENTENCES.values():
        for text in pair:
            yield "trayd/core/sentences.py", text
    for texts in TEXTS.values():
        for text in texts:
            yield "trayd/cli_parser.py", text
    for text in hints(json.loads((ROOT / "trayd" / "config" / "profile.schema.json").read_text("utf-8"))):
        yield "trayd/config/profile.schema.json", text


def hints(schema: object) -> Iterator[str]:
    """Yield what a schema says about wrong values."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "x-hint":
                yield value
            yield from hints(value)


def template() -> Catalog:
    """Return all texts that can be shown, in English."""
    catalogue = Catalog(project="trayd", header_comment="")
    found = extract_from_dir(str(ROOT / "trayd"), method_map=[("**.py", "python")], keywords=KEYWORDS)
    for file, _line, text, _comments, _context in found:
        catalogue.add(text, locations=[(f"trayd/{Path(file).as_posix()}", None)])
    for file, text in tables():
        catalogue.add(text, locations=[(file, None)])
    for message in catalogue:
        message.flags.clear()  # Babel takes "100 %" for a printf format; ours are str.format's
    return catalogue


def files() -> list[Path]:
    """Return the .po files, one for each language."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/trayd.po"))


def read(path: Path) -> Catalog:
    """Read a .po file."""
    with open(path, "rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def updated(catalogue: Catalog, texts: Catalog) -> Catalog:
    """Return a catalogue with exactly these texts, and the translations that are known of them."""
    fresh = Catalog(locale=catalogue.locale, project="trayd", header_comment=catalogue.header_comment)
    for message in texts:
        if message.id:
            known = catalogue.get(message.id)
            string = known.string if known is not None else ""
            locations = sorted({(file, None) for file, _ in message.locations})
            fresh.add(message.id, string, locations=locations)
    for message in fresh:
        message.flags.clear()
    return fresh


def po_text(catalogue: Catalog, language: str) -> bytes:
    """Return the file of a catalogue: sorted, without line numbers and dates, so that it changes with texts only."""
    out = io.BytesIO()
    write_po(out, catalogue, width=120, omit_header=True, sort_output=True, include_lineno=False)
    header = (
        f"# {catalogue.locale.display_name if catalogue.locale else ''}: translations of trayd.\n"
        'msgid ""\nmsgstr ""\n"Project-Id-Version: trayd\\n"\n'
        f'"Language: {language}\\n"\n"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=UTF-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: nplurals={catalogue.num_plurals}; plural={catalogue.plural_expr};\\n"\n\n'
    )
    return header.encode() + out.getvalue()


def mo_bytes(path: Path) -> bytes:
    """Return what a .po file is compiled to; gettext reads the charset and the plural rule from its header."""
    catalogue = read(path)
    out = io.BytesIO()
    for message in catalogue:
        message.flags.discard("fuzzy")
    catalogue.header_comment = ""
    catalogue.creation_date = catalogue.revision_date = datetime.fromtimestamp(0, UTC)  # the same file every time
    write_mo(out, catalogue)
    return out.getvalue()


def lacking(catalogue: Catalog) -> list[str]:
    """Return the texts without a translation."""

    def empty(string: object) -> bool:
        return not string or (isinstance(string, tuple | list) and not all(string))

    return [str(message.id) for message in catalogue if message.id and empty(message.string)]


def main() -> int:
    """Bring all files up to date; 1 if translations are lacking."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--add", metavar="FILE", action="append", default=[], help="JSON: {text: translation}")
    parser.add_argument("--lacking", action="store_true", help="print what has no translation, as such a JSON object")
    options = parser.parse_args()
    texts, code = template(), 0
    added = {key: value for file in options.add for key, value in json.loads(Path(file).read_text("utf-8")).items()}
    for path in files():
        catalogue = updated(read(path), texts)
        for message in catalogue:
            first = message.id[0] if isinstance(message.id, tuple | list) else message.id
            if first and first in added:
                plural = isinstance(message.id, tuple | list)
                message.string = (added.pop(first),) * catalogue.num_plurals if plural else added.pop(first)
        path.write_bytes(po_text(catalogue, path.parent.parent.name))
        path.with_suffix(".mo").write_bytes(mo_bytes(path))
        missing = lacking(catalogue)
        print(
            f"{path.parent.parent.name}: {len(catalogue)} texts, {len(missing)} without a translation", file=sys.stderr
        )
        if options.lacking:
            print(json.dumps(dict.fromkeys(missing, ""), indent=1, ensure_ascii=False))
        code = code or bool(missing)
    for text in added:
        print(f"not a text of trayd: {text!r}", file=sys.stderr)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
