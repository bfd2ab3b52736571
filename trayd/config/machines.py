"""docker-machine's store, read by ourselves.

docker-machine is frozen since 2019: its `ls` asks with API 1.15 and sees no current engine, its `env` dials for 20 s.
The files of cloud machines hold secrets (SecretKey, ClientSecret, UserPassword): only the few members named below are
looked at, nothing of a file is kept besides, and no value stands in a message (facts: connection.md 4.1).
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

from trayd.config.reading import GoneError, UnreadableError, entries, member, read_json
from trayd.core.messages import Problem
from trayd.core.profile import Endpoint, ProfileError, Tls, origin, parse_host
from trayd.core.text import clean
from trayd.core.value import Value
from trayd.core.words import _

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9.-]*")  # docker-machine's own rule
_LONGEST_NAME = 64
_NEWEST = 3
_FILES = ("ca.pem", "cert.pem", "key.pem")
# Where a driver keeps address and port; for all others IPAddress and 2376.
_PORTS = {"generic": "EnginePort", "azure": "DockerPort", "vmwarevcloudair": "DockerPort"}
_ADDRESSES = {"vmwarevcloudair": "PublicIP"}


class Machine(Value):
    """One machine: its engine's URL, the folder with ca.pem, cert.pem and key.pem, its config.json."""

    name: str
    url: str
    cert_path: str
    path: str = ""


def machine_folder(environ: Mapping[str, str], home: str) -> str:
    """Return docker-machine's folder: $MACHINE_STORAGE_PATH or ~/.docker/machine; "" if there is no home."""
    given = environ.get("MACHINE_STORAGE_PATH", "")
    if os.path.isabs(given):
        return os.path.normpath(given)
    return os.path.join(home, ".docker", "machine") if os.path.isabs(home) else ""


def machines_folder(folder: str) -> str:
    """Return the folder with one folder for each machine."""
    return os.path.join(folder, "machines")


def read_machines(folder: str) -> tuple[tuple[Machine, ...], tuple[Problem, ...]]:
    """Return the machines in docker-machine's folder, sorted by name, and what is wrong with the others."""
    found: list[Machine] = []
    problems: list[Problem] = []
    try:
        names = entries(machines_folder(folder))
    except OSError as error:
        message = _("docker-machine's machines cannot be read ({why})").format(why=error.strerror)
        return (), (Problem(machines_folder(folder), 0, message),)
    for name in names:
        path = os.path.join(machines_folder(folder), name, "config.json")
        if name.startswith(".") or not os.path.lexists(path):
            continue
        try:
            found.append(_machine(folder, name, path))
        except GoneError:
            if os.path.islink(path):
                subject = origin("machine", clean(name, 64))
                problems.append(Problem(path, 0, _("the file is a link to nowhere"), subject))
        except UnreadableError as error:
            problems.append(Problem(path, 0, error.message, origin("machine", clean(name, 64))))
    return tuple(found), tuple(problems)


def allowed_name(name: str) -> bool:
    """Whether docker-machine takes this name for a machine; none that it takes looks like an option."""
    return _NAME.fullmatch(name) is not None


def machine_endpoint(machine: Machine) -> Endpoint:
    """Return where a machine's engine listens. Raises ProfileError."""
    if "@" in machine.url:
        raise ProfileError(_("a user name or password has no place in an address"), "machine")
    plain = parse_host(machine.url)
    if plain.scheme != "tcp" or plain.port == 2375:  # only driver "none" has such; 2375 is Docker's port without TLS
        return plain
    return parse_host(machine.url, Tls(machine.cert_path))


def _machine(folder: str, name: str, path: str) -> Machine:
    if not allowed_name(name):
        raise UnreadableError(_("this name is not allowed: docker-machine would not find this machine"))
    if len(name) > _LONGEST_NAME:
        text = _("the name is too long for a profile ({most} characters at most)")
        raise UnreadableError(text.format(most=_LONGEST_NAME))
    read = read_json(path)
    if (version := member(read, "ConfigVersion", int, 0)) > _NEWEST:
        text = _("a newer docker-machine wrote this (version {version}; trayd knows {newest})")
        raise UnreadableError(text.format(version=clean(str(version), 20), newest=_NEWEST))
    url = _url(member(read, "DriverName", str, ""), _driver(read), name)
    options = member(member(read, "HostOptions", dict, {}), "AuthOptions", dict, {})
    return Machine(name, url, _certificates(folder, os.path.dirname(path), options), path)


def _driver(read: dict[str, Any]) -> dict[str, Any]:
    """Return the driver's part, which old files carry in base64."""
    raw = member(read, "RawDriver", str, "")
    driver: dict[str, Any] = member(read, "Driver", dict, {})
    if driver or not raw:
        return driver
    try:
        decoded = json.loads(base64.b64decode(raw, validate=True).decode())
    except (ValueError, RecursionError):
        raise UnreadableError(_("'{key}' cannot be read").format(key="RawDriver")) from None
    if not isinstance(decoded, dict):
        raise UnreadableError(_("'{key}' has the wrong type").format(key="RawDriver"))
    return decoded


def _url(driver: str, values: dict[str, Any], name: str) -> str:
    if driver == "none":
        url: str = member(values, "URL", str, "")
        if not url:
            raise UnreadableError(_("the file says no URL"))
        return url
    address: str = member(values, _ADDRESSES.get(driver, "IPAddress"), str, "")
    port = member(values, _PORTS[driver], int, 0) if driver in _PORTS else 0
    if not address:
        text = _("docker-machine has stored no address for it yet: docker-machine start {name}")
        raise UnreadableError(text.format(name=name))
    host = f"[{address}]" if ":" in address else address
    return f"tcp://{host}:{port or 2376}"


def _certificates(store: str, folder: str, options: dict[str, Any]) -> str:
    """Return the folder with the three files: beside the machine, else where the file says, else the store's own.

    The paths in the file are those of its making, and wrong once the home was moved. For driver "none" there are no
    copies beside the machine.
    """
    paths = [member(options, key, str, "") for key in ("CaCertPath", "ClientCertPath", "ClientKeyPath")]
    named = [os.path.dirname(path) for path in paths]
    same = named[0] if tuple(map(os.path.basename, paths)) == _FILES and len(set(named)) == 1 else ""
    given: Iterable[str] = (same, member(options, "StorePath", str, ""), member(options, "CertDir", str, ""))
    for candidate in (folder, *given, os.path.join(store, "certs")):
        if os.path.isabs(candidate) and "\0" not in candidate and _has_all(candidate):
            return candidate
    return folder


def _has_all(folder: str) -> bool:
    return all(os.path.isfile(os.path.join(folder, name)) for name in _FILES)
