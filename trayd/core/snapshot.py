"""The snapshot: all of it at one moment, frozen; and the small steps that facts and commands have in common."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from trayd.core import effects as do
from trayd.core import health as h
from trayd.core import messages as m
from trayd.core.dockercli import CliChange, CliGoesTo
from trayd.core.engine import Engine
from trayd.core.health import Now
from trayd.core.identity import Identities
from trayd.core.profile import unchosen
from trayd.core.telling import Telling
from trayd.core.trayless import Trayless
from trayd.core.value import Value, replace
from trayd.core.view import Theme

# An engine that reports events all the time is not asked more often than this, in seconds.
HINT_PAUSE = 1.0


class Watch(Value):
    """The plan for one engine, all in monotonic seconds: nothing of it is ever shown.

    `asked` is the start of the outstanding probe, `due` the time of the next one, `again` asks once more as soon as
    the outstanding one is back, `fresh` on a new connection; `held` counts the silent probes in a row whose
    connections were kept; `listening` since when its event stream is held. `wake`: a person asked, the next probe may
    start the engine; `looked_at`: the menu was opened since its lists were asked for.
    """

    generation: int
    asked: float | None = None
    due: float = 0.0
    last: float = 0.0
    again: bool = False
    fresh: bool = False
    failures: int = 0
    held: int = 0
    listening: float | None = None
    listen_due: float = 0.0
    short_streams: int = 0
    wake: bool = False
    looked_at: bool = False
    images_stale: bool = True


class Snapshot(Value):
    """All of it at one moment. `watches` is the plan, `telling` that of the notifications; the rest is what people see.

    `docker_machine`: such a program is installed; `starting` are the machines that it starts at this moment.
    """

    engines: Mapping[str, Engine] = MappingProxyType({})
    watches: Mapping[str, Watch] = MappingProxyType({})
    problems: tuple[m.Problem, ...] = ()
    hidden: frozenset[str] = frozenset()
    current: str = ""
    wanted: str = ""
    previous: str = ""
    identities: Identities = MappingProxyType({})
    notifications: bool = True
    theme: Theme = Theme.COLOUR
    language: str = ""
    greeted: bool = False
    autostart: bool | None = None
    cli: CliGoesTo | None = None
    cli_changed: CliChange | None = None
    docker_machine: bool = False
    starting: frozenset[str] = frozenset()
    telling: Telling = Telling()
    trayless: Trayless = Trayless()
    generation: int = 0
    stopped: bool = False

    @property
    def active(self) -> str:
        """The active profile's name: the wanted one if it exists, else see `unchosen`; empty if there is none."""
        if self.wanted in self.engines or self.wanted in self.hidden:
            return self.wanted
        if self.hidden:  # only some are watched, and of the others nothing but the name is known
            return min([*self.engines, *self.hidden], key=str.casefold)
        return unchosen((engine.profile for engine in self.engines.values()), self.current)

    def shows_like(self, other: Snapshot) -> bool:
        """Whether the two look the same: only the plan differs."""
        if self is other:
            return True
        return replace(self, watches=other.watches, telling=other.telling, generation=other.generation) == other


Result = tuple[Snapshot, list[object]]


def put_engine(snapshot: Snapshot, name: str, engine: Engine) -> Snapshot:
    """Return the snapshot with another engine under a name."""
    return replace(snapshot, engines={**snapshot.engines, name: engine})


def put_watch(snapshot: Snapshot, name: str, watch: Watch) -> Snapshot:
    """Return the snapshot with another plan for an engine."""
    return replace(snapshot, watches={**snapshot.watches, name: watch})


def ask(snapshot: Snapshot, name: str, now: Now, fresh: bool = False) -> Result:
    """Send a probe, or remember to when the outstanding one is back: it may have been answered before the news."""
    watch = snapshot.watches[name]
    fresh = fresh or watch.fresh
    if watch.asked is not None:
        return put_watch(snapshot, name, replace(watch, again=True, fresh=fresh)), []
    settings = snapshot.engines[name].profile.health
    ask = do.Ask(name, settings.timeout, fresh, wake=watch.wake or settings.wake)
    # A new connection ends what is being listed on the old one.
    stale = watch.images_stale or fresh
    watch = replace(watch, asked=now.mono, again=False, fresh=False, wake=False, images_stale=stale)
    return put_watch(snapshot, name, watch), [ask]


def hinted(snapshot: Snapshot, name: str, now: Now, fresh: bool = False) -> Result:
    """Something happened at an engine: ask it, but not in a storm."""
    watch, engine = snapshot.watches[name], snapshot.engines[name]
    watch = replace(watch, images_stale=True, fresh=watch.fresh or fresh)
    if engine.health.state not in h.GOOD:
        watch = replace(watch, failures=0)  # its socket may be there before it listens: ask soon again
    elif now.mono - watch.last < HINT_PAUSE:
        return put_watch(snapshot, name, replace(watch, due=min(watch.due, watch.last + HINT_PAUSE))), []
    return ask(put_watch(snapshot, name, watch), name, now)


def know(snapshot: Snapshot, name: str, known: Identities, engine: Engine, effects: list[object]) -> Result:
    """Return the snapshot with an engine and what is known of all of them, and the effects with its being saved."""
    if known != snapshot.identities:
        effects.append(do.RememberEngines(known))
    return replace(put_engine(snapshot, name, engine), identities=known), effects


def remember(snapshot: Snapshot) -> do.Remember:
    """Return the effect that writes the choice and the settings to disk."""
    return do.Remember(
        snapshot.wanted,
        snapshot.previous,
        snapshot.notifications,
        snapshot.theme,
        snapshot.language,
        snapshot.greeted,
        snapshot.trayless.told,
    )
