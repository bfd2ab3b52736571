"""`trayd doctor`: looks at everything the tray stands on, all at the same time, and says what is missing.

Each look has a thread of its own and two seconds: a bus, a screen or a program that hangs costs no more than that.
"""

from __future__ import annotations

import json
import locale
import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from trayd import __version__
from trayd.core import doctor as d
from trayd.core import findings as judge
from trayd.core.privacy import place
from trayd.core.words import _
from trayd.output import put

PATIENCE = 2.0

_PARTS = ("docker", "requests", "urllib3", "pystray", "Pillow", "PyYAML", "watchdog")
_LINUX_PARTS = ("jeepney", "python-xlib")
# Only whether they are set is told: their values say where somebody's engines are.
_VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")


def doctor(as_json: bool) -> int:
    """Print the findings; return 0 if everything is there that the tray needs, else 1."""
    findings = examine(os.environ)
    if as_json:
        put(json.dumps({"version": __version__, **d.as_json(findings)}, indent=2))
    else:
        for line in d.lines(findings):
            put(line)
    return 0 if d.is_well(findings) else 1


def examine(environ: Mapping[str, str]) -> list[d.Finding]:
    """Look at everything and judge it."""
    # Imported before the clock runs: on a slow disk that alone takes a while.
    from trayd.config import look as config
    from trayd.config.paths import state_folder
    from trayd.desktop import look as desktop

    userhome = os.path.expanduser("~")
    seen = _together(
        {
            "bus": _on_bus("session_bus"),
            "panel": _on_bus("panel"),
            "notifier": _on_bus("notifier"),
            "letters": _on_bus("letters"),
            "screen": lambda: desktop.screen(environ),
            "wayland": lambda: desktop.wayland(environ),
            "tools": desktop.clipboard_tools,
            "terminal": lambda: desktop.terminal(environ),
            "ssh": lambda: desktop.program("ssh", "-V"),
            "docker": lambda: desktop.program("docker", "--version"),
            "docker-machine": lambda: desktop.program("docker-machine", "--version"),
            "context": lambda: config.context(environ),
            "autostart": desktop.autostart,
            "profiles": lambda: config.profiles(environ),
            "state": config.state_folder,
            "instance": desktop.instance,
            "parts": _parts,
        }
    )
    home = desktop.kind(environ)
    over_ssh = seen["profiles"].over_ssh if isinstance(seen["profiles"], d.Profiles) else 0
    variables = [name for name in _VARIABLES if name in environ]
    found_parts = {} if isinstance(seen["parts"], d.Unseen) else seen["parts"]
    bus = judge.session_bus(seen["bus"])
    return [
        *([bus] if home.os == "linux" else []),
        judge.tray_host(bus, seen["panel"], seen["screen"], home),
        *([judge.x_screen(seen["screen"])] if home.os == "linux" else []),
        judge.notifications(bus, seen["notifier"], home),
        judge.clipboard(seen["wayland"], seen["screen"], seen["tools"], home),
        judge.terminal(seen["terminal"]),
        judge.ssh(seen["ssh"], over_ssh, home),
        judge.docker_cli(seen["docker"], seen["context"], variables),
        judge.docker_machine(seen["docker-machine"]),
        judge.autostart(seen["autostart"]),
        judge.profiles(seen["profiles"]),
        judge.state_folder(seen["state"], place(state_folder(), userhome)),
        judge.instance(seen["instance"]),
        judge.language(_locale(environ), getattr(sys.stdout, "encoding", None) or "utf-8", seen["letters"], home),
        judge.parts(found_parts, platform.python_version(), __version__),
        judge.system(desktop.system(environ)),
    ]


def _on_bus(name: str) -> Callable[[], object]:
    """Return a look on the session bus; what it needs is installed on Linux only."""

    def look() -> object:
        if sys.platform in ("win32", "darwin"):
            return d.Unseen(_("not on this system"))
        from trayd.tray import look
        from trayd.tray.bus import BusError

        try:
            return getattr(look, name)()
        except BusError:
            return d.Unseen(_("the session bus does not answer"))

    return look


def _together(looks: Mapping[str, Callable[[], object]]) -> dict[str, Any]:
    """Run all looks at the same time; those that do not come back are left behind."""
    seen: dict[str, Any] = {}

    def run(name: str, look: Callable[[], object]) -> None:
        try:
            seen[name] = look()
        except ModuleNotFoundError as missing:
            seen[name] = d.Unseen(_("the Python package {name} is missing").format(name=missing.name))
        except Exception as bug:  # one look that fails must not take the others with it
            seen[name] = d.Unseen(_("it cannot be looked at ({reason})").format(reason=type(bug).__name__))

    threads = [threading.Thread(target=run, args=one, name=one[0], daemon=True) for one in looks.items()]
    for thread in threads:
        thread.start()
    end = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    late = d.Unseen(_("no answer within {seconds} s").format(seconds=f"{PATIENCE:g}"))
    return {name: seen.get(name, late) for name in looks}


def _parts() -> dict[str, str]:
    from importlib import metadata

    found = {}
    for name in _PARTS + (_LINUX_PARTS if sys.platform == "linux" else ()):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = ""
    return found


def _locale(environ: Mapping[str, str]) -> str:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environ.get(name):
            return value
    return (locale.getlocale()[0] or "") if sys.platform == "win32" else "C"
