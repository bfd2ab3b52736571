"""One long-lived docker-py client for one endpoint, by the rules that were measured (facts: connection.md 0)."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import docker

from trayd import __version__
from trayd.core.certificates import Certificate
from trayd.core.diagnosis import Answer, Diagnosis
from trayd.core.identity import FINGERPRINT
from trayd.core.profile import Endpoint
from trayd.engine.certificates import end_of, own_certificates
from trayd.engine.pulse import Line, line
from trayd.engine.ssh import ENGINE_GONE, Tunnel
from trayd.engine.transport import EndpointTls, Sockets, TcpAdapter, UnixAdapter, client_hello

# What docker-py speaks; the newest API that trayd asks for is the older of this and the engine's.
OLDEST_API = "1.24"
NEWEST_API = "1.45"
# An answer to a probe is two bytes; a list of images of a busy build server is a few megabytes.
_PING_LIMIT = 64 * 1024
_LIST_LIMIT = 16 * 1024 * 1024


class AnswerError(Exception):
    """An engine answered a question with something else than the expected JSON."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


def version_tuple(version: str) -> tuple[int, ...]:
    """Return an API version as numbers, (0,) for anything that is none."""
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(p.isdecimal() and len(p) < 6 for p in parts) else (0,)


class Client:
    """A docker-py client for one endpoint; nothing is sent before the first question.

    Raises TlsFilesError when the TLS material cannot be used, and docker.errors.DockerException when this system
    cannot reach such an endpoint at all.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.sockets = Sockets()
        self.api_version = ""
        self._told_api = ""
        self.tunnel = Tunnel(endpoint) if endpoint.scheme == "ssh" else None
        self._tls = EndpointTls(endpoint.tls, self.sockets) if endpoint.tls else None
        # An explicit base_url and version: then the constructor does no network I/O, and follows no DOCKER_* variable
        # and no context of the CLI.
        self._adapter = self._make_adapter()
        self.docker = self._make(NEWEST_API)
        self._own_certificates = own_certificates(endpoint.tls) if endpoint.tls else ()

    def _make(self, version: str) -> Any:
        # docker-py's own ssh:// wants another library, and does not know the person's settings (measured); to it, an
        # engine behind ssh is the local end of a tunnel.
        url = "unix:///var/run/docker.sock" if self.tunnel else self.endpoint.url
        client = docker.DockerClient(
            base_url=url, version=version, tls=self._tls or False, user_agent=f"trayd/{__version__}", timeout=10
        )
        # No proxy, no foreign CA bundle, no ~/.netrc from the environment (docker-py#2433).
        client.api.trust_env = False
        if self._adapter is not None and not self._tls:
            client.api.mount("http+docker://" if self.endpoint.scheme != "tcp" else "http://", self._adapter)
        return client

    def _make_adapter(self) -> Any:
        if tunnel := self.tunnel:
            return UnixAdapter(self.sockets, lambda: tunnel.socket, timeout=10)
        if self.endpoint.scheme == "unix":
            return UnixAdapter(self.sockets, lambda: self.endpoint.path, timeout=10)
        if self._tls:
            return self._tls.adapter
        return TcpAdapter(self.sockets) if self.endpoint.scheme == "tcp" else None

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """The ends of the certificates in use: the server's of the newest connection, and those in our files."""
        ends = end_of(self.sockets.server_certificate)
        return (*([Certificate("server", ends)] if ends is not None else []), *self._own_certificates)

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the certificate that the server showed on the newest connection; empty without TLS."""
        shown = self.sockets.server_certificate
        return FINGERPRINT + hashlib.sha256(shown).hexdigest() if shown else ""

    def open(self, timeout: float) -> None:
        """Make the way to the engine passable, if that is a work of its own. Raises TunnelError."""
        if self.tunnel:
            self.tunnel.open(timeout)

    def ping(self, timeout: float) -> Answer:
        """Ask the unversioned `/_ping`; redirects are not followed. Raises what requests raises."""
        return self._get("/_ping", timeout, _PING_LIMIT)

    def line(self) -> Line | None:
        """Take an idle connection that answered a ping before; None if there is none, or none that can be shared."""
        if self._adapter is None or not self._told_api or (pool := self._adapter.pool()) is None:
            return None
        return line(pool, self._told_api)

    def question(self) -> bytes:
        """What to send on a new connection to see whether a silent engine has come back; empty if there is no such."""
        if self._tls:
            return client_hello(self.endpoint.host)
        return self.sockets.ping if self.endpoint.scheme in ("unix", "tcp") else b""

    def settle(self, engine_api: str) -> None:
        """Take the API version to speak from the engine's answer, as the docker CLI does."""
        self._told_api = engine_api
        wanted = min(engine_api, NEWEST_API, key=version_tuple)
        if wanted != self.api_version:
            self.api_version = wanted
            if wanted != self.docker.api._version:
                self.docker = self._make(wanted)

    def json(self, path: str, timeout: float, versioned: bool = True) -> Any:
        """Return the JSON answer to a GET. Raises AnswerError for anything but a 200 with JSON."""
        prefix = f"/v{self.api_version}" if versioned and self.api_version else ""
        answer = self._get(prefix + path, timeout, _LIST_LIMIT)
        if answer.status != 200:
            raise AnswerError(answer)
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise AnswerError(answer) from None

    def events(self) -> Any:
        """Return the open event stream (images and the engine itself) as a urllib3 response.

        Raises AnswerError if the engine refuses it.
        """
        api = self.docker.api
        filters = json.dumps({"type": ["image", "daemon"]})
        response = api.get(
            f"{api.base_url}/v{self.api_version}/events",
            params={"filters": filters},
            stream=True,
            timeout=(5, None),
            allow_redirects=False,
        )
        if response.status_code != 200:
            response.close()
            raise AnswerError(Answer(response.status_code))
        return response.raw

    def _get(self, path: str, timeout: float, limit: int) -> Answer:
        api = self.docker.api
        deadline = time.monotonic() + timeout
        response = api.get(api.base_url + path, stream=True, timeout=(timeout, timeout), allow_redirects=False)
        try:
            body = bytearray()
            # read1 returns what has come, so that a dripping answer meets the deadline.
            while len(body) <= limit and (chunk := response.raw.read1(65536, decode_content=True)):
                body += chunk
                if time.monotonic() > deadline:
                    raise TimeoutError
            if self.tunnel:
                self.tunnel.answered = True
            headers = {key.lower(): value for key, value in response.headers.items()}
            return Answer(response.status_code, headers, bytes(body[:limit]))
        finally:
            # A fully read answer has given its connection back; only a cut one is closed.
            response.close()

    def outlasts(self, failure: Diagnosis) -> bool:
        """Whether this client is as good as a new one after that failure; then only its connections are dropped."""
        if self.tunnel is None:
            return False
        if failure.code == "closed" and self.tunnel.answered:
            # The engine ended while it was asked, or was met at its start: the tunnel is as good as before. If the next
            # question on it is closed as well, that is no longer taken for granted.
            self.tunnel.answered = False
        elif failure.code not in ENGINE_GONE:
            return False
        self.drop_idle()
        return True

    def drop_idle(self) -> None:
        """Close the idle connections; the next question opens a new one."""
        self.docker.api.close()

    def abort(self) -> None:
        """End every connection at once, also those in use by another thread, and the tunnel they go through."""
        self.sockets.shut_down()
        if self.tunnel:
            self.tunnel.close()
        self.drop_idle()
