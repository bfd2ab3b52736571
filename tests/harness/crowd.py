"""Many small engines in one process that come and go all the time, for tests that need thousands of changes.

    python -m tests.harness.crowd FOLDER COUNT

One thread serves them all, so a test's own process has its processor for itself. Each engine listens at
FOLDER/NN.sock, every fourth one on a tcp port instead; the first line on stdout is the list of their URLs as JSON.
On stdin it takes words: `storm` lets them fall and rise, `calm` lets all of them be away once and then stay. After a
word is done, and at the end of input, it says how many pings it has answered.
"""

import contextlib
import heapq
import itertools
import json
import os
import random
import selectors
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

HEAD = "HTTP/1.1 {status}\r\nApi-Version: 1.41\r\nOstype: linux\r\nServer: Docker/20.10.24 (linux)\r\n"
AWAY = 0.5  # seconds for which everybody is away before the calm
FAULTS = ("gone", "gone", "hangs up", "ill", "slow")


def answer(status: str, kind: str, body: bytes) -> bytes:
    """One whole HTTP answer."""
    head = f"{HEAD.format(status=status)}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


PING = answer("200 OK", "text/plain; charset=utf-8", b"OK")
ILL = answer("500 Internal Server Error", "application/json", b'{"message":"out of breath"}\n')
LIST = answer("200 OK", "application/json", b"[]\n")
STREAM = f"{HEAD.format(status='200 OK')}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()


class Crowd:
    """The loop that serves all engines, with its timers."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.stormy = False
        self.pings = 0
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do something after so many seconds."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), work))

    def run(self, until: Callable[[], bool]) -> None:
        """Serve until the answer is yes."""
        while not until():
            wait = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else 1.0
            for key, _ in self.selector.select(min(wait, 1.0)):
                key.data()
            while self._timers and self._timers[0][0] <= time.monotonic():
                heapq.heappop(self._timers)[2]()


class SmallEngine:
    """One engine: pings, a version, empty lists, an event stream; and a fault after every few pings."""

    def __init__(self, crowd: Crowd, number: int, folder: Path) -> None:
        self._crowd = crowd
        self._chance = random.Random(number)
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self._path = folder / f"{number:02}.sock"
        self._port = 0
        self._unix = number % 4 != 3
        self._fault = ""
        self._left = self._chance.randint(8, 20)
        info = {"Name": f"small{number:02}", "ID": f"ID{number:02}"}
        known = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Os": "linux", "Arch": "amd64"}
        self._facts = {
            "/version": answer("200 OK", "application/json", json.dumps(known).encode()),
            "/info": answer("200 OK", "application/json", json.dumps(info).encode()),
        }
        self.rise()

    @property
    def url(self) -> str:
        return f"unix://{self._path}" if self._unix else f"tcp://127.0.0.1:{self._port}"

    def rise(self) -> None:
        """Listen."""
        self._fault = ""
        if self._listener is not None:
            return
        if self._unix:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._path))
        else:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self._port))
            self._port = listener.getsockname()[1]
        listener.listen(64)
        listener.setblocking(False)
        self._listener = listener
        self._crowd.selector.register(listener, selectors.EVENT_READ, self._accept)

    def fall(self, fault: str) -> None:
        """Have one of the faults; with `gone` there is nobody at the address."""
        self._fault = fault
        if fault in ("gone", "hangs up"):
            for connection in list(self._connections):
                self._close(connection)
        if fault == "gone" and self._listener is not None:
            self._crowd.selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
            if self._unix:
                self._path.unlink()

    def _accept(self) -> None:
        if self._listener is None:
            return  # it fell while this was on its way
        with contextlib.suppress(OSError):
            connection, _ = self._listener.accept()
            if self._fault == "hangs up":
                connection.close()
                return
            if not self._unix:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.add(connection)
            self._crowd.selector.register(connection, selectors.EVENT_READ, lambda: self._read(connection))

    def _read(self, connection: socket.socket) -> None:
        if connection not in self._connections:
            return
        try:
            asked = connection.recv(65536)  # a question of trayd's comes in one piece
            if asked.startswith(b"GET "):  # else somebody looks whether this is TLS
                self._reply(connection, asked.split(b" ", 2)[1].decode())
                return
        except OSError:
            pass
        self._close(connection)

    def _reply(self, connection: socket.socket, path: str) -> None:
        path = path.partition("?")[0]
        path = "/" + path.split("/", 2)[2] if path.startswith("/v1.") else path
        if path == "/events":
            connection.sendall(STREAM)
        elif path != "/_ping":
            connection.sendall(self._facts.get(path, LIST))
        elif self._fault == "ill":
            connection.sendall(ILL)
        else:
            self._crowd.pings += 1
            self._left -= 1
            if self._crowd.stormy and self._left <= 0 and not self._fault:
                self._left = self._chance.randint(8, 20)
                fault = self._chance.choice(FAULTS)
                self.fall(fault)
                self._crowd.later(self._chance.uniform(0.02, 0.1), self.rise)
                if fault == "slow":
                    self._crowd.later(0.08, lambda: self._late(connection))
                    return
                if fault in ("gone", "hangs up"):
                    return  # in the middle of a question
            connection.sendall(PING)

    def _late(self, connection: socket.socket) -> None:
        if connection in self._connections:
            with contextlib.suppress(OSError):
                connection.sendall(PING)

    def _close(self, connection: socket.socket) -> None:
        self._connections.discard(connection)
        self._crowd.selector.unregister(connection)
        connection.close()


def main() -> None:
    """Serve until the end of input."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    crowd = Crowd()
    engines = [SmallEngine(crowd, number, folder) for number in range(count)]
    print(json.dumps([engine.url for engine in engines]), flush=True)
    ended: list[bool] = []

    def listen() -> None:
        words = os.read(0, 4096).decode().split()
        for word in words:
            crowd.stormy = word == "storm"
            if word == "calm":
                for engine in engines:
                    engine.fall("gone")
                    crowd.later(AWAY, engine.rise)
                crowd.later(AWAY, lambda: print(crowd.pings, flush=True))
            else:
                print(crowd.pings, flush=True)
        if not words:
            ended.append(True)

    crowd.selector.register(0, selectors.EVENT_READ, listen)
    crowd.run(lambda: bool(ended))


if __name__ == "__main__":
    main()
