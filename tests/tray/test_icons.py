"""The artwork keeps what it promises: told apart by shape alone, seen on both panels, cheap, and without files."""

import builtins
import itertools
import math
import subprocess
import sys
import tempfile
import time

import pytest
from PIL import Image, ImageChops, ImageColor, ImageStat

from icons.sheets import BLINDNESS, MARKS, seen, specs
from trayd.core.health import State
from trayd.core.view import IconSpec, Theme
from trayd.tray.artwork import STATES, colour
from trayd.tray.icons import SIZES, draw, render

SPECS = [spec for theme in Theme for spec in specs(theme)]
ALL_SIZES = (*SIZES, 20, 40)  # the last two are Windows'
LIGHT, DARK = (0xF5, 0xF5, 0xF5), (0x2B, 0x2B, 0x2B)
PANELS = {Theme.COLOUR: (LIGHT, DARK), Theme.LIGHT: (DARK,), Theme.DARK: (LIGHT,)}


def floor(size):
    """How many pixels must differ completely between two icons, at least.

    Two icons that are the same but for a row and a column of smeared edge, as a panel that scales makes it, differ by
    twice the size; the best of nine positions is measured, so being moved does not count as being different.
    """
    return 2 * size


def shape(spec, size=16):
    """What is left of an icon without its colour."""
    return draw(spec, size).getchannel("A")


def on(spec, panel, size):
    icon = draw(spec, size)
    seen_there = Image.new("RGB", icon.size, panel)
    seen_there.paste(icon, (0, 0), icon)
    grey = seen_there.convert("L")
    grey.info["background"] = Image.new("RGB", (1, 1), panel).convert("L").getpixel((0, 0))
    return grey


def difference(one, other):
    """By how many whole pixels two greyscale pictures differ, in the position in which they differ least."""
    size = one.width + 2

    def framed(picture, dx, dy):
        frame = Image.new("L", (size, size), picture.info.get("background", 0))
        frame.paste(picture, (1 + dx, 1 + dy))
        return frame

    steps = list(itertools.product((-1, 0, 1), repeat=2))
    still = framed(other, 0, 0)
    return min(ImageStat.Stat(ImageChops.difference(framed(one, *step), still)).sum[0] / 255 for step in steps)


def states(remote, protected):
    """The states that have this mark and ring."""
    return [state for state in STATES if state != "none" or not (remote or protected)]


def luminance(colour):
    """WCAG's relative luminance."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def lab(rgb):
    """CIE 1976 L*a*b*, in daylight (D65)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in rgb)]
    rows = (0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.072175), (0.0193339, 0.119192, 0.9503041)
    xyz = [sum(a * b for a, b in zip(row, linear, strict=True)) for row in rows]
    x, y, z = (math.cbrt(c / white) for c, white in zip(xyz, (0.95047, 1, 1.08883), strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_state_has_an_icon_in_every_theme():
    """What an engine can be, and "no profile", with mark and ring where they can be."""
    assert {*map(str, State), "none"} <= set(STATES)
    for state, theme in itertools.product(STATES, Theme):
        for remote, protected in MARKS:
            icon = render(IconSpec(state, remote, protected, theme))
            assert icon.getbbox() is not None


@pytest.mark.parametrize("size", ALL_SIZES)
@pytest.mark.parametrize(("remote", "protected"), MARKS)
def test_states_differ_in_shape(size, remote, protected):
    """Any two states are told apart by their outline alone, which is the same in every theme."""
    for one, other in itertools.combinations(states(remote, protected), 2):
        pair = [shape(IconSpec(state, remote, protected), size) for state in (one, other)]
        assert difference(*pair) >= floor(size), (one, other)


@pytest.mark.parametrize("way", [Image.Resampling.BOX, Image.Resampling.HAMMING])
@pytest.mark.parametrize("size", [16, 18, 22, 24])
def test_states_differ_where_a_panel_scales_the_largest(size, way):
    """XFCE's panel takes no other size (as BOX does it, nearly): made smaller, any two states are still told apart."""
    for remote, protected in MARKS:
        large = {state: shape(IconSpec(state, remote, protected), 64) for state in states(remote, protected)}
        small = {state: picture.resize((size, size), way) for state, picture in large.items()}
        for one, other in itertools.combinations(small, 2):
            assert difference(small[one], small[other]) >= floor(size), (one, other, remote, protected)


@pytest.mark.parametrize("size", ALL_SIZES)
@pytest.mark.parametrize("state", states(True, True))
def test_mark_and_ring_are_seen(size, state):
    """Of one state, the four icons with and without mark and ring are told apart."""
    for one, other in itertools.combinations(MARKS, 2):
        assert difference(shape(IconSpec(state, *one), size), shape(IconSpec(state, *other), size)) >= floor(size)


@pytest.mark.parametrize("spec", specs(), ids=str)
def test_a_theme_changes_the_colour_only(spec):
    """So what holds for shapes holds in every theme; a template image on macOS is this alpha."""
    for theme in Theme:
        themed = IconSpec(spec.state, spec.remote, spec.protected, theme)
        assert shape(themed, 22).tobytes() == shape(spec, 22).tobytes()


@pytest.mark.parametrize(("theme", "panel"), [(theme, panel) for theme, panels in PANELS.items() for panel in panels])
@pytest.mark.parametrize("size", (16, 22, 24))
def test_states_differ_in_greyscale_on_a_panel(theme, panel, size):
    """Paint and panel are at least 65 grey levels apart, so the floor is that part of the one for black and white."""
    for remote, protected in MARKS:
        pictures = {s: on(IconSpec(s, remote, protected, theme), panel, size) for s in states(remote, protected)}
        for one, other in itertools.combinations(pictures, 2):
            assert difference(pictures[one], pictures[other]) >= floor(size) * 65 / 255, (one, other)


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("state", STATES)
def test_contrast_on_its_panels(state, theme):
    """Three to one, as WCAG asks for graphics: on light and dark in colour, and far more in one colour."""
    for image in render(IconSpec(state, theme=theme)).renditions:
        colours = {colour[:3] for _, colour in image.getcolors(image.width * image.height) if colour[3] == 255}
        assert colours
        least = 3 if theme is Theme.COLOUR else 12
        assert min(contrast(colour, panel) for colour in colours for panel in PANELS[theme]) >= least


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_contrast_for_the_colour_blind(blindness):
    """Each colour stands out on both panels for them, too."""
    for state in STATES:
        paint = seen(ImageColor.getrgb(colour(IconSpec(state))), blindness)
        assert min(contrast(paint, seen(panel, blindness)) for panel in (LIGHT, DARK)) >= 2.5, state


@pytest.mark.parametrize("blindness", [None, *BLINDNESS])
@pytest.mark.parametrize("state", ["degraded", "hung", "unreachable"])
def test_good_and_bad_differ_in_colour(state, blindness):
    """Even without the shape: the good colour is at least 15 apart (CIE 1976; 2.3 is just seen) from the bad ones."""
    pair = [ImageColor.getrgb(colour(IconSpec(name))) for name in ("reachable", state)]
    if blindness:
        pair = [seen(one, blindness) for one in pair]
    assert math.dist(*map(lab, pair)) >= 15


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_the_simulation_leaves_grey_grey(blindness):
    """Each row of the matrices adds up to one, so a mistyped figure would tint grey."""
    assert seen((128, 128, 128), blindness) == (128, 128, 128)


@pytest.mark.parametrize("spec", specs(), ids=str)
def test_enough_is_painted(spec):
    """A fifth of the picture at least is (nearly) solid: smeared edges do not have the colour's contrast."""
    assert sum(shape(spec).histogram()[192:]) >= 256 / 5


def test_no_two_states_share_a_colour():
    """In colour."""
    assert len({colour(IconSpec(state)) for state in STATES}) == len(STATES)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_sizes(spec):
    icon = render(spec)
    assert (icon.size, icon.mode) == ((64, 64), "RGBA")
    assert (
        [image.size for image in icon.renditions]
        == [(size, size) for size in SIZES]
        == [(size, size) for size in (16, 22, 24, 32, 48, 64)]
    )
    assert {image.mode for image in icon.renditions} == {"RGBA"}
    assert icon.tobytes() == icon.renditions[-1].tobytes()


@pytest.mark.parametrize("size", ALL_SIZES)
def test_the_ring_is_sharp_and_even(size):
    """At every size its four sides have the same whole number of pixels, and a free one inside."""
    alpha = shape(IconSpec("hung", protected=True), size)
    middle = [alpha.getpixel((x, size // 3)) for x in range(size)]
    width = middle.index(0)
    assert width >= 1
    assert middle[:width] == middle[-width:] == [255] * width
    assert middle[-width - 1] == 0
    column = [alpha.getpixel((size // 3, y)) for y in range(size)]
    assert column[:width] == column[-width:] == [255] * width


@pytest.mark.parametrize("size", [16, 24, 32])
def test_straight_edges_are_on_the_pixel_grid(size):
    # A row through the crate's lid is either paint or nothing but for its rounded ends.
    image = render(IconSpec("reachable")).renditions[SIZES.index(size)]
    row = [image.getchannel("A").getpixel((x, size // 5)) for x in range(2, size - 2)]
    assert set(row) == {255}


def test_equal_specs_are_one_object():
    assert render(IconSpec("hung", True)) is render(IconSpec("hung", True))
    assert render(IconSpec("hung")) is not render(IconSpec("hung", True))


def test_unknown_state_is_a_bug():
    with pytest.raises(KeyError):
        render(IconSpec("purple"))


@pytest.fixture
def fresh():
    render.cache_clear()
    yield
    render.cache_clear()


def test_no_file_is_written(fresh, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError(f"a file was opened: {args}")

    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", refuse)
        patch.setattr(Image.Image, "save", refuse)
        for spec in SPECS:
            render(spec)
    assert not list(folder.iterdir())


def test_drawing_is_cheap(fresh):
    def cost(spec):
        start = time.process_time()
        render.__wrapped__(spec)
        return time.process_time() - start

    for spec in SPECS:
        assert min(cost(spec) for _ in range(5)) < 0.010, spec


def test_the_import_brings_in_nothing_heavy():
    code = "import sys, trayd.tray.icons; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "docker", "requests", "pystray", "yaml", "jeepney", "Xlib", "gi", "tkinter"} & set(loaded)
