"""A terminal to run a program in: what it wrote, what a person sees of it, and keys to press."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from typing import Self

from tests.harness.poll import wait_until

CTRL_C = "\x03"


class Screen:
    """A program in a pseudo terminal of its own, which is its controlling one, so that Ctrl-C means what it does."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], rows: int = 24, columns: int = 80) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.modes = termios.tcgetattr(self._master)
        self._output = b""
        self._over = threading.Event()
        self._command, self._env, self._slave = list(command), dict(env), slave

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command,
            env=self._env,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.ended()
        self.hang_up()
        os.close(self._slave)

    def _read(self) -> None:
        while True:
            if select.select([self._master], [], [], 0.05)[0]:
                self._output += os.read(self._master, 65536)
            elif self._over.is_set():
                return

    @property
    def output(self) -> str:
        """Everything that was written so far."""
        return self._output.decode("utf-8", "replace")

    def press(self, keys: str) -> None:
        """Type on the keyboard."""
        os.write(self._master, keys.encode())

    def wait_for(self, text: str, seconds: float = 10.0) -> str:
        """Wait until a person sees that text."""
        wait_until(lambda: text in self.seen() or None, seconds, f"{text!r} on the screen, which shows\n{self.output}")
        return self.seen()

    def ended(self, seconds: float = 10.0) -> int:
        """Wait for the program's end, and for what it wrote last; its exit code, negative for a signal."""
        code = self.process.wait(seconds)
        self._over.set()
        self._reader.join()
        return code

    def unchanged(self) -> bool:
        """Whether the terminal's modes are as they were: echo, line editing and signals."""
        return termios.tcgetattr(self._master) == self.modes

    def hang_up(self) -> None:
        """Close the terminal's window."""
        self._over.set()
        self._reader.join()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def seen(self) -> str:
        """The lines that a person sees, scrolled-off ones too."""
        return rendered(self.output)


def rendered(text: str) -> str:
    """What a terminal shows of a text with the movements that trayd uses (CSI nF, K, J, colours) and bare controls."""
    lines, row, column = [""], 0, 0
    for token in re.findall(r"\x1b\[[0-9;?]*[a-zA-Z]|[\s\S]", text):
        if token == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif token == "\r":
            column = 0
        elif token.startswith("\x1b["):
            if token[-1] == "F":
                row, column = max(0, row - int(token[2:-1] or 1)), 0
            elif token[-1] == "K":
                lines[row] = lines[row][:column]
            elif token[-1] == "J":
                lines[row:] = [lines[row][:column]]
        elif token >= " ":
            line = lines[row].ljust(column)
            lines[row] = line[:column] + token + line[column + 1 :]
            column += 1
    return "\n".join(lines)
