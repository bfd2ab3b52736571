"""The log's two files: private, bounded, and silent when they cannot be written.

Not `logging.handlers`: it makes files that everybody may read, and its import alone costs more than all of this.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from typing import IO

from trayd.config.paths import state_folder
from trayd.files import make_private_folder

NAME = "trayd.log"
MOST_BYTES = 512 * 1024  # of each of the two files


def log_path() -> str:
    """Return where the log is; the older half has .1 behind its name."""
    return os.path.join(state_folder(), NAME)


def stamped(when: float, text: str) -> str:
    """Return a text as a line of the log, with its time."""
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(when))}.{int(when % 1 * 1000):03d}  {text}\n"


class LogFile:
    """Appends to the log. A full disk or a read-only home costs lines, nothing else."""

    def __init__(self, path: str, most: int = MOST_BYTES) -> None:
        self._path = path
        self._most = most
        self._descriptor: int | None = None

    def write(self, line: str, rotates: bool = True) -> None:
        """Write one line, in one step, so that two writers never mix."""
        data = line.encode("utf-8", "backslashreplace")
        try:
            if self._descriptor is None:
                self._descriptor = _opened(self._path)
            about = os.fstat(self._descriptor)
            if rotates and about.st_size + len(data) > self._most and about.st_size:
                self.close()
                os.replace(self._path, f"{self._path}.1")
                self._descriptor = _opened(self._path)
            elif about.st_nlink == 0:  # somebody removed it
                self.close()
                self._descriptor = _opened(self._path)
            os.write(self._descriptor, data)
        except OSError:
            self.close()

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _opened(path: str) -> int:
    make_private_folder(os.path.dirname(path))
    # Neither through a link nor into a pipe, which would keep us waiting.
    kinds = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT"))
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | sum(kinds), 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("the log is not a file")
    if os.name == "posix":
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, 0o600)
    return descriptor


def last_lines(path: str, count: int) -> list[str]:
    """Return the last lines of both files, the newest last; none where there are none."""
    return next(_reading(path, count)).splitlines()


def following(path: str, count: int, pause: float = 0.3) -> Iterator[str]:
    """Give the last lines, and what is written from then on, for ever; a log that begins anew is followed."""
    for text in _reading(path, count):
        if text:
            yield text
        else:
            time.sleep(pause)


def _reading(path: str, count: int) -> Iterator[str]:
    """Give the last lines, then what came since each time before: one file, so that nothing is missed in between."""
    file, lines = _readable(path), list[str]()
    if (old := _readable(f"{path}.1")) is not None:
        lines += _text(old).splitlines(keepends=True)
        old.close()
    if file is not None:
        lines += _text(file).splitlines(keepends=True)
    yield "".join(lines[max(0, len(lines) - count) :] if count > 0 else [])
    while True:
        if file is not None and (text := _text(file)):
            yield text
            continue
        new = None
        with contextlib.suppress(OSError):
            if file is None or not os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                new = _readable(path)
        if new is None:
            yield ""
            continue
        if file is not None:
            file.close()
        file = new


def _readable(path: str) -> IO[bytes] | None:
    with contextlib.suppress(OSError):
        return open(path, "rb")
    return None


def _text(file: IO[bytes]) -> str:
    return file.read(4 * MOST_BYTES).decode("utf-8", "replace")
