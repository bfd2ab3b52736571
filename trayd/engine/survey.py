"""Asking many engines once, all at the same time: what `trayd status` shows."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from trayd.core import health as h
from trayd.core import messages as m
from trayd.core.certificates import dated
from trayd.core.diagnosis import diagnose
from trayd.core.engine import Engine
from trayd.core.health import Health, Now
from trayd.core.profile import Profile
from trayd.core.value import replace
from trayd.engine import probe
from trayd.engine.client import Client
from trayd.engine.watcher import resolve, unexpected

# An engine that answered may take this much longer to tell its name; without it, it has none.
_NAME = 0.3
# A probe keeps its own timeout; this much later nobody waits for it any more.
_LATE = 0.2


def survey(profiles: Sequence[Profile]) -> list[Engine]:
    """Return what every engine says now, in the order of `profiles`; takes no longer than the slowest timeout."""
    answers: SimpleQueue[tuple[str, m.Answered | m.Failed]] = SimpleQueue()
    start = Now(time.monotonic(), time.time())
    for profile in profiles:
        threading.Thread(target=_ask, args=(profile, answers.put), name=f"ask {profile.name}", daemon=True).start()
    engines = {profile.name: _unanswered(profile, start) for profile in profiles}
    waiting = set(engines)
    deadline = start.mono + max((p.health.timeout for p in profiles), default=0.0) + _LATE
    while waiting and (left := deadline - time.monotonic()) > 0:
        try:
            name, outcome = answers.get(timeout=left)
        except Empty:
            break
        waiting.discard(name)
        engines[name] = _judged(engines[name].profile, outcome, start)
    return list(engines.values())


def _ask(profile: Profile, tell: object) -> None:
    assert callable(tell)
    try:
        outcome = _question(profile)
    except Exception as error:  # a bug of ours with one engine must not hide the others
        outcome = m.Failed(unexpected(profile.endpoint, error))
    tell((profile.name, outcome))


def _question(profile: Profile) -> m.Answered | m.Failed:
    deadline = time.monotonic() + profile.health.timeout
    if failed := resolve(profile.endpoint):
        return failed
    client = probe.connect(profile.endpoint)
    if isinstance(client, m.Failed):
        return client
    try:
        return _answer(client, profile, deadline)
    finally:
        client.abort()


def _answer(client: Client, profile: Profile, deadline: float) -> m.Answered | m.Failed:
    outcome = probe.probe(client, max(0.1, deadline - time.monotonic()))
    if isinstance(outcome, m.Answered) and outcome.engine is not None:
        try:
            engine = probe.describe(client, outcome.engine, max(0.1, min(_NAME, deadline - time.monotonic())))
            outcome = replace(outcome, engine=engine)
        except Exception:  # slow, or not allowed to say: it merely has no name
            return outcome
    return outcome


def _judged(profile: Profile, outcome: m.Answered | m.Failed, now: Now) -> Engine:
    if isinstance(outcome, m.Answered):
        health = h.answered(Health(), outcome.latency, profile.health, now)
        certificates = dated(outcome.certificates or (), now.wall)
        return Engine(profile, health, outcome.engine, certificates=certificates)
    return Engine(profile, h.failed(Health(), outcome.diagnosis, now))


def _unanswered(profile: Profile, now: Now) -> Engine:
    found = diagnose("no_answer", profile.endpoint, f"no end after {profile.health.timeout:g} s")
    return Engine(profile, h.failed(Health(), found, now))
