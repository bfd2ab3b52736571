"""One question with a deadline: are you there? The answer is a value; no failure of an engine is an exception here."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import time
from collections.abc import Mapping
from typing import Any

from trayd.core.diagnosis import Answer, Diagnosis, diagnose, from_answer, from_exception
from trayd.core.messages import Answered, EngineInfo, Failed, Image
from trayd.core.profile import Endpoint, Tls
from trayd.core.text import clean
from trayd.core.value import replace
from trayd.engine.client import NEWEST_API, OLDEST_API, AnswerError, Client, version_tuple
from trayd.engine.ssh import TunnelError
from trayd.engine.transport import TlsFilesError, tls_context

# Nobody listens there: the file of the socket is not there, or is left over.
NOBODY = frozenset({"refused", "socket_missing"})


def connect(endpoint: Endpoint) -> Client | Failed:
    """Return a client for an endpoint, or why there can be none; nothing is sent."""
    try:
        return Client(endpoint)
    except TlsFilesError as error:
        return Failed(diagnose("tls_files", endpoint, str(error), error.kind))
    except Exception as error:  # docker-py lets KeyError and TypeError out of a broken config.json
        return Failed(from_exception(error, endpoint))


def probe(client: Client, timeout: float) -> Answered | Failed:
    """Ask an engine once within `timeout` seconds; a new connection also asks what engine it is."""
    deadline = time.monotonic() + timeout
    connections = client.sockets.opened
    try:
        client.open(timeout)
        answer, latency = ping(client, deadline)
    except TunnelError as error:
        return Failed(error.diagnosis)
    except Exception as error:  # any exception of requests, urllib3, ssl or the system is a diagnosis
        return Failed(why(error, client, deadline))
    if problem := judge(answer, client, deadline):
        return Failed(problem)
    api = answer.headers["api-version"]
    if client.api_version and client.sockets.opened == connections:
        client.settle(api)
        return Answered(latency)
    outcome = first_look(client, api, latency, deadline)
    if isinstance(outcome, Answered):
        client.settle(api)
    return outcome


def judge(answer: Answer, client: Client, deadline: float) -> Diagnosis | None:
    """Return what is wrong with an answer to a ping, or None for that of an engine that trayd can talk to."""
    if problem := from_answer(answer, client.endpoint):
        if not answer.from_docker and _wants_tls(client, deadline):
            return diagnose("tls_needed", client.endpoint, problem.detail)
        return problem
    api = answer.headers["api-version"]
    if version_tuple(api) < version_tuple(OLDEST_API):
        return _versions("api_too_old", client.endpoint, api, OLDEST_API)
    return None


def ping(client: Client, deadline: float) -> tuple[Answer, float]:
    """Ask, and say how long it took; once more at once when the connection was closed.

    A kept connection may die just as it is used. Raises what requests raises.
    """
    start = time.monotonic()
    try:
        answer = client.ping(max(0.1, deadline - start))
    except Exception as error:
        if from_exception(error, client.endpoint).code != "closed" or client.sockets.ended:
            raise
        client.drop_idle()
        start = time.monotonic()
        answer = client.ping(max(0.1, deadline - start))
    return answer, time.monotonic() - start


def first_look(client: Client, api: str, latency: float, deadline: float) -> Answered | Failed:
    """Ask what engine it is: behind a new connection there may be another one than before."""
    try:
        facts = client.json("/version", max(0.1, deadline - time.monotonic()), versioned=False)
    except Exception as error:
        found = None if isinstance(error, AnswerError) else why(error, client, deadline)
        if found is not None and found.code != "no_answer":
            return Failed(found)
        # It answered the ping in time, which is what counts; a slow one may not have the time for two answers.
        return Answered(
            latency, EngineInfo(api_version=clean(api, 20), fingerprint=client.fingerprint), client.certificates
        )
    facts = facts if isinstance(facts, Mapping) else {}
    if problem := too_new(text(facts, "MinAPIVersion"), client.endpoint):
        return Failed(problem)
    platform = facts.get("Platform")
    platform = platform if isinstance(platform, Mapping) else {}
    return Answered(
        latency,
        EngineInfo(
            version=text(facts, "Version"),
            api_version=text(facts, "ApiVersion"),
            os=text(facts, "Os"),
            arch=text(facts, "Arch"),
            platform=text(platform, "Name"),
            fingerprint=client.fingerprint,
        ),
        client.certificates,
    )


def describe(client: Client, info: EngineInfo, timeout: float) -> EngineInfo:
    """Return `info` with the engine's name and ID, which only the slower `/info` knows. Raises what requests raises."""
    facts = client.json("/info", timeout)
    facts = facts if isinstance(facts, Mapping) else {}
    version = info.version or text(facts, "ServerVersion")  # of one that was too slow to tell it in a probe's time
    return replace(info, name=text(facts, "Name"), id=text(facts, "ID"), version=version)


def images(client: Client, timeout: float) -> tuple[Image, ...]:
    """Return the engine's images by name, an entry for every tag. Raises what requests raises."""
    found = []
    answer = client.json("/images/json", timeout)
    for entry in answer if isinstance(answer, list) else []:
        if not isinstance(entry, Mapping):
            continue
        size = entry.get("Size")
        size = size if isinstance(size, int) else 0
        tags = entry.get("RepoTags")
        names = [t for t in tags if isinstance(t, str) and t != "<none>:<none>"] if isinstance(tags, list) else []
        if not names:
            names = [text(entry, "Id").removeprefix("sha256:")[:12]]
        found += [Image(clean(name, 200), size) for name in names if name]
    return tuple(sorted(set(found), key=lambda image: image.name.casefold()))


def text(facts: Mapping[Any, Any], key: str) -> str:
    """Return a text that an engine told, safe to show; empty if it told none."""
    value = facts.get(key)
    return clean(value, 100) if isinstance(value, str) else ""


def too_new(oldest: str, endpoint: Endpoint) -> Diagnosis | None:
    """Return the diagnosis if the oldest API that an engine speaks is too new for trayd."""
    if oldest and version_tuple(oldest) > version_tuple(NEWEST_API):
        return _versions("api_client_too_old", endpoint, oldest, NEWEST_API)
    return None


def _versions(code: str, endpoint: Endpoint, engine: str, ours: str) -> Diagnosis:
    return diagnose(code, endpoint, f"engine {engine}, trayd {ours}", engine_api=clean(engine, 20), our_api=ours)


def why(error: Exception, client: Client, deadline: float) -> Diagnosis:
    """Return the diagnosis for a failed question or connection, and what a look at the socket or the port adds."""
    endpoint = client.endpoint
    found = from_exception(error, endpoint)
    if client.sockets.ended:
        return found  # it was us who closed it
    if client.tunnel:
        return client.tunnel.explain(found, deadline)
    if endpoint.scheme == "unix":
        return _look_at_socket(found, endpoint)
    if found.code == "closed" and _wants_tls(client, deadline):
        return diagnose("tls_needed", endpoint, found.detail)
    if endpoint.tls is None:
        return found
    if found.code == "closed":
        found = _look_at_handshake(endpoint, endpoint.tls, deadline) or found
    has_one = os.path.exists(os.path.join(endpoint.tls.cert_path, "cert.pem"))
    if found.code == "client_cert_rejected" and not has_one:
        return diagnose("client_cert_missing", endpoint, found.detail)
    return found


def silence(client: Client, deadline: float) -> Diagnosis:
    """Return the diagnosis for a ping that was not answered until `deadline`."""
    return why(TimeoutError("timed out"), client, deadline)


def still_silent(endpoint: Endpoint) -> Diagnosis:
    """Return the diagnosis for a silent engine that took in one more connection and was silent there too."""
    return from_exception(TimeoutError("timed out"), endpoint)


def still_nobody(endpoint: Endpoint, timeout: float) -> Failed | None:
    """Whether nobody listens at a Unix socket, which needs no client to be found out; None for everything else."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(timeout)
            sock.connect(endpoint.path)
    except (OSError, ValueError) as error:
        found = _look_at_socket(from_exception(error, endpoint), endpoint)
        return Failed(found) if found.code in NOBODY else None
    return None


def _look_at_socket(found: Diagnosis, endpoint: Endpoint) -> Diagnosis:
    try:
        status = os.stat(endpoint.path)
    except PermissionError:
        return diagnose("socket_permission", endpoint, found.detail, "closed_folder")
    except OSError:
        return found
    if found.code == "refused" and not stat.S_ISSOCK(status.st_mode):
        return diagnose("not_a_socket", endpoint, found.detail)
    if found.code == "socket_permission":
        # Nobody is to be told to join the group root.
        variant = "" if status.st_gid and status.st_mode & stat.S_IWGRP else "root_only"
        return diagnose(found.code, endpoint, found.detail, variant, group=_group_name(status.st_gid))
    return found


def _group_name(gid: int) -> str:
    try:
        import grp  # POSIX only

        return clean(grp.getgrgid(gid).gr_name, 40)
    except (ImportError, KeyError):
        return str(gid)


def _look_at_handshake(endpoint: Endpoint, tls: Tls, deadline: float) -> Diagnosis | None:
    """Return the diagnosis if the server refuses our certificate.

    In TLS 1.3 it does so after the handshake. When it closes the connection with our question unread, the reset that
    this causes may overtake its alert (measured: on a busy machine every second time). So nothing is asked here.
    """
    try:
        with (
            _knock(endpoint, deadline) as raw,
            tls_context(tls).wrap_socket(raw, server_hostname=endpoint.host) as connection,
        ):
            connection.recv(1)
    except (OSError, TlsFilesError) as error:
        found = from_exception(error, endpoint)
        return found if found.code == "client_cert_rejected" else None
    return None


def _wants_tls(client: Client, deadline: float) -> bool:
    """Whether what was asked in plain is a TLS server: it answers a hello in TLS, even if only to refuse us."""
    endpoint = client.endpoint
    if endpoint.scheme != "tcp" or endpoint.tls or client.sockets.ended:
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with _knock(endpoint, deadline) as raw, context.wrap_socket(raw) as tls:
            return tls.version() is not None
    except ssl.SSLError as error:
        return "_ALERT_" in (error.reason or "")
    except OSError:
        return False


def _knock(endpoint: Endpoint, deadline: float) -> socket.socket:
    """Connect in what is left of a probe's time; in a little more than that, when it failed just at its end."""
    timeout = max(0.2, min(1.0, deadline - time.monotonic()))
    return socket.create_connection((endpoint.host, endpoint.port), timeout=timeout)
