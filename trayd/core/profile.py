"""Profiles and endpoints: how to reach one engine, as values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from trayd.core.text import hidden_character
from trayd.core.value import Value
from trayd.core.words import _

DEFAULT_SOCKET = "/var/run/docker.sock"
DEFAULT_PIPE = "//./pipe/docker_engine"

# The variables that decide where docker and docker-py go; a profile sets some of them and clears the others, or a
# switch from a TLS profile to a plain one would break the docker CLI (facts: connection.md 5.5, measured).
DOCKER_VARIABLES = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "DOCKER_API_VERSION",
    "DOCKER_MACHINE_NAME",
)

_TCP = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<name>[^\s/:@?#\[\]]*))(?::(?P<port>[0-9]{1,5}))?/?")
# What may stand in the arguments of the program ssh: never an option, nothing that it or a shell would expand.
_SSH = re.compile(
    r"(?:(?P<user>[A-Za-z0-9._][A-Za-z0-9._-]*)@)?"
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._][A-Za-z0-9._-]*))(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._/+@,=~-]*)?"
)
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


class ProfileError(Exception):
    """A profile that cannot be used: what is wrong, as a sentence, under which key."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.key = key


class Tls(Value):
    """TLS material in the form of DOCKER_CERT_PATH: a folder with ca.pem, cert.pem and key.pem.

    `public` verifies with this computer's own authorities: a Docker context without ca.pem, never DOCKER_CERT_PATH.
    """

    cert_path: str
    verify: bool = True
    public: bool = False


class Endpoint(Value):
    """A concrete place where an engine listens: a socket or pipe path, or a host with a port, and its TLS material.

    With ssh, `path` is the socket on that host, empty for the usual one, and port 0 is what ssh's own settings say.
    """

    scheme: str
    path: str = ""
    host: str = ""
    port: int = 0
    tls: Tls | None = None
    user: str = ""

    @property
    def url(self) -> str:
        """The endpoint as DOCKER_HOST takes it."""
        if self.scheme == "ssh":
            return f"ssh://{self.user}{'@' if self.user else ''}{self.address}{self.path}"
        return f"{self.scheme}://{self.path or self.address}"

    @property
    def address(self) -> str:
        """Host and port as people and URLs write them, or the path of the socket."""
        if self.path and self.scheme != "ssh":
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host

    @property
    def login(self) -> str:
        """What to type to log in there: "ssh -p 2222 me@build"."""
        port = f"-p {self.port} " if self.port else ""
        return f"ssh {port}{self.user}{'@' if self.user else ''}{self.host}"

    @property
    def remote_socket(self) -> str:
        """The engine's socket on the host that ssh goes to."""
        return self.path or DEFAULT_SOCKET

    @property
    def socket(self) -> bool:
        """Whether it is a Unix socket or a named pipe."""
        return self.scheme in ("unix", "npipe")

    @property
    def remote(self) -> bool:
        """Whether the engine may be on another machine."""
        if self.scheme == "ssh":
            return True  # what localhost is, ssh's own settings may say otherwise
        return not self.socket and not (
            self.host in ("localhost", "::1") or re.fullmatch(r"127(\.[0-9]{1,3}){3}", self.host)
        )


class HealthSettings(Value):
    """How a profile is watched, in seconds: how often, how long to wait, when it is slow, when a loss is told.

    `events` None leaves it to the engine's kind whether its event stream is held; `wake` lets background questions
    start an engine that systemd starts on the first connection.
    """

    interval: float = 5.0
    timeout: float = 3.0
    slow: float = 0.5
    grace: float = 3.0
    events: bool | None = None
    wake: bool = False


LOCAL_HEALTH = HealthSettings()
REMOTE_HEALTH = HealthSettings(interval=10.0, timeout=5.0)

# What a person may set: smaller would hammer an engine, larger would hide a loss for longer than anybody expects.
HEALTH_LIMITS = {"interval": (1.0, 3600.0), "timeout": (0.1, 60.0), "slow": (0.001, 60.0), "grace": (0.0, 600.0)}


class Profile(Value):
    """How to reach one engine, under a name; `source` says where it comes from ("file", "context", "machine", "local").

    `context` and `machine` name the Docker context or the docker-machine machine that the endpoint was taken from;
    `protected` asks before a switch to it; `notifications` says whether its loss and return are told.
    """

    name: str
    endpoint: Endpoint
    source: str = "file"
    env: tuple[tuple[str, str], ...] = ()
    health: HealthSettings = LOCAL_HEALTH
    path: str = ""
    context: str = ""
    machine: str = ""
    protected: bool = False
    notifications: bool = True


def origin(kind: str, name: str) -> str:
    """Return how messages call a Docker context ("context") or a docker-machine machine ("machine"): "context lab"."""
    text = _("context {name}") if kind == "context" else _("machine {name}")
    return text.format(name=name)


class When(Value):
    """Where a profile applies: only on these systems and computers; empty means everywhere."""

    os: tuple[str, ...] = ()
    hostname: tuple[str, ...] = ()

    def holds(self, system: str, hostname: str) -> bool:
        """Whether the profile applies on this system ("linux", "macos", "windows") with this host name."""
        short = hostname.split(".")[0].lower()
        names = {name.lower() for name in self.hostname}
        return (not self.os or system in self.os) and (not names or hostname.lower() in names or short in names)


def parse_duration(value: object) -> float:
    """Return a duration in seconds: "500ms", "10s", "2m", or a number of seconds.

    Raises ProfileError for anything else.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ProfileError(_("{value} is not a duration: write it like 500ms, 10s or 2m").format(value=repr(value)))
    return float(match[1]) * _UNITS[match[2]]


def parse_host(host: str, tls: Tls | None = None) -> Endpoint:
    """Return the endpoint that a `host` value means.

    Accepts unix://, npipe://, tcp:// and ssh://; the port of tcp:// defaults to 2376 with TLS and 2375 without, as in
    the docker CLI's documentation. Raises ProfileError with what to write instead.
    """
    if hidden := hidden_character(host):
        raise ProfileError(_("the address contains an invisible character ({hidden})").format(hidden=hidden), "host")
    scheme, separator, rest = host.partition("://")
    scheme = scheme.lower()
    if not separator:
        if host.startswith("/"):
            raise ProfileError(_("'{host}' has no scheme: write unix://{host}").format(host=host), "host")
        text = _("'{host}' has no scheme: write tcp://{host} or unix:///path/to/docker.sock")
        raise ProfileError(text.format(host=host), "host")
    if scheme == "unix":
        return Endpoint("unix", path=_socket_path(rest))
    if scheme == "npipe":
        path = rest.replace("\\", "/") or DEFAULT_PIPE
        if not path.startswith("//"):
            text = _("'{host}' is not a named pipe: write npipe:////./pipe/docker_engine")
            raise ProfileError(text.format(host=host), "host")
        return Endpoint("npipe", path=path)
    if scheme == "tcp":
        return _tcp(host, rest, tls)
    if scheme in ("http", "https"):
        text = _("write tcp://{address} instead of {host}")
        if scheme == "https" and tls is None:
            text = _("write tcp://{address} instead of {host} and add tls: with its cert_path")
        raise ProfileError(text.format(address=rest, host=host), "host")
    if scheme == "ssh":
        return _ssh(rest)
    text = _("'{scheme}://' is not a way to reach an engine: use unix://, tcp://, ssh:// or npipe://")
    raise ProfileError(text.format(scheme=scheme), "host")


def _socket_path(rest: str) -> str:
    path = rest or DEFAULT_SOCKET
    if not path.startswith("/"):
        raise ProfileError(_("the socket needs an absolute path: write unix:///{path}").format(path=path), "host")
    return path


def _tcp(host: str, rest: str, tls: Tls | None) -> Endpoint:
    if "@" in rest:
        raise ProfileError(_("a user name or password has no place in a tcp:// address"), "host")
    match = _TCP.fullmatch(rest)
    if not match:
        raise ProfileError(_("'{host}' is not an address: write tcp://name:port").format(host=host), "host")
    port = int(match["port"]) if match["port"] else (2376 if tls else 2375)
    if not 0 < port < 65536:
        raise ProfileError(_("there is no port {port}: it must be from 1 to 65535").format(port=port), "host")
    return Endpoint("tcp", host=match["v6"] or match["name"] or "127.0.0.1", port=port, tls=tls)


def _ssh(rest: str) -> Endpoint:
    if ":" in rest.rpartition("@")[0]:
        raise ProfileError(_("a password has no place in an ssh:// address: ssh uses your keys"), "host")
    match = _SSH.fullmatch(rest)
    if not match:
        text = _(
            "this is not an ssh:// address: write ssh://user@name:port/path/of/the.sock, of which only the name is "
            "needed, with plain letters, digits, dots and dashes"
        )
        raise ProfileError(text, "host")
    port = int(match["port"] or 0)
    if match["port"] and not 0 < port < 65536:
        raise ProfileError(_("there is no port {port}: it must be from 1 to 65535").format(port=port), "host")
    path = (match["path"] or "").rstrip("/")
    return Endpoint("ssh", path, match["v6"] or match["name"], port, user=match["user"] or "")


def parse_health(values: Mapping[str, object], endpoint: Endpoint) -> HealthSettings:
    """Return the health settings of a profile, with the defaults for its kind of endpoint.

    Raises ProfileError for a value that is no duration or out of `HEALTH_LIMITS`.
    """
    defaults = LOCAL_HEALTH if endpoint.socket else REMOTE_HEALTH
    numbers = {}
    for key, (low, high) in HEALTH_LIMITS.items():
        if key not in values:
            numbers[key] = getattr(defaults, key)
            continue
        try:
            number = parse_duration(values[key])
        except ProfileError as error:
            raise ProfileError(
                _("'{key}': {problem}").format(key=key, problem=error.message), f"health.{key}"
            ) from None
        if not low <= number <= high:
            text = _("'{key}' must be between {low}s and {high}s, not {value}")
            text = text.format(key=key, low=f"{low:g}", high=f"{high:g}", value=values[key])
            raise ProfileError(text, f"health.{key}")
        numbers[key] = number
    switches = {key: bool(values[key]) for key in ("events", "wake") if key in values}
    return HealthSettings(**numbers, **switches)


def unchosen(profiles: Iterable[Profile], current: str) -> str:
    """Return the name of the active profile where nobody chose one, "" if there is none.

    That is where docker itself goes, by a context that somebody chose for it; else somebody's first file; else the
    local engine.
    """

    def rank(profile: Profile) -> tuple[bool, bool, bool, str]:
        name = profile.name
        return name != current, profile.source != "file", name != "local", name.casefold()

    first = min(profiles, key=rank, default=None)
    return first.name if first else ""


def variables(profile: Profile) -> dict[str, str | None]:
    """Return the environment a profile stands for: a value means set, None means unset."""
    values: dict[str, str | None] = dict.fromkeys(DOCKER_VARIABLES)
    tls = profile.endpoint.tls
    if profile.context:
        values["DOCKER_CONTEXT"] = profile.context  # DOCKER_HOST would win over it, and could not say all its TLS
    else:
        values["DOCKER_HOST"] = profile.endpoint.url
    if tls and not profile.context:
        # Only a non-empty value counts, whatever it is: DOCKER_TLS_VERIFY=0 would turn verification on.
        values["DOCKER_TLS_VERIFY" if tls.verify else "DOCKER_TLS"] = "1"
        values["DOCKER_CERT_PATH"] = tls.cert_path
    if profile.machine:
        values["DOCKER_MACHINE_NAME"] = profile.machine
    values.update(profile.env)
    return values


def cleared(profile: Profile | None) -> dict[str, str | None]:
    """Return the environment that forgets every engine, and the extra variables of `profile`."""
    values: dict[str, str | None] = dict.fromkeys(DOCKER_VARIABLES)
    values.update(dict.fromkeys(name for name, _value in (profile.env if profile else ())))
    return values
