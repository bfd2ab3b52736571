"""One HTTP question to an engine with nothing but the standard library, so that no code under test is involved."""

import http.client
import random
import socket
import ssl
from collections.abc import Mapping
from typing import NamedTuple


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


def connect(url: str, timeout: float = 5.0, tls: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
    """An HTTP connection to `unix://PATH` or `tcp://HOST:PORT`, not yet opened."""
    scheme, _, rest = url.partition("://")
    if scheme == "unix":
        return _UnixConnection(rest, timeout)
    host, _, port = rest.rpartition(":")
    if tls is not None:
        return http.client.HTTPSConnection(host, int(port), timeout=timeout, context=tls)
    return http.client.HTTPConnection(host, int(port), timeout=timeout)


def ask(
    url: str,
    path: str = "/_ping",
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5.0,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Ask once and read the whole answer; errors come out as they are (OSError, http.client.HTTPException)."""
    connection = connect(url, timeout, tls)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


def free_port() -> int:
    """A free TCP port on 127.0.0.1 below the range from which the kernel takes ports for outgoing connections.

    A port of that range could be given away while an engine is down, or worse: a client that keeps knocking at it
    may be connected to itself.
    """
    for _ in range(200):
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port between 20000 and 32000")
