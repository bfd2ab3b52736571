"""What we know about one engine, as a table of transitions; the clock and the jitter are arguments.

Everything that changes a state is in this file. A loss shows at once as RECONNECTING and is judged only when the grace
is over, so a restarting engine raises no alarm; a hung engine shows as HUNG at once, since its silence has already
lasted as long as the timeout.
"""

from __future__ import annotations

from enum import StrEnum

from trayd.core.diagnosis import SETTLED_CODES, Diagnosis
from trayd.core.profile import HealthSettings
from trayd.core.value import Value, replace


class State(StrEnum):
    """The states of an engine, as `--json` and the icon name them."""

    CONNECTING = "connecting"
    REACHABLE = "reachable"
    DEGRADED = "degraded"
    HUNG = "hung"
    RECONNECTING = "reconnecting"
    UNREACHABLE = "unreachable"


class Event(StrEnum):
    """What can happen to an engine's health."""

    ANSWERED = "answered"
    SLOW = "slow"
    SILENT = "silent"  # it accepted, and did not answer in time
    FAILED = "failed"
    EXPIRED = "expired"  # the grace is over, the last probe failed
    EXPIRED_SILENT = "expired silent"  # the grace is over, the last probe was not answered


_UP = {Event.ANSWERED: State.REACHABLE, Event.SLOW: State.DEGRADED}
_DOWN = {Event.SILENT: State.HUNG, Event.FAILED: State.UNREACHABLE}

TRANSITIONS: dict[State, dict[Event, State]] = {
    State.CONNECTING: _UP | _DOWN,
    State.REACHABLE: _UP | {Event.SILENT: State.HUNG, Event.FAILED: State.RECONNECTING},
    State.DEGRADED: _UP | {Event.SILENT: State.HUNG, Event.FAILED: State.RECONNECTING},
    # Accepting without answering is how a starting engine looks, so silence is no news inside the grace.
    State.RECONNECTING: _UP
    | {Event.SILENT: State.RECONNECTING, Event.FAILED: State.RECONNECTING}
    | {Event.EXPIRED: State.UNREACHABLE, Event.EXPIRED_SILENT: State.HUNG},
    State.HUNG: _UP | _DOWN,
    State.UNREACHABLE: _UP | _DOWN,
}

# Failures that come back at once and cost next to nothing, as a restarting engine's do.
QUICK_CODES = frozenset({"refused", "closed", "socket_missing"})

# In seconds; and how many engines are asked on the same beat.
BEAT = 1.0
TOGETHER = 20

GOOD = frozenset({State.REACHABLE, State.DEGRADED})
BAD = frozenset({State.HUNG, State.UNREACHABLE})


class Health(Value):
    """One engine's health: its state, since when (wall clock, seconds), why, and whether a loss was told.

    `lost` is the monotonic time at which the engine was first missed in the current outage.
    """

    state: State = State.CONNECTING
    since: float = 0.0
    latency: float | None = None
    diagnosis: Diagnosis | None = None
    lost: float | None = None
    told: bool = False


class Now(Value):
    """One moment: the monotonic clock, the wall clock (both in seconds), and a random number in [0, 1)."""

    mono: float
    wall: float
    jitter: float = 0.0


def answered(health: Health, latency: float, settings: HealthSettings, now: Now) -> Health:
    """Return the health after an answer that took `latency` seconds."""
    moved = _move(health, Event.SLOW if latency > settings.slow else Event.ANSWERED, now)
    steady = _steady(health.latency, latency)
    if moved is health and steady == health.latency:
        return health  # nearly always; an engine that is up has no diagnosis and no loss
    return replace(moved, latency=steady, diagnosis=None, lost=None, told=False)


def failed(health: Health, diagnosis: Diagnosis, now: Now) -> Health:
    """Return the health after a probe that failed or was not answered in time."""
    moved = _move(health, Event.SILENT if diagnosis.code == "no_answer" else Event.FAILED, now)
    lost = now.mono if health.state in GOOD else health.lost
    # A flickering detail (another port number in the raw text) is no reason to redraw anything.
    same = health.diagnosis and (health.diagnosis.code, health.diagnosis.cause) == (diagnosis.code, diagnosis.cause)
    return replace(moved, diagnosis=health.diagnosis if same else diagnosis, lost=lost, latency=None)


def judged(health: Health, now: Now) -> Health:
    """Return the health when the grace of a loss is over: the loss is told once."""
    silent = health.diagnosis is not None and health.diagnosis.code == "no_answer"
    moved = _move(health, Event.EXPIRED_SILENT if silent else Event.EXPIRED, now) if _waiting(health) else health
    return replace(moved, told=True)


def grace_ends(health: Health, settings: HealthSettings) -> float | None:
    """Return the monotonic time at which a loss has to be judged and told, or None if nothing is to be told."""
    if health.lost is None or health.told:
        return None
    return health.lost + settings.grace


def settled(health: Health) -> bool:
    """Return whether a person has to mend what is wrong."""
    return health.diagnosis is not None and health.diagnosis.code in SETTLED_CODES


def _waiting(health: Health) -> bool:
    return health.state is State.RECONNECTING


def _move(health: Health, event: Event, now: Now) -> Health:
    state = TRANSITIONS[health.state][event]
    if state is health.state:
        return health
    # An outage keeps its beginning: "since 14:02" means since the engine was first missed.
    outage = health.lost is not None and state not in GOOD
    return replace(health, state=state, since=health.since if outage else now.wall)


def _steady(shown: float | None, latency: float) -> float:
    """Return the latency to show: the old one until the new one is clearly different.

    A number that changes with every probe would redraw an open menu every few seconds, for nothing; below some
    milliseconds it tells of this computer's mood only.
    """
    if shown is not None and 0.4 < (latency + 0.005) / (shown + 0.005) < 2.5:
        return shown
    return latency


def next_beat(start: float, interval: float, number: int) -> float:
    """Return when to ask an engine that answers once more: within `interval` of `start`, on a beat.

    Every engine has its beat, twenty neighbours by `number` the same one: one waking of the processor serves them all,
    and a hundred engines are still not asked at once, which would keep an opening menu waiting (all measured). A beat
    is a little shorter than the interval, so that "interval + timeout" holds with what waking and drawing take.
    """
    period = 0.98 * interval
    phase = number // TOGETHER % max(1, round(interval / BEAT)) * BEAT
    due = start + period - (start - phase) % period
    return due if due - start > 0.02 * interval else due + period  # asked on its beat, or just before it


def retry_delay(health: Health, failures: int, settings: HealthSettings, local: bool, now: Now, held: int = 0) -> float:
    """Return the seconds from a failed probe's end to the next one.

    Exponential backoff, slow from the start for a failure that a person has to mend. `held` counts the silent probes
    in a row each of whose connections waited until the next one.
    """
    code = health.diagnosis.code if health.diagnosis else ""
    first, factor, most = (5.0, 2.0, 60.0) if settled(health) else (0.2, 1.6, 10.0 if local else 30.0)
    if code in QUICK_CODES:
        # Asking costs a packet each way: twice a second for the first minute, every two seconds for ten more.
        most = next((pause for until, pause in ((120, 0.4), (420, 1.7)) if failures < until), most)
    if code == "no_answer":
        # Each unanswered probe has already waited for the timeout; a thawed engine is to be seen soon.
        first, most = 0.2, settings.interval
    delay = min(most, first * factor ** min(failures, 30))
    if held:
        # Whatever it sends or closes is a hint; the questions are for a connection that died without a word. So they
        # may be the rarer the longer it has been silent: by a quarter of that time.
        delay = max(delay, min(30.0, 0.2 * 1.6 ** min(held - 1, 30)))
    return delay * (0.8 + 0.4 * now.jitter)
