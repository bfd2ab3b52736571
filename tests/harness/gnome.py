"""GNOME Shell for tests, on an X screen in memory or as a Wayland compositor without any screen.

What is on the screen is asked of the shell itself (`--unsafe-mode` lets `org.gnome.Shell.Eval` answer) and looked at in
pictures; what a person does is done with the mouse: XTEST's on X, the compositor's own virtual one on Wayland.
"""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple, Self

from PIL import Image

from tests.harness.desktop import PrivateBus, Screen, end
from tests.harness.host import Peer, Refused
from tests.harness.need import need
from tests.harness.poll import wait_until
from tests.harness.processes import descendants

INSTALL = "scripts/test --desktops installs GNOME Shell with its AppIndicator extension"
EXTENSION = "ubuntu-appindicators@ubuntu.com"
FILES = Path("/usr/share/gnome-shell/extensions", EXTENSION)
SIZE = (1024, 768)

# The shell's settings as dconf would keep them. Without animations a picture shows what is, not what is on its way.
SETTINGS = """[org/gnome/shell]
enabled-extensions={extensions}
welcome-dialog-last-shown-version='999'

[org/gnome/desktop/interface]
enable-animations=false
"""

# Every line of our menu from top to bottom, submenus that are open included.
LINES = """
(() => {
    const lines = [];
    const look = (menu, depth) => menu._getMenuItems().forEach(item => {
        const actor = item.actor ?? item, [x, y] = actor.get_transformed_position();
        const [width, height] = actor.get_transformed_size();
        if (item.menu && item.menu._getMenuItems || item.label?.text)
            lines.push([item.label.text, depth, x, y, width, height, item.sensitive, item._ornament ?? 0,
                actor.mapped, !!item.menu]);
        if (item.menu?.isOpen)
            look(item.menu, depth + 1);
    });
    OURS.filter(icon => icon.menu.isOpen).forEach(icon => look(icon.menu, 0));
    return lines;
})()
"""
OURS = "Object.values(Main.panel.statusArea).filter(one => one?._indicator?.id === 'trayd')"


class Line(NamedTuple):
    """One line of the open menu: where it is on the screen and how it looks."""

    text: str
    depth: int
    x: float
    y: float
    width: float
    height: float
    enabled: bool
    ornament: int
    shown: bool
    submenu: bool

    @property
    def marked(self) -> bool:
        """Whether it bears a radio dot or a check mark."""
        return self.ornament in (1, 2)

    @property
    def middle(self) -> tuple[int, int]:
        """A place to click: in the words, near the left edge."""
        return round(self.x + min(80, self.width / 2)), round(self.y + self.height / 2)


class Banner(NamedTuple):
    """The notification that is on the screen."""

    title: str
    text: str
    buttons: tuple[tuple[str, int, int], ...]
    box: tuple[int, int, int, int]


class Gnome:
    """A running shell; without a screen it is a Wayland compositor."""

    def __init__(self, bus: PrivateBus, screen: Screen | None, extension: bool = True) -> None:
        need("gnome-shell", INSTALL)
        need("gjs", INSTALL)  # GNOME's notification server is written in it
        need("gsettings", INSTALL)
        need(FILES.exists(), INSTALL)
        self.bus = bus
        self.screen = screen
        self._process: subprocess.Popen[bytes] | None = None
        self._peer: Peer | None = None
        self._pointer = False
        folder = bus.home / "config/glib-2.0/settings"
        folder.mkdir(parents=True)
        (folder / "keyfile").write_text(SETTINGS.format(extensions=[EXTENSION] if extension else "@as []"))
        # There is no system bus of a test's own; what the shell asks there (logind, UPower …) is not on this one.
        bus.environ |= {
            "GSETTINGS_BACKEND": "keyfile",
            "DBUS_SYSTEM_BUS_ADDRESS": bus.address,
            "XDG_CURRENT_DESKTOP": "GNOME",
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a program gets here."""
        here = {"DBUS_SESSION_BUS_ADDRESS": self.bus.address, "XDG_CURRENT_DESKTOP": "GNOME"}
        if self.screen is not None:
            return {**here, "DISPLAY": self.screen.display}
        names = ("DISPLAY", "XAUTHORITY")  # of Xwayland, which comes with the first window of X
        values = self.eval(f"{json.dumps(names)}.map(name => imports.gi.GLib.getenv(name))")
        socket = next(path for path in self.bus.home.glob("wayland-*") if path.suffix != ".lock")
        return {**here, **dict(zip(names, values, strict=True)), "WAYLAND_DISPLAY": str(socket)}

    def start(self) -> None:
        """Start the shell and wait until it shows a desktop with nothing on it."""
        if self.screen is not None:
            self._process = self.bus.run("gnome-shell", "--x11", "--unsafe-mode", DISPLAY=self.screen.display)
        else:
            monitor = f"{SIZE[0]}x{SIZE[1]}"
            arguments = ("--wayland", "--headless", "--virtual-monitor", monitor, "--unsafe-mode")
            self._process = self.bus.run("gnome-shell", *arguments)
        self._peer = Peer(self.bus.address)
        wait_until(lambda: self._asked("!Main.layoutManager._startingUp"), 90, "GNOME Shell", every=0.2)
        # To a session of root's GNOME objects in a notification.
        self.eval("Main.messageTray.getSources().forEach(source => source.destroy()); Main.overview.hide()")
        wait_until(lambda: not self.eval("Main.overview.visible"), 30, "the desktop")
        if self.screen is None:
            # Kept as a global: the device is gone when nobody refers to it any more.
            seat = "imports.gi.Clutter.get_default_backend().get_default_seat()"
            self.eval(f"globalThis.mouse = {seat}.create_virtual_device(0); 1")

    def _asked(self, script: str) -> Any:
        try:
            return self.eval(script)
        except (Refused, AssertionError):
            assert self._process
            assert self._process.poll() is None, f"GNOME Shell ended:\n{self.log()[-2000:]}"
            return None

    def log(self) -> str:
        """What the shell and its extensions wrote."""
        return (self.bus.home / "gnome-shell.log").read_text(errors="replace")

    def eval(self, script: str) -> Any:
        """Ask the shell something in its own language."""
        assert self._peer
        well, answer = self._peer.call(
            "org.gnome.Shell", "/org/gnome/Shell", "org.gnome.Shell", "Eval", "s", script.replace("OURS", OURS)
        )
        assert well, answer
        return json.loads(answer) if answer else None

    def set(self, schema: str, key: str, value: str) -> None:
        """Change a setting, as the Settings and Extensions programs do."""
        done = self.bus.run("gsettings", "set", schema, key, value)
        assert done.wait(20) == 0, (self.bus.home / "gsettings.log").read_text()

    def switch_extension(self, on: bool) -> None:
        """Switch the AppIndicator extension on or off."""
        self.set("org.gnome.shell", "enabled-extensions", f"['{EXTENSION}']" if on else "[]")

    # What is seen

    def look(self) -> Image.Image:
        """Take a picture of the screen."""
        with tempfile.TemporaryDirectory(prefix="trs") as folder:
            return self.screenshot(Path(folder, "now.png"))

    def screenshot(self, path: Path) -> Image.Image:
        """Take a picture of the screen as a PNG file."""
        if self.screen is not None:
            return self.screen.screenshot(path)
        assert self._peer
        name, where = "org.gnome.Shell.Screenshot", "/org/gnome/Shell/Screenshot"
        well, _ = self._peer.call(name, where, name, "Screenshot", "bbs", False, False, str(path))
        assert well, "the shell took no picture"
        with Image.open(path) as picture:
            return picture.convert("RGB")

    def icons(self) -> list[tuple[int, int, int, int]]:
        """Where our icon is in the top bar: x, y, width and height of each, the picture alone."""
        boxes = self.eval(
            "OURS.filter(one => one.mapped && one._icon?.mapped).map(one => "
            "[...one._icon.get_transformed_position(), ...one._icon.get_transformed_size()])"
        )
        placed = [box for box in boxes if None not in box and box[2] > 0]  # one that is new has no place yet
        return [(round(x), round(y), round(width), round(height)) for x, y, width, height in placed]

    def icon(self) -> tuple[int, int, int, int]:
        """The place of the only icon, waited for."""
        seen: list[list[tuple[int, int, int, int]]] = [[]]

        def settled() -> bool:
            seen.append(self.icons())
            return len(seen[-1]) == 1 and seen[-1] == seen[-2]

        # One that left the bar moves its neighbours a little later.
        wait_until(settled, 60, "one icon in the top bar", every=0.2)
        return seen[-1][0]

    def picture_of_icon(self) -> Image.Image:
        """The icon as it stands in the top bar."""
        x, y, width, height = self.icon()
        return self.look().crop((x, y, x + width, y + height))

    def lines(self) -> list[Line]:
        """The lines of our menu, if it is open."""
        return [Line(*line) for line in self.eval(LINES)]

    def texts(self) -> list[str]:
        """The words of these lines."""
        return [line.text for line in self.lines()]

    def line(self, beginning: str, seconds: float = 20) -> Line:
        """The line of the open menu that begins so, once it stays in its place."""
        seen: list[Line | None] = [None]

        def settled() -> bool:
            seen.append(next((line for line in self.lines() if line.text.startswith(beginning) and line.shown), None))
            return seen[-1] is not None and seen[-1] == seen[-2]

        wait_until(settled, seconds, f"the line {beginning!r} in the open menu", every=0.2)
        assert seen[-1]
        return seen[-1]

    def menu_box(self) -> tuple[int, int, int, int]:
        """Where the open menu is: left, top, right, bottom."""
        actor = "OURS.find(one => one.menu.isOpen).menu.actor"
        x, y, width, height = self.eval(f"[...{actor}.get_transformed_position(), ...{actor}.get_transformed_size()]")
        return round(x), round(y), round(x + width), round(y + height)

    def banner(self) -> Banner | None:
        """The notification on the screen."""
        found = self.eval(
            """(() => {
            const banner = Main.messageTray._banner, note = Main.messageTray._notification;
            if (!banner?.mapped || !note) return null;
            const buttons = (banner._buttonBox?.get_children() ?? []).map(one =>
                [one.label, ...one.get_transformed_position(), ...one.get_transformed_size()]);
            return [note.title, note.bannerBodyText ?? '', buttons,
                [...banner.get_transformed_position(), ...banner.get_transformed_size()]];
            })()"""
        )
        if found is None:
            return None
        title, text, buttons, box = found
        if None in box:
            return None  # it has no place yet
        buttons = [button for button in buttons if None not in button]  # they are folded away
        x, y, width, height = box
        middles = tuple((label, round(a + b / 2), round(c + d / 2)) for label, a, c, b, d in buttons)
        return Banner(title, text, middles, (round(x), round(y), round(x + width), round(y + height)))

    def clipboard(self) -> str:
        """What a paste would give."""
        self.eval(
            "globalThis.pasted = null; imports.gi.St.Clipboard.get_default().get_text("
            "imports.gi.St.ClipboardType.CLIPBOARD, (_, text) => { globalThis.pasted = text ?? ''; }); 1"
        )
        wait_until(lambda: self.eval("pasted !== null"), 10, "the clipboard's answer")
        return str(self.eval("pasted"))

    # What a person does

    def unfold(self) -> Banner:
        """Put the pointer on the notification and wait until all of it is there, with its buttons."""
        seen: list[Banner | None] = [None]
        self.move_to(SIZE[0] // 2, 60)

        def settled() -> bool:
            unfolded = self.eval("!!Main.messageTray._banner?.expanded")
            seen.append(self.banner())
            return unfolded and seen[-1] is not None and seen[-1] == seen[-2]

        wait_until(settled, 30, "the whole notification", every=0.3)
        assert seen[-1]
        return seen[-1]

    def move_to(self, x: int, y: int) -> None:
        """Move the pointer there."""
        if self.screen is not None:
            self.screen.move_to(x, y)
        else:
            now = "imports.gi.GLib.get_monotonic_time()"
            self.eval(
                f"mouse.notify_absolute_motion({now}, {x - 2}, {y}); mouse.notify_absolute_motion({now}, {x}, {y}); 1"
            )

    def click_at(self, x: int, y: int, button: int = 1) -> None:
        """Click there with the left (1), middle (2) or right (3) button."""
        self.move_to(x, y)
        if self.screen is not None:
            self.screen.click_at(x, y, button)
            return
        for pressed in (1, 0):
            self.eval(f"mouse.notify_button(imports.gi.GLib.get_monotonic_time(), {button}, {pressed}); 1")
            time.sleep(0.05)  # as long as a finger needs

    def click_icon(self, button: int = 1) -> None:
        """Click our icon."""
        x, y, width, height = self.icon()
        self.click_at(x + width // 2, y + height // 2, button)

    def open_menu(self, button: int = 1) -> list[Line]:
        """Click our icon, once the shell has read its menu, and wait for that."""
        wait_until(lambda: self.eval("OURS.some(one => one.menu.numMenuItems)"), 30, "the menu to be read")
        self.click_icon(button)
        return wait_until(self.lines, 30, "our menu")

    def close_menu(self) -> None:
        """Click where nothing is."""
        self.click_at(200, 700)
        wait_until(lambda: not self.lines(), 20, "the menu to close")

    def click(self, beginning: str) -> None:
        """Click the line that begins so."""
        line = self.line(beginning)
        assert line.enabled, f"{line.text!r} is greyed"
        self.click_at(*line.middle)

    # Its end

    def kill(self) -> None:
        """End the shell as a crash would, with the helpers that it started."""
        self._leave()
        if self._process:
            for process in reversed(descendants({self._process.pid})):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End the shell."""
        self._leave()
        if self._process:
            end(self._process)
            self._process = None

    def _leave(self) -> None:
        if self._peer:
            self._peer.close()
            self._peer = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
