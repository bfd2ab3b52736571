"""From an exception to a sentence: the chains here have the shape that docker-py's have, the real ones come from
real engines in tests/engine."""

import errno
import socket
import ssl
from http.client import BadStatusLine, RemoteDisconnected
from string import Formatter

import pytest
import urllib3.exceptions as u
from requests import exceptions as r

from trayd.core.diagnosis import SETTLED_CODES, Answer, causes, diagnose, from_answer, from_exception
from trayd.core.profile import Tls, parse_host
from trayd.core.report import SHORT
from trayd.core.sentences import SENTENCES

UNIX = parse_host("unix:///run/docker.sock")
PIPE = parse_host("npipe://")
TCP = parse_host("tcp://h.example:2375")
TLS = parse_host("tcp://h.example:2376", Tls("/certs"))
DOCKER = {"api-version": "1.41", "server": "Docker/20.10"}


def wrapped(inner):
    """An error as requests hands it on: the cause hides in args and reason."""
    return r.ConnectionError(u.MaxRetryError(None, "/_ping", inner))


def aborted(inner):
    return r.ConnectionError(u.ProtocolError("Connection aborted.", inner))


def new_connection(inner):
    error = u.NewConnectionError(None, "failed")
    error.__cause__ = inner
    return wrapped(error)


def verify_failed(code):
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return r.SSLError(u.MaxRetryError(None, "/", u.SSLError(error)))


def ssl_failed(reason, kind=ssl.SSLError):
    error = kind(1, f"[SSL: {reason}]")
    error.reason = reason
    return r.SSLError(u.MaxRetryError(None, "/", u.SSLError(error)))


@pytest.mark.parametrize(
    ("error", "endpoint", "code"),
    [
        (aborted(FileNotFoundError(errno.ENOENT, "")), UNIX, "socket_missing"),
        (aborted(ConnectionRefusedError(errno.ECONNREFUSED, "")), UNIX, "refused"),
        (aborted(PermissionError(errno.EACCES, "")), UNIX, "socket_permission"),
        (aborted(BlockingIOError(errno.EAGAIN, "")), UNIX, "busy"),
        (aborted(OSError("AF_UNIX path too long")), UNIX, "socket_path_too_long"),
        (aborted(OSError(errno.EMFILE, "Too many open files")), UNIX, "unknown"),
        (new_connection(OSError(errno.EMFILE, "Too many open files")), TCP, "unknown"),
        (aborted(OSError(errno.ELOOP, "Too many levels of symbolic links")), UNIX, "unknown"),
        (new_connection(ConnectionRefusedError(errno.ECONNREFUSED, "")), TCP, "refused"),
        (new_connection(socket.gaierror(-2, "Name or service not known")), TCP, "dns"),
        (new_connection(OSError(errno.ENETUNREACH, "")), TCP, "no_route"),
        (new_connection(OSError(errno.EHOSTUNREACH, "")), TCP, "no_route"),
        (r.ConnectTimeout(u.MaxRetryError(None, "/", u.ConnectTimeoutError(None, ""))), TCP, "connect_timeout"),
        (r.ReadTimeout(u.ReadTimeoutError(None, "/", "")), TCP, "no_answer"),
        (TimeoutError(), TCP, "no_answer"),
        (aborted(TimeoutError(errno.ETIMEDOUT, "")), TCP, "connection_lost"),
        (aborted(RemoteDisconnected("")), TCP, "closed"),
        (aborted(ConnectionResetError(errno.ECONNRESET, "")), TCP, "closed"),
        (aborted(BrokenPipeError(errno.EPIPE, "")), UNIX, "closed"),
        (r.ChunkedEncodingError(u.IncompleteRead(6, 494)), TCP, "closed"),
        (aborted(BadStatusLine("SSH-2.0")), TCP, "not_http"),
        (r.exceptions.InvalidHeader("") if hasattr(r, "exceptions") else r.InvalidHeader(""), TCP, "not_http"),
        (ssl_failed("WRONG_VERSION_NUMBER"), TLS, "tls_not_spoken"),
        (ssl_failed("RECORD_LAYER_FAILURE"), TLS, "tls_not_spoken"),
        (ssl_failed("SSLV3_ALERT_BAD_CERTIFICATE"), TLS, "client_cert_rejected"),
        (ssl_failed("TLSV13_ALERT_CERTIFICATE_REQUIRED"), TLS, "client_cert_rejected"),
        (ssl_failed("TLSV1_ALERT_PROTOCOL_VERSION"), TLS, "tls_too_old"),
        (ssl_failed("KEY_VALUES_MISMATCH"), TLS, "tls_files"),
        (ssl_failed("SOMETHING_ELSE"), TLS, "tls_failed"),
        (ssl_failed("UNEXPECTED_EOF_WHILE_READING", ssl.SSLEOFError), TLS, "closed"),
        (verify_failed(20), TLS, "cert_unknown_ca"),
        (verify_failed(19), TLS, "cert_unknown_ca"),
        (verify_failed(10), TLS, "cert_expired"),
        (verify_failed(9), TLS, "cert_not_yet_valid"),
        (verify_failed(62), TLS, "cert_wrong_host"),
        (verify_failed(64), TLS, "cert_wrong_host"),
        (verify_failed(66), TLS, "cert_weak"),
        (verify_failed(26), TLS, "cert_wrong_purpose"),
        (verify_failed(85), TLS, "cert_invalid"),
        (ValueError("what"), TCP, "unknown"),
    ],
)
def test_each_failure_has_its_own_code(error, endpoint, code):
    """Whatever docker-py raises, the cause is found in the exception objects."""
    assert from_exception(error, endpoint).code == code


def test_no_message_text_decides():
    """The same failures with texts in another language give the same diagnosis."""
    for text in ("Connection refused", "Verbindungsaufbau abgelehnt", "拒绝连接", ""):
        assert from_exception(new_connection(ConnectionRefusedError(errno.ECONNREFUSED, text)), TCP).code == "refused"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(200, DOCKER, b"OK"), None),
        (Answer(200, {"server": "nginx"}, b"<html>"), "not_docker"),
        (Answer(200, {}, b"OK"), "not_docker"),
        (Answer(200, DOCKER, b"<html>"), "not_docker"),
        (Answer(301, {}, b""), "not_docker"),
        (Answer(404, {}, b"<html>"), "not_docker"),
        (Answer(400, {}, b"Client sent an HTTP request to an HTTPS server."), "not_docker"),
        (Answer(400, DOCKER, b""), "http_error"),
        (Answer(403, DOCKER, b""), "denied"),
        (Answer(403, {}, b""), "denied_or_proxy"),
        (Answer(407, {}, b""), "denied_or_proxy"),
        (Answer(500, DOCKER, b""), "engine_error"),
        (Answer(500, {}, b""), "proxy_or_starting"),
        (Answer(503, {}, b""), "proxy_or_starting"),
    ],
)
def test_an_answer_is_docker_only_if_it_says_so(answer, code):
    """A web server, a proxy and a router's login page are not taken for an engine."""
    found = from_answer(answer, TCP)
    assert (found.code if found else None) == code


def test_every_code_has_words_and_fills_them():
    """No diagnosis shows a placeholder, an exception's name or nothing at all."""
    facts = {"status": 503, "engine_api": "1.20", "our_api": "1.24"}
    for code in {key.split(".")[0] for key in SENTENCES}:
        for endpoint in (UNIX, TCP, TLS, parse_host("npipe://"), parse_host("ssh://me@h:22/s")):
            found = diagnose(code, endpoint, **facts)
            for text in (found.cause, found.next):
                assert text.strip()
                assert "{" not in text.replace("{cert_path: FOLDER}", "")
                assert "Error" not in text
            assert found.cause.endswith((".", endpoint.address))


def test_every_code_has_a_short_form_for_the_list():
    """The list of profiles names every cause in two or three words."""
    codes = {key.split(".")[0] for key in SENTENCES} - {"unknown", "unsupported", "http_error"}
    assert codes <= SHORT.keys()
    assert {key.split(".")[0] for key in SENTENCES} >= SETTLED_CODES


def test_only_known_fields_are_used_in_the_words():
    """A sentence cannot fail for want of a value."""
    known = {"address", "host", "port", "certs", "group", "status", "engine_api", "our_api", "login", "socket"}
    for cause, step in SENTENCES.values():
        for text in (cause, step):
            assert {name for _, name, _, _ in Formatter().parse(text) if name} <= known


def test_hostile_text_is_made_harmless():
    """What a server says is bounded, on one line, and without control characters."""
    found = from_answer(Answer(404, {}, b"\x1b[31m" + b"x" * 10_000 + b"\n"), TCP)
    assert len(found.detail) <= 500
    assert found.detail.isprintable()
    odd = parse_host("unix:///" + "y" * 4000)
    assert len(diagnose("refused", odd).cause) < 300


def test_a_cycle_of_causes_ends():
    """Exceptions that cause each other do not hang the diagnosis."""
    one, two = ValueError("a"), OSError("b")
    one.__cause__, two.__cause__ = two, one
    assert list(causes(one)) == [one, two]


@pytest.mark.parametrize(
    ("number", "code"), [(2, "socket_missing"), (5, "socket_permission"), (231, "busy"), (109, "closed")]
)
def test_a_named_pipe_is_judged_by_its_number(number, code):
    """pywin32's error is no OSError and its text is translated: the number tells (docker/compose#9734)."""

    class PipeError(Exception):
        winerror = number

    found = from_exception(r.ConnectionError(PipeError(number, "CreateFile", "Die angegebene Datei …")), PIPE)
    assert found.code == code
    assert "//./pipe/docker_engine" in found.cause
    assert "systemctl" not in found.next
    assert "journalctl" not in found.next
