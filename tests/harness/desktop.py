"""A desktop for tests: a private message bus, a screen without hardware, and XFCE's panel; nothing of it is left over.

Every process gets a private home, so nothing of the person who runs the tests is read. Xvfb chooses a free display
itself (-displayfd). xfce4-panel is watcher, host and XEMBED manager in one and needs no window manager.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from PIL import Image

from tests.harness.need import find, need
from tests.harness.poll import wait_until
from tests.harness.processes import descendants, with_variable
from trayd.tray.bus import Bus, BusError

INSTALL = "sudo apt-get install --no-install-recommends dbus-daemon xvfb xfce4-panel xdotool imagemagick x11-utils"
BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>{services}
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>
"""
PANEL_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="{dark}"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/><value type="int" value="2"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/><property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray"/>
  </property>
</channel>
"""


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that we started, and wait for it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


class PrivateBus:
    """A session bus of its own, which can be lost and come back at the same address.

    `services=True` lets the bus start installed programs, as a desktop needs; without it nobody but the test is on it.
    """

    def __init__(self, services: bool = False) -> None:
        need("dbus-daemon", INSTALL)
        self.home = Path(tempfile.mkdtemp(prefix="trb", dir="/tmp"))  # a socket's path has 107 bytes at most
        self.address = f"unix:path={self.home}/bus"
        self.environ = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "NO_AT_BRIDGE": "1",
            "XDG_CONFIG_HOME": f"{self.home}/config",
            "XDG_CACHE_HOME": f"{self.home}/cache",
            "XDG_DATA_HOME": f"{self.home}/data",
            "XDG_RUNTIME_DIR": str(self.home),
            "DBUS_SESSION_BUS_ADDRESS": self.address,
            "TRAYD_DISCOVER": "contexts,machines",  # as in conftest: not this computer's own sockets
            "GIO_USE_VFS": "local",
            "GSETTINGS_BACKEND": "memory",
        }
        (self.home / "bus.conf").write_text(
            BUS_CONFIG.format(socket=self.home / "bus", services="<standard_session_servicedirs/>" if services else "")
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the bus and wait until it takes connections."""
        program = find("dbus-daemon")
        assert program
        self._process = self.run(program, "--nofork", "--nopidfile", f"--config-file={self.home}/bus.conf")
        wait_until(self._answers, what="the message bus")

    def run(self, *command: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a program on this bus; its output goes to a file in `home`."""
        with open(self.home / f"{Path(command[0]).name}.log", "ab") as log:
            return subprocess.Popen(
                command, env=self.environ | more, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home
            )

    def _answers(self) -> bool:
        try:
            Bus.connect({"DBUS_SESSION_BUS_ADDRESS": self.address}).close()
        except BusError:
            return False
        return True

    def stop(self) -> None:
        """Kill the bus, also one that hangs; everybody on it loses the connection."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
            (self.home / "bus").unlink(missing_ok=True)

    def freeze(self, frozen: bool = True) -> None:
        """Let the bus hang, or go on."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def close(self) -> None:
        """End the bus and what it started."""
        self.stop()
        # The home is asked for too: whoever is started by the bus itself gets its address with a number behind it.
        started = with_variable("HOME", str(self.home)) + with_variable("DBUS_SESSION_BUS_ADDRESS", self.address)
        for process in started:
            if process.pid != os.getpid():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Screen:
    """An X screen in memory, with a mouse and a keyboard."""

    def __init__(self, width: int = 1024, height: int = 768, bits: int = 24) -> None:
        for program in ("Xvfb", "xdotool", "import"):
            need(program, INSTALL)
        self._size = f"{width}x{height}x{bits}"
        self.display = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Start the X server; after `kill` at the same display again."""
        reading, writing = os.pipe()
        before = [self.display] if self.display else []
        try:
            self._process = subprocess.Popen(
                ["Xvfb", *before, "-displayfd", str(writing), "-screen", "0", self._size, "-nolisten", "tcp"],
                pass_fds=[writing],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        finally:
            os.close(writing)
        with open(reading, encoding="ascii") as told:  # Xvfb writes the number of the display when it is ready
            self.display = f":{told.readline().strip()}"
        assert self.display != ":", "Xvfb did not start"

    def kill(self) -> None:
        """SIGKILL the X server; everybody on it loses the connection."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def __exit__(self, *_: object) -> None:
        if self._process:
            end(self._process)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the X server hang for a while."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def _do(self, *command: str) -> str:
        done = subprocess.run(
            command,
            env=os.environ | {"DISPLAY": self.display},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=20,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def screenshot(self, path: Path) -> Image.Image:
        """Take a picture of the whole screen as a PNG file."""
        self._do("import", "-window", "root", "-silent", f"png24:{path}")
        with Image.open(path) as picture:
            return picture.convert("RGB")

    def look(self) -> Image.Image:
        """Take a picture that nobody keeps."""
        with tempfile.TemporaryDirectory(prefix="trs") as folder:
            return self.screenshot(Path(folder, "now.png"))

    def find_colour(
        self, red: int, green: int, blue: int, tolerance: int = 12, filled: float = 0
    ) -> tuple[int, int] | None:
        """Find the middle of everything in one colour, or nothing; it must fill the share `filled` of its box."""
        picture = self.look()
        masks = [
            band.point(lambda value, want=want: 255 * (abs(value - want) <= tolerance))
            for band, want in zip(picture.split(), (red, green, blue), strict=True)
        ]
        found = Image.composite(
            Image.composite(masks[0], Image.new("L", picture.size), masks[1]), Image.new("L", picture.size), masks[2]
        )
        box = found.getbbox()
        if not box or found.histogram()[255] < filled * (box[2] - box[0]) * (box[3] - box[1]):
            return None
        return (box[0] + box[2]) // 2, (box[1] + box[3]) // 2

    def move_to(self, x: int, y: int) -> None:
        """Move the pointer in two steps: a toolkit takes a single jump for no movement."""
        self._do("xdotool", "mousemove", str(x - 2), str(y), "mousemove", str(x), str(y))

    def click_at(self, x: int, y: int, button: int = 1) -> None:
        """Click with the left (1), middle (2) or right (3) button."""
        self.move_to(x, y)
        self._do("xdotool", "click", str(button))

    def key(self, *names: str) -> None:
        """Press keys one after the other."""
        self._do("xdotool", "key", "--delay", "40", *names)

    def popups(self, but: tuple[str, ...] = ()) -> list[tuple[int, int, int, int]]:
        """The menus and tooltips that are open: x, y, width and height of each mapped override-redirect window.

        `but` are types of windows that are left out, as "TOOLTIP".
        """
        return list(self._popups(but))

    def _popups(self, but: tuple[str, ...]) -> Iterator[tuple[int, int, int, int]]:
        for line in self._do("xwininfo", "-root", "-children").splitlines():
            words = line.split()
            if not words or not words[0].startswith("0x"):
                continue
            try:
                told = self._do("xwininfo", "-id", words[0])
                kind = self._do("xprop", "-id", words[0], "_NET_WM_WINDOW_TYPE") if but else ""
            except AssertionError:
                continue  # it closed while we looked
            fields = dict(part.strip().split(":", 1) for part in told.splitlines() if part.count(":") == 1)
            if "IsViewable" in fields.get("Map State", "") and "yes" in fields.get("Override Redirect State", ""):
                x, y, width, height = (
                    int(fields[name]) for name in ("Absolute upper-left X", "Absolute upper-left Y", "Width", "Height")
                )
                if width > 10 and height > 10 and not any(name in kind for name in but):
                    yield x, y, width, height


class XfcePanel:
    """XFCE's panel along the upper edge of a screen, with nothing in it but the tray."""

    def __init__(self, bus: PrivateBus, screen: Screen, dark: bool = False) -> None:
        need("xfce4-panel", INSTALL)
        self._bus = bus
        self._screen = screen
        self._process: subprocess.Popen[bytes] | None = None
        folder = bus.home / "config/xfce4/xfconf/xfce-perchannel-xml"
        folder.mkdir(parents=True)
        (folder / "xfce4-panel.xml").write_text(PANEL_CONFIG.format(dark=str(dark).lower()))

    def start(self) -> None:
        """Start the panel; it may take a moment until it takes items."""
        self._process = self._bus.run("xfce4-panel", "--disable-wm-check", DISPLAY=self._screen.display)

    @property
    def running(self) -> bool:
        """Whether the panel lives."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL the panel, and the helpers that it started: they wait for it for a while and keep its name."""
        assert self._process
        for process in reversed(descendants({self._process.pid})):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End the panel."""
        if self._process:
            end(self._process)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
