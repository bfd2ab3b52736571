"""Judging what `trayd doctor` saw: one function a line, from what was seen to a finding with the next step.

Nothing of what was seen is shown as it is unless it belongs to a short list of harmless things: the lines are made to
be pasted into a bug report. What distributions call things is in `packages`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce

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
from trayd.core.profile import origin
from trayd.core.text import clean
from trayd.core.words import N_, _, many


def session_bus(seen: Bus | Unseen) -> Finding:
    """Judge the session bus."""
    name = N_("session bus")
    session = _("Log out and in again; inside your desktop session this has to be there.")
    if isinstance(seen, Unseen):
        return Finding(name, Mark.BAD, seen.problem, session, needed=True)
    if not seen.named:
        return Finding(
            name,
            Mark.BAD,
            _("there is none: this is no desktop session"),
            _("Run this in a terminal of your desktop. Without a desktop: trayd status --watch"),
            needed=True,
        )
    if not seen.answers:
        return Finding(name, Mark.BAD, _("nobody answers at its address"), session, needed=True)
    return Finding(name, Mark.GOOD, _("answers"), needed=True)


def tray_host(bus: Finding, panel: Panel | Unseen, screen: Screen | Unseen, home: Home) -> Finding:
    """Judge whether there is a place for an icon."""
    name = N_("tray host")
    if home.os != "linux":
        return Finding(name, Mark.GOOD, _("the system's own"), needed=True)
    old = isinstance(screen, Screen) and screen.old_tray
    if isinstance(panel, Panel) and panel.host:
        return Finding(name, Mark.GOOD, _("StatusNotifier, a panel shows icons"), needed=True)
    if old:
        return Finding(name, Mark.GOOD, _("a tray of the old kind (XEMBED) on this X screen"), needed=True)
    if isinstance(panel, Unseen):
        if bus.mark is Mark.BAD:
            return Finding(name, Mark.BAD, _("without a session bus no panel is found"), _("See above"), needed=True)
        text = _("the panel: {problem}").format(problem=panel.problem)
        return Finding(name, Mark.BAD, text, _("Start your panel again"), needed=True)
    if panel.watcher:
        text = _("a StatusNotifier watcher is there, but no panel shows icons")
    else:
        text = _("no panel here shows icons")
    return Finding(name, Mark.BAD, text, panel_step(home), needed=True)


# As GNOME lists it, in English everywhere.
_EXTENSION = "AppIndicator and KStatusNotifierItem Support"


def panel_step(home: Home) -> str:
    """Return what helps a person who has no tray, on the desktop that they have."""
    desktop = home.desktop.lower()
    if "gnome" in desktop:
        install = packages.install(home.family, "appindicator")
        if not install:
            return _("Install the extension '{extension}' from extensions.gnome.org").format(extension=_EXTENSION)
        text = _("{install}, log out and in, and switch on '{extension}' in Extensions")
        return text.format(install=install, extension=_EXTENSION)
    if any(word in desktop for word in ("sway", "hyprland", "wlroots", "river", "niri", "labwc")):
        return _("Start a bar that has a tray, such as waybar with its module 'tray'")
    if any(word in desktop for word in ("xfce", "kde", "mate", "lxqt", "cinnamon", "budgie")):
        return _("Add the system tray (status tray, notification area) to your panel")
    return _("Start a panel with a StatusNotifier tray (XFCE, KDE, LXQt, MATE or waybar have one)")


def x_screen(screen: Screen | Unseen) -> Finding:
    """Tell of the X screen and its tray."""
    name = N_("X screen")
    if isinstance(screen, Unseen):
        return Finding(name, Mark.BAD, screen.problem, _("Log out and in again"))
    if not screen.named:
        return Finding(name, Mark.NONE, _("the session names none"))
    if not screen.answers:
        return Finding(name, Mark.BAD, _("it does not let trayd in"), _("Run this as the person whose session it is"))
    if screen.old_tray:
        return Finding(name, Mark.GOOD, _("answers, a tray of the old kind (XEMBED)"))
    return Finding(name, Mark.GOOD, _("answers, no tray of the old kind (XEMBED)"))


def notifications(bus: Finding, seen: Notifier | Unseen, home: Home) -> Finding:
    """Judge the notification server."""
    name = N_("notifications")
    if home.os != "linux":
        return Finding(name, Mark.GOOD, _("the system's own"))
    if isinstance(seen, Unseen):
        if bus.mark is Mark.BAD:
            return Finding(name, Mark.NONE, _("no session bus to ask"))
        return Finding(name, Mark.BAD, seen.problem, _("Start the notification server again"))
    if seen.name:
        text = _("{server}, with buttons") if seen.buttons else _("{server}, without buttons")
        return Finding(name, Mark.GOOD, text.format(server=clean(seen.name, 60)))
    if seen.startable:
        return Finding(name, Mark.GOOD, _("started when it is needed"))
    return Finding(
        name,
        Mark.NONE,
        _("no server on the bus: trayd tells of losses by its icon only"),
        _("{install}, and start it").format(install=packages.install(home.family, "notifications")),
    )


def clipboard(wayland: Wayland | Unseen, screen: Screen | Unseen, tools: Sequence[str] | Unseen, home: Home) -> Finding:
    """Judge which way the clipboard would go."""
    name = N_("clipboard")
    if home.os != "linux":
        return Finding(name, Mark.GOOD, _("the system's own"))
    if isinstance(wayland, Wayland) and wayland.data_control:
        return Finding(name, Mark.GOOD, _("Wayland, by data-control"))
    on_wayland = isinstance(wayland, Unseen) or wayland.named
    if isinstance(screen, Screen) and screen.answers:
        return Finding(name, Mark.GOOD, _("X11, through XWayland") if on_wayland else "X11")
    on_x = isinstance(screen, Unseen) or screen.named
    if not on_wayland and not on_x:
        return Finding(name, Mark.NONE, _("the session has no screen; the text is in `trayd env`"))
    if isinstance(wayland, Wayland) and wayland.answers:
        if not isinstance(tools, Unseen) and "wl-copy" in tools:
            return Finding(name, Mark.GOOD, _("Wayland, by wl-copy"))
        step = _("{install}; until then the text is in `trayd env`")
        step = step.format(install=packages.install(home.family, "wl-clipboard"))
        return Finding(name, Mark.BAD, _("this compositor lets only windows copy"), step)
    step = _("Log out and in again; until then the text is in `trayd env`")
    return Finding(name, Mark.BAD, _("the screen does not answer"), step)


def terminal(seen: str | Unseen) -> Finding:
    """Tell which terminal was found."""
    name = N_("terminal")
    if isinstance(seen, Unseen):
        return Finding(name, Mark.NONE, seen.problem)
    return Finding(name, Mark.GOOD if seen else Mark.NONE, seen or _("none that trayd knows"))


def ssh(seen: Program | Unseen, over_ssh: int, home: Home) -> Finding:
    """Judge ssh: it is needed for engines behind ssh, and only for them."""
    if isinstance(seen, Program) and seen.found:
        version = re.search(r"OpenSSH_[\w.]+|Dropbear[ _]?v?[\w.]+", seen.said)
        if seen.silent:
            return Finding("ssh", Mark.BAD, *_endless("ssh -V"))
        return Finding("ssh", Mark.GOOD, version.group() if version else _("installed, of an unknown version"))
    if isinstance(seen, Unseen):
        return Finding("ssh", Mark.BAD, seen.problem, _("Look at the folders in PATH: one of them does not answer"))
    if over_ssh:
        text = many("not on PATH, and {n} profile need it", "not on PATH, and {n} profiles need it", over_ssh)
        return Finding("ssh", Mark.BAD, text.format(n=over_ssh), packages.install(home.family, "ssh"))
    return Finding("ssh", Mark.NONE, _("not on PATH; only engines behind ssh need it"))


# Contexts that a product makes: any other name is the person's own, and may tell something.
_CONTEXTS = frozenset(
    {"default", "rootless", "desktop-linux", "desktop-windows", "colima", "orbstack", "rancher-desktop", "podman"}
)


def docker_cli(seen: Program | Unseen, context: str | Unseen, variables: Sequence[str]) -> Finding:
    """Tell of the docker program, its context, and which of its variables are set; trayd needs none of them."""
    name = N_("docker CLI")
    where = []
    if isinstance(context, str) and context:
        where.append(origin("context", context) if context in _CONTEXTS else _("a context of your own"))
    if variables:
        where.append(_("set here: {variables}").format(variables=_(", ").join(variables)))
    if isinstance(seen, Unseen):
        return Finding(name, Mark.BAD, seen.problem, _("Look at the folders in PATH: one of them does not answer"))
    if not seen.found:
        return Finding(name, Mark.NONE, _joined([_("not on PATH; trayd does not need it"), *where]))
    if seen.silent:
        return Finding(name, Mark.BAD, *_endless("docker --version"))
    return Finding(name, Mark.GOOD, _joined([_version(seen.said), *where]))


def docker_machine(seen: Program | Unseen) -> Finding:
    """Tell of docker-machine."""
    name = "docker-machine"
    if isinstance(seen, Unseen):
        return Finding(name, Mark.NONE, seen.problem)
    if not seen.found:
        return Finding(name, Mark.NONE, _("not on PATH; only for machines that it made"))
    if seen.silent:
        return Finding(name, Mark.BAD, _endless("docker-machine --version")[0], _("Try it in a terminal"))
    return Finding(name, Mark.GOOD, _version(seen.said))


def _joined(parts: Sequence[str]) -> str:
    return reduce(lambda one, more: _("{one}, {more}").format(one=one, more=more), parts)


def _endless(command: str) -> tuple[str, str]:
    """Return text and next step for a program that hangs."""
    return (
        _("{command} does not end").format(command=command),
        _("Try {command} in a terminal").format(command=command),
    )


def _version(said: str) -> str:
    found = re.search(r"\d+\.\d+[\w.+~-]{0,40}", said)
    return found.group() if found else _("installed, of an unknown version")


def autostart(seen: Autostart | Unseen) -> Finding:
    """Judge the entry for the login."""
    name = N_("autostart")
    if isinstance(seen, Unseen):
        return Finding(name, Mark.BAD, seen.problem, _("Try: trayd autostart status"))
    if seen.problem:
        step = _("Look: trayd autostart status. To write it anew: trayd autostart enable")
        return Finding(name, Mark.BAD, seen.problem, step)
    if not seen.enabled:
        return Finding(name, Mark.NONE, _("off; to start trayd at login: trayd autostart enable"))
    return Finding(name, Mark.GOOD, _("on"))


def profiles(seen: Profiles | Unseen) -> Finding:
    """Judge the profiles folder."""
    name = N_("profiles")
    if isinstance(seen, Unseen):
        return Finding(name, Mark.BAD, seen.problem, _("Look at the folder: trayd config path"))
    text = many(
        "{n} file in {folder}, {found} found besides", "{n} files in {folder}, {found} found besides", seen.files
    ).format(n=seen.files, folder=seen.folder, found=seen.found)
    if seen.problems:
        text = many("{files}, {n} problem", "{files}, {n} problems", seen.problems).format(files=text, n=seen.problems)
        return Finding(name, Mark.BAD, text, _("They are in: trayd config check"))
    return Finding(name, Mark.GOOD, _("{files}, no problems").format(files=text))


def state_folder(seen: bool | Unseen, folder: str) -> Finding:
    """Judge the folder of the memory and the log."""
    name = N_("state folder")
    if seen is True:
        return Finding(name, Mark.GOOD, folder)
    problem = _("cannot be written: the choice is kept until trayd ends, no log")
    text = _("{folder}: {problem}").format(folder=folder, problem=seen.problem if isinstance(seen, Unseen) else problem)
    return Finding(name, Mark.BAD, text, _("Make it a folder of yours that you can write to"))


def instance(seen: Instance | Unseen) -> Finding:
    """Tell whether trayd runs now, and whether it could."""
    name = N_("running")
    if isinstance(seen, Unseen):
        return Finding(name, Mark.BAD, seen.problem, _("Look at the folder in XDG_RUNTIME_DIR"), needed=True)
    if seen.pid:
        return Finding(name, Mark.GOOD, _("trayd runs, process {pid}").format(pid=seen.pid), needed=True)
    if not seen.usable:
        return Finding(
            name,
            Mark.BAD,
            _("trayd cannot start: no folder for its lock can be written"),
            _("Set XDG_RUNTIME_DIR to a folder of yours, as a login does, or make the state folder writable"),
            needed=True,
        )
    return Finding(name, Mark.NONE, _("trayd does not run now"), _("Start it: trayd"), needed=True)


_LOCALE = re.compile(r"[A-Za-z0-9_.@-]{1,40}")


def language(name: str, encoding: str, letters: bool | Unseen, home: Home) -> Finding:
    """Tell the locale, whether it has room for our marks, and whether a font has the characters of our language."""
    shown = name if _LOCALE.fullmatch(name) else _("a name that cannot be shown") if name else _("none")
    if letters is False:
        text = _("{locale}: no font has the characters of this language, menus show boxes").format(locale=shown)
        return Finding(N_("locale"), Mark.BAD, text, packages.install(home.family, "font"))
    if encoding.lower().replace("-", "") == "utf8":
        return Finding(N_("locale"), Mark.GOOD, _("{locale}, UTF-8").format(locale=shown))
    text = _("{locale}, {encoding}: marks are shown as plain characters")
    return Finding(N_("locale"), Mark.NONE, text.format(locale=shown, encoding=clean(encoding, 20)))


def parts(found: Mapping[str, str], python: str, version: str) -> Finding:
    """Judge the packages that trayd stands on: each has a version, or is missing."""
    told = [f"trayd {version}", f"Python {python}"]
    told += [f"{name} {number}" if number else _("{name} missing").format(name=name) for name, number in found.items()]
    if missing := [name for name, number in found.items() if not number]:
        step = _("Install trayd anew, the way you did (scripts/start, pipx, uv): {packages} belong to it")
        step = step.format(packages=_(", ").join(missing))
        return Finding(N_("versions"), Mark.BAD, " · ".join(told), step, needed=True)
    return Finding(N_("versions"), Mark.GOOD, " · ".join(told), needed=True)


_WORDS = re.compile(r"[\w .,:;+/()-]{1,60}")


def system(words: Sequence[str]) -> Finding:
    """Tell of the operating system and the desktop, leaving out what is not made of plain words."""
    shown = " · ".join(word for word in words if _WORDS.fullmatch(word))
    return Finding(N_("system"), Mark.GOOD, shown or _("unknown"))
