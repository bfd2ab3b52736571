"""What a person wants, as `update` carries it out: switch, copy, check again, quit."""

from __future__ import annotations

from collections.abc import Iterable

from trayd.core import effects as do
from trayd.core import health as h
from trayd.core import identity, news, report
from trayd.core import messages as m
from trayd.core.health import Now
from trayd.core.profile import cleared, variables
from trayd.core.shells import SHELLS, UnquotableError, script
from trayd.core.snapshot import Result, Snapshot, ask, hinted, know, put_watch, remember
from trayd.core.text import clean
from trayd.core.value import replace
from trayd.core.words import _


def command(snapshot: Snapshot, message: object, now: Now) -> Result:
    """Return the snapshot after a command, and what is to be done; what means nothing now does nothing."""
    match message:
        case m.Use(name, save):
            return _use(snapshot, name, save, now)
        case m.CheckAgain(name) if name in snapshot.watches:
            watch = replace(snapshot.watches[name], listen_due=0.0, images_stale=True, wake=True)
            snapshot, effects = ask(put_watch(snapshot, name, watch), name, now, fresh=True)
            machine = snapshot.engines[name].lost_machine if snapshot.docker_machine else ""
            return snapshot, [*effects, do.AskMachine(machine)] if machine else effects
        case m.Recheck(names):
            return _recheck(snapshot, [name for name in names if name in snapshot.watches], now)
        case m.StartMachine(name) if name in snapshot.engines and snapshot.docker_machine:
            machine = snapshot.engines[name].lost_machine
            if not machine or machine in snapshot.starting:
                return snapshot, []
            return replace(snapshot, starting=snapshot.starting | {machine}), [do.RunMachine(name, machine)]
        case m.CopyDetails(name) if name in snapshot.engines:
            engine = snapshot.engines[name]
            details = report.details(engine)
            if engine.health.state in h.GOOD:
                return snapshot, [do.PutOnClipboard(details)]
            return snapshot, [do.CopyLadder(engine.profile, details)]
        case m.CopyText(text):
            return snapshot, [do.PutOnClipboard(text)]
        case m.Accept(name) if name in snapshot.engines:
            known, engine = identity.accept(snapshot.identities, snapshot.engines[name])
            return know(snapshot, name, known, engine, [])
        case m.CopyEnvironment(name, _any, False) if name in snapshot.engines and snapshot.engines[name].stranger:
            return snapshot, [do.Notify(_("Nothing was copied"), report.stranger(snapshot.engines[name])[1], name)]
        case m.CopyEnvironment(name, shell, unset) if name in snapshot.engines:
            profile = snapshot.engines[name].profile
            try:
                text = script(SHELLS[shell], cleared(profile) if unset else variables(profile))
            except UnquotableError as error:
                return snapshot, [do.Notify(_("Nothing was copied"), f"{name}: {error.message}")]
            return snapshot, [do.PutOnClipboard(text)]
        case m.MenuOpened() if snapshot.active in snapshot.engines:
            return _menu_opened(snapshot, snapshot.active, now)
        case m.OpenProfiles():
            return snapshot, [do.OpenFolder()]
        case m.Reload():
            return snapshot, [do.ReadFiles()]
        case m.ToggleAutostart():
            return snapshot, [do.SetAutostart(not snapshot.autostart)]
        case m.ToggleNotifications():
            snapshot = replace(snapshot, notifications=not snapshot.notifications)
            return snapshot, [remember(snapshot)]
        case m.ChooseTheme(theme):
            snapshot = replace(snapshot, theme=theme)
            return snapshot, [remember(snapshot)]
        case m.ChooseLanguage(language):
            snapshot, effects = speak(snapshot, language, now)
            return snapshot, [*effects, remember(snapshot)]
        case m.TrayCame() if not snapshot.greeted:
            snapshot = replace(snapshot, greeted=True)
            return snapshot, [do.Greet(remember(snapshot), do.Notify(*news.greeting(snapshot)))]
        case m.Quit():
            stops = [do.StopWatch(name) for name in snapshot.engines]
            return replace(snapshot, stopped=True), [*stops, do.Stop()]
    return snapshot, []


def speak(snapshot: Snapshot, language: str, now: Now) -> Result:
    """Return the snapshot in another language; causes and problems keep their words, so they are asked for anew."""
    if language == snapshot.language:
        return snapshot, []
    effects: list[object] = [do.Speak(language), do.ReadFiles()]
    snapshot = replace(snapshot, language=language)
    for name, engine in snapshot.engines.items():
        if engine.health.diagnosis is not None:
            snapshot, more = ask(snapshot, name, now)
            effects += more
    return snapshot, effects


def machine_started(snapshot: Snapshot, ended: m.MachineStarted, now: Now) -> Result:
    """Return the snapshot after `docker-machine start` ended: its store is read anew and the engine asked."""
    snapshot = replace(snapshot, starting=snapshot.starting - {ended.machine})
    if ended.error:
        title = _("machine {name} could not be started").format(name=ended.machine)
        text = _("{error} → docker-machine start {name} in a terminal").format(
            error=clean(ended.error), name=ended.machine
        )
        again = do.Button(_("Try again"), m.StartMachine(ended.name))
        return snapshot, [do.Notify(title, text, ended.name, (again,))]
    if ended.name not in snapshot.watches:
        return snapshot, [do.ReadFiles()]
    snapshot, effects = command(snapshot, m.CheckAgain(ended.name), now)
    # Its address has just been stored: there is no need to ask for it as well.
    return snapshot, [do.ReadFiles(), *(effect for effect in effects if not isinstance(effect, do.AskMachine))]


def _recheck(snapshot: Snapshot, names: Iterable[str], now: Now) -> Result:
    effects = list[object]()
    for name in names:
        snapshot, more = command(snapshot, m.CheckAgain(name), now)
        effects += more
    return replace(snapshot, telling=replace(snapshot.telling, asked=snapshot.telling.asked.union(names))), effects


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
    snapshot, effects = ask(put_watch(snapshot, name, watch), name, now)
    return snapshot, [*effects, remember(snapshot)] if save else effects


def _menu_opened(snapshot: Snapshot, name: str, now: Now) -> Result:
    if snapshot.engines[name].health.state not in h.GOOD:
        return snapshot, []
    watch = replace(snapshot.watches[name], looked_at=True)
    return hinted(put_watch(snapshot, name, watch), name, now)
