"""The panels of MATE, LXQt and Cinnamon on a private bus and a screen in memory, as their own sessions start them.

Nothing is put in the place of a part: MATE's panel with its notification area in a process of its own, LXQt's panel,
and the whole of Cinnamon (compositor and panel in one) with xapp-sn-watcher. No session manager runs.
"""

import contextlib
import os
import signal
import subprocess
from typing import Self

from tests.harness.desktop import PrivateBus, Screen, end
from tests.harness.host import Peer
from tests.harness.need import need
from tests.harness.processes import Process, with_variable
from trayd.tray.bus import DAEMON

LXQT_PANEL = """[General]
panels=panel1

[panel1]
plugins=spacer,statusnotifier
position=Top
panelSize=32
iconSize=22

[spacer]
type=spacer

[statusnotifier]
type=statusnotifier
"""
MATE_PANEL = """[org/mate/panel/general]
toplevel-id-list=['top']
object-id-list=['tray']

[org/mate/panel/toplevels/top]
expand=true
orientation='top'
size=28

[org/mate/panel/objects/tray]
object-type='applet'
applet-iid='NotificationAreaAppletFactory::NotificationArea'
toplevel-id='top'
position=0
panel-right-stick=true
locked=true
"""
BUS = "dbus-daemon"


class Panel:
    """A panel that can be started, ended, killed and started again; what a person can do with it is said here too."""

    name = ""
    """As pictures are called."""
    desktop = ""
    """XDG_CURRENT_DESKTOP of its session."""
    packages = ""
    programs: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()
    """Programs that it lets the bus start, and that are a part of it."""
    left_opens = False
    """Whether a left click opens the menu of an item that has nothing but a menu."""
    whole_tooltip = True
    """Whether all lines of a tooltip are shown, or the first one only."""
    grows = False
    """Whether an open menu grows by lines that come, or lets the person scroll."""

    def __init__(self, bus: PrivateBus, screen: Screen) -> None:
        for program in self.programs:
            need(program, f"scripts/test --desktops installs it, and so does apt-get install {self.packages}")
        self.bus = bus
        self.screen = screen
        self._processes: list[subprocess.Popen[bytes]] = []
        self.environ = {"DISPLAY": screen.display, "XDG_CURRENT_DESKTOP": self.desktop}
        self.configure()

    def configure(self) -> None:
        """Write the panel's settings."""

    def start(self) -> None:
        """Start it; it may take some seconds until it takes items."""
        with Peer(self.bus.address) as peer:  # as a session does, for what the bus starts
            peer.call(DAEMON, "/org/freedesktop/DBus", DAEMON, "UpdateActivationEnvironment", "a{ss}", self.environ)
        for program in self.programs:
            self._processes.append(self.bus.run(program, **self.environ))

    def stop(self) -> None:
        """End it as a session does at its end."""
        for process in reversed(self._processes):
            end(process)
        self._processes.clear()

    def kill(self) -> None:
        """End it and its helpers without a chance to say goodbye."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()
        _kill([process for process in self._there() if process.program in self.helpers])

    def _there(self) -> list[Process]:
        """Whatever runs in this home: the bus starts things too, and they start more."""
        return [process for process in with_variable("HOME", str(self.bus.home)) if process.program != BUS]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        _kill(self._there())


def _kill(processes: list[Process]) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)


class Mate(Panel):
    """MATE's panel at the upper edge, with nothing in it but its notification area, and openbox under it."""

    name = "mate"
    desktop = "MATE"
    packages = "mate-panel openbox"
    programs = ("openbox", "mate-panel")
    helpers = ("notification-area-applet",)

    def configure(self) -> None:
        """Settings in a file: panel and notification area are two processes and share them."""
        self.environ["GSETTINGS_BACKEND"] = "keyfile"
        folder = self.bus.home / "config/glib-2.0/settings"
        folder.mkdir(parents=True)
        (folder / "keyfile").write_text(MATE_PANEL)


class Lxqt(Panel):
    """LXQt's panel at the upper edge, without a theme."""

    name = "lxqt"
    desktop = "LXQt"
    packages = "lxqt-panel"
    programs = ("lxqt-panel",)
    whole_tooltip = False
    grows = True

    def configure(self) -> None:
        """A panel with a tray; the space before it is as wide as it likes."""
        self.environ["QT_QPA_PLATFORM"] = "xcb"
        folder = self.bus.home / "config/lxqt"
        folder.mkdir(parents=True)
        (folder / "panel.conf").write_text(LXQT_PANEL)


class Cinnamon(Panel):
    """The whole of Cinnamon, with its own panel at the lower edge."""

    name = "cinnamon"
    desktop = "X-Cinnamon"
    packages = "cinnamon xapp-sn-watcher"
    programs = ("/usr/libexec/xapps/sn-watcher/xapp-sn-watcher", "cinnamon")
    left_opens = True

    def configure(self) -> None:
        """Draw without a graphics card; what it asks of the system bus, nobody answers."""
        self.environ |= {
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "DBUS_SYSTEM_BUS_ADDRESS": self.bus.address,
            "XDG_SESSION_TYPE": "x11",
        }
