"""An HTTP stand-in: a function of (method, path) says what to answer; ready-made answers are below it."""

import http
import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from tests.harness.standin import StandIn, read_head

if TYPE_CHECKING:
    from tests.harness.tls import ServerTls


class Reply(NamedTuple):
    """One answer; a plain tuple of the first three will do."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes | Iterable[bytes] = b""  # an iterable is sent chunk by chunk, as /events is
    delay: float = 0.0  # seconds of silence before the first byte
    length: int | None = None  # the Content-Length that is claimed, to be longer than what comes


class Request(NamedTuple):
    """One question, as it was received at `at` (time.monotonic())."""

    method: str
    path: str
    headers: dict[str, str]
    at: float


Plain = tuple[int, Mapping[str, str], bytes | Iterable[bytes]]
Handler = Callable[[str, str], Reply | Plain]


class Responder(StandIn):
    """Answers each request with what the handler says; keeps the connection, as engines do; notes all `requests`."""

    def __init__(
        self,
        handler: Handler,
        *,
        unix: bool = False,
        tls: "ServerTls | None" = None,
        verify_clients: bool = True,
        port: int = 0,
    ) -> None:
        super().__init__(self._converse, unix=unix, tls=tls, verify_clients=verify_clients, port=port)
        self.handler = handler
        self.requests: list[Request] = []

    def _converse(self, connection: socket.socket, ended: threading.Event) -> None:
        if connection.family != getattr(socket, "AF_UNIX", None):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # head and body go out separately
        while received := read_head(connection):
            head, _, begun = received.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            if len(words := lines[0].split(" ")) < 3 or not words[2].startswith("HTTP/"):
                return  # a hello of TLS, for one
            headers = {name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines[1:])}
            missing = int(headers.get("content-length", "0")) - len(begun)
            while missing > 0 and (more := connection.recv(65536)):
                missing -= len(more)
            method, path = words[0], words[1]
            self.requests.append(Request(method, path, headers, time.monotonic()))
            if not self._answer(connection, method, path, ended):
                return

    def _answer(self, connection: socket.socket, method: str, path: str, ended: threading.Event) -> bool:
        """Answer one request; gives whether the connection may be used again."""
        reply = Reply(*self.handler(method, path))
        return not ended.wait(reply.delay) and _send(connection, method, reply, ended)


def _send(connection: socket.socket, method: str, reply: Reply, ended: threading.Event) -> bool:
    """Send the reply; gives whether the connection may be used again."""
    phrase = http.HTTPStatus(reply.status).phrase if reply.status in set(http.HTTPStatus) else "Odd"
    fields = dict(reply.headers)
    if isinstance(reply.body, bytes):
        fields["Content-Length"] = str(len(reply.body) if reply.length is None else reply.length)
    else:
        fields["Transfer-Encoding"] = "chunked"
    lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    if method == "HEAD":
        return True
    if isinstance(reply.body, bytes):
        connection.sendall(reply.body)
        return reply.length in (None, len(reply.body))
    for chunk in reply.body:
        connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if ended.is_set():
            return False
    connection.sendall(b"0\r\n\r\n")
    return True


def always(reply: Reply | Plain) -> Handler:
    """The same answer to everything."""
    return lambda method, path: reply


def docker_headers(api: str = "1.41", kind: str = "text/plain; charset=utf-8") -> dict[str, str]:
    """The headers by which one knows an engine."""
    server = {
        "Api-Version": api,
        "Docker-Experimental": "false",
        "Ostype": "linux",
        "Server": "Docker/20.10.24 (linux)",
    }
    return {**server, "Content-Type": kind}


def engine(api: str = "1.41", min_api: str = "1.12", version: str = "20.10.24") -> Handler:
    """A small engine: /_ping, /version, an empty list of everything else; refuses API versions as dockerd does.

    `api="1.18"` is one too old for today's libraries, `min_api="9.9"` one that is too new for them.
    """

    def handler(method: str, path: str) -> Reply:
        as_json = docker_headers(api, "application/json")
        asked, path = _versioned(path)
        if asked and _number(asked) < _number(min_api):
            least = f"Minimum supported API version is {min_api}"
            text = f"client version {asked} is too old. {least}, please upgrade your client to a newer version"
            return _refused(asked, api, text, min_api)
        if asked and _number(asked) > _number(api):
            text = f"client version {asked} is too new. Maximum supported API version is {api}"
            return _refused(asked, api, text, min_api)
        if path == "/_ping":
            return Reply(200, docker_headers(api), b"OK")
        if path == "/version":
            known = {"Version": version, "ApiVersion": api, "MinAPIVersion": min_api, "Os": "linux", "Arch": "amd64"}
            return Reply(200, as_json, json.dumps(known).encode())
        if path.endswith("/json"):
            return Reply(200, as_json, b"[]\n")
        return Reply(404, as_json, _message("page not found"))

    return handler


def _refused(asked: str, api: str, text: str, min_api: str) -> Reply:
    """400 as dockerd says it: in plain text to clients from before JSON errors (API 1.24), while it served those."""
    old = max(_number(asked), _number(min_api)) < (1, 24)
    headers = docker_headers(api) if old else docker_headers(api, "application/json")
    del headers["Docker-Experimental"]
    return Reply(400, headers, text.encode() + b"\n" if old else _message(text))


def daemon_error(text: str | None = "containerd is gone", status: int = 500) -> Reply:
    """An engine that is ill; without a text, Docker Desktop's empty 500."""
    return Reply(status, docker_headers(kind="application/json"), b"" if text is None else _message(text))


def forbidden(by_engine: bool = True) -> Reply:
    """403, by an authorization plugin of the engine or by somebody without an engine's headers (a proxy)."""
    if by_engine:
        return daemon_error("authorization denied by plugin opa: no", 403)
    return Reply(403, {"Content-Type": "text/html", "Server": "squid"}, b"<html>Access denied</html>")


def unavailable() -> Reply:
    """503 in plain text, without an engine's headers."""
    return Reply(503, {"Content-Type": "text/plain"}, b"service unavailable\n")


def web_page(status: int = 200) -> Reply:
    """A web server that is no engine, with its page or its 404."""
    return Reply(status, {"Content-Type": "text/html", "Server": "nginx"}, b"<html>nginx</html>")


def redirect(to: str) -> Reply:
    """Sends elsewhere, as a captive portal does."""
    return Reply(302, {"Location": to})


def truncated() -> Reply:
    """Promises more than it sends."""
    return Reply(200, docker_headers(), b"OK", length=500)


def endless() -> Reply:
    """A body that never ends, as fast as it is read."""
    return Reply(200, docker_headers(), itertools.repeat(b"x" * 65536))


def slow(delay: float, handler: Handler | None = None) -> Handler:
    """The same answers, later."""
    inner = handler or engine()
    return lambda method, path: Reply(*inner(method, path))._replace(delay=delay)


def _versioned(path: str) -> tuple[str, str]:
    """`/v1.44/_ping?x` becomes `1.44` and `/_ping`."""
    match = re.fullmatch(r"(?:/v([0-9.]+))?([^?]*)(?:\?.*)?", path)
    assert match, path
    return match[1] or "", match[2]


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)


def _message(text: str) -> bytes:
    return json.dumps({"message": text}, separators=(",", ":")).encode() + b"\n"  # as Go writes it
