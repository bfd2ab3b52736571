"""Single looks at the lower rungs of the ladder, and at an answer. They raise what the system raises."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import ssl
import stat
from email.utils import parsedate_to_datetime
from typing import Any

from trayd.core.diagnosis import Answer
from trayd.core.text import clean
from trayd.core.words import _


def owned(path: str) -> str:
    """Return who may use a socket: "root:docker, mode 0660"."""
    try:
        status = os.stat(path)
        import grp
        import pwd

        owner = f"{pwd.getpwuid(status.st_uid).pw_name}:{grp.getgrgid(status.st_gid).gr_name}"
    except (OSError, KeyError, ImportError):
        return _("a socket")
    return _("a socket of {owner}, mode {mode}").format(owner=owner, mode=f"{stat.S_IMODE(status.st_mode):04o}")


def is_address(host: str) -> bool:
    """Whether a host is an IP address, so that there is nothing to look up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a name, each once."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def routes(addresses: list[str], port: int) -> list[tuple[str, str]]:
    """Return those addresses that have a way, each with our own address on it. Raises the last OSError if none has."""
    found, last = [], OSError("no address")
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:  # connecting it sends nothing
            try:
                sock.connect((address, port))
                found.append((address, str(sock.getsockname()[0])))
            except OSError as error:
                last = error
    if not found:
        raise last
    return found


def peer(sock: socket.socket, otherwise: str) -> str:
    """Return the address to which a socket is connected; one that was reset at once does not know it any more."""
    try:
        return str(sock.getpeername()[0])
    except OSError:
        return otherwise


def handshake(raw: socket.socket, context: ssl.SSLContext, host: str) -> tuple[str, bytes, list[str]]:
    """Return the version of TLS, the server's certificate, and for whom it is (empty if it was not verified)."""
    with context.wrap_socket(raw, server_hostname=host) as connection:
        if connection.version() is None:
            # It was reset before the first byte: Python takes it for one that is not connected yet, and waits.
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        known: Any = connection.getpeercert() or {}
        names = [clean(str(value), 80) for _kind, value in known.get("subjectAltName", ())]
        version = (connection.version() or "TLS").replace("TLSv", "TLS ")
        return version, connection.getpeercert(binary_form=True) or b"", names


def server(answer: Answer) -> str:
    """Return what an engine calls itself."""
    return clean(answer.headers.get("server", ""), 60) or _("it answers as an engine does")


def told_time(answer: Answer) -> float | None:
    """Return the wall clock of the one who answered, or None if it does not say the time."""
    try:
        # An HTTP date is cut to whole seconds; half of one is right on average.
        return parsedate_to_datetime(answer.headers["date"]).timestamp() + 0.5
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
