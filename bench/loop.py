"""What people do without a tray: a shell loop that asks with the docker CLI every two seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from typing import Self

from tests.harness.poll import wait_until

# bash's own timer (`read -t`), so that no `sleep` process is counted; the pipe behind it never gets anything.
SCRIPT = """
exec 3<> "$FIFO"
while :; do
    if timeout "$SECONDS_EACH" docker -H "$URL" ps > /dev/null 2>&1; then echo up; else echo down; fi
    read -t 2 -u 3
done
"""


class PollingLoop:
    """The loop, and when it said what."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._said: list[tuple[float, str]] = []

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="trl")
        fifo = f"{self._folder.name}/fifo"
        os.mkfifo(fifo)
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": self._folder.name,
            "URL": self._url,
            "FIFO": fifo,
            "SECONDS_EACH": str(self._timeout),
        }
        self._process = subprocess.Popen(
            ["bash", "-c", SCRIPT],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._thread.join(5)
        self._folder.cleanup()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._said.append((time.monotonic(), line.strip()))

    def wait_for(self, word: str, since: float = 0.0, seconds: float = 40.0) -> float:
        """Wait until the loop says this after a moment; when it did."""
        return wait_until(
            lambda: next((at for at, said in list(self._said) if said == word and at > since), 0.0),
            seconds,
            f"the polling loop's '{word}'",
            every=0.05,
        )
