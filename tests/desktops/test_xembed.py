"""The icon in real trays of the old kind (trayer, i3, polybar, tint2): seen, opened, used, lost and found."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageColor

from tests.harness.desktop import Screen
from tests.harness.need import need
from tests.harness.poll import wait_until
from tests.harness.trays import GROUND, I3, Polybar, SeeThroughI3, Tint2, Tray, Trayer
from trayd.core.messages import MenuOpened
from trayd.core.value import replace
from trayd.core.view import IconSpec, Item, Mark, View
from trayd.tray import xembed_menu
from trayd.tray.artwork import colour
from trayd.tray.fonts import Fonts
from trayd.tray.menu_layout import DARK, FONT, LIGHT, Look, Sheet
from trayd.tray.xembed import XembedIcon

pytestmark = pytest.mark.desktop

MOMENT = 0.5  # how long a thing that must not happen is watched
Popup = tuple[int, int, int, int]
SUBMENU = (
    Item("one", "One", "one"),
    Item("two", "Two", "two"),
    Item("deep", "Deeper", children=(Item("deepest", "Deepest", "deepest"),)),
)
MENU = (
    Item("head", "office — reachable since 14:02"),
    Item("check", "Check again", "check"),
    Item("line a"),
    Item("office", "office", "use office", Mark.RADIO, True),
    Item("lab", "lab_name & <b>", "use lab", Mark.RADIO),
    Item("line b"),
    Item("more", "More", children=SUBMENU),
    Item("quit", "Quit", "quit"),
)
VIEW = View(IconSpec("reachable"), "office — reachable\nunix:///run/x.sock", MENU, "middle")


def colour_of(state: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour(IconSpec(state))[1:])
    return red, green, blue


class Desktop:
    """A screen with a tray, our icon in it, and what it posted."""

    def __init__(self, screen: Screen, tray: Tray, pictures: Path) -> None:
        self.screen, self.tray, self.pictures = screen, tray, pictures
        self.posted: list[object] = []
        self.docked: list[bool] = []
        self.icon = XembedIcon(VIEW, self.posted.append, self.docked.append)

    def find(self, state: str = "reachable") -> tuple[int, int]:
        place = wait_until(lambda: self.screen.find_colour(*colour_of(state), tolerance=3), 20, "the icon in the tray")
        assert place is not None
        return place

    def open_menu(self, button: int = 1) -> Popup:
        self.screen.click_at(*self.find(), button)
        return self.popups(1)[-1]

    def popups(self, number: int) -> list[Popup]:
        """So many popups of ours, the outermost first, once they do not move any more."""

        def settled() -> list[Popup]:
            first, second = self._menus(), self._menus()
            return first if len(first) == number and first == second else []

        return wait_until(settled, what=f"{number} menus on the screen")[::-1]

    def _menus(self) -> list[Popup]:
        # trayer's and i3's own windows have no other window manager than themselves, or none: they are no popups.
        return [box for box in self.screen.popups() if box[2] > 60 and box[3] > 30 and box[2] < 1000]

    def closed(self) -> None:
        wait_until(lambda: not self._menus(), what="all menus to close")

    def point_at(self, popup: Popup, key: str, items: tuple[Item, ...] = MENU) -> tuple[int, int]:
        """Where an item of a menu that is not scrolled is on the screen."""
        row = Sheet(items, LOOK, 1000).row(key)
        assert row is not None
        return popup[0] + 40, popup[1] + 1 + row.top + row.height // 2

    def picture(self, popup: Popup) -> Image.Image:
        x, y, width, height = popup
        return self.screen.look().crop((x, y, x + width, y + height))

    def shot(self, name: str) -> None:
        self.screen.screenshot(self.pictures / f"{name}.png")

    def wait_for(self, *posted: object) -> None:
        wait_until(
            lambda: [each for each in self.posted if each != MenuOpened()] == list(posted),
            what=f"{posted} to be posted",
        )


LOOK = Look(LIGHT, Fonts(FONT), 1.0)


@pytest.fixture(params=[Trayer])
def desktop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Desktop]:
    home = tmp_path / "tray"
    home.mkdir()
    monkeypatch.delenv("GDK_SCALE", raising=False)
    with Screen() as screen, request.param(screen, home) as tray:
        monkeypatch.setenv("DISPLAY", screen.display)
        with in_tray(screen, tray, tmp_path) as one:
            yield one


@contextmanager
def in_tray(screen: Screen, tray: Tray, pictures: Path) -> Iterator[Desktop]:
    """Our icon in a tray; its thread has ended afterwards."""
    one = Desktop(screen, tray, pictures)
    try:
        yield one
    finally:
        one.icon.stop()
        one.icon.join(10)
        assert "xembed" not in {thread.name for thread in threading.enumerate()}


@pytest.fixture
def screen_of() -> Iterator[Callable[..., Screen]]:
    """Makes screens of any kind."""
    with ExitStack() as screens:
        yield lambda **options: screens.enter_context(Screen(**options))


both = pytest.mark.parametrize("desktop", [Trayer, I3], indirect=True)
every = pytest.mark.parametrize("desktop", [Trayer, I3, Polybar, Tint2], indirect=True)


@pytest.mark.parametrize("desktop", [Trayer, I3, SeeThroughI3, Polybar, Tint2], indirect=True)
def test_the_icon_is_seen_on_the_panels_own_colour(desktop: Desktop) -> None:
    """Its corners and holes show the panel, in trays with and without an alpha channel, and a new state is drawn."""
    for state in ("reachable", "unreachable", "sleeping"):
        desktop.icon.show(replace(VIEW, icon=IconSpec(state)))
        x, y = desktop.find(state)
        whole = wait_until(
            lambda x=x, y=y: hold(desktop.screen.look().crop((x - 8, y - 8, x + 8, y + 8))), what="the whole icon"
        )
        desktop.shot(state)
        colours = {colour for _, colour in whole.getcolors(500) or ()}
        assert any(near(colour, GROUND) for colour in colours)
        # Nothing but the two colours and what lies between them: no black or grey square around it. tint2 without a
        # compositor multiplies the colours of half transparent edges by their alpha once more.
        far = 30 if isinstance(desktop.tray, Tint2) else 6
        assert all(between(colour, colour_of(state), GROUND, far) for colour in colours), colours
    assert desktop.docked == [True]


def test_a_panel_that_one_can_see_through_shows_no_square(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, screen_of: Callable[..., Screen]
) -> None:
    """Where the icon is transparent its window has the panel's own pixels, alpha and all."""
    screen = screen_of()
    monkeypatch.setenv("DISPLAY", screen.display)
    with SeeThroughI3(screen, tmp_path, alpha=128) as tray, in_tray(screen, tray, tmp_path) as desktop:
        x, y = desktop.find()
        picture = screen.look()
        # Without a compositor, the screen shows the colours as they are stored: darkened by their alpha.
        bar = picture.getpixel((x - 200, y))
        assert near(bar, tuple(value * 128 // 255 for value in GROUND))
        colours = sorted(picture.crop((x - 8, y - 8, x + 8, y + 8)).getcolors(500) or (), reverse=True)
        assert any(near(colour, bar, 1) for _, colour in colours[:2])


def hold(picture: Image.Image) -> Image.Image | None:
    """The picture, once the tray around the icon has its colour."""
    return picture if any(near(colour, GROUND) for _, colour in picture.getcolors(500) or ()) else None


def near(one: Any, other: tuple[int, int, int], far: int = 6) -> bool:
    return all(abs(a - b) <= far for a, b in zip(one, other, strict=True))


def between(one: Any, first: tuple[int, int, int], second: tuple[int, int, int], far: int) -> bool:
    return all(min(a, b) - far <= c <= max(a, b) + far for c, a, b in zip(one, first, second, strict=True))


@every
@pytest.mark.parametrize("button", [1, 3])
def test_a_click_opens_the_menu_beside_the_panel_and_an_item_is_clicked(desktop: Desktop, button: int) -> None:
    """Left and right button open it at the panel's edge, wholly on the screen, and tell so; a click posts its value."""
    x, y, width, height = popup = desktop.open_menu(button)
    assert MenuOpened() in desktop.posted
    assert x + width <= 1024
    _, icon_y = desktop.find()
    assert y + height <= icon_y or y >= icon_y + 8
    assert abs((y if y > icon_y else y + height) - icon_y) <= 20
    desktop.shot("menu")
    desktop.screen.click_at(*desktop.point_at(popup, "head"))  # greyed: nothing happens
    desktop.screen.click_at(*desktop.point_at(popup, "line a"))
    desktop.screen.click_at(*desktop.point_at(popup, "lab"))
    desktop.wait_for("use lab")
    desktop.closed()


@both
def test_keys_choose(desktop: Desktop) -> None:
    """Arrows skip what cannot be chosen and go round, Home and End jump, a letter searches, Return chooses."""
    desktop.open_menu()
    desktop.screen.key("Down", "Down", "Down", "Return")
    desktop.wait_for("use lab")
    desktop.closed()
    desktop.open_menu()
    desktop.screen.key("Up", "Return")
    desktop.wait_for("use lab", "quit")
    desktop.open_menu()
    desktop.screen.key("End", "Home", "Return")
    desktop.wait_for("use lab", "quit", "check")
    desktop.open_menu()
    desktop.screen.key("o", "KP_Enter")
    desktop.wait_for("use lab", "quit", "check", "use office")


def test_another_keyboard_layout(desktop: Desktop) -> None:
    """A layout that was changed since trayd started counts: on a German keyboard, y and z have changed places."""
    desktop.icon.show(replace(VIEW, menu=(Item("z", "zebra", "zebra"), Item("y", "yes", "yes"))))
    desktop.open_menu()
    desktop.screen.key("y", "Return")
    desktop.wait_for("yes")
    desktop.screen._do("setxkbmap", "de")
    desktop.open_menu()
    desktop.screen.key("y", "Return")
    desktop.wait_for("yes", "yes")


@both
def test_a_submenu_by_keys(desktop: Desktop) -> None:
    """Right opens it, Left and Escape close it alone, and a submenu of a submenu works too."""
    desktop.open_menu()
    desktop.screen.key("m", "Right")
    desktop.popups(2)
    desktop.screen.key("Up", "Right")
    desktop.popups(3)
    desktop.shot("submenus")
    desktop.screen.key("Left")
    desktop.popups(2)
    desktop.screen.key("Right", "Escape", "Up", "Return")
    desktop.wait_for("two")
    desktop.closed()


def test_a_submenu_by_mouse(desktop: Desktop) -> None:
    """It opens when the pointer rests on its item, beside it, and closes when another item is pointed at."""
    popup = desktop.open_menu()
    desktop.screen.move_to(*desktop.point_at(popup, "more"))
    _, inner = desktop.popups(2)
    assert inner[0] + inner[2] <= popup[0] + 1  # the menu stands at the right edge: no room there
    desktop.screen.move_to(*desktop.point_at(popup, "office"))
    desktop.popups(1)
    desktop.screen.click_at(*desktop.point_at(popup, "more"))
    _, inner = desktop.popups(2)
    desktop.screen.move_to(*desktop.point_at(inner, "deep", SUBMENU))
    _, _, deepest = desktop.popups(3)
    desktop.shot("submenus")
    desktop.screen.click_at(*desktop.point_at(deepest, "deepest", SUBMENU[2].children))
    desktop.wait_for("deepest")
    desktop.closed()


@both
def test_escape_and_clicks_elsewhere_close_it(desktop: Desktop) -> None:
    """Nothing is chosen by Escape, by a click outside or by a second click on the icon; the next click opens again."""
    desktop.open_menu()
    desktop.screen.key("Down", "Escape")
    desktop.closed()
    desktop.open_menu()
    desktop.screen.click_at(200, 400)
    desktop.closed()
    desktop.open_menu()
    desktop.screen.click_at(*desktop.find())
    desktop.closed()
    desktop.open_menu()
    desktop.screen.key("Escape")
    desktop.closed()
    desktop.wait_for()


def test_a_button_held_from_the_icon_to_an_item_chooses_it(desktop: Desktop) -> None:
    """As in other menus: press, drag, let go."""
    desktop.screen.move_to(*desktop.find())
    desktop.screen._do("xdotool", "mousedown", "1")
    (popup,) = desktop.popups(1)
    x, y = desktop.point_at(popup, "check")
    desktop.screen._do("xdotool", "sleep", "0.5", "mousemove", str(x), str(y), "sleep", "0.1", "mouseup", "1")
    desktop.wait_for("check")
    desktop.closed()


LONG = tuple(Item(f"p {number}", f"machine {number:03}", f"use {number}") for number in range(100))


@both
def test_a_list_longer_than_the_screen_scrolls(desktop: Desktop) -> None:
    """By keys, by the wheel, and while the pointer rests on the strip at its end; it never leaves the screen."""
    desktop.icon.show(replace(VIEW, menu=LONG))
    popup = desktop.open_menu()
    x, y, _, height = popup
    assert y >= 0
    assert y + height <= 768
    before = desktop.picture(popup)
    desktop.shot("long")
    desktop.screen.key("End")
    wait_until(lambda: differ(before, desktop.picture(popup)), what="the end of the list")
    desktop.shot("end")
    desktop.screen.key("Return")
    desktop.wait_for("use 99")

    desktop.open_menu()
    desktop.screen.move_to(x + 40, y + 100)
    desktop.screen._do("xdotool", "click", "--repeat", "60", "--delay", "5", "5")
    # The last line stands above the lower strip.
    desktop.screen.click_at(x + 40, y + height - 1 - 14 - 4 - LOOK.fonts.height // 2 - 4)
    desktop.wait_for("use 99", "use 99")

    desktop.open_menu()
    before = desktop.picture(popup)
    desktop.screen.move_to(x + 40, y + height - 6)
    wait_until(lambda: differ(before, desktop.picture(popup)), what="the list to move")
    desktop.screen.key("Escape")
    desktop.closed()


def differ(one: Image.Image, other: Image.Image) -> bool:
    return one.size != other.size or ImageChops.difference(one, other).getbbox() is not None


@both
def test_an_open_menu_lives_on(desktop: Desktop) -> None:
    """Text, radio and tooltip change in place while a submenu is open; a click means what stands there now."""
    popup = desktop.open_menu()
    desktop.screen.key("m", "Right")
    outer, inner = desktop.popups(2)
    before = desktop.picture(outer)
    other = tuple(replace(item, checked=not item.checked) if item.mark is Mark.RADIO else item for item in MENU)
    other = (replace(MENU[0], label="office — slow"), *other[1:])
    desktop.icon.show(replace(VIEW, menu=other, tooltip="other"))
    wait_until(lambda: differ(before, desktop.picture(outer)), what="the new text in the open menu")
    assert desktop.popups(2) == [popup, inner]
    desktop.shot("changed")
    # Now the submenu's own items change, and then the item it belongs to goes.
    children = (Item("one", "Another One", "another one"), Item("two", "Two", "two"))
    changed = tuple(replace(item, children=children) if item.key == "more" else item for item in MENU)
    desktop.icon.show(replace(VIEW, menu=changed))
    wait_until(lambda: desktop.popups(2)[1] != inner, what="the submenu with an item less")
    desktop.screen.key("Return")
    desktop.wait_for("another one")
    desktop.closed()

    desktop.open_menu()
    desktop.screen.key("m", "Right")
    desktop.popups(2)
    desktop.icon.show(replace(VIEW, menu=tuple(item for item in changed if item.key != "more")))
    desktop.popups(1)
    desktop.screen.key("Escape")
    desktop.closed()


def test_a_click_just_after_the_lines_moved_is_not_taken(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever aimed at a line that gave way to another chooses neither; a moment later a click is a click."""
    popup = desktop.open_menu()
    place = desktop.point_at(popup, "check")
    monkeypatch.setattr(xembed_menu, "SHIFT_SECONDS", 3600)
    desktop.icon.show(replace(VIEW, menu=(MENU[0], Item("danger", "Danger", "danger"), *MENU[1:])))
    (grown,) = wait_until(lambda: [box for box in desktop.popups(1) if box != popup], what="the new line")
    assert grown[:2] == popup[:2]
    desktop.screen.click_at(*place)
    desktop.popups(1)
    monkeypatch.setattr(xembed_menu, "SHIFT_SECONDS", 0)
    desktop.screen.click_at(*place)
    desktop.wait_for("danger")


@every
def test_the_icon_comes_back_when_the_tray_does(desktop: Desktop) -> None:
    """A tray that was killed with the menu open, or ended in peace, gets the icon again as soon as it is back."""
    for end in (desktop.tray.kill, desktop.tray.stop):
        desktop.open_menu()
        end()
        wait_until(lambda: desktop.docked[-1] is False, what="the end of the tray to be noticed")
        wait_until(lambda: desktop.screen.find_colour(*colour_of("reachable"), 3) is None, what="the icon to go")
        desktop.closed()
        desktop.tray.start()
        desktop.open_menu()
        desktop.screen.key("Escape")
        desktop.closed()
        assert desktop.docked[-1] is True


def test_the_middle_button_and_the_tooltip(desktop: Desktop) -> None:
    """The middle button posts its own command; a pointer that rests on the icon gets the tooltip, which is live."""
    x, y = desktop.find()
    desktop.screen.click_at(x, y, 2)
    desktop.wait_for("middle")
    desktop.screen.move_to(500, 500)
    desktop.screen.move_to(x, y)
    (tip,) = desktop.popups(1)
    desktop.shot("tooltip")
    desktop.icon.show(replace(VIEW, tooltip="office — not reachable at all since 14:02\nunix:///run/x.sock\nthree"))
    (longer,) = wait_until(lambda: [box for box in desktop.popups(1) if box != tip], what="the new tooltip")
    assert longer[2] > tip[2]
    assert longer[3] > tip[3]
    desktop.screen.move_to(500, 500)
    desktop.closed()


def test_a_closed_menu_leaves_no_tooltip(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pointer still stands on the icon when the menu closes, but it was not moved there to ask anything."""
    monkeypatch.setattr(xembed_menu, "TOOLTIP_SECONDS", 0.01)
    desktop.open_menu()
    desktop.screen.key("Escape")
    desktop.closed()
    end = time.monotonic() + MOMENT
    wait_until(lambda: desktop._menus() or time.monotonic() > end)
    assert desktop._menus() == []


def test_the_icon_survives_the_x_server(desktop: Desktop) -> None:
    """With the server the icon goes, nothing else; on the next one with a tray it is there again."""
    desktop.open_menu()
    desktop.screen.kill()
    wait_until(lambda: desktop.docked[-1] is False, what="the end of the server to be noticed")
    wait_until(lambda: not desktop.icon.reachable, what="the first vain attempt")
    desktop.tray.stop()
    desktop.screen.start()
    desktop.tray.start()
    wait_until(lambda: desktop.docked[-1], 20, "the icon in the new server's tray")
    desktop.find()


@pytest.mark.parametrize("bits", [16, 30])
def test_screens_with_other_colours(
    bits: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, screen_of: Callable[..., Screen]
) -> None:
    """On a screen of 5, 6 and 5 bits (VNC) or of 10 bits for each colour, icon and menu have their colours too."""
    screen = screen_of(bits=bits)
    monkeypatch.setenv("DISPLAY", screen.display)
    with Trayer(screen, tmp_path) as tray, in_tray(screen, tray, tmp_path) as desktop:
        x, y = wait_until(lambda: screen.find_colour(*colour_of("reachable"), tolerance=8), 20, "the icon") or (0, 0)
        screen.click_at(x, y)
        picture = desktop.picture(desktop.popups(1)[0])
        colours = sorted(picture.getcolors(10**6) or (), reverse=True)
        assert near(colours[0][1], ImageColor.getrgb(DARK.ground), 8)  # the tray is dark
        screen.key("Down")
        wait_until(
            lambda: screen.find_colour(*ImageColor.getrgb(DARK.chosen)[:3], tolerance=5), what="the selected line"
        )
        screen.key("Return")
        desktop.wait_for("check")


@pytest.mark.parametrize(("variable", "resource"), [("2", ""), ("1", "Xft.dpi:\t192\n")])
def test_a_screen_of_twice_the_resolution(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch, variable: str, resource: str
) -> None:
    """GDK_SCALE or the desktop's Xft.dpi double the menu, also while trayd runs."""
    _, _, width, height = desktop.open_menu()
    desktop.screen.key("Escape")
    desktop.closed()
    monkeypatch.setenv("GDK_SCALE", variable)
    if resource:
        name = "RESOURCE_MANAGER"
        desktop.screen._do("xprop", "-root", "-format", name, "8s", "-set", name, f"*x: y\n{resource}*z: 1\n")
    _, _, twice, high = desktop.open_menu()
    assert abs(twice - 2 * width) <= 6
    assert abs(high - 2 * height) <= 12
    desktop.shot("twice")


def test_the_menu_is_as_light_as_the_panel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, screen_of: Any) -> None:
    """A light panel has a light menu, a dark one a dark menu, and so has the tooltip."""
    for number, (ground, theme) in enumerate((((240, 240, 240), LIGHT), ((30, 30, 30), DARK))):
        home = tmp_path / str(number)
        home.mkdir()
        screen = screen_of()
        monkeypatch.setenv("DISPLAY", screen.display)
        with I3(screen, home, ground) as tray, in_tray(screen, tray, home) as desktop:
            picture = desktop.picture(desktop.open_menu())
            colours = sorted(picture.getcolors(10**6) or (), reverse=True)
            assert colours[0][1] == ImageColor.getrgb(theme.ground)


def test_the_menu_stays_on_its_panels_monitor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, screen_of: Callable[..., Screen]
) -> None:
    """With a second monitor beside the panel's, menu and submenu do not reach over to it."""
    need("xrandr", "sudo apt-get install --no-install-recommends x11-xserver-utils")
    screen = screen_of(width=2048)
    monkeypatch.setenv("DISPLAY", screen.display)
    with in_tray(screen, Trayer(screen, tmp_path, "--monitor 0"), tmp_path) as desktop:
        # Told when our icon is connected: a server without clients forgets it.
        wait_until(lambda: desktop.icon.connected, what="the connection to the server")
        for name, left, output in (("left", 0, "screen"), ("right", 1024, "none")):
            screen._do("xrandr", "--setmonitor", name, f"1024/270x768/200+{left}+0", output)
        with desktop.tray:
            x, _, width, _ = desktop.open_menu()
            assert 990 < desktop.find()[0] < 1024
            assert x + width == 1024
            screen.key("m", "Right")
            outer, inner = desktop.popups(2)
            assert inner[0] + inner[2] == outer[0]
