"""Climbing the ladder to one engine: what `trayd check` and "Copy details" show.

The lower rungs are asked with plain sockets, one at a time, so that each has its own time and finding; from HTTP on a
probe's own client asks. A failure is judged by the probe's own rules, so that the words are those of the menu.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from trayd.core.certificates import Certificate, dated
from trayd.core.diagnosis import Answer, Diagnosis, diagnose, from_answer, from_exception
from trayd.core.ladder import NAMES, RUNG_OF, Rung, RungState, broken, clock_rung, files_rung, some, tls_rung
from trayd.core.messages import Failed
from trayd.core.profile import Profile, Tls
from trayd.core.text import clean
from trayd.core.words import _
from trayd.engine import probe
from trayd.engine.certificates import end_of, loose_modes, own_certificates
from trayd.engine.client import AnswerError, Client
from trayd.engine.looks import handshake, is_address, look_up, owned, peer, routes, server, told_time
from trayd.engine.ssh import TunnelError
from trayd.engine.transport import tls_context

T = TypeVar("T")
Tell = Callable[[Rung], None]

# A question keeps its own timeout; this much later its thread is abandoned, whatever it waits for.
_LATE = 0.2


def climb(profile: Profile, tell: Tell = lambda rung: None) -> list[Rung]:
    """Climb until a rung breaks; return all rungs, each of which was given to `tell` as soon as it was known.

    Every rung keeps the profile's timeout.
    """
    climber = _Climber(profile, tell)
    try:
        climber.climb()
    except _BrokenError as end:
        climber.fall(end)
    finally:
        climber.close()
    return climber.rungs


class _BrokenError(Exception):
    """A rung broke: why, after how many seconds, and what else was seen."""

    def __init__(self, diagnosis: Diagnosis, seconds: float, more: str = "") -> None:
        super().__init__(diagnosis.code)
        self.diagnosis = diagnosis
        self.seconds = seconds
        self.more = more


class _Climber:
    def __init__(self, profile: Profile, tell: Tell) -> None:
        self.rungs: list[Rung] = []
        self._held: list[Rung] = []
        self._tell = tell
        self._endpoint = profile.endpoint
        self._timeout = profile.health.timeout
        self._client: Client | None = None
        self._socket: socket.socket | None = None
        self._at = NAMES[0]
        self._seconds = 0.0

    def climb(self) -> None:
        made = self._within(probe.connect, self._endpoint)  # sends nothing
        self._client = made if isinstance(made, Client) else None
        if self._endpoint.scheme == "unix" and hasattr(socket, "AF_UNIX"):
            self._climb_to_socket()
        elif self._endpoint.scheme == "tcp":
            self._climb_to_host(made)
        elif self._endpoint.scheme == "ssh" and self._client is not None:
            self._climb_by_ssh(self._client)
        elif self._endpoint.scheme == "npipe":
            # Opened by the first question only, which says at which rung it broke.
            self._at = "connection"
            self._held = [Rung(name, RungState.SKIPPED) for name in NAMES[: NAMES.index("tls")]]
        if isinstance(made, Failed):
            raise self._break(made.diagnosis)
        for name in NAMES[len(self.rungs) : NAMES.index("tls")] if not self._held else ():
            self._skip(name)
        if self._endpoint.tls:
            self._at = "tls"
            self._shake_hands(self._endpoint.tls)
        else:
            reason = _("the profile has none") if self._endpoint.scheme == "tcp" else ""
            self._held.append(Rung("tls", RungState.SKIPPED, None, reason))
        self._close_socket()
        self._ask(made)

    def fall(self, end: _BrokenError) -> None:
        """Put the broken rung in its place, and those above it."""
        place = max(NAMES.index(RUNG_OF.get(end.diagnosis.code, self._at)), len(self.rungs))
        self._release(place)
        for name in NAMES[len(self.rungs) : place]:
            self._put(Rung(name, RungState.SKIPPED))
        self._put(broken(NAMES[place], end.diagnosis, end.seconds, end.more))
        for name in NAMES[place + 1 :]:
            self._put(Rung(name, RungState.SKIPPED))

    def close(self) -> None:
        self._close_socket()
        if self._client is not None:
            self._client.abort()

    def _put(self, rung: Rung) -> None:
        self.rungs.append(rung)
        self._at = NAMES[min(len(self.rungs), len(NAMES) - 1)]
        self._tell(rung)

    def _release(self, below: int = len(NAMES)) -> None:
        """Tell the rungs that were held back, those below a place."""
        held, self._held = self._held, []
        for rung in held:
            if NAMES.index(rung.name) < below:
                self._put(rung)

    def _ok(self, name: str, finding: str) -> None:
        self._put(Rung(name, RungState.OK, self._seconds, finding))

    def _skip(self, name: str, finding: str = "") -> None:
        self._put(Rung(name, RungState.SKIPPED, None, finding))

    def _within(self, task: Callable[..., T], *args: Any) -> T:
        """Do one thing within the timeout. Raises what it raises, and TimeoutError when it does not come back."""
        results: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

        def work() -> None:
            try:
                results.put((task(*args), None))
            except Exception as error:  # it is judged by the one who asked
                results.put((None, error))

        start = time.monotonic()
        threading.Thread(target=work, name=f"check {task.__name__}", daemon=True).start()
        try:
            value, error = results.get(timeout=self._timeout + _LATE)
        except Empty:
            value, error = None, TimeoutError(f"no end after {self._timeout:g} s")
        self._seconds = time.monotonic() - start
        if error is not None:
            raise error
        return value  # type: ignore[return-value]

    def _break(self, diagnosis: Diagnosis, more: str = "") -> _BrokenError:
        return _BrokenError(diagnosis, self._seconds, more)

    def _because(self, error: Exception) -> _BrokenError:
        if self._client is None:
            return self._break(from_exception(error, self._endpoint))
        return self._break(probe.why(error, self._client, time.monotonic() + 1.0))

    # --- up to a connection

    def _climb_to_socket(self) -> None:
        self._skip("name", _("a socket has none"))
        endpoint = self._endpoint
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(self._timeout)
        try:
            # What is there is told by connecting: a look at the file would find another reason than the probe.
            self._within(self._socket.connect, endpoint.path)
        except Exception as error:
            end = self._because(error)
            if RUNG_OF.get(end.diagnosis.code) == "connection":
                self._ok("address", owned(endpoint.path))
            raise end from error
        self._ok("address", owned(endpoint.path))
        self._skip("tls files")
        self._ok("connection", _("it accepts connections"))

    def _climb_to_host(self, made: Client | Failed) -> None:
        endpoint = self._endpoint
        addresses = self._names()
        try:
            ways = self._within(routes, addresses, endpoint.port)
        except Exception as error:
            raise self._because(error) from error
        self._ok("address", _("{address}, asked from {own}").format(address=ways[0][0], own=ways[0][1]))
        if isinstance(made, Failed):
            raise self._break(made.diagnosis)
        if endpoint.tls:
            self._look_at_files(endpoint.tls)
        else:
            self._skip("tls files", _("the profile has none"))
        try:
            self._socket = self._within(socket.create_connection, (endpoint.host, endpoint.port), self._timeout)
        except Exception as error:
            if isinstance(error, TimeoutError) and error.errno is None:
                raise self._break(diagnose("connect_timeout", endpoint, f"TimeoutError: {error}")) from error
            raise self._because(error) from error
        finding = _("{address} accepts connections on port {port}")
        self._ok("connection", finding.format(address=peer(self._socket, ways[0][0]), port=endpoint.port))

    def _names(self) -> list[str]:
        host = self._endpoint.host
        if is_address(host):
            self._skip("name", _("the profile says an address"))
            return [host]
        try:
            addresses = self._within(look_up, host, self._endpoint.port)
        except Exception as error:
            raise self._break(diagnose("dns", self._endpoint, f"{type(error).__name__}: {error}")) from error
        self._ok("name", f"{host} → {some(addresses)}")
        return addresses

    def _climb_by_ssh(self, client: Client) -> None:
        """Climb to the far socket: name, address and connection are ssh's own affair, and it says at which it broke."""
        try:
            self._within(client.open, self._timeout)
        except TunnelError as error:
            raise self._break(error.diagnosis) from error
        except Exception as error:
            raise self._because(error) from error
        seconds = self._seconds
        for name in NAMES[: NAMES.index("ssh")]:
            self._skip(name, _("ssh's own affair") if name != "tls files" else "")
        # Held back: what is wrong with the far socket shows only when something is asked through it.
        finding = _("your ssh reaches {address}").format(address=self._endpoint.address)
        self._held.append(Rung("ssh", RungState.OK, seconds, finding))

    # --- TLS

    def _look_at_files(self, tls: Tls) -> None:
        ends, loose = self._within(lambda: (dated(own_certificates(tls), time.time()), loose_modes(tls)))
        self._put(files_rung(ends, loose, self._seconds))

    def _shake_hands(self, tls: Tls) -> None:
        """Climb the TLS rung, but hold it back: what a server thinks of our certificate, it says only when asked."""
        assert self._socket is not None
        try:
            version, der, names = self._within(handshake, self._socket, tls_context(tls), self._endpoint.host)
        except Exception as error:
            end = self._because(error)
            if end.diagnosis.code == "cert_wrong_host":
                end.more = _("for {names}").format(names=some(self._names_in_certificate(tls)))
            raise end from error
        found = end_of(der)
        ends = dated([] if found is None else [Certificate("server", found)], time.time())
        self._held.append(tls_rung(version, ends, names, tls.verify, self._seconds))

    def _names_in_certificate(self, tls: Tls) -> list[str]:
        """Return for whom the server's certificate is, which Python tells only when it trusts the chain."""
        context = tls_context(tls)
        context.check_hostname = False
        try:
            raw = socket.create_connection((self._endpoint.host, self._endpoint.port), self._timeout)
            with raw:
                return self._within(handshake, raw, context, self._endpoint.host)[2]
        except Exception:  # it was reachable a moment ago; without it the rung merely says less
            return []

    # --- the engine

    def _ask(self, client: Client) -> None:
        self._at = "http"
        deadline = time.monotonic() + self._timeout
        try:
            answer, latency = self._within(probe.ping, client, deadline)
        except Exception as error:
            raise self._because(error) from error
        self._held.append(Rung("http", RungState.OK, latency, f"HTTP {answer.status}"))
        if problem := probe.judge(answer, client, deadline):
            if from_answer(answer, self._endpoint) is None or answer.from_docker:
                self._held.append(Rung("docker", RungState.OK, None, server(answer)))
            if "api-version" in answer.headers and problem.code not in ("api_too_old", "api_client_too_old"):
                self._held.append(Rung("api", RungState.OK, None, f"API {clean(answer.headers['api-version'], 20)}"))
            raise self._break(problem)
        measured = time.time()
        self._release()
        self._put(Rung("docker", RungState.OK, None, server(answer)))
        self._versions(client, answer)
        self._facts(client)
        if (told := told_time(answer)) is None:
            self._skip("clock", _("the engine does not say the time"))
        else:
            self._put(clock_rung(told - measured))

    def _versions(self, client: Client, answer: Answer) -> None:
        api = answer.headers["api-version"]
        try:
            facts = self._within(client.json, "/version", self._timeout, False)
        except AnswerError:
            facts = {}  # a proxy that lets only pings through: as the probe does, go by the ping
        except Exception as error:
            raise self._because(error) from error
        facts = facts if isinstance(facts, Mapping) else {}
        oldest = probe.text(facts, "MinAPIVersion")
        if problem := probe.too_new(oldest, self._endpoint):
            raise self._break(problem)
        client.settle(api)
        finding = _("API {version} ({oldest} to {newest})") if oldest else "API {version}"
        finding = finding.format(version=clean(client.api_version, 20), oldest=oldest, newest=clean(api, 20))
        self._ok("api", finding)

    def _facts(self, client: Client) -> None:
        """Climb two rungs with one question: `/info` wants the same permission as everything else."""
        try:
            facts = self._within(client.json, "/info", self._timeout)
        except AnswerError as error:
            if problem := from_answer(error.answer, self._endpoint):
                raise self._break(problem) from error
            facts = {}
        except Exception as error:
            raise self._because(error) from error
        facts = facts if isinstance(facts, Mapping) else {}
        self._ok("permission", _("you may ask"))
        known = [probe.text(facts, key) for key in ("Name", "ServerVersion", "OperatingSystem", "Architecture")]
        self._put(Rung("engine", RungState.OK, None, ", ".join(filter(None, known))))

    def _close_socket(self) -> None:
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()
