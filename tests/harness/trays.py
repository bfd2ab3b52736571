"""Trays of the old kind (XEMBED) on a screen: trayer, i3 with its bar, polybar and tint2."""

import os
import subprocess
from pathlib import Path
from typing import Self

from tests.harness.desktop import Screen, end
from tests.harness.need import need

INSTALL = "sudo apt-get install --no-install-recommends trayer i3-wm polybar tint2"
GROUND = (51, 102, 153)
"""The colour of all of them."""

I3_CONFIG = """# i3 config file (v4)
font pango:DejaVu Sans 9
bar {{
  position bottom
  {more}
  colors {{ background {colour} }}
}}
"""
POLYBAR_CONFIG = """[bar/bar]
width = 100%
height = 28
background = {colour}
modules-left = date
tray-position = right
font-0 = DejaVu Sans:size=10
[module/date]
type = internal/date
date = %H
"""
TINT2_CONFIG = """rounded = 0
border_width = 0
background_color = {colour} 100
panel_items = FS
panel_size = 100% 28
panel_position = top center horizontal
panel_background_id = 1
systray_padding = 2 2 2
systray_icon_size = 22
"""


class Tray:
    """A tray that can be started, killed and started again."""

    program = ""

    def __init__(self, screen: Screen, home: Path) -> None:
        need(self.program, INSTALL)
        self._screen = screen
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """What is run."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it; it may take a moment until it takes icons."""
        with open(self._home / f"{self.program}.log", "ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                env={"PATH": os.environ["PATH"], "HOME": str(self._home), "DISPLAY": self._screen.display}
                | {"XDG_RUNTIME_DIR": str(self._home), "LANG": "C.UTF-8", "NO_AT_BRIDGE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._home,
            )

    def stop(self) -> None:
        """End it as a session does."""
        if self._process:
            end(self._process)
            self._process = None

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        assert self._process
        self._process.kill()
        self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Trayer(Tray):
    """trayer in the upper right corner."""

    program = "trayer"

    def __init__(self, screen: Screen, home: Path, options: str = "") -> None:
        super().__init__(screen, home)
        self._options = options

    def command(self) -> list[str]:
        """Transparent over the tint, which is its way to have a colour."""
        tint = "0x{:02x}{:02x}{:02x}".format(*GROUND)
        options = f"--edge top --align right --widthtype request --height 28 --transparent true --alpha 0 --tint {tint}"
        return ["trayer", *options.split(), *self._options.split()]


class I3(Tray):
    """i3 with its bar at the lower edge."""

    program = "i3"

    def __init__(self, screen: Screen, home: Path, ground: tuple[int, ...] = GROUND, more: str = "") -> None:
        super().__init__(screen, home)
        colour = f"#{bytes(ground).hex()}"
        (home / "i3.conf").write_text(I3_CONFIG.format(colour=colour, more=more))

    def command(self) -> list[str]:
        """i3 starts its bar itself."""
        return ["i3", "-c", str(self._home / "i3.conf")]


class SeeThroughI3(I3):
    """i3 with a bar whose windows have an alpha channel, so that a compositor could show what is behind them."""

    def __init__(self, screen: Screen, home: Path, alpha: int = 255) -> None:
        super().__init__(screen, home, (*GROUND, alpha), more="i3bar_command i3bar -t")


class BareI3(I3):
    """i3 as a window manager and nothing else."""

    def __init__(self, screen: Screen, home: Path) -> None:
        super().__init__(screen, home)
        (home / "i3.conf").write_text("# i3 config file (v4)\n")


class Polybar(Tray):
    """polybar at the upper edge."""

    program = "polybar"

    def command(self) -> list[str]:
        """A bar with a tray and nothing else but a clock, which it needs."""
        (self._home / "polybar.ini").write_text(POLYBAR_CONFIG.format(colour=f"#{bytes(GROUND).hex()}"))
        return ["polybar", "-c", str(self._home / "polybar.ini"), "bar"]


class Tint2(Tray):
    """tint2 at the upper edge; its windows have an alpha channel, and it blends them itself."""

    program = "tint2"

    def command(self) -> list[str]:
        """A panel with a tray, at its right end."""
        (self._home / "tint2rc").write_text(TINT2_CONFIG.format(colour=f"#{bytes(GROUND).hex()}"))
        return ["tint2", "-c", str(self._home / "tint2rc")]

    def __enter__(self) -> Self:
        # tint2 waits up to 15 s for a window manager; i3 without a bar is one.
        self._manager = BareI3(self._screen, self._home)
        self._manager.start()
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._manager.stop()
