"""The private folder of one tunnel: held while its owner lives, cleared by the next one when nobody could any more.

A tunnel's guard ends ssh and removes the folder, and the owner does the guard's work if that is killed. What is left
here is from both having been killed at once, or trayd just before it had a guard.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time

from trayd.core.value import Value
from trayd.files import make_private_folder

# To the master of ours alone: without it, never to any host.
TO_MASTER = ("ssh", "-F", "none", "-S", "./c", "-o", "ControlMaster=no", "-o", "ProxyCommand=false")
NAME = "trayd.invalid"

_LONGEST = 103 - len("/s")  # what a Unix socket's path may have, in bytes (macOS; Linux takes 107)
_PREFIX = "ssh-"
_YOUNG = 10.0  # seconds in which a folder is certainly held, if it is going to be
_PATIENCE = 1.0


class Folder(Value):
    """A folder and the lock on it, which ends with this process, however that ends."""

    path: str
    lock: int | None

    def remove(self) -> None:
        """Remove the folder and let go of it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.lock is not None:
            os.close(self.lock)


def make_folder() -> Folder:
    """Make a private folder whose path is short enough for a socket in it. Raises OSError."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):
        with contextlib.suppress(OSError):
            below = os.path.join(runtime, "trayd")
            if len(os.fsencode(below)) + len("/ssh-12345678") <= _LONGEST:
                make_private_folder(below)
                _sweep(below)
                made = tempfile.mkdtemp(prefix=_PREFIX, dir=below)
                return Folder(made, _hold(made))
    return Folder(tempfile.mkdtemp(prefix="trayd-", dir="/tmp"), None)


def _hold(path: str) -> int | None:
    """Lock a folder; None if its owner lives, or where folders cannot be locked."""
    import fcntl  # not on Windows, where there are no tunnels

    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _sweep(below: str) -> None:
    """End what is left of tunnels whose owner and guard were killed."""
    with os.scandir(below) as entries:
        left = [entry.path for entry in entries if entry.name.startswith(_PREFIX)]
    for path in left:
        with contextlib.suppress(OSError):
            if time.time() - os.lstat(path).st_mtime > _YOUNG and (lock := _hold(path)) is not None:
                _clear(Folder(path, lock))


def _clear(folder: Folder) -> None:
    if os.path.exists(os.path.join(folder.path, "c")):
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                [*TO_MASTER, "-O", "exit", "--", NAME],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=folder.path,
                start_new_session=True,
                timeout=_PATIENCE,
            )
    folder.remove()
