"""Checking a value against the profile's JSON Schema: every problem at once, each with its place and a suggestion.

The schema file is the single source; this reads the few keywords that it uses. The `jsonschema` library does the same
and more, but importing it takes four times as long as importing YAML and 10 MB, which `trayd env` and the tray cannot
afford (measured: 84 ms, 10 MB); a test holds the two to the same verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trayd.core.text import clean, did_you_mean

Path = tuple[str | int, ...]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
}
_NAMES = {
    "object": "a group of keys",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
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
        known = ", ".join(schema["enum"])
        yield at, f"{_name(at)} must be one of {known}, not {_shown(value)}{did_you_mean(str(value), schema['enum'])}"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield at, f"{_name(at)} is {_shown(value)}: {schema['x-hint']}"
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < schema.get("minimum", value):
        yield at, f"{_name(at)} must be at least {schema['minimum']}, not {value}"
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
            yield at, f"'{key}' is missing{' under ' + _name(at) if at else ''}: {known[key]['x-hint']}"
    ways = [way["required"][0] for way in schema.get("oneOf", ())]
    if ways and (given := [way for way in ways if way in value]) != given[:1]:
        yield (*at, given[1]), f"only one of {', '.join(ways)} can stand here: remove {' or '.join(given)}"
    elif ways and not given:
        yield at, f"'{ways[0]}' is missing: {known[ways[0]]['x-hint']}"
    for key, needed in schema.get("dependentRequired", {}).items():
        if key in value and not set(needed) <= value.keys():
            yield (*at, key), f"'{key}' goes with '{needed[0]}' only: remove it"
    others = schema.get("additionalProperties", True)
    names = schema.get("propertyNames", {})
    for key, item in value.items():
        place = (*at, key)
        if key in known:
            yield from problems(item, known[key], raw, place)
        elif others is False:
            yield place, f"unknown key '{clean(key, 60)}'{did_you_mean(key, known)}"
        elif "pattern" in names and not re.search(names["pattern"], key):
            yield place, f"'{clean(key, 60)}': {names['x-hint']}"
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
        return "the profile"
    if isinstance(at[-1], int):
        return f"entry {at[-1] + 1} of '{at[-2]}'"
    return f"'{clean(at[-1], 60)}'"


def _shown(value: Any) -> str:
    return repr(clean(str(value), 60)) if isinstance(value, str) else clean(str(value), 60)


def _wrong_type(value: Any, types: list[str], raw: str | None, at: Path) -> str:
    wanted = " or ".join(_NAMES[kind] for kind in types)
    if value is None:
        return f"{_name(at)} is empty: it must be {wanted}"
    if "string" in types and raw is not None:
        # PyYAML reads no as false, 1.40 as 1.4, 22:30 as 1350.
        made = str(value).lower() if isinstance(value, bool) else str(value)
        reads = f", and YAML reads {clean(raw, 40)} as {clean(made, 40)}" if made != raw else ""
        return f"{_name(at)} must be {wanted}{reads}: write it in quotes: '{clean(raw, 60)}'"
    if "array" in types and isinstance(value, str):
        return f"{_name(at)} must be a list: write [{clean(value, 60)}]"
    if "object" in types and not at:
        return "this is not a profile: write keys with values, such as  host: unix:///var/run/docker.sock"
    return f"{_name(at)} must be {wanted}, not {_shown(value)}"
