"""Checking a value against the profile's JSON Schema: every problem at once, each with its place and a suggestion.

The schema file is the single source; this reads the few keywords that it uses. The `jsonschema` library does the same
and more, but importing it takes four times as long as importing YAML and 10 MB, which `trayd env` and the tray cannot
afford (measured: 84 ms, 10 MB); a test holds the two to the same verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

from trayd.core.text import clean, did_you_mean
from trayd.core.words import N_, _

Path = tuple[str | int, ...]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
}
_NAMES = {
    "object": N_("a group of keys"),
    "array": N_("a list"),
    "string": N_("text"),
    "number": N_("a number"),
    "boolean": N_("true or false"),
}


def problems(
    value: Any, schema: Mapping[str, Any], raw: Mapping[Path, str], at: Path = ()
) -> Iterator[tuple[Path, str]]:
    """Yield (place, sentence) for everything in `value` that the schema does not allow.

    `raw` holds the text of plain scalars as they stand in the file, to explain what YAML made of them.
    """
    types = _allowed(schema)
    if types and not any(_is(value, kind) for kind in types):
        yield at, _wrong_type(value, types, raw.get(at), at)
        return
    if "enum" in schema and value not in schema["enum"]:
        text = _("{key} must be one of {values}, not {value}{suggestion}")
        words = {"values": _(", ").join(schema["enum"]), "suggestion": did_you_mean(str(value), schema["enum"])}
        yield at, text.format(key=_name(at), value=_shown(value), **words)
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        text = _("{key} is {value}: {hint}")
        yield at, text.format(key=_name(at), value=_shown(value), hint=_hint(schema))
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < schema.get("minimum", value):
        text = _("{key} must be at least {least}, not {value}")
        yield at, text.format(key=_name(at), least=schema["minimum"], value=value)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from problems(item, schema.get("items", {}), raw, (*at, number))
    if isinstance(value, dict):
        yield from _object_problems(value, schema, raw, at)


def _object_problems(
    value: dict[str, Any], schema: Mapping[str, Any], raw: Mapping[Path, str], at: Path
) -> Iterator[tuple[Path, str]]:
    known = schema.get("properties", {})
    for key in schema.get("required", ()):
        if key not in value:
            text = _("'{key}' is missing under {group}: {hint}") if at else _("'{key}' is missing: {hint}")
            yield at, text.format(key=key, group=_name(at), hint=_hint(known[key]))
    ways = [way["required"][0] for way in schema.get("oneOf", ())]
    if ways and (given := [way for way in ways if way in value]) != given[:1]:
        text = _("only one of {keys} can stand here: remove {given}")
        yield (*at, given[1]), text.format(keys=_(", ").join(ways), given=_joined(_("{key} or {other}"), "key", given))
    elif ways and not given:
        yield at, _("'{key}' is missing: {hint}").format(key=ways[0], hint=_hint(known[ways[0]]))
    for key, needed in schema.get("dependentRequired", {}).items():
        if key in value and not set(needed) <= value.keys():
            yield (*at, key), _("'{key}' goes with '{other}' only: remove it").format(key=key, other=needed[0])
    others = schema.get("additionalProperties", True)
    names = schema.get("propertyNames", {})
    for key, item in value.items():
        place = (*at, key)
        if key in known:
            yield from problems(item, known[key], raw, place)
        elif others is False:
            text = _("unknown key '{key}'{suggestion}")
            yield place, text.format(key=clean(key, 60), suggestion=did_you_mean(key, known))
        elif "pattern" in names and not re.search(names["pattern"], key):
            yield place, _("'{key}': {problem}").format(key=clean(key, 60), problem=_hint(names))
        elif isinstance(others, Mapping):
            yield from problems(item, others, raw, place)


def _allowed(schema: Mapping[str, Any]) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _name(at: Path) -> str:
    if not at:
        return _("the profile")
    if isinstance(at[-1], int):
        return _("entry {number} of '{key}'").format(number=at[-1] + 1, key=at[-2])
    return _("'{key}'").format(key=clean(at[-1], 60))


def _hint(schema: Mapping[str, Any]) -> str:
    """Return what the schema says about a wrong value; translators find it in the schema's file."""
    hint: str = schema["x-hint"]
    return _(hint)


def _joined(text: str, placeholder: str, words: Sequence[str]) -> str:
    """Return all words with "or" between them, by a text that has room for two."""
    return reduce(lambda one, other: text.format(**{placeholder: one, "other": other}), words)


def _shown(value: Any) -> str:
    return repr(clean(str(value), 60)) if isinstance(value, str) else clean(str(value), 60)


def _wrong_type(value: Any, types: list[str], raw: str | None, at: Path) -> str:
    key, wanted = _name(at), _joined(_("{type} or {other}"), "type", [_(_NAMES[kind]) for kind in types])
    if value is None:
        return _("{key} is empty: it must be {type}").format(key=key, type=wanted)
    if "string" in types and raw is not None:
        # PyYAML reads no as false, 1.40 as 1.4, 22:30 as 1350.
        made = str(value).lower() if isinstance(value, bool) else str(value)
        text = _("{key} must be {type}: write it in quotes: '{raw}'")
        if made != raw:
            text = _("{key} must be {type}, and YAML reads {short} as {made}: write it in quotes: '{raw}'")
        return text.format(key=key, type=wanted, raw=clean(raw, 60), short=clean(raw, 40), made=clean(made, 40))
    if "array" in types and isinstance(value, str):
        return _("{key} must be a list: write [{value}]").format(key=key, value=clean(value, 60))
    if "object" in types and not at:
        return _("this is not a profile: write keys with values, such as  host: unix:///var/run/docker.sock")
    return _("{key} must be {type}, not {value}").format(key=key, type=wanted, value=_shown(value))
