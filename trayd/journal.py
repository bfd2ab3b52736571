"""The log of the running tray: a surface that writes every change as a line instead of showing it.

One thread writes, and begins only when there is something to write: neither the icon nor the loop ever waits for a
disk, nor for what only the log imports. What comes while a disk hangs is dropped, not kept.
"""

from __future__ import annotations

import logging
import os
import platform
import queue
import threading
import time

from trayd import __version__
from trayd.core import effects as do
from trayd.core.snapshot import Snapshot
from trayd.core.text import clean
from trayd.output import say

_MOST_WAITING = 1000
_END_SECONDS = 1.0


class Journal:
    """Writes what happens into the log, and with `verbose` to stderr as well. Methods may be called by any thread."""

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose
        self._home = os.path.expanduser("~")
        self._began = time.time()
        self._shown = Snapshot()
        self._lines: queue.Queue[tuple[float, str] | None] = queue.Queue(_MOST_WAITING)
        self._starting = threading.Lock()
        self._writer: threading.Thread | None = None
        self._handler = _Handler(self)
        logger = logging.getLogger("trayd")
        logger.addHandler(self._handler)
        if verbose:
            logger.setLevel(logging.DEBUG)

    def tell(self, text: str) -> None:
        """Write one line."""
        with self._starting:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="journal", daemon=True)
                self._writer.start()
        self._put(text)

    def _put(self, text: str) -> None:
        if self._verbose:
            say(text)
        try:
            self._lines.put_nowait((time.time(), text))
        except queue.Full:
            return

    def host(self, present: bool) -> None:
        """A panel that shows icons came or went."""
        self.tell(f"tray: {'a panel shows the icon' if present else 'no panel shows the icon'}")

    def draw(self, snapshot: Snapshot) -> None:
        """Write what differs from the snapshot before."""
        from trayd.core.journal import changes

        old, self._shown = self._shown, snapshot
        for line in changes(old, snapshot):
            self.tell(line)

    def notify(self, note: do.Notify) -> None:
        """Write what failed of our own: that has no subject. What is told about engines is a change already."""
        if not note.subject:
            from trayd.core.journal import failure

            self.tell(f"told: {failure(note.title, self._home)}")

    def stop(self) -> None:
        """Write what is left; a disk that hangs is not waited for."""
        self.tell("end")
        logging.getLogger("trayd").removeHandler(self._handler)
        try:
            self._lines.put_nowait(None)
        except queue.Full:
            return
        if self._writer is not None:
            self._writer.join(_END_SECONDS)

    def record(self, text: str, level: int) -> None:
        """Write what a module of ours said, a traceback perhaps; a warning is said to a person's session as well."""
        from trayd.core.privacy import without_secrets

        for line in without_secrets(text, self._home).splitlines():
            self.tell(clean(line, 500))
        if level >= logging.WARNING and not self._verbose:
            say(text)

    def _write(self) -> None:
        from trayd.logfile import LogFile, log_path, stamped

        file = LogFile(log_path())
        file.write(stamped(self._began, _start()))
        while (told := self._lines.get()) is not None:
            file.write(stamped(*told))
        file.close()


class _Handler(logging.Handler):
    """Brings what the modules log to the journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record."""
        self._journal.record(self.format(record), record.levelno)


def _start() -> str:
    from trayd.core import findings
    from trayd.desktop import look

    about = findings.system(look.system(os.environ)).text
    return f"start: trayd {__version__}, Python {platform.python_version()}, {about}"
