"""A program in a terminal of its own: what it writes, and when."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping

ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>]|\][^\x07]*\x07)")


class TerminalDisplay:
    """The master side of a pseudo terminal, which also answers nothing: nobody sits there."""

    def __init__(self, first: str, bad: str) -> None:
        self._first, self._bad = first, bad
        self._said: list[tuple[float, str]] = []
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 130, 0, 0))

    def start(self, command: list[str], environ: Mapping[str, str], folder: str) -> subprocess.Popen[bytes]:
        """Start the program and listen to it."""
        slave = self._slave
        process = subprocess.Popen(
            command,
            env=dict(environ),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # it opens /dev/tty
        )
        os.close(slave)
        threading.Thread(target=self._listen, daemon=True).start()
        return process

    def press(self, keys: bytes) -> None:
        """Type something."""
        with contextlib.suppress(OSError):
            os.write(self._master, keys)

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):
            os.close(self._master)

    def appeared(self) -> float:
        """When the first screen was written."""
        return self._when(self._first, 0.0)

    def remember(self) -> None:
        """Nothing to remember: a word is waited for."""

    def changed(self, since: float) -> float:
        """When it first told the trouble."""
        return self._when(self._bad, since)

    def restored(self, since: float) -> float:
        """Never: its message waits for a key."""
        return 0.0

    def screen_text(self, since: float = 0.0) -> str:
        """What was written, without the escapes."""
        return ESCAPES.sub("", "".join(text for at, text in list(self._said) if at >= since))

    def _when(self, words: str, since: float) -> float:
        text = ""
        for at, more in list(self._said):
            if at > since:
                text = (text + ESCAPES.sub("", more))[-4000:]
                if words in text:
                    return at
        return 0.0

    def _listen(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            self._said.append((time.monotonic(), data.decode(errors="replace")))
            del self._said[:-4000]
