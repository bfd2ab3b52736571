"""What the docker CLI finds in its own folder: the chosen context, all the others, the certificates that it needs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence

from trayd.config.computer import Computer
from trayd.config.contexts import Context, current_context, docker_folder, read_contexts
from trayd.config.reading import GoneError, UnreadableError, read_json
from trayd.core.dockercli import CliGoesTo
from trayd.core.messages import Problem
from trayd.core.precedence import DEFAULT, CliConfig, CliContext, certificates, destination
from trayd.core.profile import ProfileError, Tls, parse_host
from trayd.core.text import clean
from trayd.core.value import replace
from trayd.core.words import _


def read_cli_config(folder: str, environ: Mapping[str, str], windows: bool, context: str | None = None) -> CliConfig:
    """Return what counts for the docker CLI in `folder`; a missing folder is an empty one."""
    current = current_context(folder)
    found, problems = read_contexts(folder)
    contexts = {}
    for one in found:
        contexts[one.name] = CliContext(one.host, _tls(one))
    wanted = [name for name in (context, environ.get("DOCKER_CONTEXT"), current) if name]
    contexts |= _broken(problems, wanted)
    config = CliConfig(folder, current, contexts, _config_problem(folder), windows=windows)
    if certs := certificates(environ, config):
        ca = f"{certs.rstrip('/')}/ca.pem"
        if not os.path.exists(ca):
            config = replace(config, missing=frozenset({ca}))
    return config


def _tls(context: Context) -> Tls | None:
    """Return a context's TLS: where it has files, or verification is switched off."""
    if not context.tls_path and not context.skip_verify:
        return None
    # Without files still their folder, and never "": a relative cert.pem would come from the current folder.
    place = os.path.dirname(context.path)
    folder = os.path.join(os.path.dirname(os.path.dirname(place)), "tls", os.path.basename(place), "docker")
    return Tls(context.tls_path or folder, not context.skip_verify, context.no_ca)


def cli_goes_to(environ: Mapping[str, str], computer: Computer) -> CliGoesTo | None:
    """Return where the docker CLI of this session goes, or None where there is no home."""
    folder = docker_folder(environ, computer.home)
    if not folder:
        return None
    config = read_cli_config(folder, environ, computer.system == "windows")
    found = destination(environ, config)
    endpoint = None
    if not found.error:
        with contextlib.suppress(ProfileError):  # the CLI goes where trayd cannot: then it is only named
            endpoint = parse_host(found.url, found.tls)
    return CliGoesTo(found.url, config.current or DEFAULT, endpoint, found.error)


def _broken(problems: Sequence[Problem], wanted: Iterable[str]) -> dict[str, CliContext]:
    """Return those of the wanted contexts that cannot be read: that they do not exist would not be true."""
    if not problems:
        return {}
    from hashlib import sha256  # loads OpenSSL: only where a command needs it

    folders = {sha256(name.encode(errors="surrogateescape")).hexdigest(): name for name in wanted}
    broken = {}
    for problem in problems:
        if name := folders.get(os.path.basename(os.path.dirname(problem.path))):
            text = _("the context '{name}' cannot be used: {problem}")
            broken[name] = CliContext("", problem=text.format(name=clean(name, 60), problem=problem.message))
    return broken


def _config_problem(folder: str) -> str:
    path = os.path.join(folder, "config.json")
    try:
        read_json(path)
    except GoneError:
        return ""
    except UnreadableError as error:
        return _("{path} counts as empty here: {problem}.").format(path=clean(path, 200), problem=error.message)
    return ""
