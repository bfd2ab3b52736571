"""The installed program as a person or a script calls it: its two outputs, its exit code, a clean environment."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Self

from tests.harness.need import need

_SCRIPT = Path(sys.executable).with_name("trayd")
TRAYD = [str(_SCRIPT)] if _SCRIPT.exists() else [sys.executable, "-m", "trayd"]
_DESKTOP = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "NO_COLOR", "COLUMNS", "LINES")

Result = subprocess.CompletedProcess[str]


def environment(**more: str | None) -> dict[str, str]:
    """The test's private environment without a desktop, as a plain terminal has it; None takes a variable away."""
    kept = {name: value for name, value in os.environ.items() if name not in _DESKTOP and not name.startswith("LC_")}
    kept["PATH"] = os.pathsep.join([str(_SCRIPT.parent), kept.get("PATH", os.defpath)])
    wanted = {"LANG": "C.UTF-8", "TERM": "xterm", "SHELL": "/bin/sh"} | more
    kept |= {name: value for name, value in wanted.items() if value is not None}
    return {name: value for name, value in kept.items() if wanted.get(name, "") is not None}


def trayd(*arguments: str, **more: str | None) -> Result:
    """Run one command to its end."""
    return subprocess.run(
        [*TRAYD, *arguments],
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )


def read_only(home: Path, *arguments: str, **more: str | None) -> Result:
    """Run trayd with a home in which nothing can be written; root may write everywhere but on a read-only mount."""
    if os.geteuid() != 0:
        home.chmod(0o555)
        try:
            return trayd(*arguments, **more)
        finally:
            home.chmod(0o755)
    need("unshare", "sudo apt-get install util-linux")
    mounted = 'mount --bind "$HOME" "$HOME" && mount -o remount,bind,ro "$HOME" || exit 99; exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", mounted, "sh", *TRAYD, *arguments]
    told = subprocess.run(command, env=environment(**more), capture_output=True, encoding="utf-8", timeout=60)
    need(told.returncode != 99, "a system that lets root mount")
    return told


def profile(name: str, text: str) -> Path:
    """Write a profile into the profiles folder of the test."""
    folder = Path(os.environ["TRAYD_CONFIG_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


class Watching:
    """A command that stays, with its outputs in pipes."""

    def __init__(self, *arguments: str, **more: str | None) -> None:
        self._command, self._environ = [*TRAYD, *arguments], environment(**more)
        self._lines: SimpleQueue[str] = SimpleQueue()

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            self._command,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            encoding="utf-8",
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def line(self, seconds: float = 10.0) -> str:
        """Return the next line on stdout; a failure if none comes in time."""
        try:
            return self._lines.get(timeout=seconds)
        except Empty:
            raise AssertionError(f"no further line in {seconds:g} s") from None

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and what was written to stderr."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(10)
        assert self.process.stderr is not None
        return code, self.process.stderr.read()
