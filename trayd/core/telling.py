"""When a lost or returned engine is told, and in which notification.

One word for each real change, after the grace. Engines that go at about the same time (a network, a VPN) share one
notification, which says at every moment who of them is still gone. An engine that keeps going away and coming back is
said to do so once, and then nothing until it has been steady for a while; what is said last is always true.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from trayd.core import effects as do
from trayd.core import health as h
from trayd.core import news
from trayd.core.engine import Engine
from trayd.core.health import GOOD, Health, Now, State
from trayd.core.value import Value, replace

if TYPE_CHECKING:
    from trayd.core.snapshot import Snapshot

# News of the same moment wait so long for each other, in seconds, and only if there are others to wait for.
GATHER = 2.0
# A loss joins the notification of one that was told so long ago: an interval and a timeout of a remote engine.
JOIN = 20.0
# After a sleep of the computer its network takes so long to come back: no loss is told before.
AWAKE = 15.0
# More changes than this within the window are a storm, which is over when nothing changed for so long.
MANY = 4
WINDOW = 600.0
STEADY = 300.0


class Outage(Value):
    """Engines that were told as lost in the notification `subject`, and not yet as back; `at` is the last loss.

    `restless`: it was said that these keep going away and coming back.
    """

    subject: str
    names: tuple[str, ...]
    at: float
    restless: bool = False


class Telling(Value):
    """What was told and what is to be; all times are monotonic.

    `changes` are the last losses and returns of each engine; `lost` and `back` wait since `since` to be told; of the
    engines in `asked` a person wants to hear what the next question brings; before `patient` no loss is told.
    """

    outages: tuple[Outage, ...] = ()
    changes: Mapping[str, tuple[float, ...]] = MappingProxyType({})
    lost: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    since: float = 0.0
    asked: frozenset[str] = frozenset()
    patient: float = 0.0

    @property
    def until(self) -> float:
        """The time after which nothing waits any longer."""
        return max(self.since + GATHER, self.patient) if self.lost else self.since + GATHER

    @property
    def idle(self) -> bool:
        """Whether nothing of an answer or a failure matters here."""
        return not (self.outages or self.lost or self.back or self.asked)

    def outage(self, name: str) -> Outage | None:
        """Return the outage in which an engine was told as lost."""
        return next((outage for outage in self.outages if name in outage.names), None)


Told = tuple[Telling, list[object]]


def due(telling: Telling, engines: Mapping[str, Engine]) -> float | None:
    """Return the monotonic time at which something is to be told, or None."""
    times = [telling.until] if telling.lost or telling.back else []
    times += [_last(telling, name) + STEADY for name in _settling(telling, engines)]
    return min(times, default=None)


def kept(telling: Telling, there: Iterable[str], same: Iterable[str]) -> Telling:
    """Return what is left when these engines are there, and these of them are reached as before.

    Who was told as lost and is reached in another way now, a machine that has moved, is still to be told as back.
    """
    named, left = frozenset(there), frozenset(same)
    outages = (replace(o, names=tuple(name for name in o.names if name in named)) for o in telling.outages)
    return replace(
        telling,
        outages=tuple(outage for outage in outages if outage.names),
        changes={name: times for name, times in telling.changes.items() if name in named},
        lost=tuple(name for name in telling.lost if name in left),
        back=tuple(name for name in telling.back if name in left),
        asked=telling.asked & named,
    )


def woke(telling: Telling, now: Now) -> Telling:
    """Take in that the computer slept."""
    return replace(telling, patient=now.mono + AWAKE)


def probed(snapshot: Snapshot, name: str, was: Health, now: Now) -> Told:
    """Take in the outcome of a probe, after which the engine's health is no longer what it was."""
    telling = snapshot.telling
    if telling.idle:
        return telling, []
    good, outage = snapshot.engines[name].health.state in GOOD, telling.outage(name)
    notes = list[object]()
    if outage is not None and outage.restless and good != (was.state in GOOD):
        telling = _changed(telling, name, now)  # also inside the grace: it is not steady
    if not good:
        telling = replace(telling, back=_without(telling.back, name))
    elif name in telling.lost:
        telling = replace(telling, lost=_without(telling.lost, name))
    elif outage is not None and not outage.restless and name not in telling.back:
        telling = _waiting(_changed(telling, name, now), now, back=name)
    if name in telling.asked:
        telling = replace(telling, asked=telling.asked - {name})
        if not good and outage is not None and not telling.asked.intersection(outage.names):
            notes += _note(snapshot, outage.subject, news.lost(_of(snapshot, outage.names), snapshot))
    telling, more = _flush(snapshot, telling, now)
    return telling, notes + more


def passed(snapshot: Snapshot, judged: Iterable[str], now: Now) -> Told:
    """Take in that time passed, and that the grace of these engines is over."""
    telling = snapshot.telling
    for name in judged:
        outage = telling.outage(name)
        telling = _changed(telling, name, now)
        if outage is None:
            telling = _waiting(telling, now, lost=name)
    for name in _settling(telling, snapshot.engines):
        if _last(telling, name) + STEADY > now.mono:
            continue
        telling = replace(telling, changes={**telling.changes, name: ()})
        if snapshot.engines[name].health.state in GOOD:
            telling = _waiting(telling, now, back=name)
        else:
            telling = _waiting(replace(telling, outages=_left(telling.outages, (name,))), now, lost=name)
            telling = replace(telling, since=now.mono - GATHER, patient=0.0)  # it has been known for long
    return _flush(snapshot, telling, now)


def _settling(telling: Telling, engines: Mapping[str, Engine]) -> list[str]:
    """Return the restless engines that may turn out steady: not those of which nothing is known for sure yet."""

    def known(engine: Engine) -> bool:
        connecting = engine.health.state is State.CONNECTING
        return not connecting and h.grace_ends(engine.health, engine.profile.health) is None

    names = [name for outage in telling.outages if outage.restless for name in outage.names]
    return [name for name in names if name not in telling.back and known(engines[name])]


def _last(telling: Telling, name: str) -> float:
    """Return when an engine changed last; one that was found steady, and moved before that was told, has no changes."""
    return (telling.changes.get(name) or (0.0,))[-1]


def _flush(snapshot: Snapshot, telling: Telling, now: Now) -> Told:
    """Tell what waits, if it has waited for long enough or has nobody to wait for."""
    if not (telling.lost or telling.back):
        return telling, []
    if now.mono < telling.until and _others_are_near(snapshot, telling):
        return telling, []
    notes, outages = list[object](), telling.outages
    for outage in outages:
        if back := [name for name in outage.names if name in telling.back]:
            gone = [name for name in outage.names if name not in back]
            word = news.back(_of(snapshot, back), _of(snapshot, gone), outage.restless)
            notes += _note(snapshot, outage.subject, word, State.REACHABLE)
    outages = _left(outages, telling.back)
    lost = [name for name in telling.lost if _wanted(snapshot, name)]
    storm = [name for name in lost if len(_recent(telling, name, now)) > MANY]
    for names, restless in ((_without(lost, *storm), False), (storm, True)):
        if names:
            outages, outage = _joined(outages, names, restless, now)
            say = news.restless if restless else news.lost
            notes += _note(snapshot, outage.subject, say(_of(snapshot, outage.names), snapshot))
    return replace(telling, outages=outages, lost=(), back=()), notes


def _others_are_near(snapshot: Snapshot, telling: Telling) -> bool:
    """Whether more may come: after a sleep, another grace that ends soon, the rest of an outage that returns."""
    for outage in telling.outages:
        if 0 < sum(1 for name in outage.names if name in telling.back) < len(outage.names):
            return True
    if not telling.lost:
        return False
    if telling.until == telling.patient:
        return True
    ends = (
        h.grace_ends(engine.health, engine.profile.health)
        for name, engine in snapshot.engines.items()
        if telling.outage(name) is None and _wanted(snapshot, name)
    )
    return any(end is not None and end <= telling.until for end in ends)


def _joined(
    outages: tuple[Outage, ...], names: Iterable[str], restless: bool, now: Now
) -> tuple[tuple[Outage, ...], Outage]:
    """Return the outages with these engines in a recent one, or in a new one; and that one."""
    for outage in outages:
        if outage.restless is restless and now.mono - outage.at <= JOIN:
            joined = replace(outage, names=(*outage.names, *names), at=now.mono)
            return tuple(joined if other is outage else other for other in outages), joined
    subject, taken = next(iter(names)), {outage.subject for outage in outages}
    while subject in taken:  # that notification still tells of others
        subject += " again"
    new = Outage(subject, tuple(names), now.mono, restless)
    return (*outages, new), new


def _left(outages: tuple[Outage, ...], names: Iterable[str]) -> tuple[Outage, ...]:
    """Return the outages without these engines."""
    left = (replace(outage, names=_without(outage.names, *names)) for outage in outages)
    return tuple(outage for outage in left if outage.names)


def _recent(telling: Telling, name: str, now: Now) -> tuple[float, ...]:
    return tuple(at for at in telling.changes.get(name, ()) if at > now.mono - WINDOW)


def _changed(telling: Telling, name: str, now: Now) -> Telling:
    times = (*_recent(telling, name, now), now.mono)[-MANY - 1 :]
    return replace(telling, changes={**telling.changes, name: times})


def _waiting(telling: Telling, now: Now, lost: str = "", back: str = "") -> Telling:
    since = telling.since if telling.lost or telling.back else now.mono
    return replace(
        telling,
        lost=(*telling.lost, lost) if lost else telling.lost,
        back=(*telling.back, back) if back else telling.back,
        since=since,
    )


def _without(names: Iterable[str], *gone: str) -> tuple[str, ...]:
    return tuple(name for name in names if name not in gone)


def _wanted(snapshot: Snapshot, name: str) -> bool:
    return snapshot.notifications and snapshot.engines[name].profile.notifications


def _of(snapshot: Snapshot, names: Iterable[str]) -> list[Engine]:
    """Return the engines of these names that a person wants to hear about, in the order of the menu."""
    of = frozenset(names)
    return [engine for name, engine in snapshot.engines.items() if name in of and _wanted(snapshot, name)]


def _note(snapshot: Snapshot, subject: str, word: news.News | None, state: State = State.UNREACHABLE) -> list[object]:
    return [] if word is None else [do.Notify(word.title, word.text, subject, word.buttons, str(state))]
