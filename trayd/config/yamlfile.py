"""Reading one YAML file without YAML's traps: bounded, no tags, no aliases, no duplicate keys, with line numbers.

PyYAML 6 was measured (facts: connection.md 6): a duplicate key silently wins, deep nesting is a RecursionError, an
alias may be cyclic or a bomb. So the file is read as events, and a value is built only from what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from trayd.core.text import clean
from trayd.core.words import _

MOST_BYTES = 256 * 1024
_DEEPEST = 20
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Path = tuple[str | int, ...]


class YamlFileError(Exception):
    """A file that cannot be read as YAML: the line (0 if unknown) and a sentence."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class Document:
    """A YAML value with the line of every key and entry, and the text of every plain scalar."""

    def __init__(self) -> None:
        self.value: Any = None
        self.lines: dict[Path, int] = {}
        self.raw: dict[Path, str] = {}
        self.duplicates: list[tuple[int, str]] = []

    def line(self, path: Path) -> int:
        """Return the line of a place in the value, or of the nearest group around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(data: bytes) -> Document:
    """Return the document in `data`. Raises YamlFileError."""
    if len(data) > MOST_BYTES:
        large = _("the file is too large for a profile ({size} bytes; {most} at most)")
        raise YamlFileError(0, large.format(size=len(data), most=MOST_BYTES))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlFileError(line, _("this is not UTF-8 text: save the file as UTF-8")) from None
    try:
        return _build(_checked(yaml.parse(text, Loader=_Loader)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        raise YamlFileError(line, _explain(error, text, line)) from None
    except yaml.YAMLError as error:
        raise YamlFileError(0, _("this is not YAML: {problem}").format(problem=clean(str(error), 120))) from None


def _explain(error: yaml.MarkedYAMLError, text: str, line: int) -> str:
    if "nesting depth" in (error.problem or ""):  # libyaml reads ahead, and since 0.2.6 gives up by itself
        return _("nested more than {most} levels deep").format(most=_DEEPEST)
    message = _("this is not YAML: {problem}")
    lines = text.splitlines()
    there = lines[line - 1] if 0 < line <= len(lines) else ""
    if "\t" in there:
        message = _("this is not YAML: {problem} (indent with blanks, not with tabs)")
    elif "\\" in there and '"' in there:
        message = _(
            "this is not YAML: {problem} (a backslash has a meaning in double quotes: use single quotes, or / in paths)"
        )
    return message.format(problem=clean(error.problem or error.context or _("syntax error"), 120))


def _checked(events: Any) -> Iterator[Any]:
    """Pass on the events of one document, refusing what a profile has no use for."""
    depth = documents = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise YamlFileError(line, _("a profile file holds one profile: remove the second '---'"))
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            refused = _("anchors (&) and aliases (*) are not allowed in a profile: write the value out")
            raise YamlFileError(line, refused)
        if getattr(event, "tag", None) and not isinstance(event, yaml.DocumentStartEvent):
            refused = _("tags are not allowed in a profile: remove {tag}")
            raise YamlFileError(line, refused.format(tag=clean(str(event.tag), 60)))
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise YamlFileError(line, _("nested more than {most} levels deep").format(most=_DEEPEST))
        yield event


def _build(events: Iterator[Any]) -> Document:
    document = Document()
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            document.value = _value(document, event, events, ())
    return document


def _value(document: Document, event: Any, events: Iterator[Any], path: Path) -> Any:
    document.lines.setdefault(path, event.start_mark.line + 1)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_value(document, event, events, (*path, len(items))))
        return items
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(document, events, path)
    return _scalar(document, event, path)


def _mapping(document: Document, events: Iterator[Any], path: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    while not isinstance(key := next(events), yaml.MappingEndEvent):
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarEvent):
            raise YamlFileError(line, _("a key must be a plain word"))
        # The key as written: YAML would turn  on:  and  no:  into true and false.
        place = (*path, key.value)
        if key.value in values:
            text = _("the key '{key}' stands here a second time").format(key=clean(key.value, 60))
            document.duplicates.append((line, text))
        document.lines[place] = line
        values[key.value] = _value(document, next(events), events, place)
    return values


# The C loader has no resolver of its own either: both are PyYAML's Python classes, which are not typed.
_resolver: Any = yaml.resolver.Resolver
_constructor: Any = yaml.constructor.SafeConstructor


def _scalar(document: Document, event: Any, path: Path) -> Any:
    if not event.implicit[0]:
        return event.value  # quoted
    document.raw[path] = event.value
    tag = _resolver().resolve(yaml.ScalarNode, event.value, (True, False))
    node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
    try:
        return _constructor().construct_object(node)
    except (ValueError, yaml.YAMLError):
        return event.value  # such as the date 2026-13-40
