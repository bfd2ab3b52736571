"""Watching one engine: a thread that probes when it is told to, and one that holds the event stream.

While the engine answers as before on a connection that is there, the pulse, which all watches share, probes for it;
the thread makes connections and finds out what is wrong. A silent engine is asked on new connections that the pulse
waits on; as soon as anything comes there, the thread asks.

A watch decides nothing and knows no schedule; it does what the loop says and posts what it found, with its generation.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.diagnosis import Diagnosis, diagnose
from trayd.core.profile import Endpoint, Profile
from trayd.core.value import Value
from trayd.engine import probe
from trayd.engine.activation import PLACES, Places, would_start
from trayd.engine.client import Client
from trayd.engine.pulse import Knock, Pinged, Pulse, knock

Post = Callable[[object], None]

# A connection to a silent engine that takes longer than this to be made is docker-py's business.
CONNECT = 1.0
# Lists are not probes: a busy engine may take its time over them.
LIST_TIMEOUT = 20.0


class _Question(Value):
    """A probe to send through docker-py; `silent`: the pulse did, and nothing came until `deadline`."""

    ask: do.Ask
    deadline: float
    silent: bool = False


class Watch:
    """One watched engine, of one generation; all methods return at once, results are posted."""

    def __init__(self, profile: Profile, generation: int, post: Post, pulse: Pulse, places: Places = PLACES) -> None:
        self._profile = profile
        self._pulse = pulse
        self._places = places
        self._generation = generation
        self._post = post
        self._questions: SimpleQueue[_Question | None] = SimpleQueue()
        self._client: Client | None = None
        self._info = m.EngineInfo()
        self._phase = ""
        self._stopped = False
        self._lost = False
        # What a silent engine is asked with, empty for none; and whether something came that was no answer after all.
        self._question = b""
        self._in_vain = False
        self._knock: Knock | None = None
        self._nobody = False  # is listening, the last probe says
        self._thread("probe", self._work)

    def ask(self, question: do.Ask) -> None:
        """Send a probe."""
        deadline = time.monotonic() + question.timeout
        client = self._client
        # After its stream ended an engine may be stopping: then it is looked at before it is asked.
        line = client.line() if client and not question.fresh and not self._lost else None
        if line is None:
            self._questions.put(_Question(question, deadline))
        else:
            self._pulse.ask(line, deadline, lambda pinged: self._pinged(question, deadline, pinged))

    def _pinged(self, question: do.Ask, deadline: float, pinged: Pinged) -> None:
        if pinged.latency is None:
            self._questions.put(_Question(question, deadline, pinged.silent))
        elif not self._stopped:
            self._post(m.Probed(self._profile.name, self._generation, m.Answered(pinged.latency)))

    def _knocked(self, question: _Question, knock: Knock, pinged: Pinged) -> None:
        if knock is not self._knock or self._stopped:
            return  # it was let go
        if pinged.silent:
            found = probe.still_silent(self._profile.endpoint)
            self._post(m.Probed(self._profile.name, self._generation, m.Failed(found, held=True)))
            return
        # It is asked at once, and once more with its whole timeout if it came back near the end of this one.
        self._knock, self._question, self._in_vain = None, b"", True
        if not knock.late:
            self._questions.put(question)
        self._post(m.Hinted(self._profile.name, self._generation))

    def _let_go(self) -> None:
        knock, self._knock = self._knock, None
        if knock is not None:
            knock.end()

    def listen(self) -> None:
        """Hold the event stream until it ends."""
        if client := self._client:
            self._thread("events", self._listen, client)
        else:
            self._post(m.StreamEnded(self._profile.name, self._generation))

    def describe(self) -> None:
        """Ask for the engine's name and ID."""
        if client := self._client:
            self._thread("info", self._describe, client)

    def list_images(self) -> None:
        """Ask for the engine's images."""
        if client := self._client:
            self._thread("images", self._list_images, client)

    def stop(self) -> None:
        """End the watch: its sockets are shut down, its threads end by themselves, late messages are dropped."""
        self._stopped = True
        self._questions.put(None)
        self._let_go()
        if client := self._client:
            client.abort()

    def overtaken(self, asked: float) -> None:
        """Say where the probe hangs that was asked at `asked` and did not come back in time."""
        code = "dns" if self._phase == "dns" else "no_answer"
        found = diagnose(code, self._profile.endpoint, f"no end after {self._profile.health.timeout:g} s")
        self._post(m.Overtaken(self._profile.name, self._generation, asked, found))

    def _thread(self, what: str, target: Callable[..., None], *args: object) -> None:
        name = f"{what} {self._profile.name}"
        threading.Thread(target=target, args=args, name=name, daemon=True).start()

    def _work(self) -> None:
        while (question := self._questions.get()) is not None and not self._stopped:
            try:
                outcome = self._probe(question)
            except Exception as error:  # a bug of ours in one probe must not end the watch of this engine
                outcome = m.Failed(unexpected(self._profile.endpoint, error))
            if outcome is None:
                continue  # the pulse waits for it
            self._let_go()
            self._question = self._next_question(outcome)
            self._nobody = isinstance(outcome, m.Failed) and outcome.diagnosis.code in probe.NOBODY
            if isinstance(outcome, m.Failed):
                if not (self._client and self._client.outlasts(outcome.diagnosis)):
                    self._forget_client()
            elif outcome.engine is not None:
                self._info = outcome.engine
            self._post(m.Probed(self._profile.name, self._generation, outcome))
        self._forget_client()

    def _next_question(self, outcome: m.Answered | m.Failed) -> bytes:
        """What to knock with next time; nothing once that was answered by something else than an answer to a ping."""
        if not isinstance(outcome, m.Failed) or outcome.diagnosis.code != "no_answer":
            self._in_vain = False
            return b""
        return self._client.question() if self._client and not self._in_vain else b""

    def _probe(self, what: _Question) -> m.Answered | m.Failed | None:
        endpoint, question, deadline = self._profile.endpoint, what.ask, what.deadline
        if what.silent and self._client:
            return m.Failed(probe.silence(self._client, deadline))
        connected, self._lost = self._client is not None and not self._lost, False
        if not question.wake and would_start(endpoint.path, connected, question.timeout, self._places):
            return m.Failed(
                diagnose("stopped_activatable", endpoint, "docker.service is stopped, docker.socket listens")
            )
        if question.fresh:
            self._forget_client()
        if self._client is None:
            # Resolving a name has no timeout of its own; the watchdog is to be able to say that it hangs there.
            self._phase = "dns"
            if failed := resolve(endpoint):
                return failed
            self._phase = ""
            if self._question and not question.fresh and self._knocks(what):
                return None
            self._let_go()
            left = max(0.1, deadline - time.monotonic())
            if self._nobody and endpoint.scheme == "unix" and (nobody := probe.still_nobody(endpoint, left)):
                return nobody  # asked twice a second at first: a new client each time costs more than all the rest
            client = probe.connect(endpoint)
            if isinstance(client, m.Failed):
                return client
            self._client = client
            if self._stopped:
                return m.Failed(diagnose("closed", endpoint))
        return probe.probe(self._client, max(0.1, deadline - time.monotonic()))

    def _knocks(self, what: _Question) -> bool:
        """Ask a silent engine by a knock, if it can be connected to."""
        left = what.deadline - time.monotonic()
        knocking = knock(self._profile.endpoint, self._question, max(0.1, min(CONNECT, left)))
        if knocking is None:
            return False
        self._let_go()  # only now: one waking of the pulse for both
        self._knock = knocking
        self._pulse.ask(knocking, what.deadline, lambda pinged: self._knocked(what, knocking, pinged))
        if self._stopped:
            self._let_go()
        return True

    def _forget_client(self) -> None:
        """Drop the client after a failure: certificates may have been replaced, another engine may have come."""
        client, self._client = self._client, None
        if client is not None:
            client.abort()

    def _listen(self, client: Client) -> None:
        with contextlib.suppress(Exception):  # however the stream ends, the probe says what it means
            stream = client.events()
            while stream.read1(65536):
                self._post(m.Hinted(self._profile.name, self._generation))
        self._lost = True
        self._post(m.StreamEnded(self._profile.name, self._generation))

    def _describe(self, client: Client) -> None:
        with contextlib.suppress(Exception):  # without it the engine merely has no name
            info = probe.describe(client, self._info, LIST_TIMEOUT)
            self._post(m.Described(self._profile.name, self._generation, info))

    def _list_images(self, client: Client) -> None:
        images = None
        with contextlib.suppress(Exception):  # the menu shows no list then; the probe tells why
            images = probe.images(client, LIST_TIMEOUT)
        if client is self._client:  # else a later one lists them, and may have done so already
            self._post(m.ImagesListed(self._profile.name, self._generation, images))


def resolve(endpoint: Endpoint) -> m.Failed | None:
    """Look up the endpoint's host name; return a failure if it is not known. Names for ssh are its own settings'."""
    if endpoint.scheme != "tcp":
        return None
    try:
        ipaddress.ip_address(endpoint.host)
    except ValueError:
        try:
            socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            return m.Failed(diagnose("dns", endpoint, f"{type(error).__name__}: {error}"))
    return None


def unexpected(endpoint: Endpoint, error: Exception) -> Diagnosis:
    """Return the diagnosis of a bug of ours."""
    return diagnose("unknown", endpoint, f"{type(error).__name__}: {error}")
