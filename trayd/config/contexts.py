"""Docker's context store, read by ourselves.

docker-py's own reader fails as a whole on one broken entry, leaves out TLS that is there, and may take the current
folder for the store (facts: connection.md 1.10, measured).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from trayd.config.reading import GoneError, UnreadableError, entries, member, read_json
from trayd.core.messages import Problem
from trayd.core.profile import DEFAULT_PIPE, Endpoint, Tls, origin, parse_host
from trayd.core.text import clean
from trayd.core.value import Value
from trayd.core.words import _

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]+")  # docker's own rule
_LONGEST_NAME = 64
_TLS_FILES = ("ca.pem", "cert.pem", "key.pem")


class Context(Value):
    """One context: its host ("" is the default one), the folder of its TLS files ("" if there are none), its file.

    `no_ca` says that there are TLS files, and no ca.pem among them.
    """

    name: str
    host: str
    tls_path: str = ""
    skip_verify: bool = False
    path: str = ""
    no_ca: bool = False


def docker_folder(environ: Mapping[str, str], home: str) -> str:
    """Return docker's folder: $DOCKER_CONFIG or ~/.docker, whether it exists or not; "" if there is no home.

    A relative $DOCKER_CONFIG means another folder in every terminal, so it means none here.
    """
    given = environ.get("DOCKER_CONFIG", "")
    if os.path.isabs(given):
        return os.path.normpath(given)
    return os.path.join(home, ".docker") if os.path.isabs(home) else ""


def meta_folder(folder: str) -> str:
    """Return the folder with one folder for each context."""
    return os.path.join(folder, "contexts", "meta")


def read_contexts(folder: str) -> tuple[tuple[Context, ...], tuple[Problem, ...]]:
    """Return the contexts in docker's folder, sorted by name, and what is wrong with the others."""
    found: list[Context] = []
    problems: list[Problem] = []
    try:
        names = entries(meta_folder(folder))
    except OSError as error:
        message = _("Docker's contexts cannot be read ({why})").format(why=error.strerror)
        return (), (Problem(meta_folder(folder), 0, message),)
    for name in names:
        path = os.path.join(meta_folder(folder), name, "meta.json")
        if not os.path.lexists(path):
            continue  # just removed, or about to be written
        try:
            if (context := _context(folder, name, path)) is not None:
                found.append(context)
        except GoneError:
            if os.path.islink(path):
                problems.append(Problem(path, 0, _("the file is a link to nowhere"), origin("context", _short(name))))
        except _NamedError as error:
            problems.append(Problem(path, 0, error.message, origin("context", clean(error.name, 64))))
        except UnreadableError as error:
            problems.append(Problem(path, 0, error.message, origin("context", _short(name))))
    return tuple(sorted(found, key=lambda context: context.name)), tuple(problems)


def current_context(folder: str) -> str:
    """Return the context that docker's config.json chooses, "" if it chooses none or cannot be read."""
    if not os.path.isabs(folder):
        return ""
    try:
        chosen: str = member(read_json(os.path.join(folder, "config.json")), "currentContext", str, "")
    except UnreadableError:
        return ""
    return chosen


def context_endpoint(context: Context, system: str) -> Endpoint:
    """Return where a context leads. Raises ProfileError for a host that is no way to an engine.

    TLS as the docker CLI has it: where there are TLS files, or verification is switched off; never on a socket.
    """
    if not context.host:
        return Endpoint("npipe", path=DEFAULT_PIPE) if system == "windows" else parse_host("unix://")
    tls = None
    if context.host.lower().startswith("tcp://") and (context.tls_path or context.skip_verify):
        # Without TLS files still that folder, and never "": a relative cert.pem would come from the current folder.
        folder, directory = os.path.split(os.path.dirname(context.path))
        store = os.path.dirname(os.path.dirname(folder))
        tls = Tls(context.tls_path or _tls_folder(store, directory), not context.skip_verify, context.no_ca)
    return parse_host(context.host, tls)


class _NamedError(UnreadableError):
    """What is wrong with a context whose name could be read."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


def _context(folder: str, directory: str, path: str) -> Context | None:
    read = read_json(path)
    name: str = member(read, "Name", str, "")
    if not name:
        raise UnreadableError(_("the file says no name"))
    try:
        _check_name(name, directory)
        endpoint = member(member(read, "Endpoints", dict, {}), "docker", dict, None)
        if endpoint is None:
            return None  # such as one for Kubernetes only: it names no engine
        host: str = member(endpoint, "Host", str, "")
        skip: bool = member(endpoint, "SkipTLSVerify", bool, False)
    except UnreadableError as error:
        raise _NamedError(name, error.message) from None
    tls_path = _tls_folder(folder, directory)
    files = [file for file in _TLS_FILES if os.path.isfile(os.path.join(tls_path, file))]
    return Context(name, host, tls_path if files else "", skip, path, bool(files) and "ca.pem" not in files)


def _tls_folder(folder: str, directory: str) -> str:
    return os.path.join(folder, "contexts", "tls", directory, "docker")


def _check_name(name: str, directory: str) -> None:
    from hashlib import sha256  # loads OpenSSL: only where there is a context

    if name == "default":
        raise UnreadableError(_("'default' is reserved: docker does not use this file"))
    if not _NAME.fullmatch(name):
        raise UnreadableError(_("this name is not allowed: docker would not find this context"))
    if len(name) > _LONGEST_NAME:
        text = _("the name is too long for a profile ({most} characters at most)")
        raise UnreadableError(text.format(most=_LONGEST_NAME))
    if sha256(name.encode()).hexdigest() != directory:
        raise UnreadableError(_("the folder's name is not the SHA-256 of the context's: docker would not find it"))


def _short(directory: str) -> str:
    return clean(directory, 13)
