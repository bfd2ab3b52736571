"""Windows' desktop by Wine: a taskbar with a notification area on a screen in memory, and trayd in it."""

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from PIL import Image

from tests.harness import windows_python as windows
from tests.harness.desktop import Screen
from tests.harness.poll import wait_until

PIPE = Path(__file__).parents[1] / "desktops" / "pipe_server.py"
EYES = Path(__file__).parents[1] / "desktops" / "windows_side.py"
TRAYD = r"C:\Program Files\Python\Scripts\trayd.exe"
TRAYDW = r"C:\Program Files\Python\Scripts\traydw.exe"
MENU, TOOLTIP = "#32768", "tooltips_class32"  # a balloon is a tooltip, too
DESKTOP = "/desktop=shell,1024x768"  # only a desktop of this name gets a taskbar


def on_windows(path: Path) -> str:
    """How a Windows program calls a file of ours."""
    return "Z:" + str(path).replace("/", "\\")


class Menu:
    """An open menu as it looks: groups of lines between the separators, each line by the middle of its place.

    Wine lets no other program ask a menu for its lines, so they are found in the picture.
    """

    def __init__(self, picture: Image.Image, box: list[int]) -> None:
        left, top, right, bottom = box
        inner = picture.crop((left + 3, top + 3, right - 3, bottom - 3)).convert("L")
        self.picture = picture.crop((left, top, right, bottom))
        self.groups: list[list[tuple[int, int]]] = [[]]
        begun: int | None = None
        for y in range(inner.height):
            inked = sum(1 for x in range(inner.width) if inner.getpixel((x, y)) < 230)
            if inked > inner.width * 0.9:
                self.groups.append([])
            elif inked and begun is None:
                begun = y
            elif not inked and begun is not None:
                self.groups[-1].append(((left + right) // 2, top + 3 + (begun + y) // 2))
                begun = None


class WindowsDesktop:
    """The taskbar, and one person's folders that start empty. `profiles` is where trayd is told to look for files.

    Without a taskbar the notification area is a small window, which comes with its first icon. Wine 10 shows balloons
    there only: with its taskbar it never does, whoever asks (10.0's explorer holds the area for hidden then).
    """

    def __init__(self, prefix: Path, screen: Screen, taskbar: bool = True, **more: str) -> None:
        self.screen = screen
        self._taskbar = taskbar
        user = prefix / "drive_c" / "users"
        (self.home,) = (folder for folder in user.iterdir() if folder.name != "Public")
        self.own = self.home / "AppData" / "Local" / "trayd"
        self.profiles = self.home / "Meine Profile – 引擎"
        self.certificates = self.home / ".docker" / "my certs"
        for folder in (self.own, self.profiles, self.certificates.parent):
            shutil.rmtree(folder, ignore_errors=True)
        self.profiles.mkdir(parents=True)
        self.environ = {
            "DISPLAY": screen.display,
            "TRAYD_CONFIG_DIR": rf"C:\users\{self.home.name}\{self.profiles.name}",
        } | more
        self._programs: list[tuple[subprocess.Popen[bytes], threading.Thread]] = []
        self.output: list[str] = []

    def __enter__(self) -> Self:
        key = r"HKCU\Software\Wine\Explorer\Desktops\shell"
        windows.run("reg", "add", key, "/v", "EnableShell", "/t", "REG_DWORD", "/d", str(int(self._taskbar)), "/f")
        self.start("explorer", DESKTOP)
        try:
            wait_until(self._has_area, 60, "Wine's notification area", every=0.2)
            if not self._taskbar:
                assert self.see("area_to_the_corner")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        windows.end()
        for program, reader in self._programs:
            program.wait(20)
            reader.join(20)
            assert program.stdout
            program.stdout.close()

    def _has_area(self) -> bool:
        return any(w["class"] == "Shell_TrayWnd" and w["visible"] >= self._taskbar for w in self.see("windows"))

    def start(self, *command: str, **more: str) -> subprocess.Popen[bytes]:
        """Start a program; what it writes is kept in `output`."""
        program = subprocess.Popen(
            ["wine", *command],
            env=windows.environment() | self.environ | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

        def read() -> None:
            assert program.stdout
            for line in program.stdout:
                self.output.append(line.decode(errors="replace"))

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        self._programs.append((program, reader))
        return program

    def start_trayd(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the windowless program on the desktop, as the Run key does."""
        return self.start(TRAYDW, *(arguments or ("run",)))

    def start_pipe(self, name: str, port: int, *how: str) -> subprocess.Popen[bytes]:
        """Lead a named pipe to an engine's TCP port."""
        program = self.start(windows.PYTHON, on_windows(PIPE), name, str(port), *how)
        wait_until(lambda: any("listening" in line for line in self.output), 30, "the pipe", every=0.1)
        self.output.clear()
        return program

    def trayd(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[bytes]:
        """Run one command of trayd to its end."""
        return windows.run(TRAYD, *arguments, **(self.environ | more))

    def see(self, what: str) -> Any:
        """What a Windows program sees: `windows`, `clipboard` or `may_log_off`."""
        done = windows.python(on_windows(EYES), what, **self.environ)
        assert done.returncode == 0, done.stdout.decode(errors="replace")
        return json.loads(done.stdout)

    def state(self) -> dict[str, Any]:
        """What trayd remembers; empty before it does."""
        with contextlib.suppress(FileNotFoundError):
            return dict(json.loads((self.own / "state.json").read_text()))
        return {}

    def icon_at(self, red: int, green: int, blue: int, seconds: float = 60) -> tuple[int, int]:
        """Wait for an icon of this colour; return its place.

        Wine 10 paints an icon over the one before, whose colour stays at the edge and in the corners.
        """
        return wait_until(
            lambda: self.screen.find_colour(red, green, blue, filled=0.25),
            seconds,
            f"the icon in {red}, {green}, {blue}",
            every=0.3,
        )

    def open_menu(self, at: tuple[int, int], button: int = 3) -> Menu:
        """Click the icon and wait for the menu; a balloon that would lie over it is clicked away."""
        self.screen.move_to(300, 300)
        wait_until(self._no_balloon, 30, "the end of the balloon", every=0.2)
        self.screen.click_at(*at, button)
        self.screen.move_to(300, 300)  # Wine 10 shows the tooltip over the menu while the pointer is on the icon
        return self.menu(1)

    def _no_balloon(self) -> bool:
        boxes = [w["rect"] for w in self.see("windows") if w["class"] == TOOLTIP and w["visible"]]
        for left, top, right, bottom in boxes:
            self.screen.click_at((left + right) // 2, (top + bottom) // 2)
        return not boxes

    def menu(self, level: int) -> Menu:
        """Wait until so many menus are open, one beside the other; return the last."""

        before: list[bytes] = [b""]

        def found() -> Menu | None:
            boxes = [w["rect"] for w in self.see("windows") if w["class"] == MENU and w["visible"]]
            if len(boxes) != level:
                return None
            menu = Menu(self.screen.look(), boxes[0])  # the newest window is on top, and told first
            seen, before[0] = before[0], menu.picture.tobytes()
            return menu if seen == before[0] and all(menu.groups) else None  # it is painted line by line

        return wait_until(found, 30, f"{level} open menus", every=0.2)

    def choose(self, *places: tuple[int, int]) -> None:
        """Click the line at (group, row) of the open menu, and so on in the submenus that open."""
        for level, (group, row) in enumerate(places, 1):
            self.screen.click_at(*self.menu(level).groups[group][row])

    def quit(self, icon: tuple[int, int], program: subprocess.Popen[bytes]) -> int:
        """Choose the last line of the menu; a balloon may just come over it and take the click, then once more."""
        for _ in range(4):
            if not any(w["class"] == MENU and w["visible"] for w in self.see("windows")):
                self.open_menu(icon)
            self.choose((-1, -1))
            with contextlib.suppress(subprocess.TimeoutExpired):
                return program.wait(8)
        raise AssertionError("trayd does not end by its menu")

    def until(self, question: Callable[[], Any], what: str, seconds: float = 40) -> Any:
        """Wait for something that takes a Windows program to see."""
        return wait_until(question, seconds, what, every=0.2)
