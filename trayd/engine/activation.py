"""Looking before connecting: a mere connection to a socket of systemd's starts a stopped dockerd (moby#37468).

Debian's, Ubuntu's and Fedora's packages hold /run/docker.sock open by docker.socket, and dockerd behind it starts when
somebody connects. So a tray that only looks would undo every `systemctl stop docker`.
"""

from __future__ import annotations

import json
import os
import subprocess

from trayd.core.value import Value

# systemd's own words for a service that is there or on its way; they are not translated.
_RUNS = frozenset({"active", "activating", "reloading"})
_LIMIT = 65536


class Places(Value):
    """Where systemd and dockerd keep what tells; tests have their own."""

    sockets: tuple[str, ...] = ("/run/docker.sock", "/var/run/docker.sock")
    pid_file: str = "/run/docker.pid"
    daemon_json: str = "/etc/docker/daemon.json"
    systemd: str = "/run/systemd/system"


PLACES = Places()


def would_start(path: str, connected: bool, timeout: float, places: Places = PLACES) -> bool:
    """Whether connecting to this socket would start a stopped engine; takes a second at most, and never `timeout`.

    While a connection is held, dockerd's own process settles it without asking systemd. After a loss it does not: it
    lives on for a while after it was told to stop, and a connection then would start it again at once.
    """
    if path not in places.sockets or not os.path.isdir(places.systemd) or not os.path.exists(path):
        return False
    alive = _alive(_pid_file(places))
    if connected and alive:
        return False
    service, listening = _is_active(min(1.0, timeout / 2), "docker.service", "docker.socket")
    if listening != "active" or not service or service in _RUNS:
        return False
    # A dockerd that runs without systemd has its pid file too, and may be talked to.
    return service == "deactivating" or not alive


def _pid_file(places: Places) -> str:
    """Return dockerd's pid file, wherever its configuration puts it."""
    try:
        with open(places.daemon_json, "rb") as file:
            configured = json.loads(file.read(_LIMIT))
        given = configured.get("pidfile") if isinstance(configured, dict) else None
    except (OSError, ValueError, RecursionError):
        given = None
    return given if isinstance(given, str) and given else places.pid_file


def _alive(pid_file: str) -> bool:
    try:
        with open(pid_file, "rb") as file:
            os.kill(int(file.read(20)), 0)
    except PermissionError:
        return True  # it is there, and another user's
    except (OSError, ValueError, OverflowError):
        return False
    return True


def _is_active(timeout: float, *units: str) -> tuple[str, ...]:
    """Return systemd's word for each unit; empty words if it does not say."""
    try:
        told = subprocess.run(
            ["systemctl", "is-active", *units],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
        )
    except (OSError, subprocess.SubprocessError):
        return ("",) * len(units)
    words = told.stdout.split()
    return tuple(words) if len(words) == len(units) else ("",) * len(units)
