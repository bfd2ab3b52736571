"""A relay to an engine on a unix socket of its own, which comes and goes; it knows when it did."""

from __future__ import annotations

import contextlib
import random
import selectors
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path


class Relay:
    """One thread for everything: connections are passed on while it is up, and broken when it goes."""

    def __init__(self, target: str) -> None:
        self._target = target.removeprefix("unix://")
        self._folder = Path(tempfile.mkdtemp(prefix="trf", dir="/tmp"))
        self._path = self._folder / "d.sock"
        self.url = f"unix://{self._path}"
        self.changes: list[tuple[float, bool]] = []  # when, and whether it is up since then
        self._selector = selectors.DefaultSelector()
        self._listener: socket.socket | None = None
        self._other: dict[socket.socket, socket.socket] = {}
        self._flapping = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Relay:
        self._come()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._go()
        self._selector.close()
        shutil.rmtree(self._folder)

    def flap(self, going: bool = True) -> None:
        """Begin to come and go every few seconds, or come back and stay."""
        (self._flapping.set if going else self._flapping.clear)()

    def _come(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.changes.append((time.monotonic(), True))

    def _go(self) -> None:
        if self._listener is None:
            return
        # The moment of the change is before the first of its effects.
        self.changes.append((time.monotonic(), False))
        self._selector.unregister(self._listener)
        self._listener.close()
        self._listener = None
        self._path.unlink()
        for one in list(self._other):
            self._drop(one)

    def _drop(self, one: socket.socket) -> None:
        for end in {one, self._other.get(one)} - {None}:
            if end in self._other:
                del self._other[end]
                self._selector.unregister(end)
                end.close()

    def _run(self) -> None:
        turn = 0.0
        while not self._ended.is_set():
            now = time.monotonic()
            if self._flapping.is_set() and now >= turn:
                if turn:
                    (self._go if self._listener else self._come)()
                turn = now + random.uniform(2, 5)
            elif not self._flapping.is_set():
                turn = 0.0
                if self._listener is None:
                    self._come()
            for key, _ in self._selector.select(0.1):
                source = key.fileobj
                assert isinstance(source, socket.socket)
                if source is self._listener:
                    self._accept()
                elif source in self._other:
                    self._pass(source)

    def _accept(self) -> None:
        assert self._listener
        client, _ = self._listener.accept()
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            server.connect(self._target)
        except OSError:
            client.close()
            server.close()
            return
        self._other |= {client: server, server: client}
        for end in (client, server):
            self._selector.register(end, selectors.EVENT_READ)

    def _pass(self, source: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            data = source.recv(65536)
            self._other[source].sendall(data)
        if not data:
            self._drop(source)
