"""`update`: a message comes in, a new snapshot and effects go out. Nothing else decides anything.

A late message of an older watch is dropped by its generation number, so there is nothing to lock and nothing to join.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from trayd.core import health as h
from trayd.core import identity, report
from trayd.core import messages as m
from trayd.core.certificates import dated
from trayd.core.diagnosis import Diagnosis
from trayd.core.dockercli import CliChange, CliGoesTo, change_told
from trayd.core.engine import Engine
from trayd.core.health import Health, Now
from trayd.core.identity import Identities
from trayd.core.profile import Profile, cleared, unchosen, variables
from trayd.core.shells import SHELLS, UnquotableError, script
from trayd.core.value import Value, replace

# A probe has its own timeouts; this much later it is abandoned, whatever it waits for.
WATCHDOG = 0.5
# An engine that reports events all the time is not asked more often than this, in seconds.
HINT_PAUSE = 1.0
# A stream that ended sooner than this was refused or cut, and is tried again ever more rarely.
SHORT_STREAM = 10.0


class Watch(Value):
    """The plan for one engine, all in monotonic seconds: nothing of it is ever shown.

    `asked` is the start of the outstanding probe, `due` the time of the next one, `again` asks once more as soon as
    the outstanding one is back; `listening` since when its event stream is held. `wake`: a person asked, the next
    probe may start the engine; `looked_at`: the menu was opened since its lists were asked for.
    """

    generation: int
    asked: float | None = None
    due: float = 0.0
    last: float = 0.0
    again: bool = False
    failures: int = 0
    listening: float | None = None
    listen_due: float = 0.0
    short_streams: int = 0
    wake: bool = False
    looked_at: bool = False
    images_stale: bool = True


class Snapshot(Value):
    """All of it at one moment. `watches` is the plan; everything else is what people see."""

    engines: Mapping[str, Engine] = MappingProxyType({})
    watches: Mapping[str, Watch] = MappingProxyType({})
    problems: tuple[m.Problem, ...] = ()
    hidden: frozenset[str] = frozenset()
    current: str = ""
    wanted: str = ""
    previous: str = ""
    identities: Identities = MappingProxyType({})
    notifications: bool = True
    autostart: bool | None = None
    cli: CliGoesTo | None = None
    cli_changed: CliChange | None = None
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
        return replace(self, watches=other.watches, generation=other.generation) == other


Result = tuple[Snapshot, list[object]]


def update(snapshot: Snapshot, message: object, now: Now) -> Result:
    """Return the snapshot after a message, and what is to be done."""
    match message:
        case m.Probed(name, generation, outcome) if _current(snapshot, name, generation):
            return _probed(snapshot, name, outcome, now)
        case m.Overtaken(name, generation, asked, diagnosis) if _current(snapshot, name, generation):
            if snapshot.watches[name].asked != asked:
                return snapshot, []  # it came back just before it was given up
            return _overtaken(snapshot, name, diagnosis, now)
        case m.StreamEnded(name, generation) if _current(snapshot, name, generation):
            return _stream_ended(snapshot, name, now)
        case m.Hinted(name, generation) if _current(snapshot, name, generation):
            return _hinted(snapshot, name, now)
        case m.Described(name, generation, info) if _current(snapshot, name, generation):
            return _described(_put_engine(snapshot, name, replace(snapshot.engines[name], info=info)), name)
        case m.ImagesListed(name, generation, images) if _current(snapshot, name, generation):
            return _put_engine(snapshot, name, replace(snapshot.engines[name], images=images)), []
        case m.Tick():
            return _tick(snapshot, now)
        case m.Woke():
            return _woke(snapshot, now)
        case m.Loaded():
            return _loaded(snapshot, message, now)
        case m.EnginesKnown(known):
            engines = {name: identity.seen_again(known, engine) for name, engine in snapshot.engines.items()}
            return replace(snapshot, engines=engines, identities=known), []
        case m.AutostartIs(enabled):
            return replace(snapshot, autostart=enabled), []
        case CliGoesTo():
            return _cli_goes(snapshot, message, now)
        case m.Said(title, text):
            return snapshot, [m.Notify(title, text)]
    return _command(snapshot, message, now)


def next_deadline(snapshot: Snapshot) -> float | None:
    """Return the monotonic time at which a Tick is needed, or None."""
    times = []
    for name, watch in snapshot.watches.items():
        engine = snapshot.engines[name]
        times.append(watch.due if watch.asked is None else _overdue(watch, engine))
        if (ends := h.grace_ends(engine.health, engine.profile.health)) is not None:
            times.append(ends)
    return min(times, default=None)


def _overdue(watch: Watch, engine: Engine) -> float:
    return (watch.asked or 0.0) + engine.profile.health.timeout + WATCHDOG


def _current(snapshot: Snapshot, name: str, generation: int) -> bool:
    watch = snapshot.watches.get(name)
    return watch is not None and watch.generation == generation


def _put_engine(snapshot: Snapshot, name: str, engine: Engine) -> Snapshot:
    return replace(snapshot, engines={**snapshot.engines, name: engine})


def _put_watch(snapshot: Snapshot, name: str, watch: Watch) -> Snapshot:
    return replace(snapshot, watches={**snapshot.watches, name: watch})


def _ask(snapshot: Snapshot, name: str, now: Now, fresh: bool = False) -> Result:
    """Send a probe, or remember to when the outstanding one is back: it may have been answered before the news."""
    watch = snapshot.watches[name]
    if watch.asked is not None:
        return _put_watch(snapshot, name, replace(watch, again=True)), []
    settings = snapshot.engines[name].profile.health
    ask = m.Ask(name, settings.timeout, fresh, wake=watch.wake or settings.wake)
    return _put_watch(snapshot, name, replace(watch, asked=now.mono, again=False, wake=False)), [ask]


def _probed(snapshot: Snapshot, name: str, outcome: m.Answered | m.Failed, now: Now) -> Result:
    engine, watch = snapshot.engines[name], snapshot.watches[name]
    settings, effects = engine.profile.health, list[object]()
    was = engine.health
    if isinstance(outcome, m.Answered):
        health = h.answered(was, outcome.latency, settings, now)
        engine = replace(engine, health=health, info=outcome.engine or engine.info)
        if outcome.certificates is not None:
            engine = replace(engine, certificates=outcome.certificates)
        if outcome.engine is not None and not engine.only_pings:
            effects.append(m.Describe(name))
        if was.told and snapshot.notifications:
            effects.append(m.Notify(f"{name} is reachable again", "The engine answers.", name))
    else:
        health = h.failed(was, outcome.diagnosis, now)
        engine = replace(engine, health=health, images=None)
        # Its stream ended because the engine went, not because somebody cuts streams: it is held again at once.
        watch = replace(watch, short_streams=0, listen_due=0.0)
    engine = replace(engine, certificates=dated(engine.certificates, now.wall))
    good = health.state in h.GOOD
    failures = 0 if good else watch.failures + 1
    start = watch.asked if good and watch.asked is not None else now.mono
    due = start + h.next_delay(health, failures - 1, settings, engine.profile.endpoint.socket, now)
    if health.state is h.State.DEGRADED and was.state not in h.GOOD:
        due = now.mono  # it was asked while it was still starting: a second look tells whether it stays slow
    if engine != snapshot.engines[name]:
        snapshot = _put_engine(snapshot, name, engine)
    again, watch = watch.again, replace(watch, asked=None, due=due, last=now.mono, failures=failures)
    snapshot = _put_watch(snapshot, name, watch)
    if good:
        snapshot, more = _after_answer(snapshot, name, now)
        effects += more
    if again:
        snapshot, more = _ask(snapshot, name, now)
        effects += more
    return snapshot, effects


def _after_answer(snapshot: Snapshot, name: str, now: Now) -> Result:
    """While an engine answers: hold its event stream, and keep the active one's list of images fresh."""
    watch, engine, effects = snapshot.watches[name], snapshot.engines[name], list[object]()
    if watch.listening is None and not engine.only_pings and now.mono >= watch.listen_due:
        watch = replace(watch, listening=now.mono)
        effects.append(m.Listen(name))
    if watch.images_stale and name == snapshot.active and (watch.looked_at or not engine.only_pings):
        watch = replace(watch, images_stale=False, looked_at=False)
        effects.append(m.ListImages(name))
        if engine.only_pings and engine.info is not None and not engine.info.name:
            effects.append(m.Describe(name))
    return (_put_watch(snapshot, name, watch) if effects else snapshot), effects


def _described(snapshot: Snapshot, name: str) -> Result:
    """The engine told its ID: is it the one that this profile had before?"""
    known, engine = identity.recognise(snapshot.identities, snapshot.engines[name])
    effects = list[object]()
    if engine.stranger and not snapshot.engines[name].stranger:
        effects.append(m.Notify(*report.stranger(engine), name))
    return _know(snapshot, name, known, engine, effects)


def _know(snapshot: Snapshot, name: str, known: Identities, engine: Engine, effects: list[object]) -> Result:
    if known != snapshot.identities:
        effects.append(m.RememberEngines(known))
    return replace(_put_engine(snapshot, name, engine), identities=known), effects


def _overtaken(snapshot: Snapshot, name: str, diagnosis: Diagnosis, now: Now) -> Result:
    """The thread that asked is lost: a new watch takes over."""
    snapshot, effects = _probed(snapshot, name, m.Failed(diagnosis), now)
    generation = snapshot.generation + 1
    watch = replace(snapshot.watches[name], generation=generation, listening=None, again=False, asked=None)
    snapshot = replace(_put_watch(snapshot, name, watch), generation=generation)
    effects = [effect for effect in effects if not isinstance(effect, m.Ask)]
    return snapshot, [*effects, m.StopWatch(name), m.StartWatch(snapshot.engines[name].profile, generation)]


def _stream_ended(snapshot: Snapshot, name: str, now: Now) -> Result:
    watch = snapshot.watches[name]
    short = watch.listening is not None and now.mono - watch.listening < SHORT_STREAM
    count = watch.short_streams + 1 if short else 0
    pause = min(300.0, 5.0 * 2 ** (count - 2)) if count > 1 else 0.0
    watch = replace(watch, listening=None, listen_due=now.mono + pause, short_streams=count)
    return _ask(_put_watch(snapshot, name, watch), name, now)


def _hinted(snapshot: Snapshot, name: str, now: Now) -> Result:
    watch, engine = replace(snapshot.watches[name], images_stale=True), snapshot.engines[name]
    if engine.health.state not in h.GOOD:
        watch = replace(watch, failures=0)  # its socket may be there before it listens: ask soon again
    elif now.mono - watch.last < HINT_PAUSE:
        return _put_watch(snapshot, name, replace(watch, due=min(watch.due, watch.last + HINT_PAUSE))), []
    return _ask(_put_watch(snapshot, name, watch), name, now)


def _tick(snapshot: Snapshot, now: Now) -> Result:
    effects = list[object]()
    for name, watch in snapshot.watches.items():
        engine = snapshot.engines[name]
        if watch.asked is None and watch.due <= now.mono:
            snapshot, more = _ask(snapshot, name, now)
            effects += more
        elif watch.asked is not None and _overdue(watch, engine) <= now.mono:
            # The answer, Overtaken, comes back as a message; until then it is not asked for again.
            snapshot = _put_watch(snapshot, name, replace(watch, asked=now.mono))
            effects.append(m.Overtake(name, now.mono))
        ends = h.grace_ends(engine.health, engine.profile.health)
        if ends is not None and ends <= now.mono:
            health = h.judged(engine.health, now)
            snapshot = _put_engine(snapshot, name, replace(engine, health=health))
            if snapshot.notifications:
                effects.append(m.Notify(*report.loss(engine.profile, health), name))
    return snapshot, effects


def _cli_goes(snapshot: Snapshot, cli: CliGoesTo, now: Now) -> Result:
    old, snapshot = snapshot.cli, replace(snapshot, cli=cli)
    if old is None or old.context == cli.context:
        return snapshot, []
    # trayd chooses no context for the CLI, so it was somebody else.
    snapshot = replace(snapshot, cli_changed=CliChange(old.context, cli.context, now.wall))
    if not snapshot.notifications:
        return snapshot, []
    return snapshot, [m.Notify(*change_told(old.context, cli), "docker cli")]


def _woke(snapshot: Snapshot, now: Now) -> Result:
    """After a sleep nobody is judged for the time slept: every grace starts anew, everybody is asked on a new line."""
    effects = list[object]()
    for name, engine in snapshot.engines.items():
        if engine.health.lost is not None and not engine.health.told:
            health = replace(engine.health, lost=now.mono)
            snapshot = _put_engine(snapshot, name, replace(engine, health=health))
        snapshot = _put_watch(snapshot, name, replace(snapshot.watches[name], failures=0))
        snapshot, more = _ask(snapshot, name, now, fresh=True)
        effects += more
    return snapshot, effects


def _loaded(snapshot: Snapshot, loaded: m.Loaded, now: Now) -> Result:
    profiles = {profile.name: profile for profile in loaded.profiles if not loaded.alone}
    # A broken file never replaces a good one: the last good version stays in force, and nothing that was found stands
    # beside it for the same engine.
    unusable = {problem.path for problem in loaded.problems}
    kept = {
        name: engine.profile
        for name, engine in snapshot.engines.items()
        if name in loaded.broken
        or (engine.profile.source in ("context", "machine") and engine.profile.path in unusable)
    }
    covered = {profile.endpoint for profile in kept.values()}
    profiles = kept | {n: p for n, p in profiles.items() if p.source == "file" or p.endpoint not in covered}
    if not profiles:
        profiles = {profile.name: profile for profile in loaded.profiles}
    effects: list[object] = [m.StopWatch(name) for name in snapshot.engines if name not in profiles]
    engines, watches, generation = {}, {}, snapshot.generation
    for name in sorted(profiles, key=str.casefold):
        profile, old = profiles[name], snapshot.engines.get(name)
        if old is not None and _watched_alike(old.profile, profile):
            engines[name], watches[name] = replace(old, profile=profile), snapshot.watches[name]
            continue
        if old is not None:
            effects.append(m.StopWatch(name))
        generation += 1
        engines[name] = Engine(profile, Health(since=now.wall))
        watches[name] = Watch(generation, asked=now.mono)
        effects += [m.StartWatch(profile, generation), m.Ask(name, profile.health.timeout, wake=profile.health.wake)]
    stand_in = snapshot.engines.get(snapshot.wanted)
    snapshot = replace(snapshot, engines=engines, watches=watches, problems=loaded.problems, generation=generation)
    snapshot = replace(snapshot, hidden=loaded.hidden, current=loaded.current)
    # Nobody chose yet: what is active now stays so when another file comes. A chosen profile that is away for a while
    # keeps its claim.
    unchosen = not snapshot.wanted or (stand_in is not None and stand_in.profile.source == "local")
    if unchosen and snapshot.active not in ("", snapshot.wanted):
        snapshot = replace(snapshot, wanted=snapshot.active)
        effects.append(_remember(snapshot))
    return snapshot, effects


def _watched_alike(old: Profile, new: Profile) -> bool:
    """Whether a watch can go on with the new version of its profile; a stream that is held ends only with its watch."""
    return old.endpoint == new.endpoint and old.health.events == new.health.events


def _command(snapshot: Snapshot, message: object, now: Now) -> Result:
    match message:
        case m.Use(name, save):
            return _use(snapshot, name, save, now)
        case m.CheckAgain(name) if name in snapshot.watches:
            watch = replace(snapshot.watches[name], listen_due=0.0, images_stale=True, wake=True)
            return _ask(_put_watch(snapshot, name, watch), name, now, fresh=True)
        case m.CopyDetails(name) if name in snapshot.engines:
            engine = snapshot.engines[name]
            details = report.details(engine)
            if engine.health.state in h.GOOD:
                return snapshot, [m.PutOnClipboard(details)]
            return snapshot, [m.CopyLadder(engine.profile, details)]
        case m.CopyText(text):
            return snapshot, [m.PutOnClipboard(text)]
        case m.Accept(name) if name in snapshot.engines:
            known, engine = identity.accept(snapshot.identities, snapshot.engines[name])
            return _know(snapshot, name, known, engine, [])
        case m.CopyEnvironment(name, _, False) if name in snapshot.engines and snapshot.engines[name].stranger:
            return snapshot, [m.Notify("Nothing was copied", report.stranger(snapshot.engines[name])[1], name)]
        case m.CopyEnvironment(name, shell, unset) if name in snapshot.engines:
            profile = snapshot.engines[name].profile
            try:
                text = script(SHELLS[shell], cleared(profile) if unset else variables(profile))
            except UnquotableError as error:
                return snapshot, [m.Notify("Nothing was copied", f"{name}: {error.message}")]
            return snapshot, [m.PutOnClipboard(text)]
        case m.MenuOpened() if (name := snapshot.active) in snapshot.engines and snapshot.engines[
            name
        ].health.state in h.GOOD:
            watch = replace(snapshot.watches[name], looked_at=True)
            return _hinted(_put_watch(snapshot, name, watch), name, now)
        case m.OpenProfiles():
            return snapshot, [m.OpenFolder()]
        case m.Reload():
            return snapshot, [m.ReadFiles()]
        case m.ToggleAutostart():
            return snapshot, [m.SetAutostart(not snapshot.autostart)]
        case m.ToggleNotifications():
            snapshot = replace(snapshot, notifications=not snapshot.notifications)
            return snapshot, [_remember(snapshot)]
        case m.Quit():
            effects: list[object] = [m.StopWatch(name) for name in snapshot.engines]
            return replace(snapshot, stopped=True), [*effects, m.Stop()]
    return snapshot, []


def _use(snapshot: Snapshot, name: str, save: bool, now: Now) -> Result:
    if name not in snapshot.engines:
        return snapshot, []
    if name != snapshot.active:
        snapshot = replace(snapshot, previous=snapshot.active, wanted=name)
    elif name != snapshot.wanted:
        snapshot = replace(snapshot, wanted=name)
    else:
        return snapshot, []
    watch = replace(snapshot.watches[name], images_stale=True)
    snapshot, effects = _ask(_put_watch(snapshot, name, watch), name, now)
    return snapshot, [*effects, _remember(snapshot)] if save else effects


def _remember(snapshot: Snapshot) -> m.Remember:
    return m.Remember(snapshot.wanted, snapshot.previous, snapshot.notifications)
