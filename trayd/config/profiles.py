"""The profiles folder: every YAML file a profile, every problem with its file, line and a suggestion."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from trayd.config import yamlfile
from trayd.config.computer import Computer
from trayd.config.contexts import Context, context_endpoint
from trayd.config.machines import Machine, machine_endpoint
from trayd.config.reading import UnreadableError, read_own
from trayd.core import schema as schemas
from trayd.core.messages import Loaded, Problem
from trayd.core.profile import (
    Endpoint,
    Profile,
    ProfileError,
    Tls,
    When,
    origin,
    parse_health,
    parse_host,
)
from trayd.core.text import clean, did_you_mean, hidden_character
from trayd.core.value import Value
from trayd.core.words import _

SUFFIXES = (".yaml", ".yml")
WAYS = ("host", "context", "machine")
_LONGEST_NAME = 64
T = TypeVar("T")


class Stores(Value):
    """What a profile file may name: docker's contexts and docker-machine's machines, and which context docker uses."""

    contexts: tuple[Context, ...] = ()
    machines: tuple[Machine, ...] = ()
    problems: tuple[Problem, ...] = ()
    current: str = ""


_NO_STORES = Stores()


def schema_text() -> str:
    """Return the JSON Schema of a profile, as it stands in the package."""
    path = os.path.join(os.path.dirname(__file__), "profile.schema.json")
    with open(path, encoding="utf-8") as file:
        return file.read()


@cache
def schema() -> Mapping[str, Any]:
    """Return the schema with its references put in, ready for checking."""
    read: dict[str, Any] = json.loads(schema_text())
    for key, entry in read["properties"]["health"]["properties"].items():
        if "$ref" not in entry:
            continue
        name = entry["$ref"].rsplit("/", 1)[-1]
        read["properties"]["health"]["properties"][key] = read["$defs"][name] | entry
    return read


def load(folder: str, computer: Computer, stores: Stores = _NO_STORES) -> Loaded:
    """Read all profiles of a folder."""
    profiles: dict[str, Profile] = {}
    problems: list[Problem] = []
    broken: set[str] = set()
    for path in _files(folder, problems):
        try:
            found = read_profile(path, computer, stores)
            if found is not None and found.name in profiles:
                text = _("there is another file for the profile '{name}': rename one")
                raise ProfileFileError([(0, text.format(name=found.name))])
        except ProfileFileError as error:
            problems += [Problem(path, line, message) for line, message in error.found]
            broken.add(_name(path))
            continue
        if found is not None:
            profiles[found.name] = found
    return Loaded(tuple(profiles.values()), tuple(problems), frozenset(broken - profiles.keys()))


class ProfileFileError(Exception):
    """What is wrong with one profile file: (line, sentence), in the order of the lines."""

    def __init__(self, found: list[tuple[int, str]]) -> None:
        super().__init__(found)
        self.found = sorted(found)


def _files(folder: str, problems: list[Problem]) -> list[str]:
    try:
        entries = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        text = _("the profiles folder cannot be read ({why})").format(why=error.strerror)
        problems.append(Problem(folder, 0, text))
        return []
    return [
        os.path.join(folder, name) for name in entries if name.endswith(SUFFIXES) and not name.startswith((".", "#"))
    ]


def read_profile(path: str, computer: Computer, stores: Stores) -> Profile | None:
    """Return the profile of one file, or None if it is not for this computer.

    Raises ProfileFileError with everything that is wrong with the file.
    """
    _check_name(_name(path))
    try:
        document = yamlfile.read(_bytes(path))
    except yamlfile.YamlFileError as error:
        raise ProfileFileError([(error.line, error.message)]) from None
    if document.value is None:
        raise ProfileFileError([(1, _("the file is empty: write for example  host: unix:///var/run/docker.sock"))])
    found = list(document.duplicates)
    found += [
        (document.line(place), message) for place, message in schemas.problems(document.value, schema(), document.raw)
    ]
    if found:
        raise ProfileFileError(found)
    value = document.value
    when = When(tuple(value.get("when", {}).get("os", ())), tuple(value.get("when", {}).get("hostname", ())))
    if not when.holds(computer.system, computer.hostname):
        return None
    return _profile(path, value, document, computer, stores)


def _name(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def _check_name(name: str) -> None:
    if hidden := hidden_character(name):
        text = _("the file's name contains an invisible character ({hidden}): rename it")
        raise ProfileFileError([(0, text.format(hidden=hidden))])
    if len(name) > _LONGEST_NAME:
        text = _("the file's name is too long for a profile ({most} characters at most)")
        raise ProfileFileError([(0, text.format(most=_LONGEST_NAME))])
    if name.startswith("-") or name != name.strip():
        text = _("'{name}' cannot be a profile's name: it must begin with a letter or a digit")
        raise ProfileFileError([(0, text.format(name=clean(name, 40)))])


def _bytes(path: str) -> bytes:
    try:
        return read_own(path, yamlfile.MOST_BYTES + 1)
    except UnreadableError as error:
        raise ProfileFileError([(0, error.message)]) from None


def _profile(
    path: str, value: dict[str, Any], document: yamlfile.Document, computer: Computer, stores: Stores
) -> Profile:
    found: list[tuple[int, str]] = []
    tls = None
    if "tls" in value:
        tls = Tls(_folder(value["tls"]["cert_path"], os.path.dirname(path), computer), value["tls"].get("verify", True))
    try:
        endpoint = _endpoint(value, tls, computer, stores)
        if tls is not None and endpoint.scheme != "tcp":
            message = _("tls has no meaning for {scheme}://: remove it").format(scheme=endpoint.scheme)
            found.append((document.line(("tls",)), message))
        health = parse_health(value.get("health", {}), endpoint)
    except ProfileError as error:
        place = tuple(error.key.split("."))
        if place == ("host",):  # also where the address came from a context or a machine
            place = tuple(key for key in WAYS if key in value)
        raise ProfileFileError([*found, (document.line(place), error.message)]) from None
    env = tuple(value.get("env", {}).items())
    for name, text in [*env, ("cert_path", tls.cert_path if tls else "")]:
        if hidden := hidden_character(text):
            line = document.line(("env", name) if (name, text) in env else ("tls", name))
            message = _("'{key}' contains an invisible character ({hidden})").format(key=name, hidden=hidden)
            found.append((line, message))
    if found:
        raise ProfileFileError(found)
    names = value.get("context", ""), value.get("machine", "")
    switches = {"protected": value.get("protected", False), "notifications": value.get("notifications", True)}
    return Profile(_name(path), endpoint, "file", env, health, path, *names, **switches)


def _endpoint(value: dict[str, Any], tls: Tls | None, computer: Computer, stores: Stores) -> Endpoint:
    """Return where `host`, `context` or `machine` leads. Raises ProfileError."""
    if "context" in value:
        contexts = {context.name: context for context in (*stores.contexts, Context("default", ""))}
        return context_endpoint(_named("context", value["context"], contexts, stores), computer.system)
    if "machine" in value:
        machines = {machine.name: machine for machine in stores.machines}
        return machine_endpoint(_named("machine", value["machine"], machines, stores))
    return parse_host(value["host"], tls)


def _named(kind: str, name: str, known: Mapping[str, T], stores: Stores) -> T:
    if name in known:
        return known[name]
    for problem in stores.problems:
        if problem.subject == origin(kind, name):
            text = _("the context '{name}' cannot be used: {problem}")
            if kind == "machine":
                text = _("the machine '{name}' cannot be used: {problem}")
            raise ProfileError(text.format(name=clean(name, 60), problem=problem.message), kind)
    text = _("there is no Docker context '{name}'{suggestion}")
    if kind == "machine":
        text = _("there is no docker-machine machine '{name}'{suggestion}")
    raise ProfileError(text.format(name=clean(name, 60), suggestion=did_you_mean(name, known)), kind)


def _folder(text: str, base: str, computer: Computer) -> str:
    """Return an absolute folder: ~ is the home folder, a relative path starts at the profile's folder."""
    if text == "~" or text.startswith(("~/", "~\\")):
        text = computer.home + text[1:]
    return os.path.normpath(os.path.join(base, text))
