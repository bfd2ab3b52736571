"""Where trayd's folders are, folders that only their person can enter, and files that are never half written."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import Literal

# Writing takes milliseconds; a temporary file that is older belongs to a program that was killed in the middle.
_ABANDONED = 60.0
_XDG = {"config": ("XDG_CONFIG_HOME", ".config"), "state": ("XDG_STATE_HOME", ".local/state")}


def shipped(installed: str, cloned: str) -> str:
    """Return the path of what comes with trayd: a part of the installed package, or of the clone that trayd runs in."""
    package = os.path.dirname(os.path.abspath(__file__))
    inside = os.path.join(package, installed)
    return inside if os.path.exists(inside) else os.path.join(os.path.dirname(package), cloned)


def make_private_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder and the missing ones above it, each 0700 (XDG Base Directory specification). Raises OSError."""
    if os.path.isdir(path):
        return
    make_private_folder(os.path.dirname(os.path.abspath(path)))
    # Another trayd may be making it at the same moment.
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, mode=0o700)


def write_whole(path: str | os.PathLike[str], data: bytes) -> tuple[int, int]:
    """Write a 0600 file under a temporary name and rename it, so that nobody ever reads half of it. Raises OSError.

    Returns its mark, by which one's own version is known from that of another program.
    """
    import tempfile  # 10 ms, which reading needs not

    folder, name = os.path.split(os.path.abspath(path))
    make_private_folder(folder)
    _sweep(folder, f".{name}.")
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            mark = _mark(os.fstat(descriptor))
        os.replace(temporary, path)
        return mark
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def mark_of(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """Return the mark of the version that stands there now, or None if there is none."""
    try:
        return _mark(os.stat(path))
    except OSError:
        return None


def _mark(about: os.stat_result) -> tuple[int, int]:
    return about.st_ino, about.st_mtime_ns


def _sweep(folder: str, prefix: str) -> None:
    """Remove the temporary files of programs that were killed while they wrote."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and time.time() - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED:
                os.unlink(entry.path)


def can_be_written(folder: str) -> bool:
    """Whether a file could be made in a folder, or the folder itself if it is not there yet."""
    while not os.path.lexists(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)


def platform_folder(kind: Literal["config", "state"]) -> str:
    """Return the platform's folder for trayd's configuration, or for what it remembers; it may not exist yet."""
    if sys.platform == "linux":
        # What platformdirs does here, without the 16 ms that importing it costs every `trayd env` (measured).
        variable, fallback = _XDG[kind]
        base = os.environ.get(variable, "")
        if not os.path.isabs(base):  # the XDG specification: a relative path is invalid and ignored
            base = os.path.join(os.path.expanduser("~"), fallback)
        return os.path.join(base, "trayd")
    import platformdirs

    find = platformdirs.user_config_dir if kind == "config" else platformdirs.user_state_dir
    folder: str = find("trayd", appauthor=False)
    return folder
