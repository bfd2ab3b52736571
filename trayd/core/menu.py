"""`view`: a snapshot becomes icon, tooltip and menu, as data.

There is no running clock in it ("since 14:02", never "3 s ago"), so that equal states give equal views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trayd.core import messages as m
from trayd.core import report
from trayd.core.dockercli import change_line, place
from trayd.core.engine import Engine
from trayd.core.health import GOOD
from trayd.core.shells import SHELLS
from trayd.core.snapshot import Snapshot
from trayd.core.text import clean, human_size
from trayd.core.view import IconSpec, Item, Mark, Theme, View

# Wider lines would push a menu over a whole small screen; labels of panels do not wrap by themselves.
LINE = 76
PROFILES_INLINE = 12
IMAGES_SHOWN = 40
PROBLEMS_SHOWN = 5
# What the colours are good for is said by the panel: nobody knows it but who looks at it.
THEMES = {Theme.COLOUR: "Colour", Theme.LIGHT: "Light, for a dark panel", Theme.DARK: "Dark, for a light panel"}

About = tuple[str, ...]


def view(snapshot: Snapshot, clock: Callable[[float], str], about: About = ()) -> View:
    """Return what the tray shows; `clock` writes a wall-clock time as people read it, `about` are lines to show."""
    engine = snapshot.engines.get(snapshot.active)
    if engine is None:
        icon, tooltip = IconSpec("none", theme=snapshot.theme), "trayd\nNo profile yet"
        top = [Item("head", "No profile yet")]
    else:
        state, profile = str(engine.health.state), engine.profile
        icon = IconSpec(state, profile.endpoint.remote, profile.protected, snapshot.theme)
        tooltip, top = _tooltip(snapshot, engine, clock), _top(snapshot, engine, clock)
    profiles = [*_profiles(snapshot), *_cli(snapshot, clock)]
    groups: list[list[Item]] = [top, profiles, _certificates(snapshot), _problems(snapshot)]
    if engine is not None:
        groups.append([_copy(engine), _images(engine)])
    groups += [[_settings(snapshot)], [_about(about), Item("quit", "Quit", m.Quit())]]
    middle = m.CheckAgain(engine.profile.name) if engine is not None else None
    return View(icon, tooltip, tuple(_joined(groups)), middle)


def _joined(groups: Iterable[list[Item]]) -> Iterable[Item]:
    """Yield the items of all groups that have any, with a separator between two groups."""
    for number, group in enumerate(group for group in groups if group):
        if number:
            yield Item(f"separator {group[0].key}")
        yield from group


def wrap(text: str, width: int = LINE) -> list[str]:
    """Return a text as lines of at most `width` characters, about equally long, broken between words if possible."""
    lines = _fill(text, width)
    narrow = -(-len(text) // max(1, len(lines)))
    return next((even for w in range(narrow, width) if len(even := _fill(text, w)) == len(lines)), lines)


def _fill(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        while len(word) > width:
            lines, word = [*lines, word[:width]], word[width:]
        if len(lines[-1]) + len(word) + 1 > width and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [line for line in lines if line]


def _top(snapshot: Snapshot, engine: Engine, clock: Callable[[float], str]) -> list[Item]:
    name, diagnosis = engine.profile.name, engine.health.diagnosis
    items = [Item("head", clean(report.headline(engine, clock), 100))]
    if diagnosis is not None:
        items += [Item(f"cause {n}", line) for n, line in enumerate(wrap(diagnosis.cause))]
        items += [Item(f"next {n}", line) for n, line in enumerate(wrap(f"→ {diagnosis.next}"))]
    if engine.stranger:
        items += [Item(f"stranger {n}", line) for n, line in enumerate(wrap(f"⚠ {report.stranger(engine)[1]}"))]
        items.append(Item("accept", "It is the right one", m.Accept(name)))
    items.append(Item("check", "Check again", m.CheckAgain(name)))
    if snapshot.docker_machine and (machine := engine.lost_machine):
        starting = machine in snapshot.starting
        items.append(
            Item("start", "Starting machine …") if starting else Item("start", "Start machine", m.StartMachine(name))
        )
    items.append(Item("details", "Copy details", m.CopyDetails(name)))
    return items


def _profiles(snapshot: Snapshot) -> list[Item]:
    items = [_profile(engine, snapshot) for engine in snapshot.engines.values()]
    if len(items) <= PROFILES_INLINE:
        return items
    bad = sum(1 for engine in snapshot.engines.values() if engine.health.state not in GOOD)
    told = f"{len(items)}, {bad} not reachable" if bad else str(len(items))
    return [Item("profiles", f"Profiles ({told})", children=tuple(items))]


def _profile(engine: Engine, snapshot: Snapshot) -> Item:
    profile, health = engine.profile, engine.health
    label = f"{profile.name}  {report.DOTS[health.state]}  {report.words(health)}"
    if engine.stranger:
        label += "  ⚠ another engine"
    told = [clean(profile.endpoint.host, 40)] if profile.endpoint.remote else []
    told += [report.SOURCES[profile.source]] if profile.source in report.SOURCES and profile.name != "local" else []
    told += ["protected"] if profile.protected else []
    told += ["docker uses it"] if profile.name == snapshot.current else []
    if told:
        label += f"  ({', '.join(told)})"
    key, use, active = f"profile {profile.name}", m.Use(profile.name), profile.name == snapshot.active
    if profile.protected and not active:
        return Item(key, label, mark=Mark.RADIO, children=(Item("yes", f"Yes, use {profile.name}", use),))
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
        lines = wrap(clean(str(problem), 300))
        items.append(Item(f"problem {number}", f"⚠ {lines[0]}", m.OpenProfiles()))
        items += [Item(f"problem {number}.{n}", f"    {line}") for n, line in enumerate(lines[1:])]
    if (more := len(snapshot.problems) - PROBLEMS_SHOWN) > 0:
        items.append(Item("problem more", f"… and {more} more: trayd config check"))
    return items


def _copy(engine: Engine) -> Item:
    name = engine.profile.name

    def shells(unset: bool) -> tuple[Item, ...]:
        return tuple(Item(s.name, s.label, m.CopyEnvironment(name, s.name, unset)) for s in SHELLS.values())

    unset = Item("unset", "Unset", children=shells(True))
    return Item("copy", "Copy environment", children=(*shells(False), Item("separator unset"), unset))


def _images(engine: Engine) -> Item:
    images = engine.images
    if images is None or engine.health.state not in GOOD:
        return Item("images", "Images")
    if not images:
        return Item("images", "Images (0)")
    shown = [
        Item(f"image {image.name}", f"{clean(image.name, 80)}    {human_size(image.size)}", m.CopyText(image.name))
        for image in images[:IMAGES_SHOWN]
    ]
    if (more := len(images) - IMAGES_SHOWN) > 0:
        shown.append(Item("images more", f"… and {more} more: docker images"))
    return Item("images", f"Images ({len(images)})", children=tuple(shown))


def _settings(snapshot: Snapshot) -> Item:
    items = [Item("notifications", "Notifications", m.ToggleNotifications(), Mark.CHECK, snapshot.notifications)]
    if snapshot.autostart is not None:
        items.insert(0, Item("autostart", "Start at login", m.ToggleAutostart(), Mark.CHECK, snapshot.autostart))
    themes = (
        Item(theme, label, m.ChooseTheme(theme), Mark.RADIO, theme is snapshot.theme) for theme, label in THEMES.items()
    )
    items.append(Item("theme", "Icon", children=tuple(themes)))
    items += [Item("folder", "Open profiles", m.OpenProfiles()), Item("reload", "Reload", m.Reload())]
    return Item("settings", "Settings", children=tuple(items))


def _about(about: About) -> Item:
    lines = [Item(f"about {n}", clean(line, 120)) for n, line in enumerate(about)]
    copy = Item("about copy", "Copy for a bug report", m.CopyText("\n".join(about)))
    return Item("about", "About", children=(*lines, copy))


def _tooltip(snapshot: Snapshot, engine: Engine, clock: Callable[[float], str]) -> str:
    lines = [report.headline(engine, clock), engine.profile.endpoint.url]
    if engine.health.diagnosis is not None:
        lines.append(engine.health.diagnosis.cause)
    if engine.stranger:
        lines.append("⚠ Another engine answers here than before")
    others = [e for e in snapshot.engines.values() if e is not engine and e.health.diagnosis is not None]
    if others:
        names = ", ".join(e.profile.name for e in others[:3]) + (" …" if len(others) > 3 else "")
        lines.append(f"Also not reachable: {names}")
    lines += report.expiring(snapshot.engines.values())[:3]
    lines += [item.label for item in _cli(snapshot, clock) if item.key == "cli changed"]
    return "\n".join(clean(line, 160) for line in lines)
