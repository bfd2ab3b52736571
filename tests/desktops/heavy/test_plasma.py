"""trayd in KDE Plasma: its panel, menus, tooltips and notifications, read as a screen reader does and looked at."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageColor

from tests.harness.ask import free_port
from tests.harness.dockerd import Dockerd
from tests.harness.need import need
from tests.harness.plasma import NOTIFICATION, PANEL, POPUP, SHELL, TOOLTIP, Plasma, Window
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from tests.harness.responder import Responder, engine
from tests.harness.screen_reader import Part
from trayd.core.view import IconSpec, Theme
from trayd.tray import artwork

pytestmark = [pytest.mark.desktop, pytest.mark.heavy, pytest.mark.timeout(180)]

# Names that a toolkit may take for something else, or that need another font or direction; the longest has 64 letters.
ODD = ("my_office__2", "R&D && more", "<b>bold<i>", "🚀 rocket", "مكتب القاهرة", "%s {name}", "w" * 64)


class Desktop:
    """A session of Plasma, and a person in front of it."""

    def __init__(self, plasma: Plasma) -> None:
        self.plasma = plasma
        self.trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=plasma.bus.address, DISPLAY=plasma.screen.display)

    def keep(self, name: str, *windows: Window) -> None:
        """Keep a picture of the windows with the icon, if the person who runs the tests wants them."""
        if folder := os.environ.get("TRAYD_SCREENSHOTS"):
            shown, windows = self.plasma.screen.look(), (*windows, Window(780, 724, 244, 44))
            left, top = min(window.x for window in windows) - 8, min(window.y for window in windows) - 8
            part = shown.crop((max(left, 0), top, *shown.size)).quantize(128, dither=Image.Dither.NONE)
            part.save(Path(folder, f"plasma-{name}.png"), optimize=True)

    def icon(self, beginning: str) -> Part:
        """Our icon in the panel, by what a screen reader reads there."""

        return wait_until(lambda: self.icons(beginning), 60, f"an icon in the panel that says {beginning!r}", 0.2)[0]

    def icons(self, beginning: str) -> list[Part]:
        """What stands in the panel with these words now."""
        return [
            found
            for panel in self.plasma.windows(PANEL)
            for window in self.plasma.reader.windows(SHELL, panel[:4])
            if (found := window.find(beginning, "push button"))
        ]

    def shows(self, beginning: str, state: str, theme: Theme = Theme.COLOUR) -> Part:
        """The icon in the panel, once it has the words and the colour of its state."""
        colour = ImageColor.getrgb(artwork.colour(IconSpec(state, theme=theme)))[:3]

        def look() -> Part | None:
            icon = self.icon(beginning)
            seen = self.plasma.picture(Window(icon.x, icon.y, icon.width, icon.height))
            return icon if near(seen, colour) > 30 else None

        found = wait_until(look, 30, f"{colour}, the colour of {state}, in the panel", every=0.2)
        assert found
        return found

    def open_menu(self, beginning: str, button: int = 1) -> Part:
        self.plasma.click(*self.icon(beginning).middle, button)
        return self.plasma.read(POPUP)

    def menu(self, label: str, number: int = 1, seconds: float = 30) -> Part:
        """An item of the newest open menu, waited for."""

        def look() -> Part | None:
            return self.plasma.read(POPUP, number).find(label)

        found = wait_until(look, seconds, f"{label!r} in the open menu", every=0.2)
        assert found
        return found

    def notification(self, title: str, state: str) -> Part:
        """The one notification on the screen, once it has this title and the picture of a state."""
        colour = ImageColor.getrgb(artwork.colour(IconSpec(state)))[:3]

        def look() -> Part | None:
            told = self.plasma.read(NOTIFICATION)
            seen = self.plasma.picture(self.plasma.one(NOTIFICATION))
            return told if title in told.texts and near(seen, colour) > 200 else None

        found = wait_until(look, 60, f"a notification {title!r} in {colour}", every=0.2)
        assert found
        return found

    def open_submenu(self, label: str, number: int) -> Window:
        """Point at an item of the newest menu: its submenu, the so many-th menu, opens beside it on the screen."""
        item = self.menu(label, number - 1)
        self.plasma.hover(*item.middle)
        opened = self.plasma.one(POPUP, number)
        assert whole(opened), opened
        assert min(abs(opened.right - item.x), abs(opened.x - item.x - item.width)) < 10, (opened, item)
        return opened

    def close_menus(self) -> None:
        for _ in self.plasma.windows(POPUP):
            self.plasma.screen.key("Escape")
        self.plasma.gone(POPUP)
        self.away()

    def away(self) -> None:
        """The pointer goes off the icon, which has a tooltip and shines under it."""
        self.plasma.hover(300, 300)

    def clipboard(self) -> str:
        line = ["xclip", "-o", "-selection", "clipboard"]
        environ = {**os.environ, "DISPLAY": self.plasma.screen.display}
        return subprocess.run(line, env=environ, capture_output=True, text=True, timeout=20).stdout


def whole(window: Window) -> bool:
    """Whether a window is on the screen as a whole."""
    return window.x >= 0 and window.y >= 0 and window.right <= 1024 and window.bottom <= 768


def near(picture: Image.Image, colour: tuple[int, ...]) -> int:
    """How many pixels have about this colour."""
    return sum(
        count
        for count, pixel in picture.convert("RGB").getcolors(picture.width * picture.height)
        if all(abs(one - other) <= 6 for one, other in zip(pixel, colour, strict=True))
    )


@pytest.fixture(params=["light"])
def desktop(request: pytest.FixtureRequest) -> Iterator[Desktop]:
    with Plasma(dark=request.param == "dark") as plasma:
        here = Desktop(plasma)
        yield here


class Office:
    """An engine that goes and comes back when told."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"tcp://127.0.0.1:{self.port}"
        self._running: Responder | None = None

    def start(self) -> None:
        self._running = Responder(engine(), port=self.port).__enter__()

    def stop(self) -> None:
        if self._running:
            self._running.__exit__(None, None, None)
            self._running = None


@pytest.fixture
def office(desktop: Desktop) -> Iterator[Office]:
    """The profiles `office`, which is reachable, and `lab`, which is not; and trayd in the panel."""
    here = Office()
    desktop.trayd.profile("office", f"host: {here.url}\nhealth: {{interval: 1s}}\n")
    desktop.trayd.profile("lab", "host: tcp://127.0.0.1:1\n")
    desktop.plasma.start_shell()
    here.start()
    try:
        with desktop.trayd:
            assert desktop.trayd.say("use", "office").returncode == 0
            desktop.shows("office — reachable", "reachable")
            yield here
    finally:
        here.stop()


@pytest.mark.parametrize("desktop", ["light", "dark"], indirect=True)
def test_the_icon_is_in_the_tray_in_the_colour_of_its_state(
    desktop: Desktop, office: Office, request: pytest.FixtureRequest
) -> None:
    """It stands among the panel's other icons, and a lost engine changes its words and its colour at once."""
    place = desktop.shows("office — reachable", "reachable")
    panel = desktop.plasma.one(PANEL)
    assert place.x > 700
    assert panel.y <= place.y < place.y + place.height <= panel.bottom
    office.stop()
    desktop.shows("office — reconnecting", "reconnecting")
    desktop.shows("office — not reachable", "unreachable")
    desktop.open_menu("office — not reachable")
    desktop.keep(f"menu-{request.node.callspec.params['desktop']}", desktop.plasma.one(POPUP))


@pytest.mark.parametrize("desktop", ["dark"], indirect=True)
def test_the_icon_has_the_theme_that_is_chosen_in_the_menu(desktop: Desktop, office: Office) -> None:
    """The light one for a dark panel is one submenu deep, and in the panel at once."""
    desktop.open_menu("office")
    desktop.open_submenu("Settings", 2)
    desktop.open_submenu("Icon", 3)
    desktop.plasma.click(*desktop.menu("Light, for a dark panel", 3).middle)
    desktop.plasma.gone(POPUP)
    desktop.away()
    desktop.shows("office — reachable", "reachable", Theme.LIGHT)
    desktop.keep("icon-dark-light")


def test_the_tooltip_tells_the_engine(desktop: Desktop, office: Office) -> None:
    """Its title is the active engine's state, below it stand the address, the engine and who else is missing."""
    desktop.plasma.hover(*desktop.icon("office").middle)
    told = desktop.plasma.read(TOOLTIP).texts
    desktop.keep("tooltip", desktop.plasma.one(TOOLTIP))
    assert told[0].startswith("office — reachable")
    assert office.url in told[1]
    assert "Also not reachable: lab" in told[1]


@pytest.mark.parametrize("button", [1, 3])
def test_a_click_opens_the_menu_and_a_choice_in_it_switches(desktop: Desktop, office: Office, button: int) -> None:
    """Left and right button open it, wholly on the screen and at the panel; the radio mark and the icon follow."""
    menu, window = desktop.open_menu("office", button), desktop.plasma.one(POPUP)
    desktop.keep("menu", window)
    assert whole(window)
    assert window.bottom > desktop.plasma.one(PANEL).y - 10
    chosen, other = menu.find("office  ●  reachable"), menu.find("lab  ✖  stopped")
    assert chosen and other
    assert "checked" in chosen.states
    assert "checked" not in other.states
    assert menu.parts[0].text.startswith("office — reachable")
    assert "enabled" not in menu.parts[0].states
    desktop.plasma.click(*other.middle)
    desktop.plasma.gone(POPUP)
    desktop.away()
    desktop.shows("lab — not reachable", "unreachable")
    menu = desktop.open_menu("lab", button)
    chosen, other = menu.find("lab  ✖  stopped"), menu.find("office  ●  reachable")
    assert chosen and other
    assert "checked" in chosen.states
    assert "checked" not in other.states
    assert "enabled" not in menu.parts[0].states


def test_a_submenu_is_on_the_screen_when_it_opens_first(desktop: Desktop, office: Office) -> None:
    """By pointer, at the side of its item and in the next level too; what is chosen in it is done."""
    need("xclip", "sudo apt-get install xclip")
    desktop.open_menu("office")
    desktop.open_submenu("Settings", 2)
    desktop.open_submenu("Icon", 3)
    desktop.keep("submenu", *desktop.plasma.windows(POPUP))
    assert "checked" in desktop.menu("Colour", 3).states
    desktop.close_menus()
    desktop.open_menu("office")
    desktop.open_submenu("Copy environment", 2)
    desktop.plasma.click(*desktop.menu("fish", 2).middle)
    desktop.plasma.gone(POPUP)
    wait_until(lambda: f"DOCKER_HOST '{office.url}'" in desktop.clipboard(), 30, "the line for fish on the clipboard")


def test_the_open_menu_tells_what_happens(desktop: Desktop, dockerd: Callable[..., Dockerd]) -> None:
    """A real engine is killed and comes back under the open menu: it stays where it is, tells both, and still works."""
    real = dockerd()
    desktop.trayd.profile("office", f"host: {real.unix_url}\n")
    desktop.trayd.profile("lab", "host: tcp://127.0.0.1:1\n")
    desktop.plasma.start_shell()
    with desktop.trayd:
        assert desktop.trayd.say("use", "office").returncode == 0
        desktop.shows("office — reachable", "reachable")
        opened = desktop.open_menu("office — reachable")
        assert opened.find("office  ●  reachable")
        real.kill()
        desktop.menu("office — not reachable since")
        desktop.menu("office  ✖  stopped")
        desktop.menu("→ Start it: sudo systemctl start docker")
        lost = desktop.plasma.one(POPUP)
        assert (lost.x, lost.y) == (opened.x, opened.y)
        real.start()
        desktop.menu("office — reachable")
        item = desktop.menu("office  ●  reachable")
        assert "checked" in item.states
        back = desktop.plasma.one(POPUP)
        assert (back.x, back.y) == (opened.x, opened.y)
        line = desktop.plasma.read(POPUP).find("→ Start it")
        assert line is None or "showing" not in line.states  # hidden, and there again for the next failure
        desktop.plasma.click(*desktop.menu("lab  ✖  stopped").middle)
        desktop.plasma.gone(POPUP)
        desktop.away()
        desktop.shows("lab — not reachable", "unreachable")
        desktop.open_menu("lab")
        desktop.plasma.click(*desktop.menu("Quit").middle)
        assert desktop.trayd.ended(30) == 0
        wait_until(lambda: not desktop.icons("lab"), 30, "the end of the icon in the panel")
        assert real.running


def test_an_open_submenu_outlives_a_loss_and_a_return(desktop: Desktop, office: Office) -> None:
    """What changes in the menu behind it neither closes nor moves it, and a click in it is done."""
    for happens, sign, checked in ((office.stop, "✖  stopped", True), (office.start, "●  reachable", False)):
        desktop.open_menu("office")
        opened = desktop.open_submenu("Settings", 2)
        happens()
        wait_until(lambda sign=sign: desktop.plasma.reader.menus()[0].find(f"office  {sign}"), 30, f"the word {sign}")
        assert desktop.plasma.one(POPUP, 2)[:4] == opened[:4]
        item = desktop.menu("Notifications", 2)
        assert ("checked" in item.states) == checked
        desktop.plasma.click(*item.middle)
        desktop.plasma.gone(POPUP)


def test_trayd_was_there_before_the_shell(desktop: Desktop) -> None:
    """At a login the panel may come last: the icon appears with it, in the state of then, and works."""
    with Responder(engine(), unix=True) as responder:
        desktop.trayd.profile("office", f"host: {responder.url}\n")
        with desktop.trayd:
            wait_until(
                lambda: "office: reachable" in desktop.trayd.say("log").stdout, 30, "the engine, without a panel"
            )
            desktop.plasma.start_shell()
            desktop.shows("office — reachable", "reachable")
            assert desktop.open_menu("office").find("office  ●  reachable")


@pytest.mark.parametrize("program", [SHELL, "kded5"])
def test_a_program_of_plasma_is_killed(desktop: Desktop, office: Office, program: str) -> None:
    """The icon comes back with the new shell, which is the panel, and with the new kded5, which is the watcher."""
    for way in (desktop.plasma.kill, desktop.plasma.stop):
        way(program)
        if program == SHELL:
            desktop.plasma.start_shell()
        else:
            desktop.plasma.start(program)
        desktop.shows("office — reachable", "reachable")
        menu = desktop.open_menu("office")
        assert menu.find("office  ●  reachable")
        desktop.plasma.hover(*desktop.menu("Settings").middle)
        assert desktop.menu("Reload", 2).x >= 0
        desktop.close_menus()


def test_a_loss_and_a_return_are_notified(desktop: Desktop, office: Office) -> None:
    """One notification with our words, picture and buttons, which do what they say; the return takes its place."""
    need("xclip", "sudo apt-get install xclip")
    office.stop()
    told = desktop.notification("office: not reachable", "unreachable")
    desktop.keep("notification", desktop.plasma.one(NOTIFICATION))
    assert {"trayd", "Check again", "Copy details"} <= set(told.texts)
    assert f"nothing listens on port {office.port}" in " ".join(told.texts)
    button = told.find("Copy details", "push button")
    assert button
    desktop.plasma.click(*button.middle)
    wait_until(lambda: office.url in desktop.clipboard(), 30, "the details on the clipboard")
    desktop.away()
    office.start()
    desktop.notification("office is reachable again", "reachable")
    office.stop()
    told = desktop.notification("office: not reachable", "unreachable")
    button, before = told.find("Check again", "push button"), desktop.plasma.one(NOTIFICATION)
    assert button
    desktop.plasma.click(*button.middle)
    desktop.away()
    wait_until(lambda: before not in desktop.plasma.windows(NOTIFICATION), 30, "the end of what was clicked")
    desktop.notification("office: not reachable", "unreachable")


def test_odd_names_are_shown_as_they_are(desktop: Desktop) -> None:
    """In the menu each name is what the file says; a tooltip has signs that look like those of markup."""
    for name in ODD:
        desktop.trayd.profile(name, "host: tcp://127.0.0.1:1\n")
    desktop.plasma.start_shell()
    with desktop.trayd:
        assert desktop.trayd.say("use", ODD[0]).returncode == 0
        desktop.shows(ODD[0], "unreachable")
        menu = desktop.open_menu(ODD[0])
        desktop.keep("names", desktop.plasma.one(POPUP))
        desktop.close_menus()
        shown = [part.text.removeprefix("\N{LEFT-TO-RIGHT MARK}") for part in menu.parts]
        assert [name for name in ODD if f"{name}  ✖  stopped" not in shown] == []
        for name in ODD:
            assert desktop.trayd.say("use", name).returncode == 0
            in_order = f"\N{LEFT-TO-RIGHT MARK}{name}" if name[0] == "م" else name
            desktop.plasma.hover(*desktop.icon(f"{in_order} — not reachable").middle)
            alike = in_order.translate(str.maketrans("<>&", "‹›+"))
            wait_until(
                lambda alike=alike: desktop.plasma.read(TOOLTIP).find(f"{alike} — not reachable"), 30, "its tooltip"
            )
            desktop.away()
            desktop.plasma.gone(TOOLTIP)
