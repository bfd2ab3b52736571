"""`trayd menu` in the programs people have: rofi and dmenu on an X screen, fuzzel on a Wayland one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
import Xlib.display
from Xlib import X

from tests.harness.desktop import Screen
from tests.harness.need import find, need
from tests.harness.poll import wait_until
from tests.harness.processes import descendants
from tests.harness.sway import Sway

pytestmark = pytest.mark.desktop

PACKAGES = {"dmenu": "suckless-tools"}
# Where the lines stand in the list: Check again, Copy details, lab, office, problems and so on.
TO_OFFICE = ("Down", "Down", "Down", "Return")


@pytest.fixture(autouse=True)
def profiles() -> None:
    folder = Path(os.environ["TRAYD_CONFIG_DIR"])
    folder.mkdir(parents=True)
    for name in ("lab", "office"):
        (folder / f"{name}.yaml").write_text("host: tcp://127.0.0.1:9\n")


def remembered() -> dict[str, object]:
    path = Path(os.environ["XDG_STATE_HOME"], "trayd", "state.json")
    return json.loads(path.read_text()) if path.exists() else {}


def only(folder: Path, program: str) -> str:
    """A PATH on which this program is the only one: none to show another menu, none to keep a clipboard."""
    need(program, f"apt-get install {PACKAGES.get(program, program)}")
    folder.mkdir()
    (folder / program).symlink_to(str(find(program)))
    return str(folder)


class Menu:
    """A running `trayd menu` that a key binding started: no terminal, and nobody reads what it writes."""

    def __init__(self, program: str, environ: dict[str, str]) -> None:
        self.program = program
        kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        self._environ = kept | environ
        self._lists: set[int] = set()

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trayd", "menu"],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        return self

    def __exit__(self, *_: object) -> None:
        for process in descendants({self.process.pid}):
            os.kill(process.pid, 9)
        self.process.communicate()

    def next_list(self) -> None:
        """Wait until the program is started once more; `Screen` and `Sway` know when it is to be seen."""

        def started() -> set[int]:
            return {p.pid for p in descendants({self.process.pid}) if p.program == self.program} - self._lists

        self._lists |= wait_until(started, 30, f"a list of {self.program}")

    def ended(self) -> tuple[int, str]:
        """Wait for its end; its exit code and its words."""
        words, _ = self.process.communicate(timeout=30)
        return self.process.returncode, words


# --- X11


@pytest.fixture
def screen() -> Iterator[Screen]:
    with Screen() as running:
        yield running


@pytest.fixture(params=["rofi", "dmenu"])
def menu(request: pytest.FixtureRequest, screen: Screen, tmp_path: Path) -> Iterator[Menu]:
    environ = {"DISPLAY": screen.display, "PATH": only(tmp_path / "bin", request.param)}
    with Menu(request.param, environ) as running:
        yield running


def keyboard_is_taken(screen: Screen) -> bool:
    """Whether some program has the keyboard for itself: then it cannot be taken once more."""
    display = Xlib.display.Display(screen.display)
    try:
        status = display.screen().root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
        return int(status) == X.AlreadyGrabbed
    finally:
        display.close()  # and with it ends what we took


def press(screen: Screen, menu: Menu, *keys: str) -> None:
    """Press keys in the next list, as soon as it is to be seen."""
    menu.next_list()
    screen.popups()  # the list before is gone, and with this answer X has noticed that, too
    wait_until(screen.popups, 20, f"the window of {menu.program}")
    wait_until(lambda: keyboard_is_taken(screen), 20, f"{menu.program} to take the keyboard", every=0.05)
    screen.key(*keys)


def test_a_line_is_chosen_with_the_keyboard(menu: Menu, screen: Screen) -> None:
    """The lines stand in the tray's order, and Enter on a profile makes it the active one."""
    press(screen, menu, *TO_OFFICE)
    assert menu.ended() == (0, "")
    assert remembered()["active"] == "office"


def test_what_is_typed_finds_the_line(menu: Menu, screen: Screen) -> None:
    """A few letters of a profile's name and Enter choose it; no line that only tells comes before it."""
    press(screen, menu, *"OFF", "Return")
    assert menu.ended() == (0, "")
    assert remembered()["active"] == "office"


def test_escape_chooses_nothing(menu: Menu, screen: Screen) -> None:
    """Escape closes the menu, which is no failure and changes nothing."""
    press(screen, menu, "Escape")
    assert menu.ended() == (0, "")
    assert remembered() == {}


def test_what_was_copied_outlives_the_menu(menu: Menu, screen: Screen) -> None:
    """Copy environment ▸ sh leaves the text on the clipboard after trayd has ended, with no other program's help."""
    need("xclip", "apt-get install xclip")
    press(screen, menu, *"copy", "space", *"env", "Return")
    press(screen, menu, *"bash", "Return")
    assert menu.ended() == (0, "")
    pasted = subprocess.run(
        ["xclip", "-o", "-selection", "clipboard"],
        env=os.environ | {"DISPLAY": screen.display},
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )
    assert "export DOCKER_HOST=tcp://127.0.0.1:9" in pasted.stdout.replace("'", "")


def test_the_way_back_leads_back(menu: Menu, screen: Screen) -> None:
    """The first line of a submenu leads back to the list that it came from."""
    press(screen, menu, *"settings", "Return")
    press(screen, menu, "Return")
    press(screen, menu, *TO_OFFICE)
    assert menu.ended() == (0, "")
    assert remembered()["active"] == "office"


def test_what_went_wrong_is_shown_in_the_same_place(menu: Menu, screen: Screen) -> None:
    """Nobody reads words behind a key binding: a command that failed says so in one more list, and exits with 1."""
    press(screen, menu, *"settings", "Return")
    press(screen, menu, *"open", "Return")
    press(screen, menu, "Return")
    code, words = menu.ended()
    assert code == 1
    assert "The profiles folder could not be opened." in words


# --- Wayland


class Seat:
    """The keyboard of a Wayland screen, and what is to be seen on it."""

    def __init__(self, sway: Sway) -> None:
        self._environ = os.environ | sway.environment
        self._empty = self._look()

    def _look(self) -> bytes:
        return subprocess.run(["grim", "-t", "ppm", "-"], env=self._environ, capture_output=True, check=True).stdout

    def press(self, menu: Menu, *keys: str) -> None:
        """Press keys in the next list, as soon as something is to be seen."""
        menu.next_list()
        wait_until(lambda: self._look() != self._empty, 20, f"the window of {menu.program}", every=0.1)
        words = [word for key in ("Shift_L", *keys) for word in ("-k", key, "-s", "50")]
        # A new keyboard: fuzzel has to be told of it, and may miss its first key.
        subprocess.run(["wtype", "-s", "500", *words], env=self._environ, check=True, timeout=20)


@pytest.fixture(params=["fuzzel"])
def on_wayland(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Seat, Menu]]:
    for program in ("wtype", "grim"):
        need(program, f"apt-get install {program}")
    path = only(tmp_path / "bin", request.param)
    with Sway() as sway:
        seat = Seat(sway)
        with Menu(request.param, sway.environment | {"PATH": path}) as running:
            yield seat, running


def test_a_line_is_chosen_on_wayland(on_wayland: tuple[Seat, Menu]) -> None:
    """On Wayland a program that speaks it is found by itself; a name that is typed and Enter makes it active."""
    seat, menu = on_wayland
    seat.press(menu, *"office", "Return")
    assert menu.ended() == (0, "")
    assert remembered()["active"] == "office"


def test_escape_on_wayland_chooses_nothing(on_wayland: tuple[Seat, Menu]) -> None:
    """Escape is no failure, whatever the program says on its standard error about itself."""
    seat, menu = on_wayland
    seat.press(menu, "Escape")
    assert menu.ended() == (0, "")
    assert remembered() == {}


def test_what_was_copied_outlives_the_menu_on_wayland(tmp_path: Path) -> None:
    """On Wayland, too, the text is there after trayd has ended, without wl-copy or a clipboard manager."""
    need("wl-paste", "apt-get install wl-clipboard")
    chooser = tmp_path / "choose"
    chooser.write_text("#!/bin/sh\nexec /bin/grep -m 1 -e 'Copy environment' -e bash\n")
    chooser.chmod(0o755)
    with Sway() as sway:
        environ = {name: value for name, value in os.environ.items() if name != "DISPLAY"} | sway.environment
        done = subprocess.run(
            [sys.executable, "-m", "trayd", "menu", "--with", str(chooser)],
            env=environ | {"PATH": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        pasted = subprocess.run(["wl-paste"], env=environ, capture_output=True, encoding="utf-8", timeout=20).stdout
    assert "export DOCKER_HOST=tcp://127.0.0.1:9" in pasted.replace("'", "")
