"""Judging what `trayd doctor` saw: one function a line, from what was seen to a finding with the next step.

Nothing of what was seen is shown as it is unless it belongs to a short list of harmless things: the lines are made to
be pasted into a bug report. What distributions call things is in `packages`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from trayd.core import packages
from trayd.core.doctor import (
    Autostart,
    Bus,
    Finding,
    Home,
    Instance,
    Mark,
    Notifier,
    Panel,
    Profiles,
    Program,
    Screen,
    Unseen,
    Wayland,
)
from trayd.core.text import clean


def session_bus(seen: Bus | Unseen) -> Finding:
    """Judge the session bus."""
    name, session = "session bus", "Log out and in again; inside your desktop session this has to be there."
    if isinstance(seen, Unseen):
        return Finding(name, Mark.BAD, seen.problem, session, needed=True)
    if not seen.named:
        return Finding(
            name,
            Mark.BAD,
            "there is none: this is no desktop session",
            "Run this in a terminal of your desktop. Without a desktop: trayd status --watch",
            needed=True,
        )
    if not seen.answers:
        return Finding(name, Mark.BAD, "nobody answers at its address", session, needed=True)
    return Finding(name, Mark.GOOD, "answers", needed=True)


def tray_host(bus: Finding, panel: Panel | Unseen, screen: Screen | Unseen, home: Home) -> Finding:
    """Judge whether there is a place for an icon."""
    name = "tray host"
    if home.os != "linux":
        return Finding(name, Mark.GOOD, "the system's own", needed=True)
    old = isinstance(screen, Screen) and screen.old_tray
    if isinstance(panel, Panel) and panel.host:
        return Finding(name, Mark.GOOD, "StatusNotifier, a panel shows icons", needed=True)
    if old:
        return Finding(name, Mark.GOOD, "a tray of the old kind (XEMBED) on this X screen", needed=True)
    if isinstance(panel, Unseen):
        if bus.mark is Mark.BAD:
            return Finding(name, Mark.BAD, "without a session bus no panel is found", "See above", needed=True)
        return Finding(name, Mark.BAD, f"the panel: {panel.problem}", "Start your panel again", needed=True)
    if panel.watcher:
        text = "a StatusNotifier watcher is there, but no panel shows icons"
    else:
        text = "no panel here shows icons"
    return Finding(name, Mark.BAD, text, panel_step(home), needed=True)


def panel_step(home: Home) -> str:
    """Return what helps a person who has no tray, on the desktop that they have."""
    desktop = home.desktop.lower()
    if "gnome" in desktop:
        install = packages.install(home.family, "appindicator")
        return (
            f"{install}, log out and in, and switch on 'AppIndicator and KStatusNotifierItem Support' in Extensions"
            if install
            else "Install the extension 'AppIndicator and KStatusNotifierItem Support' from extensions.gnome.org"
        )
    if any(word in desktop for word in ("sway", "hyprland", "wlroots", "river", "niri", "labwc")):
        return "Start a bar that has a tray, such as waybar with its module 'tray'"
    if any(word in desktop for word in ("xfce", "kde", "mate", "lxqt", "cinnamon", "budgie")):
        return "Add the system tray (status tray, notification area) to your panel"
    return "Start a panel with a StatusNotifier tray (XFCE, KDE, LXQt, MATE or waybar have one)"


def x_screen(screen: Screen | Unseen) -> Finding:
    """Tell of the X screen and its tray."""
    name = "X screen"
    if isinstance(screen, Unseen):
        return Finding(name, Mark.BAD, screen.problem, "Log out and in again")
    if not screen.named:
        return Finding(name, Mark.NONE, "the session names none")
    if not screen.answers:
        return Finding(name, Mark.BAD, "it does not let trayd in", "Run this as the person whose session it is")
    return Finding(name, Mark.GOOD, f"answers, {'a' if screen.old_tray else 'no'} tray of the old kind (XEMBED)")


def notifications(bus: Finding, seen: Notifier | Unseen, home: Home) -> Finding:
    """Judge the notification server."""
    name = "notifications"
    if home.os != "linux":
        return Finding(name, Mark.GOOD, "the system's own")
    if isinstance(seen, Unseen):
        if bus.mark is Mark.BAD:
            return Finding(name, Mark.NONE, "no session bus to ask")
        return Finding(name, Mark.BAD, seen.problem, "Start the notification server again")
    if seen.name:
        return Finding(name, Mark.GOOD, f"{clean(seen.name, 60)}, {'with' if seen.buttons else 'without'} buttons")
    if seen.startable:
        return Finding(name, Mark.GOOD, "started when it is needed")
    return Finding(
        name,
        Mark.NONE,
        "no server on the bus: trayd tells of losses by its icon only",
        f"{packages.install(home.family, 'notifications')}, and start it",
    )


def clipboard(wayland: Wayland | Unseen, screen: Screen | Unseen, tools: Sequence[str] | Unseen, home: Home) -> Finding:
    """Judge which way the clipboard would go."""
    name, instead = "clipboard", "the text is in `trayd env`"
    if home.os != "linux":
        return Finding(name, Mark.GOOD, "the system's own")
    if isinstance(wayland, Wayland) and wayland.data_control:
        return Finding(name, Mark.GOOD, "Wayland, by data-control")
    on_wayland = isinstance(wayland, Unseen) or wayland.named
    if isinstance(screen, Screen) and screen.answers:
        return Finding(name, Mark.GOOD, f"X11{', through XWayland' if on_wayland else ''}")
    on_x = isinstance(screen, Unseen) or screen.named
    if not on_wayland and not on_x:
        return Finding(name, Mark.NONE, f"the session has no screen; {instead}")
    if isinstance(wayland, Wayland) and wayland.answers:
        if not isinstance(tools, Unseen) and "wl-copy" in tools:
            return Finding(name, Mark.GOOD, "Wayland, by wl-copy")
        step = f"{packages.install(home.family, 'wl-clipboard')}; until then {instead}"
        return Finding(name, Mark.BAD, "this compositor lets only windows copy", step)
    return Finding(name, Mark.BAD, "the screen does not answer", f"Log out and in again; until then {instead}")


def terminal(seen: str | Unseen) -> Finding:
    """Tell which terminal was found."""
    if isinstance(seen, Unseen):
        return Finding("terminal", Mark.NONE, seen.problem)
    return Finding("terminal", Mark.GOOD if seen else Mark.NONE, seen or "none that trayd knows")


def ssh(seen: Program | Unseen, over_ssh: int, home: Home) -> Finding:
    """Judge ssh: it is needed for engines behind ssh, and only for them."""
    number = f"{over_ssh} profile{'s' if over_ssh != 1 else ''}"
    if isinstance(seen, Program) and seen.found:
        version = re.search(r"OpenSSH_[\w.]+|Dropbear[ _]?v?[\w.]+", seen.said)
        if seen.silent:
            return Finding("ssh", Mark.BAD, "ssh -V does not end", "Try ssh -V in a terminal")
        return Finding("ssh", Mark.GOOD, version.group() if version else "there, of an unknown version")
    if isinstance(seen, Unseen):
        return Finding("ssh", Mark.BAD, seen.problem, "Look at the folders in PATH: one of them does not answer")
    if over_ssh:
        return Finding("ssh", Mark.BAD, f"not on PATH, and {number} need it", packages.install(home.family, "ssh"))
    return Finding("ssh", Mark.NONE, "not on PATH; only engines behind ssh need it")


# Contexts that a product makes: any other name is the person's own, and may tell something.
_CONTEXTS = frozenset(
    {"default", "rootless", "desktop-linux", "desktop-windows", "colima", "orbstack", "rancher-desktop", "podman"}
)


def docker_cli(seen: Program | Unseen, context: str | Unseen, variables: Sequence[str]) -> Finding:
    """Tell of the docker program, its context, and which of its variables are set; trayd needs none of them."""
    name = "docker CLI"
    where = []
    if isinstance(context, str) and context:
        where.append(f"context {context}" if context in _CONTEXTS else "a context of your own")
    if variables:
        where.append(f"set here: {', '.join(variables)}")
    if isinstance(seen, Unseen):
        return Finding(name, Mark.BAD, seen.problem, "Look at the folders in PATH: one of them does not answer")
    if not seen.found:
        return Finding(name, Mark.NONE, ", ".join(["not on PATH; trayd does not need it", *where]))
    if seen.silent:
        return Finding(name, Mark.BAD, "docker --version does not end", "Try docker --version in a terminal")
    return Finding(name, Mark.GOOD, ", ".join([_version(seen.said), *where]))


def docker_machine(seen: Program | Unseen) -> Finding:
    """Tell of docker-machine."""
    name = "docker-machine"
    if isinstance(seen, Unseen):
        return Finding(name, Mark.NONE, seen.problem)
    if not seen.found:
        return Finding(name, Mark.NONE, "not on PATH; only for machines that it made")
    if seen.silent:
        return Finding(name, Mark.BAD, "docker-machine --version does not end", "Try it in a terminal")
    return Finding(name, Mark.GOOD, _version(seen.said))


def _version(said: str) -> str:
    found = re.search(r"\d+\.\d+[\w.+~-]{0,40}", said)
    return found.group() if found else "there, of an unknown version"


def autostart(seen: Autostart | Unseen) -> Finding:
    """Judge the entry for the login."""
    name = "autostart"
    if isinstance(seen, Unseen):
        return Finding(name, Mark.BAD, seen.problem, "Try: trayd autostart status")
    if seen.problem:
        return Finding(
            name, Mark.BAD, seen.problem, "Look: trayd autostart status. To write it anew: trayd autostart enable"
        )
    if not seen.enabled:
        return Finding(name, Mark.NONE, "off; to start trayd at login: trayd autostart enable")
    return Finding(name, Mark.GOOD, "on")


def profiles(seen: Profiles | Unseen) -> Finding:
    """Judge the profiles folder."""
    name = "profiles"
    if isinstance(seen, Unseen):
        return Finding(name, Mark.BAD, seen.problem, "Look at the folder: trayd config path")
    text = f"{_count(seen.files, 'file')} in {seen.folder}, {seen.found} found besides"
    if seen.problems:
        return Finding(name, Mark.BAD, f"{text}, {_count(seen.problems, 'problem')}", "They are in: trayd config check")
    return Finding(name, Mark.GOOD, f"{text}, no problems")


def state_folder(seen: bool | Unseen, folder: str) -> Finding:
    """Judge the folder of the memory and the log."""
    if seen is True:
        return Finding("state folder", Mark.GOOD, folder)
    text = (
        seen.problem if isinstance(seen, Unseen) else "cannot be written: the choice is kept until trayd ends, no log"
    )
    return Finding("state folder", Mark.BAD, f"{folder}: {text}", "Make it a folder of yours that you can write to")


def instance(seen: Instance | Unseen) -> Finding:
    """Tell whether trayd runs now, and whether it could."""
    name = "running"
    if isinstance(seen, Unseen):
        return Finding(name, Mark.BAD, seen.problem, "Look at the folder in XDG_RUNTIME_DIR", needed=True)
    if seen.pid:
        return Finding(name, Mark.GOOD, f"trayd runs, process {seen.pid}", needed=True)
    if not seen.usable:
        return Finding(
            name,
            Mark.BAD,
            "trayd cannot start: no folder for its lock can be written",
            "Set XDG_RUNTIME_DIR to a folder of yours, as a login does, or make the state folder writable",
            needed=True,
        )
    return Finding(name, Mark.NONE, "trayd does not run now", "Start it: trayd", needed=True)


_LOCALE = re.compile(r"[A-Za-z0-9_.@-]{1,40}")


def language(name: str, encoding: str) -> Finding:
    """Tell the locale, and whether it has room for our marks."""
    shown = name if _LOCALE.fullmatch(name) else "none" if not name else "one that cannot be shown"
    if encoding.lower().replace("-", "") == "utf8":
        return Finding("locale", Mark.GOOD, f"{shown}, UTF-8")
    return Finding("locale", Mark.NONE, f"{shown}, {clean(encoding, 20)}: marks are shown as plain characters")


def parts(found: Mapping[str, str], python: str, version: str) -> Finding:
    """Judge the packages that trayd stands on: each has a version, or is missing."""
    told = [f"trayd {version}", f"Python {python}"]
    told += [f"{name} {number}" if number else f"{name} missing" for name, number in found.items()]
    if missing := [name for name, number in found.items() if not number]:
        return Finding(
            "versions",
            Mark.BAD,
            " · ".join(told),
            f"Install trayd anew, the way you did (scripts/start, pipx, uv): {', '.join(missing)} belong to it",
            needed=True,
        )
    return Finding("versions", Mark.GOOD, " · ".join(told), needed=True)


_WORDS = re.compile(r"[\w .,:;+/()-]{1,60}")


def system(words: Sequence[str]) -> Finding:
    """Tell of the operating system and the desktop, leaving out what is not made of plain words."""
    return Finding("system", Mark.GOOD, " · ".join(word for word in words if _WORDS.fullmatch(word)) or "unknown")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' if number != 1 else ''}"
