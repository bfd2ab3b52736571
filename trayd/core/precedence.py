"""Where the docker CLI goes: by its own precedence, as it was measured with 20.10 and 28.2, not as its manual says.

`--context`, `--host`, DOCKER_HOST, DOCKER_CONTEXT, `currentContext` of its config.json, the default. The manual has
DOCKER_CONTEXT before DOCKER_HOST; both versions do it the other way round. tests/cli/test_which.py asks the real CLI.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from trayd.core.profile import DEFAULT_PIPE, DEFAULT_SOCKET, Endpoint, Tls
from trayd.core.text import clean, did_you_mean
from trayd.core.value import Value, replace
from trayd.core.words import _, many

DEFAULT = "default"
TLS_HOST = "tcp://localhost:2376"
_PORT = 2375

# What may stand behind tcp://: a user is dropped, a path is kept (Go's url.Parse, docker/cli opts/hosts.go).
_TCP = re.compile(r"(?:[^@/]*@)?(?P<host>\[[^\]]+\](?=:[0-9])|[^\s:/@?#\[\]]*)(?::(?P<port>[0-9]*))?(?P<path>/.*)?")
_OFF = frozenset({"0", "false", "no", "off", "n", "f"})
_TLS_VARIABLES = ("DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_CERT_PATH")


class CliContext(Value):
    """One Docker context as it stands in the store; an empty host is the default one."""

    host: str
    tls: Tls | None = None
    problem: str = ""


class CliConfig(Value):
    """The docker CLI's config folder: the chosen context and all of them, and what is wrong with config.json.

    `missing` holds files that were looked for and are not there; `windows` makes the default host a pipe.
    """

    folder: str
    current: str = ""
    contexts: Mapping[str, CliContext] = MappingProxyType({})
    problem: str = ""
    missing: frozenset[str] = frozenset()
    windows: bool = False


class Destination(Value):
    """Where the next docker command goes: the setting that wins, and an address or an error.

    `notes` says in words what has no effect, or another one than it seems.
    """

    setting: str
    context: str = DEFAULT
    url: str = ""
    tls: Tls | None = None
    error: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()

    @property
    def security(self) -> str:
        """The kind of TLS: "none", "verified" or "unverified"."""
        if self.tls is None:
            return "none"
        return "verified" if self.tls.verify else "unverified"


def certificates(environ: Mapping[str, str], config: CliConfig) -> str:
    """Return the folder in which the CLI looks for ca.pem, cert.pem and key.pem, or an empty text without TLS.

    Where a variable turns TLS on, ca.pem has to be there, even for a socket and even if nothing is verified.
    """
    if not (environ.get("DOCKER_TLS_VERIFY") or environ.get("DOCKER_TLS")):
        return ""
    return environ.get("DOCKER_CERT_PATH") or config.folder


def destination(
    environ: Mapping[str, str], config: CliConfig, context: str | None = None, host: str | None = None
) -> Destination:
    """Return where a docker command goes in this environment, with these options; None is an option not given."""
    if context and host is not None:
        return Destination(
            "--context and --host",
            error=_("docker refuses --context together with --host"),
            hint=_("Say only one of them."),
        )
    setting, name = _chosen(environ, config, context, host)
    notes = (*_overruled(environ, config, setting), *_emptied(environ))
    if config.problem:
        notes = (*notes, config.problem)
    if environ.get("DOCKER_API_VERSION"):
        shown = clean(environ["DOCKER_API_VERSION"], 20)
        fixed = _("DOCKER_API_VERSION={value} fixes the API version: docker does not ask the engine for its own.")
        notes = (*notes, fixed.format(value=shown))
    if name != DEFAULT:
        return _context(environ, config, setting, name, notes)
    given = host if host is not None else environ.get("DOCKER_HOST", "")
    return _default(environ, config, setting, given, notes)


def same_place(one: Endpoint, other: Endpoint) -> bool:
    """Whether two endpoints are the same address, asked in the same way."""
    return (one.scheme, one.port) == (other.scheme, other.port) and _place(one) == _place(other)


def _place(endpoint: Endpoint) -> tuple[object, ...]:
    """Return what an endpoint is, with one spelling for what has several; asked for each profile at each drawing."""
    path, tls = endpoint.path.rstrip("/"), endpoint.tls
    if path.startswith("/var/run/"):
        path = path.removeprefix("/var")  # a link to /run on every Linux of the last ten years
    host = "127.0.0.1" if endpoint.host == "localhost" else endpoint.host.lower()
    if tls is not None:
        tls = replace(tls, cert_path=tls.cert_path.rstrip("/"))
    return endpoint.scheme, path, host, endpoint.port, tls, endpoint.user


def _chosen(environ: Mapping[str, str], config: CliConfig, context: str | None, host: str | None) -> tuple[str, str]:
    """Return the setting that wins and the context that it means."""
    named = ""
    if context:
        named, source = context, "--context"
    elif host is not None:
        return "--host", DEFAULT
    elif environ.get("DOCKER_HOST"):
        return "DOCKER_HOST", DEFAULT
    elif environ.get("DOCKER_CONTEXT"):
        named, source = environ["DOCKER_CONTEXT"], "DOCKER_CONTEXT"
    elif config.current:
        named, source = config.current, "currentContext"
    if not named:
        return DEFAULT, DEFAULT
    if named == DEFAULT and environ.get("DOCKER_HOST"):
        return "DOCKER_HOST", DEFAULT  # the context "default" is whatever DOCKER_HOST says
    return source, named


def _default(
    environ: Mapping[str, str], config: CliConfig, setting: str, given: str, notes: tuple[str, ...]
) -> Destination:
    folder = certificates(environ, config)
    notes = (*notes, *_tls_notes(environ))
    if folder and (ca := _ca(folder)) in config.missing:
        which = "DOCKER_TLS_VERIFY" if environ.get("DOCKER_TLS_VERIFY") else "DOCKER_TLS"
        error = _("docker refuses to start: {variable} is set, and {file} does not exist")
        hint = _("Set DOCKER_CERT_PATH to the folder with ca.pem, or: unset {variable}")
        error, hint = error.format(variable=which, file=clean(ca, 200)), hint.format(variable=which)
        return Destination(setting, error=error, hint=hint, notes=notes)
    url, error = parse_docker_host(given, bool(folder), config.windows)
    if error:
        return Destination(setting, error=error, hint=_("Write tcp://name:port or unix:///path."), notes=notes)
    tls = Tls(folder, bool(environ.get("DOCKER_TLS_VERIFY"))) if folder else None
    if tls is not None and not url.startswith("tcp://"):
        tls = None
        told = _("The TLS variables mean nothing here, but make docker 26 and older fail on a socket: unset them.")
        notes = (*notes, told)
    elif tls is not None and not given.strip():
        notes = (*notes, _("With TLS and without a host docker goes to {host}.").format(host=TLS_HOST))
    elif url.startswith("tcp://"):
        notes = (*notes, *_port_notes(given, url, tls))
    return Destination(setting, DEFAULT, url, tls, notes=notes)


def _context(
    environ: Mapping[str, str], config: CliConfig, setting: str, name: str, notes: tuple[str, ...]
) -> Destination:
    shown = clean(name, 60)
    if set_ := [variable for variable in _TLS_VARIABLES if environ.get(variable)]:
        note = many(
            "{variables} has no effect on the context '{context}': it has its own certificates.",
            "{variables} have no effect on the context '{context}': it has its own certificates.",
            len(set_),
        )
        notes = (*notes, note.format(variables=_(" and ").join(set_), context=shown))
    found = config.contexts.get(name)
    if found is None:
        error = _("the context '{name}' does not exist{suggestion}")
        error = error.format(name=shown, suggestion=did_you_mean(name, config.contexts))
        known = _(", ").join(clean(known, 60) for known in [DEFAULT, *sorted(config.contexts)][:12])
        undo = {"DOCKER_CONTEXT": "unset DOCKER_CONTEXT", "currentContext": "docker context use default"}
        hint = _("These exist: {names}. Or: {command}") if setting in undo else _("These exist: {names}.")
        hint = hint.format(names=known, command=undo.get(setting))
        return Destination(setting, name, error=error, hint=hint, notes=notes)
    if found.problem:
        return Destination(setting, name, error=found.problem, hint=f"docker context inspect {shown}", notes=notes)
    url = found.host or _default_host(config.windows)
    tls = found.tls if url.startswith("tcp://") else None
    if (match := _TCP.fullmatch(url.removeprefix("tcp://"))) and url.startswith("tcp://") and not match["port"]:
        # Measured: nobody completes a context's address, so Go's HTTP client takes its own port.
        port = 443 if tls else 80
        url = f"tcp://{match['host']}:{port}{match['path'] or ''}"
        note = _("The context '{name}' names no port: docker takes {port} then, not 2375 or 2376.")
        notes = (*notes, note.format(name=shown, port=port))
    return Destination(setting, name, url, tls, notes=notes)


def parse_docker_host(given: str, tls: bool, windows: bool = False) -> tuple[str, str]:
    """Return what the docker CLI makes of a DOCKER_HOST: an address, or an error as a sentence."""
    text = given.strip()
    if not text:
        return (TLS_HOST if tls else _default_host(windows)), ""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "tcp", text
    wrong = _("docker cannot read the host '{host}'").format(host=clean(text, 80))
    if scheme == "ssh":
        return (text, "") if rest.strip("/") else ("", wrong)
    if scheme in ("unix", "npipe"):
        default = DEFAULT_SOCKET if scheme == "unix" else DEFAULT_PIPE
        return ("", wrong) if "://" in rest else (f"{scheme}://{rest or default}", "")
    match = _TCP.fullmatch(rest)
    if scheme != "tcp" or match is None:
        return "", wrong
    return f"tcp://{match['host'] or 'localhost'}:{match['port'] or _PORT}{match['path'] or ''}", ""


def _default_host(windows: bool) -> str:
    return f"npipe://{DEFAULT_PIPE}" if windows else f"unix://{DEFAULT_SOCKET}"


def _ca(folder: str) -> str:
    return f"{folder.rstrip('/')}/ca.pem"


def _overruled(environ: Mapping[str, str], config: CliConfig, setting: str) -> list[str]:
    """Say which settings are there and have no effect, because another one wins."""
    notes = []
    host, context = environ.get("DOCKER_HOST", ""), environ.get("DOCKER_CONTEXT", "")
    loses = _("{setting} has no effect: {winner} wins.")
    if host and setting in ("--context", "--host"):
        notes.append(loses.format(setting=f"DOCKER_HOST={clean(host, 80)}", winner=setting))
    if context and setting in ("--context", "--host"):
        notes.append(loses.format(setting=f"DOCKER_CONTEXT={clean(context, 60)}", winner=setting))
    if context and setting == "DOCKER_HOST":
        told = _("{setting} has no effect: DOCKER_HOST wins, whatever Docker's manual says.")
        notes.append(told.format(setting=f"DOCKER_CONTEXT={clean(context, 60)}"))
    if config.current not in ("", DEFAULT) and setting in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        told = _("'docker context use {name}' has no effect while {variable} is set: unset {variable}")
        notes.append(told.format(name=clean(config.current, 60), variable=setting))
    return notes


def _emptied(environ: Mapping[str, str]) -> list[str]:
    notes = [
        _("{variable} is set but empty, which counts as not set.").format(variable=name)
        for name in ("DOCKER_TLS_VERIFY", "DOCKER_TLS")
        if environ.get(name) == ""
    ]
    if environ.get("DOCKER_HOST") == "":
        notes.append(
            _(
                "DOCKER_HOST is set but empty: it counts as not set, but docker 20.10 goes to the default engine. "
                "Better: unset DOCKER_HOST"
            )
        )
    if environ.get("DOCKER_CONTEXT") == "":
        notes.append(
            _(
                "DOCKER_CONTEXT is set but empty: it counts as not set, but docker 20.10 refuses it. "
                "Better: unset DOCKER_CONTEXT"
            )
        )
    if (host := environ.get("DOCKER_HOST")) and not host.strip():
        notes.append(_("DOCKER_HOST is only blanks: it wins over any context, and means the default engine."))
    return notes


def _tls_notes(environ: Mapping[str, str]) -> list[str]:
    notes = []
    verify, tls, folder = (environ.get(name, "") for name in _TLS_VARIABLES)
    for name, value in (("DOCKER_TLS_VERIFY", verify), ("DOCKER_TLS", tls)):
        if value.lower() in _OFF:
            told = _("{variable}={value} turns TLS on, not off: any text does. To turn it off: unset {variable}")
            notes.append(told.format(variable=name, value=value))
    if verify and tls:
        notes.append(_("DOCKER_TLS_VERIFY wins over DOCKER_TLS: the engine's certificate is verified."))
    if folder and not verify and not tls:
        notes.append(_("DOCKER_CERT_PATH alone does nothing: docker speaks TLS only with DOCKER_TLS_VERIFY=1."))
    if folder.startswith("~") and (verify or tls):
        notes.append(_("docker does not read the ~ of DOCKER_CERT_PATH as your home folder."))
    return notes


def _port_notes(given: str, url: str, tls: Tls | None) -> list[str]:
    port = url.rpartition(":")[2].partition("/")[0]
    match = _TCP.fullmatch(given.strip().partition("://")[2] or given.strip())
    if tls is not None and match is not None and not match["port"]:
        return [_("No port is given: docker takes 2375, even with TLS; engines with TLS listen on 2376.")]
    if tls is None and port == "2376":
        return [_("Port 2376 is the one for TLS, and TLS is not on: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH.")]
    return []
