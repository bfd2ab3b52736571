"""`view`: a snapshot becomes icon, tooltip and menu, as data.

There is no running clock in it ("since 14:02", never "3 s ago"), so that equal states give equal views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trayd.core import messages as m
from trayd.core import report
from trayd.core.cells import wrap
from trayd.core.dockercli import change_line, place
from trayd.core.engine import Engine
from trayd.core.health import GOOD
from trayd.core.shells import SHELLS
from trayd.core.snapshot import Snapshot
from trayd.core.text import clean, human_size
from trayd.core.view import IconSpec, Item, Mark, Theme, View
from trayd.core.words import LANGUAGES, N_, _

# Wider lines would push a menu over a whole small screen; labels of panels do not wrap by themselves.
LINE = 76
PROFILES_INLINE = 12
# GNOME's lines are 36 pixels high and its menu does not scroll: a submenu opens in what the screen leaves below them.
PROFILES_INLINE_IN_GNOME = 5
IMAGES_SHOWN = 40
PROBLEMS_SHOWN = 5
# What the colours are good for is said by the panel: nobody knows it but who looks at it.
THEMES = {
    Theme.COLOUR: N_("Colour"),
    Theme.LIGHT: N_("Light, for a dark panel"),
    Theme.DARK: N_("Dark, for a light panel"),
}

About = tuple[str, ...]


def view(snapshot: Snapshot, clock: Callable[[float], str], about: About = (), inline: int = PROFILES_INLINE) -> View:
    """Return what the tray shows; `clock` writes a wall-clock time as people read it, `about` are lines to show."""
    engine = snapshot.engines.get(snapshot.active)
    if engine is None:
        icon, tooltip = IconSpec("none", theme=snapshot.theme), "trayd\n" + _("No profile yet")
        top = [Item("head", _("No profile yet"))]
    else:
        state, profile = str(engine.health.state), engine.profile
        icon = IconSpec(state, profile.endpoint.remote, profile.protected, snapshot.theme)
        tooltip, top = _tooltip(snapshot, engine, clock), _top(snapshot, engine, clock)
    profiles = [*_profiles(snapshot, inline), *_cli(snapshot, clock)]
    groups: list[list[Item]] = [top, profiles, _certificates(snapshot), _problems(snapshot)]
    if engine is not None:
        groups.append([_copy(engine), _images(engine)])
    groups += [[_settings(snapshot)], [_about(about), Item("quit", _("Quit"), m.Quit())]]
    middle = m.CheckAgain(engine.profile.name) if engine is not None else None
    return View(icon, tooltip, tuple(_joined(groups)), middle)


def _joined(groups: Iterable[list[Item]]) -> Iterable[Item]:
    """Yield the items of all groups that have any, with a separator between two groups."""
    for number, group in enumerate(group for group in groups if group):
        if number:
            yield Item(f"separator {group[0].key}")
        yield from group


def _top(snapshot: Snapshot, engine: Engine, clock: Callable[[float], str]) -> list[Item]:
    name, diagnosis = engine.profile.name, engine.health.diagnosis
    items = [Item("head", clean(report.headline(engine, clock), 100))]
    if diagnosis is not None:
        items += [Item(f"cause {n}", line) for n, line in enumerate(wrap(diagnosis.cause, LINE))]
        items += [Item(f"next {n}", line) for n, line in enumerate(wrap(f"→ {diagnosis.next}", LINE))]
    if engine.stranger:
        items += [Item(f"stranger {n}", line) for n, line in enumerate(wrap(f"⚠ {report.stranger(engine)[1]}", LINE))]
        items.append(Item("accept", _("It is the right one"), m.Accept(name)))
    items.append(Item("check", _("Check again"), m.CheckAgain(name)))
    if snapshot.docker_machine and (machine := engine.lost_machine):
        starting = machine in snapshot.starting
        items.append(
            Item("start", _("Starting machine …"))
            if starting
            else Item("start", _("Start machine"), m.StartMachine(name))
        )
    items.append(Item("details", _("Copy details"), m.CopyDetails(name)))
    return items


def _profiles(snapshot: Snapshot, inline: int) -> list[Item]:
    items = [_profile(engine, snapshot) for engine in snapshot.engines.values()]
    if len(items) <= inline:
        return items
    bad = sum(1 for engine in snapshot.engines.values() if engine.health.state not in GOOD)
    label = _("Profiles ({number}, {bad} not reachable)") if bad else _("Profiles ({number})")
    return [Item("profiles", label.format(number=len(items), bad=bad), children=tuple(items))]


def _profile(engine: Engine, snapshot: Snapshot) -> Item:
    profile, health = engine.profile, engine.health
    label = f"{profile.name}  {report.DOTS[health.state]}  {report.words(health)}"
    if engine.stranger:
        label += "  ⚠ " + _("another engine")
    told = [clean(profile.endpoint.host, 40)] if profile.endpoint.remote else []
    told += [report.source(profile)] if profile.source in report.SOURCES and profile.name != "local" else []
    told += [_("protected")] if profile.protected else []
    told += [_("docker uses it")] if profile.name == snapshot.current else []
    if told:
        label += f"  ({_(', ').join(told)})"
    key, use, active = f"profile {profile.name}", m.Use(profile.name), profile.name == snapshot.active
    if profile.protected and not active:
        sure = Item("yes", _("Yes, use {name}").format(name=profile.name), use)
        return Item(key, label, mark=Mark.RADIO, children=(sure,))
    return Item(key, label, use, Mark.RADIO, active)


def _certificates(snapshot: Snapshot) -> list[Item]:
    lines = report.expiring(snapshot.engines.values())
    return [Item(f"certificate {n}", line) for n, line in enumerate(lines[:PROBLEMS_SHOWN])]


def _cli(snapshot: Snapshot, clock: Callable[[float], str]) -> list[Item]:
    """Say where the docker CLI goes, if that is not the active profile, and when somebody changed that."""
    cli, change = snapshot.cli, snapshot.cli_changed
    profiles = (engine.profile for engine in snapshot.engines.values())
    if cli is None or not (line := place(cli, profiles, snapshot.active)):
        return []
    return [Item("cli", line), *([Item("cli changed", change_line(change, clock(change.at)))] if change else [])]


def _problems(snapshot: Snapshot) -> list[Item]:
    items = []
    for number, problem in enumerate(snapshot.problems[:PROBLEMS_SHOWN]):
        lines = wrap(clean(str(problem), 300), LINE)
        items.append(Item(f"problem {number}", f"⚠ {lines[0]}", m.OpenProfiles()))
        items += [Item(f"problem {number}.{n}", f"    {line}") for n, line in enumerate(lines[1:])]
    if (more := len(snapshot.problems) - PROBLEMS_SHOWN) > 0:
        items.append(Item("problem more", _("… and {number} more: trayd config check").format(number=more)))
    return items


def _copy(engine: Engine) -> Item:
    name = engine.profile.name

    def shells(unset: bool) -> tuple[Item, ...]:
        return tuple(Item(s.name, s.label, m.CopyEnvironment(name, s.name, unset)) for s in SHELLS.values())

    unset = Item("unset", _("Unset"), children=shells(True))
    return Item("copy", _("Copy environment"), children=(*shells(False), Item("separator unset"), unset))


def _images(engine: Engine) -> Item:
    images = engine.images
    if images is None or engine.health.state not in GOOD:
        return Item("images", _("Images"))
    label = _("Images ({number})").format(number=len(images))
    if not images:
        return Item("images", label)
    shown = [
        Item(f"image {image.name}", f"{clean(image.name, 80)}    {human_size(image.size)}", m.CopyText(image.name))
        for image in images[:IMAGES_SHOWN]
    ]
    if (more := len(images) - IMAGES_SHOWN) > 0:
        shown.append(Item("images more", _("… and {number} more: docker images").format(number=more)))
    return Item("images", label, children=tuple(shown))


def _settings(snapshot: Snapshot) -> Item:
    items = [Item("notifications", _("Notifications"), m.ToggleNotifications(), Mark.CHECK, snapshot.notifications)]
    if snapshot.autostart is not None:
        items.insert(0, Item("autostart", _("Start at login"), m.ToggleAutostart(), Mark.CHECK, snapshot.autostart))
    themes = (
        Item(theme, _(label), m.ChooseTheme(theme), Mark.RADIO, theme is snapshot.theme)
        for theme, label in THEMES.items()
    )
    items += [Item("theme", _("Icon"), children=tuple(themes)), _languages(snapshot)]
    items += [Item("folder", _("Open profiles"), m.OpenProfiles()), Item("reload", _("Reload"), m.Reload())]
    return Item("settings", _("Settings"), children=tuple(items))


def _languages(snapshot: Snapshot) -> Item:
    """Return the choice of the language, found again by its second name whatever the language is."""
    known = {"": _("As the session"), **LANGUAGES}
    items = (
        Item(f"language {key}", label, m.ChooseLanguage(key), Mark.RADIO, key == snapshot.language)
        for key, label in known.items()
    )
    own = _("Language")
    return Item("language", own if own == "Language" else f"{own} (Language)", children=tuple(items))


def _about(about: About) -> Item:
    lines = [Item(f"about {n}", clean(line, 120)) for n, line in enumerate(about)]
    copy = Item("about copy", _("Copy for a bug report"), m.CopyText("\n".join(about)))
    return Item("about", _("About"), children=(*lines, copy))


def _tooltip(snapshot: Snapshot, engine: Engine, clock: Callable[[float], str]) -> str:
    lines = [report.headline(engine, clock), engine.profile.endpoint.url]
    if engine.health.diagnosis is not None:
        lines.append(engine.health.diagnosis.cause)
    if engine.stranger:
        lines.append("⚠ " + _("Another engine answers here than before"))
    others = [e for e in snapshot.engines.values() if e is not engine and e.health.diagnosis is not None]
    if others:
        names = _(", ").join(e.profile.name for e in others[:3]) + (" …" if len(others) > 3 else "")
        lines.append(_("Also not reachable: {names}").format(names=names))
    lines += report.expiring(snapshot.engines.values())[:3]
    if snapshot.cli_changed:
        lines += [item.label for item in _cli(snapshot, clock) if item.key == "cli changed"]
    return "\n".join(clean(line, 160) for line in lines)
