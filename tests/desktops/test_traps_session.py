"""What a session may lack, or get late: screens, network, notifications, clipboard tools, a home to write, a locale."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.program import TRAYD, environment, profile, trayd
from tests.harness.desktop import PrivateBus, Screen, end
from tests.harness.dockerd import Dockerd
from tests.harness.host import Host
from tests.harness.need import need
from tests.harness.netns import Cable
from tests.harness.notification_server import NotificationServer
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from tests.harness.sway import NOBODY, Sway
from tests.harness.waybar import Person, Waybar
from trayd.core.view import IconSpec
from trayd.tray.artwork import colour

pytestmark = pytest.mark.desktop

ORANGE = tuple(bytes.fromhex(colour(IconSpec("unreachable"))[1:]))
NOWHERE = "host: unix:///nowhere.sock\n"
COPIED = "set -gx DOCKER_HOST 'unix:///nowhere.sock'"
QUICK = "health: {interval: 1s, timeout: 1s, grace: 1s}\n"
DEAD_DISPLAY = ":4711"


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    with PrivateBus() as private:
        yield private


def title(host: Host) -> str:
    return host.tooltip()[0]


def paste(environ: dict[str, str], **as_whom: object) -> str:
    """What a person pastes on this screen; nothing where there is nothing."""
    need("wl-paste", "apt-get install wl-clipboard")
    need("xclip", "apt-get install xclip")
    wayland = "WAYLAND_DISPLAY" in environ
    command = ["wl-paste", "--no-newline"] if wayland else ["xclip", "-o", "-selection", "clipboard"]
    environ = {"PATH": os.environ["PATH"]} | environ
    done = subprocess.run(  # type: ignore[call-overload]
        command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, cwd="/", **as_whom
    )
    return str(done.stdout)


# --- screens


def test_wayland_with_xwayland(bus: PrivateBus) -> None:
    """The icon is the bar's, without a word to X; what is copied can be pasted in Wayland's programs and in X's."""
    with Screen() as screen, Sway(screen, xwayland=True) as sway, Waybar(bus, sway):
        running = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, PYTHONPROFILEIMPORTTIME="1", **sway.environment)
        running.profile("office", NOWHERE)
        person = Person(screen, bus)
        with running:
            person.opens_menu(person.looks_for(ORANGE))
            person.clicks("Copy environment")
            person.clicks("fish", "Copy environment")
            wait_until(lambda: paste(sway.environment).startswith(COPIED), 20, "the text in a Wayland program")
            # sway gives the clipboard to X programs while one of them has the focus. Its X server serves its own user.
            x11 = {"DISPLAY": sway.environment["DISPLAY"]}
            me: dict[str, object] = {}
            if os.geteuid() == 0:
                me = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            null = subprocess.DEVNULL
            window = subprocess.Popen(  # type: ignore[call-overload]
                ["xev"], env={"PATH": os.environ["PATH"]} | x11, stdin=null, stdout=null, stderr=null, cwd="/", **me
            )
            try:
                wait_until(lambda: paste(x11, **me).startswith(COPIED), 20, "the text in an X program")
            finally:
                end(window)
            assert "trayd.tray.fallback" in running.output()
            assert "Xlib" not in running.output()


def test_wayland_with_an_x_display_that_is_not_there(bus: PrivateBus) -> None:
    """A DISPLAY that leads nowhere, as without XWayland, keeps neither the icon nor the clipboard away."""
    with Sway() as sway, Host(bus.address) as host:
        running = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, **sway.environment, DISPLAY=DEAD_DISPLAY)
        running.profile("office", NOWHERE)
        with running:
            host.click("Copy environment", "fish")
            wait_until(lambda: paste(sway.environment).startswith(COPIED), 20, "the copied text")
            assert running.stop() == 0
        assert running.output() == ""


# --- network


@pytest.mark.engine
def test_login_before_network(bus: PrivateBus) -> None:
    """Before the network is there an engine is 'not reachable', untold; when it comes the icon turns by itself."""
    with Cable() as cable, NotificationServer(bus.address) as notes, Host(bus.address) as host:
        with cable.at(cable.far):
            engine = Dockerd("--host", f"tcp://{Cable.ADDRESS}:2375", "--tls=false")
        try:
            with cable.at(cable.far):
                engine.start()
            running = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
            running.profile("office", f"host: tcp://{Cable.ADDRESS}:2375\n")
            running.profile("other", "host: tcp://other.example:2375\n")
            with cable.pulled(cable.near), cable.at(cable.near):
                running.start()
                wait_until(lambda: title(host).startswith("office — not reachable"), 30, "the missing network")
                wait_until(lambda: "other  ✖" in str(host.labels()), 30, "the name that nobody knows")
            wait_until(lambda: title(host).startswith("office — reachable"), 90, "the engine, by itself")
            assert [note.title for note in notes.notes if "reachable" in note.title] == []
            assert running.stop() == 0
        finally:
            running.__exit__(None, None, None)
            engine.close()


# --- notifications


@pytest.mark.engine
def test_no_notification_server(bus: PrivateBus, dockerd: Callable[..., Dockerd]) -> None:
    """Icon and tooltip tell of a loss, and nothing is complained of; a server that comes later has the next one."""
    engine = dockerd()
    running = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
    running.profile("office", f"host: {engine.unix_url}\n{QUICK}")
    with Host(bus.address) as host, running:
        wait_until(lambda: title(host).startswith("office — reachable"), 30, "the engine")
        engine.kill()
        wait_until(lambda: title(host).startswith("office — not reachable"), 30, "the loss in the tooltip")
        engine.start()
        wait_until(lambda: title(host).startswith("office — reachable"), 30, "the engine")
        with NotificationServer(bus.address) as notes:
            engine.kill()
            wait_until(
                lambda: [note.title for note in notes.notes] == ["office: not reachable"], 30, "the notification"
            )
        assert running.stop() == 0
    assert running.output() == ""


# --- clipboard


@contextmanager
def on(kind: str) -> Iterator[dict[str, str]]:
    """A screen of a kind, as the variables that lead there."""
    if kind == "x11":
        with Screen() as screen:
            yield {"DISPLAY": screen.display}
    else:
        with Sway() as sway:
            yield sway.environment


@pytest.mark.parametrize("kind", ["x11", "sway"])
def test_no_clipboard_tool(bus: PrivateBus, kind: str, tmp_path: Path) -> None:
    """With none of wl-copy, xclip and xsel on PATH a click copies all the same, and trayd ends in peace."""
    with on(kind) as environ, Host(bus.address) as host:
        running = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, PATH=str(tmp_path), **environ)
        running.profile("office", NOWHERE)
        with running:
            host.click("Copy environment", "fish")
            wait_until(lambda: paste(environ).startswith(COPIED), 20, "the copied text")
            assert running.stop() == 0
        assert running.output() == ""


def test_no_clipboard_at_all(bus: PrivateBus) -> None:
    """Where no screen is, a click on copy tells where the text is to be had, and there it is."""
    with NotificationServer(bus.address) as notes, Host(bus.address) as host:
        running = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
        running.profile("office", NOWHERE)
        with running:
            host.click("Copy environment", "fish")
            told = wait_until(
                lambda: [n for n in notes.notes if "no clipboard here" in n.title], 20, "the notification"
            )
            assert "`trayd env`" in told[0].body
            assert running.say("env", "--shell", "fish").stdout.startswith(COPIED)


@pytest.mark.parametrize("kind", ["x11", "sway"])
def test_pasted_after_trayd_has_ended(bus: PrivateBus, kind: str) -> None:
    """What a click in the menu copied is pasted when trayd has quit long since, where a tool can keep it."""
    with on(kind) as environ, Host(bus.address) as host:
        running = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, **environ)
        running.profile("office", NOWHERE)
        with running:
            host.click("Copy environment", "fish")
            wait_until(lambda: paste(environ).startswith(COPIED), 20, "the copied text")
            host.click("Quit")
            assert running.ended(20) == 0
        assert paste(environ).startswith(COPIED)


# --- the home


def test_a_read_only_home(bus: PrivateBus) -> None:
    """The icon comes and switches; once it is said that the choice will be forgotten; a setting says why it failed."""
    need(os.geteuid() == 0, "a read-only mount wants root: sudo -E pytest …")
    running = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
    running.profile("lab", NOWHERE)
    running.profile("office", NOWHERE)
    mounted = 'mount --bind "$HOME" "$HOME" && mount -o remount,bind,ro "$HOME" || exit 99; exec "$@"'
    running.before = ("unshare", "--mount", "sh", "-c", mounted, "sh")
    with NotificationServer(bus.address) as notes, Host(bus.address) as host, running:

        def told(words: str) -> list[str]:
            return [note.body for note in notes.notes if words in note.title]

        for name in ("office", "lab"):
            host.click(f"{name}  ✖  not running")
            wait_until(lambda name=name: title(host).startswith(f"{name} —"), 20, f"{name} in the tray")  # type: ignore[misc]
        host.click("Settings", "Start at login")
        wait_until(lambda: told("could not be changed"), 20, "the word about the entry for the login")
        assert "Make sure that you may write" in told("could not be changed")[0]
        (forgotten,) = told("kept only until trayd ends")
        assert "state.json cannot be written" in forgotten
        assert not host.entry("Settings", "Start at login").checked
        assert running.stop() == 0
    assert running.output() == ""


# --- the locale

ASCII_ONLY = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""A terminal that has ASCII and nothing else: by itself Python takes LANG=C for UTF-8."""


@pytest.mark.parametrize("command", ["status", "profiles", "menu --plain", "check lab", "doctor", "log"])
def test_plain_marks_where_there_is_only_ascii(command: str) -> None:
    """Where the locale has only ASCII every mark is a plain one, and none a question mark."""
    profile("lab", NOWHERE)
    profile("broken", "hots: 1\n")
    plain, full = (trayd(*command.split(), **more) for more in (ASCII_ONLY, {"LANG": "C.UTF-8"}))
    for told in (plain.stdout, plain.stderr):
        assert told.isascii(), told
        assert "Traceback" not in told
    assert "?" not in plain.stdout.replace("?", "", full.stdout.count("?"))
    assert plain.returncode == full.returncode


def test_the_menu_of_a_plain_terminal_is_answered() -> None:
    """With ASCII only, the numbered list shows which profile is active, and a number chooses another."""
    profile("lab", NOWHERE)
    profile("office", NOWHERE)

    def answered(text: str) -> str:
        done = subprocess.run(
            [*TRAYD, "menu", "--plain"],
            env=environment(**ASCII_ONLY),
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    shown = answered("")
    assert re.search(r"\d  \(\*\) lab x not running", shown), shown
    (number,) = re.findall(r"(\d+)  \( \) office x not running", shown)
    answered(f"{number}\n")
    assert re.search(r"\d  \(\*\) office x not running", answered(""))


def test_lang_c_loses_no_name(bus: PrivateBus) -> None:
    """With LANG=C, as a session without any locale has it, a name of any letters is whole in tray and terminal."""
    running = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, LANG="C")
    running.profile("büro-東京", NOWHERE)
    with Host(bus.address) as host, running:
        wait_until(lambda: title(host).startswith("büro-東京 — not reachable"), 20, "the name in the tooltip")
        assert "büro-東京  ✖  not running" in str(host.labels())
        told = trayd("status", LANG="C")
        assert "büro-東京" in told.stdout
        assert trayd("use", "büro-東京", LANG="C").returncode == 0
