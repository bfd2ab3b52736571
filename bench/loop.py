"""What people do without a tray: a shell loop that asks again and again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import Self

from tests.harness.poll import wait_until

# bash's own timer (`read -t`), so that no `sleep` process is counted; the pipe behind it never gets anything.
SCRIPT = """
exec 3<> "$FIFO"
while :; do
    if eval "$ASK" > /dev/null 2>&1; then echo up; else echo down; fi
    read -t "$EVERY" -u 3
done
"""
CURL = 'curl -sf --unix-socket "$SOCKET" http://localhost'


@dataclass(frozen=True)
class Way:
    """A way of polling: how it asks, and how many seconds after an answer it asks again."""

    name: str
    ask: str
    every: float


DOCKER_PS = Way("`docker ps` every 2 s", 'docker -H "unix://$SOCKET" ps', 2)
WAYS = (
    DOCKER_PS,
    Way("curl /containers/json every 5 s", f"{CURL}/containers/json?all=1", 5),
    Way("curl /_ping every 5 s", f"{CURL}/_ping", 5),
)
BOUNDED = Way("`timeout 10 docker ps` every 2 s", f"timeout 10 {DOCKER_PS.ask}", 2)


class PollingLoop:
    """The loop, and when it said what; none of the usual ways has a timeout."""

    def __init__(self, url: str, way: Way = DOCKER_PS) -> None:
        self._socket = url.removeprefix("unix://")
        self._way = way
        self._said: list[tuple[float, str]] = []

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="trl")
        fifo = f"{self._folder.name}/fifo"
        os.mkfifo(fifo)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": self._folder.name,
            "SOCKET": self._socket,
            "FIFO": fifo,
            "ASK": self._way.ask,
            "EVERY": f"{self._way.every:g}",
        }
        self._process = subprocess.Popen(
            ["bash", "-c", SCRIPT],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._thread.join(5)
        self._folder.cleanup()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._said.append((time.monotonic(), line.strip()))

    def _when(self, word: str, since: float) -> float:
        return next((at for at, said in list(self._said) if said == word and at > since), 0.0)

    def wait_for(self, word: str, since: float = 0.0, seconds: float = 40.0) -> float:
        """Wait until the loop says this after a moment; when it did."""
        return wait_until(lambda: self._when(word, since), seconds, f"the polling loop's '{word}'", every=0.05)

    # What bench.display.Display asks of everything that shows something.

    def appeared(self) -> float:
        """When it first said anything."""
        return self._said[0][0] if self._said else 0.0

    def remember(self) -> None:
        """It has only two words."""

    def changed(self, since: float) -> float:
        """When it said "down"."""
        return self._when("down", since)

    def restored(self, since: float) -> float:
        """When it said "up"."""
        return self._when("up", since)
