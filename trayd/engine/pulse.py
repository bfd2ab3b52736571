"""The ping of every few seconds: one thread asks all engines whose connection is there, at a tenth of the usual cost.

Through docker-py, requests and urllib3, on a thread of its own, a ping costs 1.2 ms of CPU with a hundred profiles; the
same bytes over the same connection cost 0.01 ms, and threads that wake one another more than that (measured, 2 cores):
85 seconds of CPU an hour became 8. All that is found out here is "the same good answer as before". Whatever else comes
is not understood: the connection is given up, and the watch asks once more through docker-py, which finds the cause.

An engine that is silent is asked at a tenth of the cost as well: a `Knock` is a new connection with the question that
got no answer, and all that is found out is whether something comes now, also long after the timeout.
"""

from __future__ import annotations

import contextlib
import math
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from urllib3.util.connection import is_connection_dropped

from trayd.core.profile import Endpoint
from trayd.core.value import Value

# An engine's answer has about 300 bytes; what is longer is not the plain one.
_LONGEST = 4096
# Good answers are no news: those of one beat are told together, so that the loop wakes once for them. In seconds.
_LINGER = 0.02
# That knocks were silent is no news either: those that were sent together are told together.
_TOGETHER = 0.1


class Pinged(Value):
    """What came of a ping: the seconds to the plain good answer, or None; `silent` if nothing came in time."""

    latency: float | None = None
    silent: bool = False


class Line:
    """An idle connection to an engine that docker-py has pinged before, taken out of its pool; and its API version."""

    def __init__(self, pool: Any, connection: Any, api: str) -> None:
        self.connection = connection
        self._pool = pool
        self._timeout: float | None = None
        self._api = b"\r\napi-version: %s\r\n" % api.lower().encode()

    @property
    def sock(self) -> Any:
        """The connection's socket; None when it was closed."""
        return self.connection.sock

    @property
    def question(self) -> bytes:
        """The ping, as docker-py sent it last time."""
        asked: bytes = self.connection.ping
        return asked

    def take(self) -> None:
        """Make the connection one that nobody ever waits on."""
        self._timeout = self.connection.sock.gettimeout()
        self.connection.sock.settimeout(0)

    def give_back(self, good: bool) -> None:
        """Put the connection back into its pool as it was, closed if it is not to be used any more."""
        if good:
            self.connection.sock.settimeout(self._timeout)
        else:
            self.connection.close()
        self._pool._put_conn(self.connection)

    def is_good(self, answer: bytes) -> bool | None:
        """Whether these bytes are an engine's plain good answer to a ping; None while they may still become one."""
        head, end, body = answer.partition(b"\r\n\r\n")
        if not end:
            return False if len(answer) > _LONGEST else None
        fields = head.lower() + b"\r\n"
        if not head.startswith(b"HTTP/1.1 200 ") or self._api not in fields:
            return False
        if b"\r\ncontent-length: 2\r\n" not in fields:
            return False
        if b"\r\ntransfer-encoding:" in fields or b"\r\nconnection:" in fields:
            return False
        return None if len(body) < 2 and b"OK".startswith(body) else body == b"OK"


def line(pool: Any, api: str) -> Line | None:
    """Take an idle connection that has been pinged before out of a pool of urllib3's; None if there is none."""
    try:
        connection = pool.pool.get(block=False)  # the newest
    except (AttributeError, Empty):  # the pool was closed meanwhile; all are in use
        return None
    taken = Line(pool, connection, api)
    if connection is not None and connection.ping and connection.sock and not is_connection_dropped(connection):
        return taken
    pool._put_conn(connection)
    return None


class Knock:
    """A new connection to an engine that was silent; no answer is good, since here nobody can judge it.

    `late`: its time is over, nothing came.
    """

    late = False

    def __init__(self, sock: socket.socket, question: bytes) -> None:
        self.sock, self.question = sock, question

    def take(self) -> None:
        """Make the connection one that nobody ever waits on."""
        self.sock.settimeout(0)

    def give_back(self, good: bool) -> None:
        """Close the connection."""
        self.sock.close()

    def is_good(self, answer: bytes) -> bool:
        """No: something came, and docker-py is to ask what it means."""
        return False

    def end(self) -> None:
        """Give it up, from any thread: the pulse sees that as an end of the connection."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


def knock(endpoint: Endpoint, question: bytes, timeout: float) -> Knock | None:
    """Connect to a socket or a port with nothing else in between; None if that does not work within `timeout`."""
    sock = None
    try:
        if endpoint.scheme == "tcp":
            sock = socket.create_connection((endpoint.host, endpoint.port), timeout)
        else:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            sock.settimeout(timeout)
            sock.connect(endpoint.path)
    except (OSError, ValueError):  # of whatever kind: docker-py finds the cause
        if sock is not None:
            sock.close()
        return None
    return Knock(sock, question)


class _Ping:
    """A ping that is out."""

    def __init__(self, line: Line | Knock, deadline: float, told: Callable[[Pinged], None]) -> None:
        self.line, self.deadline, self.told = line, deadline, told
        self.start = 0.0
        self.took = 0.0
        self.answer = b""


class Pulse:
    """Asks on any number of connections at the same time; `stop` ends it."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[_Ping] = SimpleQueue()
        self._out: set[_Ping] = set()
        self._knocks: set[_Ping] = set()  # of which nobody expects a good answer soon
        self._good: list[_Ping] = []
        self._stopped = False
        self._woken = False
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)
        self._there.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._here, selectors.EVENT_READ)
        threading.Thread(target=self._run, name="pulse", daemon=True).start()

    def ask(self, line: Line | Knock, deadline: float, told: Callable[[Pinged], None]) -> None:
        """Ask on a line, which is then given back; `told` is called on the pulse's thread and must only post.

        A knock that was silent stays: what comes on it later is told as well, once.
        """
        if isinstance(line, Knock):
            deadline = math.ceil(deadline / _TOGETHER) * _TOGETHER
        self._asked.put(_Ping(line, deadline, told))
        self._wake()

    def stop(self) -> None:
        """End the thread; what is still out is given up without a word."""
        self._stopped = True
        self._wake()

    def _wake(self) -> None:
        if self._woken:
            return  # it has yet to look for what it was asked
        self._woken = True
        with contextlib.suppress(OSError):  # full: it is awake; closed: it has ended
            self._there.send(b".")

    def _run(self) -> None:
        while not self._stopped:
            self._turn()  # whose names end with it: what is done with is not held until the next beat
        for ping in [*self._out, *self._knocks]:
            self._give_up(ping)
        self._selector.close()
        self._here.close()
        self._there.close()

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._patience()):
            if key.data is None:
                with contextlib.suppress(OSError):
                    self._here.recv(4096)
                self._woken = False
            else:
                self._try(self._read, key.data)
        with contextlib.suppress(Empty):
            while True:
                self._try(self._send, self._asked.get(block=False))
        now = time.monotonic()
        for ping in [ping for ping in self._out if ping.deadline <= now]:
            self._give_up(ping)
            ping.told(Pinged(silent=True))
        for ping in [ping for ping in self._knocks if ping.deadline <= now]:
            ping.deadline, ping.line.late = math.inf, True  # type: ignore[union-attr]
            ping.told(Pinged(silent=True))
        if self._good and (not self._out or self._good[0].start + self._good[0].took + _LINGER <= now):
            told, self._good = self._good, []
            for ping in told:
                ping.told(Pinged(ping.took))

    def _patience(self) -> float | None:
        times = [ping.deadline for ping in (*self._out, *self._knocks) if ping.deadline < math.inf]
        if self._good:
            times.append(self._good[0].start + self._good[0].took + _LINGER)
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _try(self, step: Callable[[_Ping], None], ping: _Ping) -> None:
        try:
            step(ping)
        except Exception:  # a bug of ours with one engine must not end the pulse of all the others
            self._give_up(ping)
            ping.told(Pinged())

    def _send(self, ping: _Ping) -> None:
        sock, question = ping.line.sock, ping.line.question
        (self._knocks if isinstance(ping.line, Knock) else self._out).add(ping)
        try:
            ping.line.take()
            self._selector.register(sock, selectors.EVENT_READ, ping)
            ping.start = time.monotonic()
            sent = sock.send(question)
        except (OSError, ValueError, KeyError):  # it is gone, or does not even take a hundred bytes
            sent = 0
        if sent != len(question):
            self._give_up(ping)
            ping.told(Pinged())

    def _read(self, ping: _Ping) -> None:
        sock = ping.line.sock
        try:
            more = sock.recv(_LONGEST)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except (OSError, ValueError):
            more = b""
        ping.answer += more
        good = ping.line.is_good(ping.answer) if more else False
        if good:
            ping.took = time.monotonic() - ping.start
            self._take_off(ping)
            ping.line.give_back(good=True)
            self._good.append(ping)
        elif good is False:
            self._give_up(ping)
            ping.told(Pinged())
        elif isinstance(sock, ssl.SSLSocket) and sock.pending():
            self._read(ping)  # decrypted already: the selector would not tell

    def _give_up(self, ping: _Ping) -> None:
        self._take_off(ping)
        ping.line.give_back(good=False)

    def _take_off(self, ping: _Ping) -> None:
        self._out.discard(ping)
        self._knocks.discard(ping)
        with contextlib.suppress(KeyError, ValueError, OSError):
            self._selector.unregister(ping.line.sock)
