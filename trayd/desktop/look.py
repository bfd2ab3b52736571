"""Looks at the desktop for `trayd doctor`: screens, clipboard tools, the terminal, programs, autostart, the instance.

They change nothing: the clipboard's text stays whose it is.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping

from trayd.core.doctor import Autostart, Home, Instance, Program, Screen, Wayland
from trayd.core.packages import family
from trayd.core.words import _
from trayd.files import can_be_written

# A program that has not told its version by then is not waited for.
PROGRAM_SECONDS = 1.5

_TERMINALS = (
    "xdg-terminal-exec", "x-terminal-emulator", "gnome-terminal", "kgx", "ptyxis", "konsole", "xfce4-terminal",
    "mate-terminal", "lxterminal", "qterminal", "alacritty", "kitty", "foot", "wezterm", "ghostty", "tilix",
    "terminator", "xterm",
)  # fmt: skip


def screen(environ: Mapping[str, str]) -> Screen:
    """Look at the X screen, and whether a tray of the old kind is on it."""
    display = environ.get("DISPLAY", "")
    if sys.platform in ("win32", "darwin") or not display:
        return Screen()
    import Xlib.display
    import Xlib.error

    try:
        connection = Xlib.display.Display(display)
    except (Xlib.error.DisplayError, Xlib.error.XauthError, Xlib.error.ConnectionClosedError, OSError):
        return Screen(named=True)
    try:
        selection = connection.intern_atom(f"_NET_SYSTEM_TRAY_S{connection.get_default_screen()}")
        return Screen(True, True, connection.get_selection_owner(selection) != Xlib.X.NONE)
    finally:
        with contextlib.suppress(Xlib.error.ConnectionClosedError, OSError):
            connection.close()


def wayland(environ: Mapping[str, str]) -> Wayland:
    """Look at the Wayland compositor, and whether it lets programs have the clipboard."""
    if not environ.get("WAYLAND_DISPLAY"):
        return Wayland()
    from trayd.desktop.clipboard_owner import NotOwnedError
    from trayd.desktop.clipboard_wayland import offers_data_control, socket_path

    try:
        return Wayland(True, True, offers_data_control(socket_path(environ)))
    except (NotOwnedError, OSError):
        return Wayland(named=True)


def clipboard_tools() -> tuple[str, ...]:
    """Return the installed programs that can fill the clipboard, as `clipboard` tries them."""
    from trayd.desktop.clipboard import HELPERS

    return tuple(name for name in HELPERS if shutil.which(name))


def terminal(environ: Mapping[str, str]) -> str:
    """Return the terminal of this session by its well-known name, or ""."""
    if sys.platform in ("win32", "darwin"):
        return _("the system's own")
    for name in (os.path.basename(environ.get("TERMINAL", "")), *_TERMINALS):
        if name in _TERMINALS and shutil.which(name):
            return name
    return ""


def program(name: str, *arguments: str) -> Program:
    """Look whether a program is on PATH, and what it says to these arguments; all that it started ends with it."""
    path = shutil.which(name)
    if path is None:
        return Program()
    null, pipe = subprocess.DEVNULL, subprocess.PIPE
    try:
        process = subprocess.Popen(
            [path, *arguments], stdin=null, stdout=pipe, stderr=subprocess.STDOUT, start_new_session=True
        )
    except OSError:
        return Program(True)
    try:
        said, _errors = process.communicate(timeout=PROGRAM_SECONDS)
    except subprocess.TimeoutExpired:
        return Program(True, silent=True)
    finally:
        _end(process)
    return Program(True, said[:4096].decode("utf-8", "replace"))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and, where that can be said, all that it started: a script's child would hold our pipe."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def autostart() -> Autostart:
    """Look at the entry for the login, as `trayd autostart status` does."""
    from trayd.desktop import autostart

    status = autostart.status(autostart.command())
    return Autostart(status.enabled, status.brief)


def instance() -> Instance:
    """Look whether a trayd runs, and whether one could take the lock."""
    from trayd.desktop import instance

    pid = instance.holder()
    return Instance(pid or 0, bool(pid) or can_be_written(os.path.dirname(instance.lock_path())))


def kind(environ: Mapping[str, str]) -> Home:
    """Tell what kind of system and desktop this is."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    # sway itself names no desktop.
    desktop = environ.get("XDG_CURRENT_DESKTOP") or ("sway" if "SWAYSOCK" in environ else "")
    return Home(system, family(_release()), desktop)


def system(environ: Mapping[str, str]) -> list[str]:
    """Return words about the system, the desktop and the session."""
    release = _release()
    told = [release.get("PRETTY_NAME", ""), f"{platform.system()} {platform.release()}", platform.machine()]
    session = environ.get("XDG_SESSION_TYPE", "")
    told += [environ.get("XDG_CURRENT_DESKTOP", ""), session if session in ("x11", "wayland", "tty") else ""]
    return [word for word in told if word]


def _release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}
