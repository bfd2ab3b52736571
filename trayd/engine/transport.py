"""Connections that can be broken from outside, and TLS as the docker CLI means it, under docker-py's client.

docker-py has no way to interrupt a request in flight: `close()` from another thread only drops idle connections
(measured). So every socket is kept track of, and the watchdog shuts down those of a probe that does not come back.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import requests.adapters
import urllib3.connection
import urllib3.connectionpool
import urllib3.poolmanager
from docker.tls import TLSConfig
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

from trayd.core.profile import Tls

# A link that went away without a word is noticed after about 30 s instead of Linux's two hours (values of Go's and
# dockerd's own order; facts: connection.md 5.1).
_KEEPALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *[
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
        if hasattr(socket, name)
    ],
]
# A probe, an event stream and a list at the same time.
_CONNECTIONS = 3


class TlsFilesError(Exception):
    """A file of the TLS material is missing or cannot be used; says which one, `kind` in one word why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Sockets:
    """The open sockets of one client, how many it opened so far, and whether it may open more."""

    def __init__(self) -> None:
        self.opened = 0
        self.ended = False
        # Of the newest TLS connection, in DER: nobody makes a handshake only to look at it.
        self.server_certificate = b""
        self.ping = b""  # the bytes of the newest one, on whichever connection
        # Weak references of our own: a WeakSet cannot be walked while another thread opens a connection.
        self._open: set[weakref.ref[socket.socket]] = set()

    def add(self, sock: socket.socket) -> None:
        """Keep track of a socket until it is gone; after the end, end this one too."""
        self.opened += 1
        self._open.add(weakref.ref(sock, self._open.discard))
        if self.ended:
            _end(sock)

    def discard(self, sock: socket.socket) -> None:
        """Forget a socket."""
        self._open.discard(weakref.ref(sock))

    def shut_down(self) -> None:
        """End every connection for good: a thread that waits on one of them wakes with an error or an end."""
        self.ended = True
        for reference in list(self._open):
            if (sock := reference()) is not None:
                _end(sock)


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # Not SSLSocket's own shutdown, which would pull the TLS object from under the thread that reads.
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Repeatable:
    """A connection that remembers the bytes of its last ping, so that it can be asked again as it was."""

    ping = b""
    sockets: Sockets

    def send(self, data: Any) -> None:
        if isinstance(data, bytes) and data.startswith(b"GET /_ping "):
            self.ping = self.sockets.ping = data
        super().send(data)  # type: ignore[misc]


class _UnixConnection(_Repeatable, UnixHTTPConnection):  # type: ignore[misc]
    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self.timeout)
            sock.connect(self.unix_socket)
        except OSError:
            sock.close()  # docker-py's own leaves it open until the garbage is collected
            raise
        self.sock = sock
        self.sockets.add(sock)


class _UnixPool(UnixHTTPConnectionPool):  # type: ignore[misc]
    def __init__(self, sockets: Sockets, path: Callable[[], str], timeout: float) -> None:
        super().__init__("http+docker://localhost", "", timeout, maxsize=_CONNECTIONS)
        self._sockets = sockets
        self._path = path

    def _new_conn(self) -> _UnixConnection:
        connection = _UnixConnection(self.base_url, self._path(), self.timeout)
        connection.sockets = self._sockets
        return connection


class UnixAdapter(UnixHTTPAdapter):  # type: ignore[misc]
    """docker-py's Unix socket adapter with one pool; docker-py's own keeps one for every different URL (measured).

    `path` is asked for at every connection: the local end of a tunnel has none before the tunnel is opened.
    """

    def __init__(self, sockets: Sockets, path: Callable[[], str], timeout: float) -> None:
        super().__init__("http+unix://", timeout)
        self._new_pool = partial(_UnixPool, sockets, path, timeout)
        self._pool = self._new_pool()

    def get_connection(self, url: str | bytes, proxies: Any = None) -> _UnixPool:
        """Return the one pool there is."""
        return self._pool

    def pool(self) -> _UnixPool:
        """Return the one pool there is."""
        return self._pool

    def close(self) -> None:
        """Drop the idle connections; urllib3's closed pool would never open one again."""
        closed, self._pool = self._pool, self._new_pool()
        closed.close()
        super().close()


class _TcpConnection(_Repeatable, urllib3.connection.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        assert self.sock is not None
        self.sockets.add(self.sock)


class _TlsConnection(_Repeatable, urllib3.connection.HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        # Wrapping takes the file descriptor away from `sock`; the twin can still end a handshake that hangs.
        self._twin = sock.dup()
        self.sockets.add(self._twin)
        return sock

    def connect(self) -> None:
        try:
            super().connect()
            assert isinstance(self.sock, ssl.SSLSocket)
            self.sockets.server_certificate = self.sock.getpeercert(binary_form=True) or b""
            self.sockets.add(self.sock)
        finally:
            if twin := self.__dict__.pop("_twin", None):
                self.sockets.discard(twin)
                twin.close()


class _TcpPool(urllib3.connectionpool.HTTPConnectionPool):
    ConnectionCls: Any = _TcpConnection

    def __init__(self, *args: Any, sockets: Sockets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sockets = sockets

    def _new_conn(self) -> Any:
        connection: Any = super()._new_conn()
        connection.sockets = self._sockets
        return connection


class _TlsPool(_TcpPool, urllib3.connectionpool.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection

    def _validate_conn(self, conn: Any) -> None:
        # urllib3's own, without its warning on standard error: `verify: false` is the profile's word.
        if conn.is_closed:
            conn.connect()


class TcpAdapter(requests.adapters.HTTPAdapter):
    """A TCP adapter with keep-alive probes; with a context, TLS by that context and by nothing else."""

    def __init__(self, sockets: Sockets, context: ssl.SSLContext | None = None) -> None:
        self._sockets = sockets
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=_CONNECTIONS)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        """Make the pool manager that requests uses, with our connection classes."""
        if self._context is not None:
            kwargs["ssl_context"] = self._context
        options = urllib3.connection.HTTPConnection.default_socket_options + _KEEPALIVE
        self.poolmanager = urllib3.poolmanager.PoolManager(
            num_pools=connections, maxsize=maxsize, block=block, socket_options=options, **kwargs
        )
        http: Any = partial(_TcpPool, sockets=self._sockets)
        https: Any = partial(_TlsPool, sockets=self._sockets)
        self.poolmanager.pool_classes_by_scheme = {"http": http, "https": https}

    def pool(self) -> Any:
        """Return the pool of the newest connection, None before there is one."""
        pools = self.poolmanager.pools
        return next((pools[key] for key in pools.keys()), None)  # noqa: SIM118 (it is no dict, and refuses to be walked)

    def close(self) -> None:
        """Drop the idle connections; urllib3 itself leaves them open until the garbage is collected."""
        pools = self.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118 (it is no dict, and refuses to be walked)
            with contextlib.suppress(KeyError):
                pools[key].close()
        super().close()

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """Return host and TLS attributes; the TLS ones are all in the context."""
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the verification to the context: requests would add its own bundle of public authorities to it."""
        if self._context is not None:
            conn.cert_reqs = self._context.verify_mode
            conn.ca_certs = conn.ca_cert_dir = None


def client_hello(host: str) -> bytes:
    """Return the beginning of a handshake that will never be ended: it shows whether anybody answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    hello = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname=host).do_handshake()
    return hello.read()


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return the TLS context for a folder with ca.pem, cert.pem and key.pem.

    Chain and host name are verified against that ca.pem alone, as the docker CLI does (or, for a context without one,
    against this computer's authorities). Python 3.13's strict X.509
    mode (urllib3#3571) is off: it rejects what docker-machine and Docker's own documentation make (measured), and the
    docker CLI's verifier has no such checks. Raises TlsFilesError.
    """
    context = create_urllib3_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if tls.verify:
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = True
        ca = os.path.join(tls.cert_path, "ca.pem")
        if tls.public:
            context.load_default_certs()
        else:
            _use(ca, "no_ca", lambda path: context.load_verify_locations(cafile=path))
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    cert, key = (os.path.join(tls.cert_path, name) for name in ("cert.pem", "key.pem"))
    if os.path.exists(cert) or os.path.exists(key):
        _use(key, "half", lambda path: open(path, "rb").close())
        password = _NoPassword()
        _use(cert, "half", lambda path: context.load_cert_chain(path, key, password), password)
    return context


class _NoPassword:
    """Stands in for the person whom OpenSSL would ask for a key's password on the terminal; knows if it was asked."""

    asked = False

    def __call__(self) -> bytes:
        self.asked = True
        return b""


def _use(path: str, missing: str, load: Any, password: _NoPassword | None = None) -> None:
    try:
        load(path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        kind = "damaged"
        if password and password.asked:
            kind = "locked"
        elif isinstance(error, ssl.SSLError):
            kind = "mismatch" if error.reason in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH") else kind
        elif isinstance(error, FileNotFoundError):
            kind = missing
        elif isinstance(error, PermissionError):
            kind = "unreadable"
        raise TlsFilesError(kind, f"{path}: {type(error).__name__}: {error}") from error


class EndpointTls(TLSConfig):  # type: ignore[misc]
    """docker-py's TLS configuration for an endpoint: mounts our adapter before the client talks to anybody."""

    def __init__(self, tls: Tls, sockets: Sockets) -> None:
        # First of all, since docker-py looks at the files too and does not say which one it misses.
        self.adapter = TcpAdapter(sockets, tls_context(tls))
        ca = os.path.join(tls.cert_path, "ca.pem")
        super().__init__(ca_cert=ca if tls.verify and not tls.public else None, verify=tls.verify)

    def configure_client(self, client: Any) -> None:
        """Mount the adapter: docker-py's clean hook for TLS."""
        super().configure_client(client)
        client.mount("https://", self.adapter)
