"""The trayd program itself as tests run it: a process on a private bus with a home of its own."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.harness.poll import wait_until
from trayd.config.memory import Memory, memory_file, remember

COMMAND = (sys.executable, "-m", "trayd")


class Trayd:
    """`trayd run` in the empty home that conftest gave the test; more environment by keyword."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        self.home = Path(os.environ["HOME"])
        self.profiles = Path(os.environ["TRAYD_CONFIG_DIR"])
        self.profiles.mkdir(parents=True, exist_ok=True)
        self._arguments = arguments or ("run",)
        self._environ = {
            name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")
        }
        self._environ.setdefault("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
        self._environ |= environ
        self.greeted = True  # as after the very first start, which shows a notification
        self.before: tuple[str, ...] = ()  # a command that runs the program in its own place, as `unshare` does
        self.process: subprocess.Popen[str] | None = None

    def profile(self, name: str, text: str) -> None:
        """Write a profile file as an editor does: whole, under a temporary name first."""
        temporary = self.profiles / f".{name}.tmp"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self.profiles / f"{name}.yaml")

    def start(self) -> Self:
        """Start the program; its output goes to pipes of a file."""
        self._has_been_here()
        self._log = open(self.home / "trayd.log", "w+", encoding="utf-8")  # noqa: SIM115 - closed with the process
        self.process = subprocess.Popen(
            [*self.before, *COMMAND, *self._arguments],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            text=True,
        )
        return self

    def _has_been_here(self) -> None:
        if self.greeted and not Path(memory_file()).exists():
            remember(Memory(greeted=True))

    def say(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command of trayd beside the running one."""
        self._has_been_here()
        return subprocess.run(
            [*COMMAND, *arguments],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def output(self) -> str:
        """What the program wrote so far, to a person or an error log."""
        return (self.home / "trayd.log").read_text(encoding="utf-8")

    def ended(self, seconds: float = 10) -> int:
        """Wait for the end of the program; return its exit code."""
        assert self.process is not None
        return self.process.wait(seconds)

    def stop(self) -> int:
        """Ask it to end, as a session does at logout; return the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            self.process.kill()
        if self.process is not None:
            self.process.wait()
            self._log.close()
            assert "Traceback" not in self.output(), self.output()


def wait_for_line(program: Trayd, text: str, seconds: float = 10) -> str:
    """Wait until the program wrote a line with that text."""
    return wait_until(lambda: text in program.output() and program.output(), seconds, f"the words {text!r}") or ""
