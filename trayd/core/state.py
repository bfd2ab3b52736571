"""`update`: a message comes in, a new snapshot and effects go out. Nothing else decides anything.

A late message of an older watch is dropped by its generation number, so there is nothing to lock and nothing to join.
"""

from __future__ import annotations

from trayd.core import effects as do
from trayd.core import health as h
from trayd.core import identity, report, telling, trayless
from trayd.core import messages as m
from trayd.core.certificates import dated
from trayd.core.commands import command, machine_started, speak
from trayd.core.diagnosis import Diagnosis
from trayd.core.dockercli import CliChange, CliGoesTo, change_told
from trayd.core.engine import Engine
from trayd.core.health import Health, Now
from trayd.core.profile import Profile
from trayd.core.snapshot import Result, Snapshot, Watch, ask, hinted, know, put_engine, put_watch, remember
from trayd.core.value import replace

# A probe has its own timeouts; this much later it is abandoned, whatever it waits for.
WATCHDOG = 0.5
# A stream that ended sooner than this was refused or cut, and is tried again ever more rarely.
SHORT_STREAM = 10.0


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
        case m.Hinted(name, generation, fresh) if _current(snapshot, name, generation):
            return hinted(snapshot, name, now, fresh)
        case m.Described(name, generation, info) if _current(snapshot, name, generation):
            return _recognised(put_engine(snapshot, name, replace(snapshot.engines[name], info=info)), name)
        case m.ImagesListed(name, generation, images) if _current(snapshot, name, generation):
            return put_engine(snapshot, name, replace(snapshot.engines[name], images=images)), []
        case m.Tick():
            return _tick(snapshot, now)
        case m.TrayGone() | m.NoTray():
            return _tray(snapshot, message, now)
        case m.TrayCame():
            snapshot, effects = _tray(snapshot, message, now)
            snapshot, more = command(snapshot, message, now)
            return snapshot, effects + more
        case m.Woke():
            return _woke(snapshot, now)
        case m.Loaded():
            return _loaded(snapshot, message, now)
        case m.EnginesKnown(known):
            engines = {name: identity.seen_again(known, engine) for name, engine in snapshot.engines.items()}
            return replace(snapshot, engines=engines, identities=known), []
        case m.MachineStarted():
            return machine_started(snapshot, message, now)
        case m.SettingsAre(notifications, theme, language):
            snapshot = replace(snapshot, notifications=notifications, theme=theme)
            return speak(snapshot, language, now)
        case m.AutostartIs(enabled):
            return replace(snapshot, autostart=enabled), []
        case CliGoesTo():
            return _cli_goes(snapshot, message, now)
        case m.Said(title, text):
            return snapshot, [do.Notify(title, text)]
    return command(snapshot, message, now)


def next_deadline(snapshot: Snapshot) -> float | None:
    """Return the monotonic time at which a Tick is needed, or None."""
    engines = snapshot.engines
    times = [w.due if w.asked is None else _overdue(w, engines[name]) for name, w in snapshot.watches.items()]
    for engine in engines.values():
        if engine.health.lost is not None and (ends := h.grace_ends(engine.health, engine.profile.health)) is not None:
            times.append(ends)
    if (told := telling.due(snapshot.telling, snapshot.engines)) is not None:
        times.append(told)
    if snapshot.trayless.due is not None:
        times.append(snapshot.trayless.due)
    return min(times, default=None)


def _overdue(watch: Watch, engine: Engine) -> float:
    return (watch.asked or 0.0) + engine.profile.health.timeout + WATCHDOG


def _current(snapshot: Snapshot, name: str, generation: int) -> bool:
    watch = snapshot.watches.get(name)
    return watch is not None and watch.generation == generation


def _probed(snapshot: Snapshot, name: str, outcome: m.Answered | m.Failed, now: Now) -> Result:
    engine, watch = snapshot.engines[name], snapshot.watches[name]
    settings, effects = engine.profile.health, list[object]()
    was = engine.health
    if isinstance(outcome, m.Answered):
        health = h.answered(was, outcome.latency, settings, now)
        if health is not was or outcome.engine is not None:
            engine = replace(engine, health=health, info=outcome.engine or engine.info)
        if outcome.certificates is not None:
            engine = replace(engine, certificates=outcome.certificates)
        if outcome.engine is not None and not engine.only_pings:
            effects.append(do.Describe(name))
    else:
        health = h.failed(was, outcome.diagnosis, now)
        engine = replace(engine, health=health, images=None)
        # Its stream ended because the engine went, not because somebody cuts streams: it is held again at once.
        watch = replace(watch, short_streams=0, listen_due=0.0)
        if h.settled(was) != h.settled(health):
            watch = replace(watch, failures=0)  # how often it was refused says nothing of how soon a person acts
    if engine.certificates:
        engine = replace(engine, certificates=dated(engine.certificates, now.wall))
    good = health.state in h.GOOD
    failures = 0 if good else watch.failures + 1
    held = watch.held + 1 if isinstance(outcome, m.Failed) and outcome.held else 0
    if good:
        due = h.next_beat(now.mono if watch.asked is None else watch.asked, settings.interval, watch.generation)
    else:
        due = now.mono + h.retry_delay(health, failures - 1, settings, engine.profile.endpoint.socket, now, held)
        if held and due - now.mono > settings.interval:
            due = h.next_beat(due - settings.interval, settings.interval, watch.generation)  # at most so much sooner
    if health.state is h.State.DEGRADED and was.state not in h.GOOD:
        due = now.mono  # it was asked while it was still starting: a second look tells whether it stays slow
    if engine is not snapshot.engines[name] and engine != snapshot.engines[name]:
        snapshot = put_engine(snapshot, name, engine)
    snapshot, more = _told(snapshot, telling.probed(snapshot, name, was, now))
    effects += more
    again, watch = watch.again, replace(watch, asked=None, due=due, last=now.mono, failures=failures, held=held)
    snapshot = put_watch(snapshot, name, watch)
    if isinstance(outcome, m.Answered) and outcome.engine is not None and outcome.engine.fingerprint:
        snapshot, more = _recognised(snapshot, name)  # it may not be asked, or not want to tell, its ID
        effects += more
    if good:
        snapshot, more = _after_answer(snapshot, name, now)
        effects += more
    if again:
        snapshot, more = ask(snapshot, name, now)
        effects += more
    return snapshot, effects


def _after_answer(snapshot: Snapshot, name: str, now: Now) -> Result:
    """While an engine answers: hold its event stream, and keep the active one's list of images fresh."""
    watch, engine, effects = snapshot.watches[name], snapshot.engines[name], list[object]()
    if watch.listening is None and not engine.only_pings and now.mono >= watch.listen_due:
        watch = replace(watch, listening=now.mono)
        effects.append(do.Listen(name))
    if watch.images_stale and name == snapshot.active and (watch.looked_at or not engine.only_pings):
        watch = replace(watch, images_stale=False, looked_at=False)
        effects.append(do.ListImages(name))
        if engine.only_pings and engine.info is not None and not engine.info.name:
            effects.append(do.Describe(name))
    return (put_watch(snapshot, name, watch) if effects else snapshot), effects


def _recognised(snapshot: Snapshot, name: str) -> Result:
    """The engine told its ID, or showed its certificate: is it the one that this profile had before?"""
    known, engine = identity.recognise(snapshot.identities, snapshot.engines[name])
    effects = list[object]()
    if engine.stranger and not snapshot.engines[name].stranger:
        effects.append(do.Notify(*report.stranger(engine), name))
    return know(snapshot, name, known, engine, effects)


def _overtaken(snapshot: Snapshot, name: str, diagnosis: Diagnosis, now: Now) -> Result:
    """The thread that asked is lost: a new watch takes over."""
    snapshot, effects = _probed(snapshot, name, m.Failed(diagnosis), now)
    effects = [effect for effect in effects if not isinstance(effect, do.Ask)]
    snapshot, more = _watch_anew(snapshot, name)
    return snapshot, effects + more


def _watch_anew(snapshot: Snapshot, name: str) -> Result:
    """A watch of the next generation takes over; what the old one still says is dropped."""
    generation = snapshot.generation + 1
    watch = replace(snapshot.watches[name], generation=generation, listening=None, again=False, asked=None)
    snapshot = replace(put_watch(snapshot, name, watch), generation=generation)
    return snapshot, [do.StopWatch(name), do.StartWatch(snapshot.engines[name].profile, generation)]


def _stream_ended(snapshot: Snapshot, name: str, now: Now) -> Result:
    watch = snapshot.watches[name]
    short = watch.listening is not None and now.mono - watch.listening < SHORT_STREAM
    count = watch.short_streams + 1 if short else 0
    pause = min(300.0, 5.0 * 2 ** (count - 2)) if count > 1 else 0.0
    watch = replace(watch, listening=None, listen_due=now.mono + pause, short_streams=count)
    return ask(put_watch(snapshot, name, watch), name, now)


def _told(snapshot: Snapshot, told: telling.Told) -> Result:
    return (snapshot if told[0] is snapshot.telling else replace(snapshot, telling=told[0])), told[1]


def _tick(snapshot: Snapshot, now: Now) -> Result:
    effects, judged = list[object](), list[str]()
    for name, watch in snapshot.watches.items():
        engine = snapshot.engines[name]
        if watch.asked is None and watch.due > now.mono and engine.health.lost is None:
            continue  # nearly all of a hundred
        if watch.asked is None and watch.due <= now.mono:
            snapshot, more = ask(snapshot, name, now)
            effects += more
        elif watch.asked is not None and _overdue(watch, engine) <= now.mono:
            # The answer, Overtaken, comes back as a message; until then it is not asked for again.
            snapshot = put_watch(snapshot, name, replace(watch, asked=now.mono))
            effects.append(do.Overtake(name, now.mono))
        ends = h.grace_ends(engine.health, engine.profile.health)
        if ends is not None and ends <= now.mono:
            health = h.judged(engine.health, now)
            snapshot = put_engine(snapshot, name, replace(engine, health=health))
            judged.append(name)
    snapshot, more = _told(snapshot, telling.passed(snapshot, judged, now))
    effects += more
    snapshot, more = _tray(snapshot, m.Tick(), now)
    return snapshot, effects + more


def _tray(snapshot: Snapshot, message: trayless.Message, now: Now) -> Result:
    was = snapshot.trayless
    known, effects = trayless.happened(was, message, now)
    if known is not was:
        snapshot = replace(snapshot, trayless=known)
    if known.told != was.told:
        effects.append(replace(remember(snapshot), quiet=True))
    return snapshot, effects if snapshot.notifications else [e for e in effects if isinstance(e, do.Remember)]


def _cli_goes(snapshot: Snapshot, cli: CliGoesTo, now: Now) -> Result:
    old, snapshot = snapshot.cli, replace(snapshot, cli=cli)
    if old is None or old.context == cli.context:
        return snapshot, []
    # trayd chooses no context for the CLI, so it was somebody else.
    snapshot = replace(snapshot, cli_changed=CliChange(old.context, cli.context, now.wall))
    if not snapshot.notifications:
        return snapshot, []
    return snapshot, [do.Notify(*change_told(old.context, cli), "docker cli")]


def _woke(snapshot: Snapshot, now: Now) -> Result:
    """After a sleep nobody is judged for the time slept: every grace starts anew, everybody is asked on a new line."""
    effects = list[object]()
    snapshot = replace(snapshot, telling=telling.woke(snapshot.telling, now))
    for name, engine in snapshot.engines.items():
        if engine.health.lost is not None and not engine.health.told:
            health = replace(engine.health, lost=now.mono)
            snapshot = put_engine(snapshot, name, replace(engine, health=health))
        snapshot = put_watch(snapshot, name, replace(snapshot.watches[name], failures=0))
        if snapshot.watches[name].asked is not None:
            # It was asked before the sleep: that this was not answered in time says nothing.
            snapshot, more = _watch_anew(snapshot, name)
            effects += more
        snapshot, more = ask(snapshot, name, now, fresh=True)
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
    effects: list[object] = [do.StopWatch(name) for name in snapshot.engines if name not in profiles]
    engines, watches, generation = {}, {}, snapshot.generation
    kept_watches = list[str]()
    for name in sorted(profiles, key=str.casefold):
        profile, old = profiles[name], snapshot.engines.get(name)
        if old is not None and _watched_alike(old.profile, profile):
            engines[name], watches[name] = replace(old, profile=profile), snapshot.watches[name]
            kept_watches.append(name)
            continue
        if old is not None:
            effects.append(do.StopWatch(name))
        generation += 1
        engines[name] = Engine(profile, Health(since=now.wall))
        watches[name] = Watch(generation, asked=now.mono)
        effects += [do.StartWatch(profile, generation), do.Ask(name, profile.health.timeout, wake=profile.health.wake)]
    stand_in = snapshot.engines.get(snapshot.wanted)
    snapshot = replace(snapshot, engines=engines, watches=watches, problems=loaded.problems, generation=generation)
    snapshot = replace(snapshot, hidden=loaded.hidden, current=loaded.current)
    snapshot = replace(snapshot, docker_machine=loaded.docker_machine)
    snapshot = replace(snapshot, telling=telling.kept(snapshot.telling, engines, kept_watches))
    # Nobody chose yet: what is active now stays so when another file comes. A chosen profile that is away for a while
    # keeps its claim.
    nobody_chose = not snapshot.wanted or (stand_in is not None and stand_in.profile.source == "local")
    if nobody_chose and snapshot.active not in ("", snapshot.wanted):
        snapshot = replace(snapshot, wanted=snapshot.active)
        effects.append(remember(snapshot))
    return snapshot, effects


def _watched_alike(old: Profile, new: Profile) -> bool:
    """Whether a watch can go on with the new version of its profile; a stream that is held ends only with its watch."""
    return old.endpoint == new.endpoint and old.health.events == new.health.events
