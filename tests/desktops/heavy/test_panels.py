"""trayd in the panels of MATE, LXQt and Cinnamon: `trayd run` as it is, real engines, a mouse, and what is drawn."""

import contextlib
import os
from collections.abc import Callable, Iterator
from itertools import cycle, groupby
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tests.harness.desktop import PrivateBus, Screen
from tests.harness.dockerd import Dockerd
from tests.harness.host import Host, Peer
from tests.harness.panels import Cinnamon, Lxqt, Mate, Panel
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from trayd.core.view import IconSpec
from trayd.tray.artwork import colour

pytestmark = [pytest.mark.desktop, pytest.mark.heavy, pytest.mark.timeout(180)]

WATCHER = "org.kde.StatusNotifierWatcher"
START = 60  # seconds that a desktop may take to start on a busy machine
LONGEST = "the-longest-name-that-a-profile-may-have-is-sixty-four-long-like"
NAMES = ("my_old_lab", "<b>bold & co<", "🐳 Wal 🚢", "مكتب שלום", LONGEST)
REFUSED = "host: tcp://127.0.0.1:1\n"
Box = tuple[int, int, int, int]


class Reader(Host):
    """Asks an icon what its menu says, beside the panel: it is no panel itself."""

    def __init__(self, address: str, item: str) -> None:
        self.items, self.signals = [item], []
        Peer.__init__(self, address)


class Desktop:
    """A panel on a screen, trayd in it, and what a person sees and does there."""

    def __init__(self, panel: Panel) -> None:
        self.panel, self.bus, self.screen = panel, panel.bus, panel.screen
        environ = {"DBUS_SESSION_BUS_ADDRESS": self.bus.address, "DISPLAY": self.screen.display}
        self.trayd = Trayd(**environ, XDG_CURRENT_DESKTOP=panel.desktop)
        self.host: Host

    def __enter__(self) -> "Desktop":
        self.trayd.start()
        self.host = Reader(self.bus.address, f"org.kde.StatusNotifierItem-{self.trayd.pid}-1")
        wait_until(lambda: self.host.has_owner(self.host.item), START, "trayd on the bus")
        return self

    def __exit__(self, *_: object) -> None:
        self.host.close()
        self.trayd.__exit__()

    def panel_there(self) -> bool:
        return self.host.has_owner(WATCHER)

    def find(self, state: str, remote: bool = False) -> tuple[int, int]:
        """Find the icon in a state's colour."""
        value = bytes.fromhex(colour(IconSpec(state, remote)).removeprefix("#"))
        place = wait_until(lambda: self.screen.find_colour(*value, tolerance=6), START, f"the icon that says {state}")
        assert place is not None
        return place

    def popups(self) -> list[Box]:
        """The menus on the screen, the newest first; Cinnamon's own stage fills the whole of it."""
        found = self.screen.popups(but=("TOOLTIP", "NOTIFICATION", "UTILITY"))
        return [popup for popup in found if popup[2] < 1024]

    def menus(self, number: int) -> list[Box]:
        """Wait for so many menus whose size does not change any more."""
        return wait_until(lambda: self._settled(number), 20, f"{number} menus on the screen, not {self.popups()}")

    def _settled(self, number: int) -> list[Box]:
        first, second = self.popups(), self.popups()
        return first if len(first) == number and first == second else []

    def hover(self, x: int, y: int, number: int) -> Box:
        """Stay on a line as a hand does, which is never quite still, until so many menus are open; give the newest."""
        nudges = cycle(range(0, 12, 3))

        def hovered() -> list[Box]:
            self.screen.move_to(x + next(nudges), y)
            return self._settled(number)

        return wait_until(hovered, 20, f"{number} menus on the screen", every=0.1)[0]

    def open_menu(self, state: str, button: int = 3) -> Box:
        """Click until there is a menu: MATE's panel shows an icon some moments before it has read its menu."""

        def opened() -> list[Box]:
            self.screen.click_at(*self.find(state), button)
            with contextlib.suppress(AssertionError):
                return wait_until(lambda: self._settled(1), 5)
            return []

        menu = wait_until(opened, 30, "the menu")[0]
        self.away(menu)
        return menu

    def away(self, menu: Box) -> None:
        """Take the mouse from the icon to the first line, which cannot be marked: MATE shows a tooltip over a menu."""
        self.screen.move_to(menu[0] + 60, menu[1] + 14)

    def close_menu(self) -> None:
        self.screen.key("Escape")
        wait_until(lambda: not self.popups(), 20, "the menu to close")

    def picture(self, box: Box) -> Image.Image:
        x, y, width, height = box
        return self.screen.look().crop((x, y, x + width, y + height))

    def drawn(self, menu: Box, labels: int) -> list[int]:
        """Wait until a menu shows so many lines; give the height of the middle of each on the screen."""
        return wait_until(lambda: _exactly(labels, self._lines(menu)), 20, f"{labels} lines in the menu")

    def _lines(self, menu: Box) -> list[int]:
        return [menu[1] + middle for middle in text_lines(self.picture(menu))]

    def labels(self) -> list[str]:
        """The top level as the bus tells it, without separators."""
        return [entry.label for entry in self.host.menu().children if not entry.separator]

    def start_panel(self, *beginnings: str) -> None:
        """Start the panel when the menu has these lines: LXQt's closes a menu whose list grew just before it opened."""
        for beginning in beginnings:
            self.wait_for_line(beginning)
        self.panel.start()

    def wait_for_line(self, beginning: str) -> None:
        wait_until(lambda: [x for x in self.labels() if x.startswith(beginning)], START, f"a line {beginning!r}")

    def keep(self, name: str, *boxes: Box) -> None:
        """Keep a picture of these places for docs/desktops.md, if the person who runs the tests wants it."""
        if folder := os.environ.get("TRAYD_SCREENSHOTS"):
            x, y = min(box[0] for box in boxes), min(box[1] for box in boxes)
            right, lower = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
            picture = self.screen.look().crop((max(0, x - 4), max(0, y - 4), min(1024, right + 4), min(768, lower + 4)))
            picture.quantize(64).save(Path(folder, f"{self.panel.name}-{name}.png"), optimize=True)

    def around(self, place: tuple[int, int]) -> Box:
        """The icon's part of the panel."""
        return max(0, place[0] - 60), 0 if place[1] < 300 else 732, 100, 36


def _exactly(number: int, found: list[int]) -> list[int]:
    return found if len(found) == number else []


def text_lines(menu: Image.Image) -> list[int]:
    """The middles of the lines of text in a menu's picture: rows of pixels that are not all alike, but no separator."""
    # Left of the text there are marks, right of it arrows: they belong to lines but are no lines themselves.
    grey = menu.convert("L").crop((45, 2, menu.width - 30, menu.height - 2))
    rows = [grey.crop((0, y, grey.width, y + 1)).getextrema() for y in range(grey.height)]
    found, y = [], 2
    for inked, run in groupby(rows, key=lambda extremes: extremes[1] - extremes[0] > 40):
        height = len(list(run))
        if inked and height > 4:
            found.append(y + height // 2)
        y += height
    return found


def differ(one: Image.Image, other: Image.Image) -> bool:
    return one.size != other.size or ImageChops.difference(one, other).getbbox() is not None


@pytest.fixture(params=[Mate, Lxqt, Cinnamon], ids=lambda kind: kind.name)
def panel(request: pytest.FixtureRequest) -> Iterator[Panel]:
    with PrivateBus(services=True) as bus, Screen() as screen:
        made = request.param(bus, screen)
        try:
            yield made
        finally:
            made.__exit__()


@pytest.fixture
def desktop(panel: Panel) -> Desktop:
    return Desktop(panel)


Engines = Callable[..., Dockerd]


def test_icon_tooltip_and_clicks(desktop: Desktop, dockerd: Engines) -> None:
    """The icon has the state's colour, the tooltip says it in words, the buttons do what this panel lets them do."""
    engine = dockerd()
    desktop.trayd.profile("office", f"host: {engine.unix_url}\n")
    with desktop:
        desktop.start_panel("Images (0)")
        place = desktop.find("reachable")
        before = desktop.screen.look()
        desktop.screen.move_to(*place)

        def tooltip() -> Box | None:
            # Cinnamon draws it itself, so there is no window of it to be found.
            changed = ImageChops.difference(before, desktop.screen.look())
            changed.paste(0, (0, 0, 1024, 32) if place[1] < 300 else (0, 728, 1024, 768))
            left, upper, right, lower = changed.getbbox() or (0, 0, 0, 0)
            found = (left, upper, right - left, lower - upper)
            return found if found[2] > 200 and found[3] > lines else None

        lines = 30 if desktop.panel.whole_tooltip else 12  # the height of two lines, or of one
        shown = wait_until(tooltip, 20, "the tooltip with all its lines")
        assert shown is not None
        desktop.keep("tooltip", desktop.around(place), shown)

        desktop.screen.click_at(*place, 1)
        if desktop.panel.left_opens:
            menu = desktop.menus(1)[0]
            desktop.away(menu)
            assert desktop.drawn(menu, len(desktop.labels()))
            desktop.close_menu()
        desktop.open_menu("reachable")  # and if a left click does nothing, it does no harm either
        desktop.close_menu()

        engine.kill()
        desktop.find("unreachable")


def test_marks_submenus_and_a_switch(desktop: Desktop, dockerd: Engines) -> None:
    """The profile that is used has the mark and no other; a click on another one switches; submenus open and work."""
    engine = dockerd()
    engine.load_busybox("busybox:1.35")
    desktop.trayd.profile("office", f"host: {engine.unix_url}\n")
    desktop.trayd.profile("old", REFUSED)
    desktop.trayd.profile("production", f"{REFUSED}protected: true\n")
    with desktop:
        assert desktop.trayd.say("use", "office").returncode == 0
        desktop.start_panel("Images (1)", "old  ✖  stopped")
        menu = desktop.open_menu("reachable")
        rows = dict(zip(desktop.labels(), desktop.drawn(menu, len(desktop.labels())), strict=True))

        def mark(label: str) -> Image.Image:
            return desktop.screen.look().crop((menu[0] + 2, rows[label] - 10, menu[0] + 26, rows[label] + 10))

        def arrow(label: str) -> bool:
            right = menu[0] + desktop.menus(1)[0][2]  # LXQt's menu is as wide as its texts
            dark, bright = (
                desktop.screen.look().convert("L").crop((right - 24, rows[label] - 8, right - 4, rows[label] + 8))
            ).getextrema()
            return bright - dark > 60

        used, other = "office  ●  reachable", "old  ✖  stopped"
        protected = "production  ✖  stopped  (protected)"
        assert differ(mark(used), mark(other))
        assert not differ(mark(other), mark(protected))
        assert [label for label in rows if arrow(label)] == [
            protected,
            "Copy environment",
            "Images (1)",
            "Settings",
            "About",
        ]

        below = desktop.hover(menu[0] + 80, rows["Copy environment"], 2)
        desktop.hover(below[0] + 40, below[1] + 14, 2)
        desktop.drawn(below, len([e for e in desktop.host.entry("Copy environment").children if not e.separator]))
        desktop.keep("menu", desktop.around(desktop.find("reachable")), menu, below)
        desktop.hover(menu[0] + 80, rows[other], 1)
        desktop.screen.click_at(menu[0] + 80, rows[other])
        desktop.find("unreachable")
        wait_until(lambda: desktop.host.tooltip()[0].startswith("old"), 20, "the switch")

        # The question before a protected profile is a submenu.
        menu = desktop.open_menu("unreachable")
        rows = dict(zip(desktop.labels(), desktop.drawn(menu, len(desktop.labels())), strict=True))
        below = desktop.hover(menu[0] + 80, rows[protected], 2)
        desktop.hover(below[0] + 30, below[1] + below[3] // 2, 2)
        desktop.screen.click_at(below[0] + 40, below[1] + below[3] // 2)
        wait_until(lambda: desktop.host.tooltip()[0].startswith("production"), 20, "the switch to a protected profile")


def test_an_open_menu_lives_on_while_the_engine_goes_and_comes(desktop: Desktop, dockerd: Engines) -> None:
    """It stays where it is, says at once what is wrong and that all is well again, and a click means what it says."""
    engine = dockerd()
    engine.load_busybox("busybox:1.35")
    desktop.trayd.profile("office", f"host: {engine.unix_url}\n")
    desktop.trayd.profile("old", REFUSED)
    with desktop:
        assert desktop.trayd.say("use", "office").returncode == 0
        desktop.start_panel("Images (1)", "old  ✖  stopped")
        menu = desktop.open_menu("reachable")
        lines = len(desktop.labels())
        desktop.drawn(menu, lines)
        before = desktop.picture(menu)

        engine.kill()
        desktop.wait_for_line("office — not reachable since")
        place = desktop.find("unreachable")
        desktop.away(menu)
        open_ = desktop.menus(1)[0]
        assert open_[:2] == menu[:2]
        assert differ(before, desktop.picture(menu))
        if desktop.panel.grows:
            assert open_[3] > menu[3]
            desktop.drawn(open_, len(desktop.labels()))
        else:
            assert open_ == menu
        desktop.keep("lost", desktop.around(place), open_)

        engine.start()
        desktop.wait_for_line("Images (1)")
        desktop.find("reachable")
        menu = desktop.menus(1)[0]
        assert menu[:2] == open_[:2]
        rows = dict(zip(desktop.labels(), desktop.drawn(menu, lines), strict=True))
        desktop.screen.click_at(menu[0] + 80, rows["old  ✖  stopped"])
        wait_until(lambda: desktop.host.tooltip()[0].startswith("old"), 20, "the switch")
        wait_until(lambda: not desktop.popups(), 20, "the menu to close")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_late_panel_and_one_that_starts_again(desktop: Desktop, how: str) -> None:
    """trayd waits for a panel, and is in the next one too, whether the one before ended or crashed, its menu open."""
    desktop.trayd.profile("old", REFUSED)
    desktop.trayd.profile("older", REFUSED)
    with desktop:
        desktop.panel.start()
        desktop.open_menu("unreachable")
        getattr(desktop.panel, how)()
        wait_until(lambda: not desktop.panel_there(), START, "the end of the panel's watcher")
        desktop.panel.start()
        menu = desktop.open_menu("unreachable")
        rows = dict(zip(desktop.labels(), desktop.drawn(menu, len(desktop.labels())), strict=True))
        desktop.screen.click_at(menu[0] + 80, rows["older  ✖  stopped"])
        wait_until(lambda: desktop.host.tooltip()[0].startswith("older"), 20, "the switch")


def test_names_of_every_kind(desktop: Desktop) -> None:
    """Underscores, markup, emoji, right to left and 64 characters: a line for each, whole, and the click means it."""
    mark = "\N{LEFT-TO-RIGHT MARK}"
    for name in NAMES:
        desktop.trayd.profile(name, REFUSED)
    with desktop:
        desktop.start_panel(*(f"{mark if name[0] == 'م' else ''}{name}  ✖  stopped" for name in NAMES))
        for name in NAMES:
            menu = desktop.open_menu("unreachable")
            labels = desktop.labels()
            rows = desktop.drawn(menu, len(labels))
            desktop.keep("names", menu)
            assert menu[0] >= 0
            assert 500 < menu[2] < 800
            at = next(n for n, label in enumerate(labels) if f"{name}  ✖" in label)
            desktop.screen.click_at(menu[0] + 80, rows[at])
            wait_until(lambda name=name: name in desktop.host.get("Title"), 20, f"the switch to {name}")
