"""trayd in GNOME Shell with its AppIndicator extension, on X and on Wayland: seen, clicked, changed and lost.

With TRAYD_SCREENSHOTS=docs/desktops the pictures of docs/desktops.md are taken anew.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from tests.harness.desktop import PrivateBus, Screen
from tests.harness.dockerd import Dockerd
from tests.harness.gnome import Gnome, Line
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from tests.harness.responder import Responder, engine
from trayd.core.view import IconSpec
from trayd.tray.artwork import STATES
from trayd.tray.icons import draw

pytestmark = [pytest.mark.desktop, pytest.mark.heavy, pytest.mark.timeout(180)]

EXTENSION = "AppIndicator and KStatusNotifierItem Support"
TITLES = "Main.messageTray.getSources().flatMap(source => source.notifications.map(note => note.title))"
QUICK = "health: {interval: 1s, timeout: 3s, slow: 3s, grace: 1s}\n"  # a busy machine is not a slow engine
CLI = "Docker CLI goes to: unix:///var/run/docker.sock"
REFUSED = "host: tcp://127.0.0.1:1\n" + QUICK


def shell(kind: str, extension: bool = True) -> Iterator[Gnome]:
    with PrivateBus(services=True) as bus:
        if kind == "wayland":
            with Gnome(bus, None, extension) as running:
                yield running
        else:
            with Screen() as screen, Gnome(bus, screen, extension) as running:
                yield running


@pytest.fixture(params=["x11", "wayland"])
def gnome(request: pytest.FixtureRequest) -> Iterator[Gnome]:
    """A shell that runs, with its extension."""
    yield from shell(request.param)


@pytest.fixture(params=["x11", "wayland"])
def bare(request: pytest.FixtureRequest) -> Iterator[Gnome]:
    """A shell without the extension, as GNOME is as long as nobody adds it."""
    yield from shell(request.param, extension=False)


@pytest.fixture
def server() -> Iterator[Responder]:
    """A small engine that can go and come back at the same address."""
    with Responder(engine()) as running:
        running._wanted = running.port
        yield running


def started(gnome: Gnome, active: str, **profiles: str) -> Trayd:
    """Get trayd ready with these profiles, and with that one as the active one."""
    trayd = Trayd(**gnome.environment)
    for name, text in profiles.items():
        trayd.profile(name, text)
    assert trayd.say("use", active).returncode == 0
    return trayd


def keep(gnome: Gnome, name: str, box: tuple[int, int, int, int]) -> None:
    """Keep a part of the screen for docs/desktops.md, if the person who runs the tests wants it."""
    folder = os.environ.get("TRAYD_SCREENSHOTS")
    if folder and (gnome.screen is None) == name.endswith("wayland"):
        left, top, right, bottom = box
        picture = gnome.look()
        edges = max(0, left - 4), top, min(picture.width, right + 4), min(picture.height, bottom + 4)
        few = picture.crop(edges).quantize(128, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(Path(folder, f"{name}.png"), optimize=True)


def with_bar(box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """The same part with the top bar above it."""
    return box[0], 0, box[2], box[3]


def looks(gnome: Gnome, wanted: IconSpec) -> None:
    """Wait until the icon in the top bar is that one."""
    seen: list[IconSpec] = []

    def right() -> bool:
        seen.append(nearest(gnome.picture_of_icon()))
        return seen[-1] == wanted

    try:
        wait_until(right, 30, "the icon")
    except AssertionError:
        raise AssertionError(f"the icon should be {wanted}, but was {seen[-1]}") from None


def nearest(icon: Image.Image) -> IconSpec:
    """Which of all our icons a picture from the top bar is most like."""
    width, height = icon.size
    square = icon.crop((0, (height - width) // 2, width, (height + width) // 2))
    specs = [IconSpec(state, remote, ring) for state in STATES for remote in (False, True) for ring in (False, True)]
    return min(specs, key=lambda spec: difference(draw(spec, width), square))


def difference(drawn: Image.Image, seen: Image.Image) -> float:
    """How much a picture differs from one of ours on the bar's ground."""
    ours = Image.new("RGB", seen.size, seen.getpixel((0, 0)))
    ours.paste(drawn, (0, 0), drawn)
    return sum(ImageStat.Stat(ImageChops.difference(ours, seen)).mean)


def places(lines: list[Line]) -> list[tuple[float, float]]:
    return [(line.y, line.height) for line in lines if line.shown]


def shown(gnome: Gnome) -> list[str]:
    """The words of the lines that can be seen."""
    return [line.text.removeprefix("\N{LEFT-TO-RIGHT MARK}") for line in gnome.lines() if line.shown]


def test_the_icon_in_the_top_bar_tells_the_state(gnome: Gnome, server: Responder) -> None:
    """It is our own icon of that state to the pixel's colour and shape, and the screen reader hears its words."""
    guarded = REFUSED + "protected: true\n"
    with started(gnome, "office", office=f"host: {server.url}\n{QUICK}", guarded=guarded) as trayd:
        gnome.move_to(300, 300)

        looks(gnome, IconSpec("reachable"))
        x, y, width, _ = gnome.icon()
        assert (x > 800, y, width) == (True, 0, 16)
        assert gnome.eval("OURS[0].accessible_name").startswith("office — reachable")
        keep(gnome, "gnome-bar", (x - 60, 0, 1000, 32))
        server.__exit__()
        looks(gnome, IconSpec("unreachable"))
        wait_until(lambda: "office — not reachable" in gnome.eval("OURS[0].accessible_name"), 20, "the words")
        assert trayd.say("use", "guarded", "--yes").returncode == 0
        looks(gnome, IconSpec("unreachable", protected=True))
        server.__enter__()
        assert trayd.say("use", "office").returncode == 0
        looks(gnome, IconSpec("reachable"))
    wait_until(lambda: not gnome.icons(), 30, "the icon to leave with trayd")
    assert "StatusNotifierItem" not in gnome.log()  # the extension has nothing to complain about


def test_at_twice_the_size_the_icon_is_sharp(gnome: Gnome, server: Responder) -> None:
    """A shell that scales by two shows our rendition of 32 pixels, not a blurred one of 16."""
    with started(gnome, "office", office=f"host: {server.url}\n{QUICK}"):
        assert gnome.icon()[2] == 16
        gnome.eval("imports.gi.St.ThemeContext.get_for_stage(global.stage).scale_factor = 2")
        wait_until(lambda: gnome.icon()[2] == 32, 30, "the larger icon")
        gnome.move_to(300, 300)
        looks(gnome, IconSpec("reachable"))
        seen = gnome.picture_of_icon()
        blurred = draw(IconSpec("reachable"), 16).resize((32, 32))
        assert 2 * difference(draw(IconSpec("reachable"), 32), seen) < difference(blurred, seen)


@pytest.mark.parametrize("button", [1, 3])
def test_a_click_opens_the_menu_and_switches_the_profile(gnome: Gnome, server: Responder, button: int) -> None:
    """Left and right button open our menu; the active profile bears the dot, and a click moves it and says it."""
    profiles = {
        "office": f"host: {server.url}\n{QUICK}",
        "lab_2_old": REFUSED,
        "production": f"{REFUSED}protected: true\n",
    }
    with started(gnome, "office", **profiles) as trayd:
        gnome.open_menu(button)
        wait_until(lambda: {"Images (0)", CLI} <= set(shown(gnome)), 30, "all of the menu")
        gnome.line("office  ●")
        assert shown(gnome)[0].startswith("office — reachable · Engine 20.10.24")
        assert shown(gnome)[1:] == [
            *("Check again", "Copy details"),
            *("lab_2_old  ✖  stopped", "office  ●  reachable", "production  ✖  stopped  (protected)", CLI),
            *("Copy environment", "Images (0)", "Settings", "About", "Quit"),
        ]
        assert [line.text for line in gnome.lines() if line.marked] == ["office  ●  reachable"]
        assert [line.text for line in gnome.lines() if line.submenu and line.shown] == [
            *("production  ✖  stopped  (protected)", "Copy environment", "Settings", "About")
        ]
        keep(gnome, "gnome-menu" if gnome.screen else "gnome-menu-wayland", with_bar(gnome.menu_box()))
        gnome.click("lab_2_old")
        wait_until(lambda: not gnome.lines(), 20, "the menu to close")
        wait_until(lambda: trayd.say("status", "--json").stdout.find('"active": "lab_2_old"') > 0, 30, "the switch")
        gnome.open_menu(button)
        wait_until(lambda: shown(gnome)[0].startswith("lab_2_old — not reachable"), 30, "the headline")
        assert [line.text for line in gnome.lines() if line.marked] == ["lab_2_old  ✖  stopped"]


def test_submenus_open_in_place_and_copy(gnome: Gnome, server: Responder) -> None:
    """A submenu unfolds in the menu and folds again, and what is chosen in it is on the desktop's clipboard."""
    with started(gnome, "office", office=f"host: {server.url}\n{QUICK}") as trayd:
        gnome.open_menu()
        wait_until(lambda: {"Images (0)", CLI} <= set(shown(gnome)), 30, "all of the menu")
        gnome.line("office  ●")
        folded = shown(gnome)[1:]  # the latency in the first line is today's
        gnome.click("Settings")
        wait_until(lambda: "Reload" in shown(gnome), 20, "the settings")
        assert [line.text for line in gnome.lines() if line.marked and line.depth] == ["Notifications"]
        gnome.click("Copy environment")
        gnome.line("fish")
        assert "Reload" not in shown(gnome)
        keep(gnome, "gnome-submenu", with_bar(gnome.menu_box()))
        gnome.click("Unset")
        wait_until(lambda: sum(line.depth == 2 and line.shown for line in gnome.lines()) == 5, 20, "the inner one")
        gnome.click("sh, bash, zsh")
        line = wait_until(gnome.clipboard, 30, "the copied lines")
        assert line.startswith(f"export DOCKER_HOST='{server.url}'")
        gnome.open_menu()
        wait_until(lambda: shown(gnome)[1:] == folded, 20, "the folded menu")
        gnome.click("Quit")
        assert trayd.ended(20) == 0
    assert gnome.clipboard() == line  # trayd is gone, the text is not


@pytest.mark.engine
def test_the_open_menu_follows_a_real_engine(gnome: Gnome, dockerd: Callable[..., Dockerd]) -> None:
    """Killed and started while the menu is open: it stays open and in order, nothing jumps that did not change."""
    one, other = dockerd(), dockerd()
    one.load_busybox("busybox:1.35")
    profiles = {"office": f"host: {one.unix_url}\n{QUICK}", "lab": f"host: {other.unix_url}\n{QUICK}"}
    with started(gnome, "office", zoo=f"{REFUSED}protected: true\n", **profiles):
        gnome.open_menu()
        wait_until(lambda: {"Images (1)", CLI} <= set(shown(gnome)), 30, "the images")
        gnome.line("lab  ●")
        good, before = shown(gnome), gnome.lines()
        gnome.click("Settings")
        gnome.line("Reload")
        unfolded = places(gnome.lines())

        other.kill()
        gnome.line("lab  ✖")
        assert places(gnome.lines()) == unfolded  # the submenu that is open stays open
        other.start()
        gnome.line("lab  ●")
        assert places(gnome.lines()) == unfolded
        gnome.click("Settings")
        wait_until(lambda: places(gnome.lines()) == places(before), 20, "the submenu to fold")

        one.kill()
        wait_until(lambda: shown(gnome)[0].startswith("office — not reachable"), 30, "the loss in the headline")
        gnome.line("office  ✖")
        cause = f"The engine is installed but stopped: {one.socket} refuses connections."
        bad = shown(gnome)
        assert [good.index(text) for text in bad if text in good] == sorted(good.index(t) for t in bad if t in good)
        assert "".join(cause.split()) in "".join("".join(bad).split())
        assert bad[-5:] == ["Copy environment", "Images", "Settings", "About", "Quit"]
        keep(gnome, "gnome-unreachable", with_bar(gnome.menu_box()))

        one.start()
        wait_until(lambda: shown(gnome)[1:] == good[1:], 60, "the same lines in the same order as before")
        gnome.click("lab  ●")
        gnome.open_menu()
        wait_until(lambda: shown(gnome)[0].startswith("lab — reachable"), 30, "the profile that was clicked")


def test_notifications_have_our_icon_and_buttons_that_work(gnome: Gnome, server: Responder) -> None:
    """The banner says what is and what to do; under the pointer it shows the buttons; the return takes its place."""
    with started(gnome, "office", office=f"host: {server.url}\n{QUICK}"):
        gnome.open_menu()
        wait_until(lambda: shown(gnome)[0].startswith("office — reachable"), 30, "the engine")
        gnome.close_menu()
        gnome.move_to(500, 500)
        server.__exit__()
        banner = wait_until(gnome.banner, 60, "the notification")
        assert banner
        assert banner.title == "office: not reachable"
        assert banner.text.startswith(f"127.0.0.1 is up, but nothing listens on port {server.port}. Start the engine")
        banner = gnome.unfold()
        assert [label for label, _, _ in banner.buttons] == ["Check again", "Copy details"]
        orange = strong_colour(gnome.look().crop((270, 40, 320, 100)))
        assert orange == strong_colour(draw(IconSpec("unreachable"), 48).convert("RGB"))
        keep(gnome, "gnome-notification", banner.box)
        gnome.click_at(*banner.buttons[1][1:])
        wait_until(lambda: "✗ connection" in gnome.clipboard(), 30, "the details on the clipboard")
        gnome.move_to(500, 500)
        server.__enter__()
        wait_until(lambda: gnome.eval(TITLES) == ["office is reachable again"], 60, "the return, alone")


def strong_colour(picture: Image.Image) -> tuple[int, int, int]:
    """The commonest strong colour of a picture."""
    red, green, blue = (band.tobytes() for band in picture.split())
    pixels = [pixel for pixel in zip(red, green, blue, strict=True) if max(pixel) - min(pixel) > 60]
    return max(set(pixels), key=pixels.count)


NAMES = ("old_lab_2", "<b>bold & co<", "🐳 whale", "מכונה בית", "a" * 64)


def test_every_name_is_shown_as_it_is_written(gnome: Gnome) -> None:
    """Underscores, markup, an emoji, a name from right to left and a long one; more than five go into a submenu."""
    profiles = dict.fromkeys(NAMES, REFUSED)
    with started(gnome, "old_lab_2", **profiles) as trayd:
        gnome.open_menu()
        gnome.line("old_lab_2  ✖")
        wait_until(lambda: all(f"{name}  ✖  stopped" in shown(gnome) for name in NAMES), 30, "all names")
        left, top, right, bottom = gnome.menu_box()
        assert (left > 0, top >= 32, right <= 1024, bottom <= 768) == (True, True, True, True)
        keep(gnome, "gnome-names", with_bar((left, top, right, bottom)))
        for number in range(35):
            trayd.profile(f"p{number:02}", REFUSED)
        gnome.line("Profiles (40, 40 not reachable)", 60)
        assert gnome.menu_box()[3] <= 768
        gnome.click("Profiles (40")
        lines = wait_until(lambda: [x for x in gnome.lines() if x.depth and x.height > 10], 20, "the unfolded list")
        assert len(lines) == 40
        assert gnome.menu_box()[3] <= 768
        keep(gnome, "gnome-many", with_bar(gnome.menu_box()))
        line = gnome.line("<b>bold")
        gnome.click_at(*line.middle)
        gnome.open_menu()
        wait_until(lambda: shown(gnome)[0].startswith("<b>bold & co< — not reachable"), 30, "the profile clicked")


def test_the_extension_may_go_and_come_back(gnome: Gnome, server: Responder) -> None:
    """Switched off with the menu open, the icon goes; switched on, it is back with a menu that works, once."""
    with started(gnome, "office", office=f"host: {server.url}\n{QUICK}", lab=REFUSED):
        for _ in range(5):
            gnome.open_menu()
            gnome.switch_extension(False)
            wait_until(lambda: not gnome.icons(), 30, "the icon to go")
            gnome.switch_extension(True)
            gnome.icon()
        gnome.open_menu()
        gnome.click("lab  ✖")
        gnome.open_menu()
        wait_until(lambda: shown(gnome)[0].startswith("lab — not reachable"), 30, "the profile that was clicked")


def test_the_shell_may_crash_and_come_late(gnome: Gnome, server: Responder) -> None:
    """Killed and started again, the shell has the icon again; so it has if trayd was there before it."""
    trayd = started(gnome, "office", office=f"host: {server.url}\n{QUICK}", lab=REFUSED)
    gnome.kill()
    with trayd:
        wait_until(lambda: trayd.say("log").stdout.count("reachable"), 30, "trayd at work without a shell")
        for _ in range(2):
            gnome.start()
            gnome.open_menu()
            wait_until(lambda: shown(gnome)[0].startswith("office — reachable"), 30, "the menu")
            gnome.kill()
        gnome.start()
        gnome.open_menu()
        gnome.click("lab  ✖")
        gnome.open_menu()
        wait_until(lambda: shown(gnome)[0].startswith("lab — not reachable"), 30, "the profile that was clicked")


def test_without_the_extension_all_but_the_icon_works(bare: Gnome, server: Responder) -> None:
    """One notification says what to install, commands and `trayd menu` work, the extension brings the icon at once."""
    with started(bare, "office", office=f"host: {server.url}\n{QUICK}", lab=REFUSED) as trayd:
        wait_until(lambda: "No panel here shows tray icons" in trayd.output(), 30, "the word of it")
        assert bare.icons() == []
        assert EXTENSION in trayd.say("doctor").stdout
        assert "office — reachable" in trayd.say("menu", "--plain").stdout
        assert trayd.say("use", "lab").returncode == 0
        bare.move_to(500, 500)
        banner = wait_until(bare.banner, 60, "the notification")
        assert banner
        assert banner.title == "There is no tray here, so there is no icon"
        assert EXTENSION in banner.text
        keep(bare, "gnome-none", bare.unfold().box)
        bare.move_to(500, 500)
        bare.switch_extension(True)
        bare.open_menu()
        wait_until(lambda: shown(bare)[0].startswith("lab — not reachable"), 30, "the menu")
        bare.close_menu()
        bare.switch_extension(False)
        wait_until(lambda: not bare.icons(), 30, "the icon to go")
        assert bare.eval(TITLES) in (["There is no tray here, so there is no icon"], [])
