"""Servers on loopback that behave as badly as a real engine cannot be made to: silent, closing, garbage, dripping.

Each is a context manager with `url`, `host`/`port` or `path`, and `connections` (how many came so far). All of them
speak over tcp, over a unix socket with `unix=True`, and inside TLS with `tls=...`. The HTTP one is in responder.py.
"""

import contextlib
import selectors
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.harness.ask import free_port

if TYPE_CHECKING:
    from tests.harness.tls import ServerTls

SSH_BANNER = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"


class StandIn:
    """A listener that hands every connection to `behave(connection, ended)` in a thread of its own.

    `ended` is set when the stand-in closes, so a behaviour waits with `ended.wait(seconds)` and never sleeps. When it
    comes back, the connection is closed.
    """

    def __init__(
        self,
        behave: Callable[[socket.socket, threading.Event], None],
        *,
        unix: bool = False,
        tls: "ServerTls | None" = None,
        verify_clients: bool = True,
        port: int = 0,
    ) -> None:
        self._behave = behave
        self._unix = unix
        self._context = tls.context(verify_clients) if tls else None
        self._wanted = port
        self._ended = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.connections = 0

    def __enter__(self) -> Self:
        self._ended.clear()
        if self._unix:
            self.directory = Path(tempfile.mkdtemp(prefix="ts", dir="/tmp"))
            self.path = self.directory / "d.sock"
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(str(self.path))
            self.url = f"unix://{self.path}"
        else:
            self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.host, self.port = "127.0.0.1", self._wanted or free_port()
            self._listener.bind((self.host, self.port))
            self.url = f"tcp://{self.host}:{self.port}"
        self._listener.listen(128)
        self._wake, self._woken = socket.socketpair()
        self._accepting = self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._wake.close()
        self._accepting.join(5)  # first of all, so that no further connection comes
        self.hang_up()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), f"a stand-in's thread does not end: {self._behave}"
        self._listener.close()
        self._woken.close()
        if self._unix:
            shutil.rmtree(self.directory)

    def _start(self, work: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._ended.is_set():
                selector.select()
                if not self._ended.is_set():
                    connection, _ = self._listener.accept()
                    self.connections += 1
                    self._open.add(connection)
                    self._start(self._serve, connection)

    def hang_up(self) -> None:
        """Close the connections that are open, as a server does with idle ones; new ones are accepted."""
        for connection in list(self._open):
            self._hang_up(connection)

    @staticmethod
    def _hang_up(connection: socket.socket) -> None:
        """Wake a behaviour that is reading or writing."""
        with contextlib.suppress(OSError):
            # Not SSLSocket's own shutdown, which would pull the TLS object from under the other thread.
            socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def _serve(self, raw: socket.socket) -> None:
        connection = raw
        try:
            if self._context:
                # The handshake can last as long as the client likes, so hanging up must work during it.
                connection = self._context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
                self._open.add(connection)
                if self._ended.is_set():
                    return
                connection.do_handshake()
            # A client that goes away in the middle is the purpose of these servers, not their failure.
            with contextlib.suppress(OSError):
                self._behave(connection, self._ended)
        except OSError:  # ssl.SSLError is one
            pass
        finally:
            self._open -= {raw, connection}
            connection.close()
            raw.close()


def silent(unix: bool = False, tls: "ServerTls | None" = None) -> StandIn:
    """Accepts and never answers; without `tls` this is a silent TLS handshake too."""
    return StandIn(_hold, unix=unix, tls=tls)


def closing(unix: bool = False, tls: "ServerTls | None" = None, at_once: bool = False) -> StandIn:
    """Accepts, reads the request and closes; `at_once` closes without reading, which a client may see as a reset."""

    def behave(connection: socket.socket, ended: threading.Event) -> None:
        if not at_once:
            read_head(connection)

    return StandIn(behave, unix=unix, tls=tls)


def resetting(unix: bool = False) -> StandIn:
    """Accepts and resets the connection (RST) after the first byte."""

    def behave(connection: socket.socket, ended: threading.Event) -> None:
        connection.recv(1)  # what stays unread makes a unix socket reset as well
        if connection.family == socket.AF_INET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return StandIn(behave, unix=unix)


def garbage(text: bytes = SSH_BANNER, unix: bool = False, tls: "ServerTls | None" = None) -> StandIn:
    """Greets with something that is not HTTP, by default with an SSH banner, and waits for the other to go."""

    def behave(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(text)
        while connection.recv(65536):
            pass

    return StandIn(behave, unix=unix, tls=tls)


def drip(text: bytes | None = None, every: float = 1.0, unix: bool = False, tls: "ServerTls | None" = None) -> StandIn:
    """Answers one byte at a time, so that no single read ever waits long; by default a proper `OK` in about 90 s."""
    answer = text or b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK"

    def behave(connection: socket.socket, ended: threading.Event) -> None:
        read_head(connection)
        for byte in answer:
            connection.sendall(bytes([byte]))
            if ended.wait(every):
                return

    return StandIn(behave, unix=unix, tls=tls)


@contextlib.contextmanager
def unanswered() -> Iterator[tuple[str, int]]:
    """Host and port of a listener whose queue is full, so that the kernel drops further connection attempts."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", free_port()))
        listener.listen(0)
        for _ in range(16):
            filler = sockets.enter_context(socket.socket())
            filler.settimeout(0.3)
            try:
                filler.connect(listener.getsockname())
            except TimeoutError:
                break  # this one was dropped, so will be the next
        else:
            raise AssertionError("this kernel's queue does not fill up")
        yield "127.0.0.1", listener.getsockname()[1]


def read_head(connection: socket.socket) -> bytes:
    """Everything up to the end of an HTTP head, or what came before the other side closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            break
        received += more
    return received


def _hold(connection: socket.socket, ended: threading.Event) -> None:
    ended.wait()
