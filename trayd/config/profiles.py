"""The profiles folder: every YAML file a profile, every problem with its file, line and a suggestion."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from functools import cache
from typing import Any

from trayd.config import yamlfile
from trayd.core import schema as schemas
from trayd.core.messages import Loaded, Problem
from trayd.core.profile import (
    DEFAULT_PIPE,
    DEFAULT_SOCKET,
    Endpoint,
    Profile,
    ProfileError,
    Tls,
    When,
    parse_health,
    parse_host,
)
from trayd.core.text import clean, hidden_character
from trayd.core.value import Value

SUFFIXES = (".yaml", ".yml")
_LONGEST_NAME = 64


class Computer(Value):
    """What a profile may depend on: the system ("linux", "macos", "windows"), host name and home folder."""

    system: str
    hostname: str
    home: str


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
        name = entry["$ref"].rsplit("/", 1)[-1]
        read["properties"]["health"]["properties"][key] = read["$defs"][name] | entry
    return read


def load(folder: str, computer: Computer) -> Loaded:
    """Read all profiles of a folder; the local engine stands in when there is no file."""
    profiles: dict[str, Profile] = {}
    problems: list[Problem] = []
    broken: set[str] = set()
    for path in _files(folder, problems):
        try:
            found = read_profile(path, computer)
            if found is not None and found.name in profiles:
                raise ProfileFileError([(0, f"there is another file for the profile '{found.name}': rename one")])
        except ProfileFileError as error:
            problems += [Problem(path, line, message) for line, message in error.found]
            broken.add(_name(path))
            continue
        if found is not None:
            profiles[found.name] = found
    listed = tuple(profiles.values()) or (local_profile(computer),)
    return Loaded(listed, tuple(problems), frozenset(broken - profiles.keys()))


def local_profile(computer: Computer) -> Profile:
    """Return the profile of the engine on this computer: its default socket or pipe, or a rootless engine's socket."""
    if computer.system == "windows":
        return Profile("local", Endpoint("npipe", path=DEFAULT_PIPE), source="local")
    path = DEFAULT_SOCKET
    rootless = os.path.join(os.environ.get("XDG_RUNTIME_DIR") or "", "docker.sock")
    if not os.path.exists(path) and os.path.isabs(rootless) and os.path.exists(rootless):
        path = rootless
    return Profile("local", Endpoint("unix", path=path), source="local")


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
        problems.append(Problem(folder, 0, f"the profiles folder cannot be read ({error.strerror})"))
        return []
    return [
        os.path.join(folder, name) for name in entries if name.endswith(SUFFIXES) and not name.startswith((".", "#"))
    ]


def read_profile(path: str, computer: Computer) -> Profile | None:
    """Return the profile of one file, or None if it is not for this computer.

    Raises ProfileFileError with everything that is wrong with the file.
    """
    _check_name(_name(path))
    try:
        document = yamlfile.read(_bytes(path))
    except yamlfile.YamlFileError as error:
        raise ProfileFileError([(error.line, error.message)]) from None
    if document.value is None:
        raise ProfileFileError([(1, "the file is empty: write for example  host: unix:///var/run/docker.sock")])
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
    return _profile(path, value, document, computer)


def _name(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def _check_name(name: str) -> None:
    shown = clean(name, 40)
    if hidden := hidden_character(name):
        raise ProfileFileError([(0, f"the file's name contains an invisible character ({hidden}): rename it")])
    if len(name) > _LONGEST_NAME:
        raise ProfileFileError([(0, f"the file's name is too long for a profile ({_LONGEST_NAME} characters at most)")])
    if name.startswith("-") or name != name.strip():
        raise ProfileFileError([(0, f"'{shown}' cannot be a profile's name: it must begin with a letter or a digit")])


def _bytes(path: str) -> bytes:
    try:
        # Opened without waiting: a named pipe in the folder would block for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ProfileFileError([(0, "this is not a file")])
            # Whoever can write a profile decides where your docker commands go.
            if os.name == "posix" and status.st_mode & stat.S_IWOTH:
                raise ProfileFileError([(0, f"everybody may write this file: chmod o-w {clean(path, 100)}")])
            if os.name == "posix" and status.st_uid not in (os.getuid(), 0):
                raise ProfileFileError([(0, "this file belongs to another user: make it your own")])
            return file.read(yamlfile.MOST_BYTES + 1)
    except FileNotFoundError:
        raise ProfileFileError([(0, "the file is gone, or is a link to nowhere")]) from None
    except OSError as error:
        raise ProfileFileError([(0, f"the file cannot be read ({error.strerror})")]) from None


def _profile(path: str, value: dict[str, Any], document: yamlfile.Document, computer: Computer) -> Profile:
    found: list[tuple[int, str]] = []
    tls = None
    if "tls" in value:
        tls = Tls(_folder(value["tls"]["cert_path"], os.path.dirname(path), computer), value["tls"].get("verify", True))
    try:
        endpoint = parse_host(value["host"], tls)
        if tls is not None and endpoint.scheme != "tcp":
            found.append((document.line(("tls",)), f"tls has no meaning for {endpoint.scheme}://: remove it"))
        health = parse_health(value.get("health", {}), endpoint)
    except ProfileError as error:
        place = tuple(error.key.split("."))
        raise ProfileFileError([*found, (document.line(place), error.message)]) from None
    env = tuple(value.get("env", {}).items())
    for name, text in [*env, ("cert_path", tls.cert_path if tls else "")]:
        if hidden := hidden_character(text):
            line = document.line(("env", name) if (name, text) in env else ("tls", name))
            found.append((line, f"'{name}' contains an invisible character ({hidden})"))
    if found:
        raise ProfileFileError(found)
    return Profile(_name(path), endpoint, "file", env, health, path)


def _folder(text: str, base: str, computer: Computer) -> str:
    """Return an absolute folder: ~ is the home folder, a relative path starts at the profile's folder."""
    if text == "~" or text.startswith(("~/", "~\\")):
        text = computer.home + text[1:]
    return os.path.normpath(os.path.join(base, text))
