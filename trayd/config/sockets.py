"""The sockets and pipes on which known products listen (facts: connection.md 3.4), offered where they exist."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping

from trayd.config.computer import Computer
from trayd.core.profile import DEFAULT_PIPE, DEFAULT_SOCKET, Endpoint
from trayd.core.value import Value

_BOTH = ("linux", "macos")
_PIPES = "//./pipe/"
_MACHINE = "{home}/.local/share/containers/podman/machine"
# Name, systems, path. "*" is one folder's name, which is added to the profile's name.
KNOWN = (
    ("local", _BOTH, DEFAULT_SOCKET),
    ("rootless", ("linux",), "{runtime}/docker.sock"),
    ("rootless", ("linux",), "/run/user/{uid}/docker.sock"),
    ("desktop-linux", ("linux",), "{home}/.docker/desktop/docker.sock"),
    ("desktop-linux", ("macos",), "{home}/.docker/run/docker.sock"),
    ("colima", _BOTH, "{colima}/default/docker.sock"),
    ("colima", _BOTH, "{colima}/docker.sock"),  # before 0.4
    ("colima", _BOTH, "{colima}/*/docker.sock"),
    ("orbstack", ("macos",), "{home}/.orbstack/run/docker.sock"),
    ("rancher-desktop", _BOTH, "{home}/.rd/docker.sock"),
    ("lima", _BOTH, "{home}/.lima/default/sock/docker.sock"),
    ("lima-docker", _BOTH, "{home}/.lima/docker/sock/docker.sock"),
    ("podman", ("linux",), "{runtime}/podman/podman.sock"),
    ("podman-root", ("linux",), "/run/podman/podman.sock"),
    ("podman", ("macos",), f"{_MACHINE}/podman.sock"),
    ("podman", ("macos",), f"{_MACHINE}/*/podman.sock"),
    ("podman", ("macos",), "{tmp}/podman/podman-machine-default-api.sock"),
    ("local", ("windows",), DEFAULT_PIPE),
    ("desktop-linux", ("windows",), f"{_PIPES}dockerDesktopLinuxEngine"),
    ("desktop-windows", ("windows",), f"{_PIPES}dockerDesktopWindowsEngine"),
    ("podman", ("windows",), f"{_PIPES}podman-machine-default"),
)
_KEY = re.compile(r"{(\w+)}")
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,40}")


class Known(Value):
    """A place where a product listens, or would: the profile's name and the path of socket or pipe."""

    name: str
    path: str

    @property
    def endpoint(self) -> Endpoint:
        """The place as an endpoint."""
        return Endpoint("npipe" if self.path.startswith(_PIPES) else "unix", path=self.path)


def candidates(computer: Computer, environ: Mapping[str, str]) -> Iterator[Known]:
    """Yield all places of this system, whether somebody listens there or not, the usual one first."""
    values = _values(computer, environ)
    for name, systems, template in KNOWN:
        if computer.system not in systems:
            continue
        try:
            path = template.format_map(values)
        except KeyError:
            continue  # there is no such folder here
        before, star, after = path.partition("*")
        if not star:
            yield Known(name, path)
            continue
        for folder in _folders(before):
            if folder != "default":
                yield Known(f"{name}-{folder}", before + folder + after)


def places(computer: Computer, environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the paths whose change may mean another socket."""
    if computer.system == "windows":
        return  # pipes are in no folder that can be watched
    yield from (known.path for known in candidates(computer, environ))
    values = _values(computer, environ)
    for _name, systems, template in KNOWN:
        folder, star, _ = template.partition("*")
        if star and computer.system in systems and all(key in values for key in _KEY.findall(folder)):
            yield folder.rstrip("/").format_map(values)


def known_sockets(
    computer: Computer, environ: Mapping[str, str], seen: Collection[str] = frozenset()
) -> tuple[Known, ...]:
    """Return the places where somebody listens, or did when their path was `seen`: a stopped engine's socket goes."""
    pipes = _pipes() if computer.system == "windows" else frozenset()
    return tuple(
        known
        for known in candidates(computer, environ)
        if known.path in seen or known.path.removeprefix(_PIPES) in pipes or _is_socket(known.path)
    )


def _values(computer: Computer, environ: Mapping[str, str]) -> dict[str, str]:
    home = computer.home
    values = {
        "home": home,
        "runtime": environ.get("XDG_RUNTIME_DIR", ""),
        "colima": environ.get("COLIMA_HOME") or os.path.join(home, ".colima"),
        "tmp": environ.get("TMPDIR", ""),
    }
    values = {key: value for key, value in values.items() if os.path.isabs(value)}
    return values | ({"uid": str(os.getuid())} if hasattr(os, "getuid") else {})


def _folders(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if _FOLDER.fullmatch(name))
    except OSError:
        return []


def _pipes() -> frozenset[str]:
    # Listed, not opened: to look at a pipe by its path is to connect to it.
    try:
        return frozenset(os.listdir(_PIPES))
    except OSError:
        return frozenset()


def _is_socket(path: str) -> bool:
    """Whether it is a socket of this user or of root: anybody else could listen there for your commands."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISSOCK(status.st_mode) and (not hasattr(os, "getuid") or status.st_uid in (os.getuid(), 0))
