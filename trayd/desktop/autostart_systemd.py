"""A program that systemd starts with the graphical session, as a user unit; for sessions that know no autostart.

sway, river and plain window managers that are started under systemd reach graphical-session.target and read no
.desktop file. Sources: systemd.service(5) "Command lines", systemd.special(7) "graphical-session.target",
systemd.syntax(7) for the quoting.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from trayd.files import platform_folder, write_whole

UNIT = "trayd.service"
TARGET = "graphical-session.target"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def unit(command: Sequence[str]) -> str:
    """The text of a unit that starts `command` once there is a graphical session, and ends it with the session."""
    return (
        "[Unit]\n"
        "Description=trayd: which Docker engine you are talking to, and whether it answers\n"
        f"PartOf={TARGET}\n"
        f"After={TARGET}\n"
        "\n"
        "[Service]\n"
        f"ExecStart={' '.join(map(_quote, command))}\n"
        "Restart=on-failure\n"
        # 1 is what trayd ends with when another one is running already.
        "RestartPreventExitStatus=1 2\n"
        "\n"
        "[Install]\n"
        f"WantedBy={TARGET}\n"
    )


def command_of(text: str) -> tuple[str, ...]:
    """The command that a unit starts; empty if it starts none."""
    found = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', found[-1]) if found else []
    return tuple(_unquote(quoted) if quoted or not plain else _unquote(plain) for quoted, plain in words)


def unit_path() -> Path:
    """Where the unit of this person is."""
    return Path(platform_folder("config")).parent / "systemd" / "user" / UNIT


def enable(command: Sequence[str]) -> None:
    """Write the unit and enable it, as `systemctl --user enable` does. Raises OSError."""
    path, link = unit_path(), _link()
    write_whole(path, unit(command).encode())
    os.makedirs(link.parent, mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to(Path("..") / UNIT)


def disable() -> bool:
    """Take the unit away; return whether there was one. Raises OSError."""
    found = False
    for path in (_link(), unit_path()):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            found = True
    return found


def is_enabled() -> bool:
    """Whether the session starts the unit."""
    return os.path.lexists(_link())


def _link() -> Path:
    return unit_path().parent / f"{TARGET}.wants" / UNIT


def _quote(word: str) -> str:
    inner = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    for letter, character in _ESCAPES.items():
        inner = inner.replace(character, f"\\{letter}")
    return inner if re.fullmatch(r"[A-Za-z0-9@+=:,./_-]+", inner) else f'"{inner}"'


def _unquote(word: str) -> str:
    plain = re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), word, flags=re.DOTALL)
    return plain.replace("%%", "%").replace("$$", "$")
