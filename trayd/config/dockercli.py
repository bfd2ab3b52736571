"""What the docker CLI finds in its own folder: the chosen context, all the others, the certificates that it needs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from trayd.config.contexts import current_context, read_contexts
from trayd.config.reading import GoneError, UnreadableError, read_json
from trayd.core.messages import Problem
from trayd.core.precedence import CliConfig, CliContext, certificates
from trayd.core.profile import Tls
from trayd.core.text import clean
from trayd.core.value import replace


def read_cli_config(folder: str, environ: Mapping[str, str], windows: bool, context: str | None = None) -> CliConfig:
    """Return what counts for the docker CLI in `folder`; a missing folder is an empty one."""
    current = current_context(folder)
    found, problems = read_contexts(folder)
    contexts = {}
    for one in found:
        tls = Tls(one.tls_path, not one.skip_verify) if one.tls_path or one.skip_verify else None
        contexts[one.name] = CliContext(one.host, tls)
    wanted = [name for name in (context, environ.get("DOCKER_CONTEXT"), current) if name]
    contexts |= _broken(problems, wanted)
    config = CliConfig(folder, current, contexts, _config_problem(folder), windows=windows)
    if certs := certificates(environ, config):
        ca = f"{certs.rstrip('/')}/ca.pem"
        if not os.path.exists(ca):
            config = replace(config, missing=frozenset({ca}))
    return config


def _broken(problems: Iterable[Problem], wanted: Iterable[str]) -> dict[str, CliContext]:
    """Return those of the wanted contexts that cannot be read: that they do not exist would not be true."""
    from hashlib import sha256  # loads OpenSSL: only where a command needs it

    folders = {sha256(name.encode(errors="surrogateescape")).hexdigest(): name for name in wanted}
    broken = {}
    for problem in problems:
        if name := folders.get(os.path.basename(os.path.dirname(problem.path))):
            broken[name] = CliContext("", problem=f"the context '{clean(name, 60)}' cannot be used: {problem.message}")
    return broken


def _config_problem(folder: str) -> str:
    path = os.path.join(folder, "config.json")
    try:
        read_json(path)
    except GoneError:
        return ""
    except UnreadableError as error:
        return f"{clean(path, 200)} counts as empty here: {error.message}."
    return ""
