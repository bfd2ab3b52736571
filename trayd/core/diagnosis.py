"""Why an engine cannot be reached, in plain words with the next step.

Everything here looks at exception objects and HTTP answers, never at message text, which is translated on Windows and
changes between versions. Any exception that docker-py raises ends, some causes down, in one of the standard library's
(facts: connection.md 2); so this module needs neither docker nor requests.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from trayd.core.profile import Endpoint
from trayd.core.sentences import SENTENCES
from trayd.core.text import clean
from trayd.core.value import Value
from trayd.core.words import _


class Diagnosis(Value):
    """A cause in plain language and the next step; `detail` is the raw text, one click away."""

    code: str
    cause: str
    next: str
    detail: str = ""


class Answer(Value):
    """An HTTP answer of whatever listens at an endpoint, its body bounded by the reader."""

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""

    @property
    def from_docker(self) -> bool:
        """Whether the answer carries a Docker engine's own headers."""
        return "api-version" in self.headers or self.headers.get("server", "").startswith("Docker/")


# OpenSSL's verify codes (x509_vfy.h), which Python hands on as SSLCertVerificationError.verify_code.
_VERIFY_CODES = {
    7: "cert_unknown_ca",  # an authority made anew under its old name, as docker-machine's always has the same
    9: "cert_not_yet_valid",
    10: "cert_expired",
    18: "cert_unknown_ca",
    19: "cert_unknown_ca",
    20: "cert_unknown_ca",
    21: "cert_unknown_ca",
    26: "cert_wrong_purpose",
    62: "cert_wrong_host",
    64: "cert_wrong_host",
    66: "cert_weak",
    67: "cert_weak",
    68: "cert_weak",
}

# ssl.SSLError.reason of a file that cannot be used, before anything was sent.
_FILE_REASONS = frozenset(
    {"NO_CERTIFICATE_OR_CRL_FOUND", "KEY_VALUES_MISMATCH", "NO_START_LINE", "BAD_BASE64_DECODE", "KEY_TYPE_MISMATCH"}
)
_NOT_TLS_REASONS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"})
# The alerts by which a server says that it does not like our certificate, or wants one (RFC 8446 6.2).
_CERTIFICATE_ALERTS = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED", "HANDSHAKE_FAILURE")
_OLD_TLS_REASONS = frozenset({"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "DH_KEY_TOO_SMALL"})

_ERRNO_CODES = {
    errno.ENOENT: "socket_missing",
    errno.ENOTDIR: "socket_missing",
    errno.ECONNREFUSED: "refused",
    errno.EACCES: "socket_permission",
    errno.EPERM: "socket_permission",
    errno.EAGAIN: "busy",
    errno.ECONNRESET: "closed",
    errno.EPIPE: "closed",
    errno.ECONNABORTED: "closed",
    errno.ETIMEDOUT: "connection_lost",
    errno.ENETUNREACH: "no_route",
    errno.EHOSTUNREACH: "no_route",
    errno.EHOSTDOWN: "no_route",
    errno.ENETDOWN: "no_route",
    errno.EADDRNOTAVAIL: "no_route",
    # Of this computer, whoever listens there: the details say what it lacks.
    **dict.fromkeys((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS), "unknown"),
}

# Failures that a person has to mend, which asking again every second does not help.
SETTLED_CODES = frozenset(
    {"tls_files", "cert_unknown_ca", "cert_expired", "cert_not_yet_valid", "cert_wrong_host", "cert_weak"}
    | {"cert_wrong_purpose", "cert_invalid", "client_cert_rejected", "tls_needed", "tls_not_spoken", "tls_too_old"}
    | {"api_too_old", "api_client_too_old", "not_docker", "not_http", "socket_permission", "socket_path_too_long"}
    | {"unsupported", "denied", "denied_or_proxy", "not_a_socket"}
    | {"ssh_missing", "ssh_config", "ssh_hostkey_unknown", "ssh_hostkey_changed", "ssh_auth", "ssh_key_passphrase"}
    | {"ssh_forward_refused", "ssh_remote_docker_missing", "ssh_remote_permission"}
)


def diagnose(code: str, endpoint: Endpoint, detail: str = "", variant: str = "", **facts: object) -> Diagnosis:
    """Return the diagnosis for a code of `SENTENCES`, its sentences filled in for this endpoint.

    The sentences for the variant come first, then those for TLS, for the scheme, and for the code alone.
    """
    kinds = [f"{code}.{kind}" for kind in (variant, "tls" if endpoint.tls else "", endpoint.scheme) if kind]
    cause, step = next(SENTENCES[kind] for kind in (*kinds, code) if kind in SENTENCES)
    values = {
        "address": clean(endpoint.address, 120),
        "host": clean(endpoint.host, 80),
        "port": endpoint.port,
        "certs": clean(endpoint.tls.cert_path, 120) if endpoint.tls else "",
        "group": "docker",
        "login": clean(endpoint.login, 120),
        "socket": clean(endpoint.remote_socket, 120),
    } | facts
    return Diagnosis(code, _(cause).format_map(values), _(step).format_map(values), clean(detail, 500))


def from_exception(error: BaseException, endpoint: Endpoint) -> Diagnosis:
    """Return what an exception of docker-py means for a person."""
    chain = list(causes(error))
    return diagnose(_exception_code(chain, endpoint), endpoint, _raw(chain))


def from_answer(answer: Answer, endpoint: Endpoint) -> Diagnosis | None:
    """Return what an answer to `GET /_ping` means, or None if it is a healthy Docker engine's."""
    text = answer.body[:300].decode("utf-8", "replace")
    detail = f"HTTP {answer.status}: {text}"
    status = answer.status
    if status == 200 and answer.body.strip() == b"OK" and "api-version" in answer.headers:
        return None
    if status in (401, 403, 407):
        return diagnose("denied" if answer.from_docker else "denied_or_proxy", endpoint, detail, status=status)
    if status >= 500:
        return diagnose("engine_error" if answer.from_docker else "proxy_or_starting", endpoint, detail, status=status)
    if status >= 400 and answer.from_docker:
        return diagnose("http_error", endpoint, detail, status=status)
    return diagnose("not_docker", endpoint, detail, status=status)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that caused it, outermost first, each once.

    requests and urllib3 hide the cause in `args` and `reason` as often as in `__cause__`.
    """
    queue: list[object] = [error]
    seen: set[int] = set()
    while queue:
        current = queue.pop(0)
        if not isinstance(current, BaseException) or id(current) in seen or len(seen) > 50:
            continue
        seen.add(id(current))
        yield current
        queue += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]


def _is(error: BaseException, *names: str) -> bool:
    """Whether the exception is of a class of that name, without importing the package that defines it."""
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _exception_code(chain: list[BaseException], endpoint: Endpoint) -> str:
    tls = [e for e in chain if _is(e, "SSLError") and not _is(e, "RequestException")]
    for error in tls:
        if (code := getattr(error, "verify_code", None)) is not None:
            return _VERIFY_CODES.get(code, "cert_invalid")
    if any(_is(e, "TLSParameterError") for e in chain):
        return "tls_files"
    for error in tls:
        if code := _tls_code(error):
            return code
    # The standard library's own errors come before urllib3's wrappers: NewConnectionError and NameResolutionError
    # are subclasses of ConnectTimeoutError there.
    for error in chain:
        if _is(error, "gaierror"):
            return "dns"
        if isinstance(error, OSError) and not _is(error, "RequestException", "DockerException"):
            if code := _os_code(error, endpoint):
                return code
            if not error.errno and error.args and endpoint.tls and type(error) is OSError:
                return "tls_files"  # requests: the CA path vanished after the client was made
    return _library_code(chain, endpoint)


def _tls_code(error: BaseException) -> str | None:
    reason = getattr(error, "reason", None)
    if not isinstance(reason, str):
        return None  # a wrapper of urllib3's around the real one
    if reason in _FILE_REASONS or reason.startswith(("BAD_PASSWORD", "PEM_", "ASN1_", "EE_KEY", "CA_")):
        return "tls_files"
    if reason in _NOT_TLS_REASONS:
        return "tls_not_spoken"
    if reason in _OLD_TLS_REASONS:
        return "tls_too_old"
    if "_ALERT_" in reason:
        return "client_cert_rejected" if any(alert in reason for alert in _CERTIFICATE_ALERTS) else "tls_failed"
    return "closed" if "EOF" in reason else "tls_failed"


def _os_code(error: OSError, endpoint: Endpoint) -> str | None:
    if isinstance(error, TimeoutError) and error.errno is None:
        return None  # a timeout of ours: urllib3's wrapper says of which phase
    code = _ERRNO_CODES.get(error.errno or 0)
    if code == "socket_missing" and not endpoint.socket:
        return "tls_files" if endpoint.tls else None
    if code == "socket_permission" and not endpoint.socket:
        return "tls_files" if endpoint.tls and error.filename else "no_route"
    if code is None and endpoint.socket and type(error) is OSError and error.args:
        # "AF_UNIX path too long" is the one OSError of connect() without a number.
        return "unknown" if error.errno else "socket_path_too_long"
    return code


def _library_code(chain: list[BaseException], endpoint: Endpoint) -> str:
    for error in chain:
        if winerror := getattr(error, "winerror", None):
            return _PIPE_CODES.get(winerror, "unknown")
    for names, code in _LIBRARY_CODES:
        if any(_is(error, *names) for error in chain):
            return code
    return "unknown"


# Broken, closing, nobody at the other end: what is read from a pipe whose engine ended (the first seen, under Wine).
_PIPE_CODES = {2: "socket_missing", 5: "socket_permission", 231: "busy", 109: "closed", 232: "closed", 233: "closed"}

_LIBRARY_CODES = (
    (("ProxyError",), "proxy"),
    (("ReadTimeoutError", "ReadTimeout"), "no_answer"),
    (("ConnectTimeoutError", "ConnectTimeout"), "connect_timeout"),
    (("TimeoutError",), "no_answer"),
    # RemoteDisconnected is a BadStatusLine too, so it comes first.
    (("RemoteDisconnected", "IncompleteRead", "SSLEOFError", "SSLZeroReturnError"), "closed"),
    (("HTTPException", "InvalidHeader"), "not_http"),
    (("ProtocolError", "ChunkedEncodingError", "DecodeError", "ContentDecodingError"), "not_http"),
    (("SSLError",), "tls_failed"),
    (("InvalidVersion",), "api_too_old"),
    (("DockerException",), "unsupported"),
)


def _raw(chain: list[BaseException]) -> str:
    """Return the innermost exception's own words, for "Copy details"."""
    told = [e for e in chain if str(e)] or chain
    return f"{type(told[-1]).__name__}: {told[-1]}"
