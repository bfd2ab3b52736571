"""The tray icon in XFCE's real panel on a real X screen: seen, opened, clicked, changed and lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw

from tests.harness.desktop import PrivateBus, Screen, XfcePanel, end
from tests.harness.host import Peer, running
from tests.harness.need import need
from tests.harness.poll import wait_until
from trayd.tray.pystray_import import pystray
from trayd.tray.sni import Icon

pytestmark = pytest.mark.desktop

Menu = pystray.Menu
MAGENTA, GREEN = (255, 0, 255), (0, 200, 60)
Popup = tuple[int, int, int, int]


class Item(pystray.MenuItem):
    """An item with a key, as the facade makes them."""

    def __init__(self, key: str, text: str, action: Any = None, **more: Any) -> None:
        super().__init__(text, action, **more)
        self.key = key


class Desktop:
    """A screen with a panel, and where our icon is on it."""

    def __init__(self, bus: PrivateBus, screen: Screen, panel: XfcePanel) -> None:
        self.bus, self.screen, self.panel = bus, screen, panel
        self.clicked: list[str] = []

    def note(self, name: str) -> Any:
        return lambda: self.clicked.append(name)

    def icon(self, *items: Any, title: str = "office\nreachable since 14:02") -> Icon:
        return Icon("trayd", disc(MAGENTA), title, Menu(*items))

    def find(self, colour: tuple[int, int, int] = MAGENTA) -> tuple[int, int]:
        place = wait_until(lambda: self.screen.find_colour(*colour), 20, "the icon in the panel")
        assert place is not None
        return place

    def open_menu(self, button: int = 1) -> Popup:
        self.screen.click_at(*self.find(), button)
        return self.popup(1)

    def popup(self, number: int) -> Popup:
        """The newest of so many popups, once its size does not change any more."""

        def settled() -> list[Popup]:
            first, second = self.screen.popups(), self.screen.popups()
            return first if len(first) == number and first == second else []

        return wait_until(settled, what=f"{number} menus on the screen")[0]

    def picture(self, popup: Popup) -> Image.Image:
        x, y, width, height = popup
        return self.screen.look().crop((x, y, x + width, y + height))


def disc(colour: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(picture).ellipse((2, 2, 61, 61), fill=(*colour, 255))
    return picture


def differ(one: Image.Image, other: Image.Image) -> bool:
    return one.size != other.size or ImageChops.difference(one, other).getbbox() is not None


@pytest.fixture(params=["light"])
def desktop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    bus = PrivateBus(services=True)
    with bus, Screen() as screen, XfcePanel(bus, screen, dark=request.param == "dark") as panel:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        yield Desktop(bus, screen, panel)


@pytest.mark.parametrize("desktop", ["light", "dark"], indirect=True)
def test_the_icon_is_seen_in_the_panel_and_changes(desktop: Desktop, tmp_path: Path) -> None:
    """It is at the right end of the panel, whatever its colours, and a new picture replaces the old one."""
    with running(desktop.icon(Item("a", "one"))) as icon:
        x, y = desktop.find()
        assert x > 950
        assert y < 32
        wait_until(lambda: icon.host_present, what="the word that there is a tray")
        desktop.screen.screenshot(tmp_path / "icon.png")
        icon.icon = disc(GREEN)
        desktop.find(GREEN)
        assert desktop.screen.find_colour(*MAGENTA) is None


@pytest.mark.parametrize("button", [1, 3])
def test_a_click_opens_the_menu_and_an_item_is_clicked(desktop: Desktop, button: int, tmp_path: Path) -> None:
    """Left and right button open our menu right at the panel, with marks and a submenu; items work by mouse and key."""
    opened: list[str] = []
    with running(
        desktop.icon(
            Item("a", "my_office", desktop.note("office"), checked=lambda _: True, radio=True),
            Item("b", "home", desktop.note("home"), checked=lambda _: False, radio=True),
            Menu.SEPARATOR,
            Item("s", "More", Menu(Item("x", "Deep inside", desktop.note("deep")))),
            Item("g", "Greyed", desktop.note("greyed"), enabled=False),
        )
    ) as icon:
        icon.on_open = lambda: opened.append("open")
        x, y, width, height = desktop.open_menu(button)
        wait_until(lambda: opened, what="the word that the menu opens")
        assert y == 32
        assert x + width == 1024
        assert height > 100
        desktop.screen.screenshot(tmp_path / "menu.png")
        desktop.screen.click_at(x + 60, y + 18)
        wait_until(lambda: desktop.clicked == ["office"], what="the click by mouse")

        desktop.open_menu(button)
        desktop.screen.key("Down", "Down", "Down", "Right")
        desktop.popup(2)
        desktop.screen.screenshot(tmp_path / "submenu.png")
        desktop.screen.key("Return")
        wait_until(lambda: desktop.clicked == ["office", "deep"], what="the choice in the submenu by keys")
        wait_until(lambda: not desktop.screen.popups(), what="the menu to close")


def test_a_label_changes_while_the_menu_is_open(desktop: Desktop, tmp_path: Path) -> None:
    """The open menu shows the new text and mark at once, stays open, and a click means the same item."""

    def menu(text: str, on: bool) -> Any:
        return Menu(Item("a", text, desktop.note(f"first as {text}"), checked=lambda _: on), Item("b", "second"))

    with running(desktop.icon()) as icon:
        icon.menu = menu("office: connecting", False)
        popup = desktop.open_menu()
        before = desktop.picture(popup)
        desktop.screen.screenshot(tmp_path / "before.png")
        icon.menu = menu("office: reachable!", True)
        wait_until(lambda: differ(before, desktop.picture(desktop.popup(1))), what="the new label in the open menu")
        desktop.screen.screenshot(tmp_path / "after.png")
        x, y, _, _ = desktop.popup(1)
        desktop.screen.click_at(x + 60, y + 18)
        wait_until(lambda: desktop.clicked == ["first as office: reachable!"], what="the click")


def test_an_item_appears_while_the_menu_is_open(desktop: Desktop, tmp_path: Path) -> None:
    """GTK does not enlarge an open menu but lets it scroll; the next opening shows all, in its place."""
    items = [Item(name, name * 8, desktop.note(name)) for name in "abcdef"]
    with running(desktop.icon(*items)) as icon:
        popup = desktop.open_menu()
        before = desktop.picture(popup)
        icon.menu = Menu(*items[:2], Item("new", "new", desktop.note("new")), *items[2:])
        wait_until(lambda: differ(before, desktop.picture(popup)), what="the change in the open menu")
        desktop.screen.screenshot(tmp_path / "open.png")
        desktop.screen.key("Escape")
        wait_until(lambda: not desktop.screen.popups(), what="the menu to close")
        x, y, _, height = desktop.open_menu()
        assert height > popup[3]
        desktop.screen.screenshot(tmp_path / "grown.png")
        desktop.screen.click_at(x + 60, y + 68)
        wait_until(lambda: desktop.clicked == ["new"], what="the click on the new item")


def test_a_hidden_icon_leaves_the_panel_and_comes_back(desktop: Desktop) -> None:
    """`visible` hides and shows."""
    with running(desktop.icon(Item("a", "one"))) as icon:
        desktop.find()
        icon.visible = False
        wait_until(lambda: desktop.screen.find_colour(*MAGENTA) is None, what="the icon to go")
        icon.visible = True
        desktop.find()


def test_the_middle_button_does_its_own_thing(desktop: Desktop) -> None:
    """SecondaryActivate arrives, and no menu opens."""
    with running(desktop.icon(Item("a", "one"))) as icon:
        icon.on_secondary = desktop.note("middle")
        desktop.screen.click_at(*desktop.find(), 2)
        wait_until(lambda: desktop.clicked == ["middle"])
        assert desktop.screen.popups() == []


def test_a_left_click_runs_the_default_item(desktop: Desktop) -> None:
    """With a default item the left button does it, and the right one still opens the menu."""
    with running(desktop.icon(Item("a", "one"), Item("d", "default", desktop.note("default"), default=True))):
        desktop.screen.click_at(*desktop.find())
        wait_until(lambda: desktop.clicked == ["default"])
        desktop.open_menu(3)


def test_the_tooltip_shows_any_text(desktop: Desktop, tmp_path: Path) -> None:
    """Characters of markup in a name do not empty the tooltip."""
    with running(desktop.icon(Item("a", "one"), title="<office> & co\nreachable <since> 14:02\n3 & 1 stopped")):
        desktop.screen.move_to(*desktop.find())
        _, _, width, height = desktop.popup(1)
        desktop.screen.screenshot(tmp_path / "tooltip.png")
        assert width > 150
        assert height > 60


def test_the_icon_comes_back_after_the_panel_was_restarted(desktop: Desktop) -> None:
    """`xfce4-panel -r`, a crash or a new login of the panel lose nothing."""
    with running(desktop.icon(Item("a", "one", desktop.note("one")))) as icon:
        desktop.find()
        desktop.panel.stop()
        wait_until(lambda: not icon.host_present, what="the panel's end to be noticed")
        desktop.panel.start()
        x, y, _, _ = desktop.open_menu()
        desktop.screen.click_at(x + 40, y + 18)
        wait_until(lambda: desktop.clicked == ["one"])
        assert icon.host_present


def test_notifications_are_shown_by_dunst(desktop: Desktop, tmp_path: Path) -> None:
    """A real notification server shows ours with picture and plain text, replaces it, and takes it away."""
    need("dunst", "sudo apt-get install --no-install-recommends dunst")
    dunst = desktop.bus.run("dunst", DISPLAY=desktop.screen.display)
    try:
        with running(desktop.icon(Item("a", "one"))) as icon:
            desktop.find()
            with Peer(desktop.bus.address) as peer:
                wait_until(lambda: peer.has_owner("org.freedesktop.Notifications"), what="dunst")
            icon.notify("<b>connection refused</b> & more\nnext step", "office <is> gone")
            before = desktop.picture(desktop.popup(1))
            desktop.screen.screenshot(tmp_path / "notification.png")
            icon.notify("reachable again", "office")
            wait_until(lambda: differ(before, desktop.picture(desktop.popup(1))), what="the newer notification")
            icon.remove_notification()
            wait_until(lambda: not desktop.screen.popups(), what="the notification to go")
    finally:
        end(dunst)


def test_the_icon_leaves_the_panel_when_the_program_ends(desktop: Desktop) -> None:
    """Nothing stays behind in the panel."""
    with running(desktop.icon(Item("a", "one"))):
        desktop.find()
    wait_until(lambda: desktop.screen.find_colour(*MAGENTA) is None, what="the icon to go")
