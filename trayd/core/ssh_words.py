"""What the words mean that the program ssh writes to its standard error.

ssh says why it failed in text alone, in English whatever the language is; so this is the one place that reads another
program's words. It gets them line by line at the level DEBUG1, whose own lines tell how far the connection came.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

DEBUG = "debug1: "

# Signs in the lines of ssh's own level DEBUG1, for how far it came.
_SIGNS = {
    "Connection established": "connected",
    "Remote protocol version": "greeted",
    "Server accepts key": "key known",
    "Authenticated to": "logged in",
}
_LOGGED_IN = re.compile(r"Authenticated to \S+ .*using ")

# The most telling first: behind a jump host its words come before those of the connection through it.
_MEANINGS = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED", "ssh_hostkey_changed"),
    (r"REVOKED HOST KEY DETECTED", "ssh_hostkey_changed"),
    (r"^Host key verification failed\.", "ssh_hostkey_unknown"),
    (r"^\S+: Permission denied \(", "ssh_auth"),
    (r"Too many authentication failures", "ssh_auth"),
    (r"Could not resolve hostname ", "dns"),
    (r"[Cc]onnect to (host )?\S+ port \d+: Connection refused", "refused"),
    (r"[Cc]onnect to (host )?\S+ port \d+: (Connection|Operation) timed out", "connect_timeout"),
    (r"[Cc]onnect to (host )?\S+ port \d+: (No route to host|Network is (unreachable|down)|Host is down)", "no_route"),
    (
        r"Bad configuration option|bad configuration options|^Bad owner or permissions|^Can't open user config",
        "ssh_config",
    ),
    (
        r"^(kex_exchange_identification|banner exchange|ssh_exchange_identification|ssh_dispatch_run_fatal)",
        "ssh_protocol",
    ),
    (r"^Unable to negotiate with|^Bad packet length|^Bad remote protocol version", "ssh_protocol"),
    (r"^Connection (closed|reset) by |timed out during banner exchange", "ssh_protocol"),
)
_PATTERNS = tuple((re.compile(pattern), code) for pattern, code in _MEANINGS)


def sign(line: str) -> str:
    """Return how far the connection is by a line of ssh's: "connected", "greeted", "key known", "logged in", or ""."""
    if _LOGGED_IN.match(line.removeprefix(DEBUG)):
        return "logged in"  # newer versions say this at a lower level
    if not line.startswith(DEBUG):
        return ""
    return next((meaning for start, meaning in _SIGNS.items() if line.startswith(start, len(DEBUG))), "")


def ended(lines: Sequence[str], signs: frozenset[str]) -> str:
    """Return the code for the end of ssh, by its last words and by how far it had come."""
    if "logged in" in signs:
        return "connection_lost"
    for pattern, code in _PATTERNS:
        if any(pattern.search(line) for line in lines):
            return "ssh_key_passphrase" if code == "ssh_auth" and "key known" in signs else code
    return "unknown"


def unfinished(signs: frozenset[str]) -> str:
    """Return the code for an ssh that was not ready in time, by how far it had come."""
    if "greeted" in signs:
        return "ssh_login_slow"
    return "ssh_protocol" if "connected" in signs else "connect_timeout"


# Run there by the login shell, whatever that is: csh and fish too take one argument in single quotes as it stands.
# /proc/net/unix lists the sockets that somebody listens on, by the path they were made with.
_LOOK = (
    "if [ -S {0} ]; then if [ -w {0} ]; then "
    'if grep -q -e " {0}$" -e " $(readlink -f {0})$" /proc/net/unix; then echo trayd:listening; '
    "else echo trayd:stopped; fi; else echo trayd:permission; fi; "
    "elif [ -d {1} ] && test ! -x {1}; then echo trayd:permission; "
    "elif command -v docker || command -v dockerd; then echo trayd:missing; else echo trayd:nothing; fi"
)
_FOUND = {
    "permission": "ssh_remote_permission",
    "listening": "ssh_forward_refused",
    "stopped": "ssh_remote_stopped",
    "missing": "ssh_remote_socket_missing",
    "nothing": "ssh_remote_docker_missing",
}


def look(path: str) -> str:
    """Return the command that finds out there why nobody gets through to a socket; the path was checked before."""
    return f"exec sh -c '{_LOOK.format(path, posixpath.dirname(path))}'"


def looked(output: str) -> str:
    """Return the code for what that command found; a login without a shell says nothing of it."""
    found = re.findall(r"^trayd:(\w+)\s*$", output, re.MULTILINE)
    return _FOUND.get(found[-1] if found else "", "ssh_forward_refused")
