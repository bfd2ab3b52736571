"""Stand-ins that are good engines until they turn."""

import socket
import struct
import threading
from collections.abc import Callable

from tests.harness import responder
from tests.harness.responder import Handler, Responder
from tests.harness.standin import SSH_BANNER

Behaviour = Callable[[socket.socket, threading.Event], None]


class Turning(Responder):
    """A good engine, until it is turned: then it answers by bytes of another kind, or as another handler says."""

    bad: Behaviour | None = None

    def turn(self, how: Behaviour | Handler | None) -> None:
        """Turn; connections stay open, the next request on them meets the new behaviour. None: good again."""
        self.bad = None
        if how is None:
            self.handler = responder.engine()
        elif how in BEHAVIOURS:
            self.bad = how  # type: ignore[assignment]
        else:
            self.handler = how  # type: ignore[assignment]

    def cut(self) -> None:
        """End every connection, as a restart does."""
        for connection in list(self._open):
            self._hang_up(connection)

    def _answer(self, connection: socket.socket, method: str, path: str, ended: threading.Event) -> bool:
        if self.bad is None:
            return super()._answer(connection, method, path, ended)
        self.bad(connection, ended)
        return False


def drip(connection: socket.socket, ended: threading.Event) -> None:
    """One byte a second."""
    for byte in b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK":
        connection.sendall(bytes([byte]))
        if ended.wait(1.0):
            return


def garbage(connection: socket.socket, ended: threading.Event) -> None:
    """What is no HTTP."""
    connection.sendall(SSH_BANNER)
    while connection.recv(65536):
        pass


def reset(connection: socket.socket, ended: threading.Event) -> None:
    """The beginning of an answer, then RST."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 500\r\n\r\nOK")
    # Zero seconds of lingering: closing sends RST in place of FIN.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


BEHAVIOURS = (drip, garbage, reset)
