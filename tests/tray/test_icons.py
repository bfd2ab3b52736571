"""The artwork keeps what it promises: told apart by shape alone, seen on both panels, cheap, and without files."""

import builtins
import itertools
import subprocess
import sys
import tempfile
import time

import pytest
from PIL import Image, ImageChops, ImageStat

from trayd.core.view import IconSpec
from trayd.tray.icons import ARTWORK, SIZES, render

STATES = ("connecting", "reachable", "degraded", "hung", "reconnecting", "unreachable", "sleeping", "none")
SPECS = [IconSpec(state) for state in STATES] + [IconSpec(state, True) for state in STATES if state != "none"]
PAIRS = list(itertools.combinations(STATES, 2))
LIGHT, DARK = (0xF5, 0xF5, 0xF5), (0x2B, 0x2B, 0x2B)

# Of the 256 pixels of a 16 px icon, so many must differ completely between two states. Two icons that are the same
# but for a row and a column of smeared edge, as a panel that scales makes it, differ by 2 × 16; the best of nine
# positions is measured, so being moved does not count as being different.
FLOOR = 32


def shape(spec):
    """What is left of the smallest icon without its colour."""
    return render(spec).renditions[0].getchannel("A")


def on(spec, panel):
    small = render(spec).renditions[0]
    seen = Image.new("RGB", small.size, panel)
    seen.paste(small, (0, 0), small)
    return seen.convert("L")


def difference(one, other):
    """By how many whole pixels two greyscale pictures differ, in the position in which they differ least."""

    def framed(picture, dx, dy):
        frame = Image.new("L", (18, 18), picture.info.get("background", 0))
        frame.paste(picture, (1 + dx, 1 + dy))
        return frame

    steps = list(itertools.product((-1, 0, 1), repeat=2))
    still = framed(other, 0, 0)
    return min(ImageStat.Stat(ImageChops.difference(framed(one, *step), still)).sum[0] / 255 for step in steps)


def luminance(colour):
    """WCAG's relative luminance."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_state_has_artwork():
    assert set(ARTWORK) == set(STATES)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_states_differ_in_shape(one, other):
    assert difference(shape(IconSpec(one)), shape(IconSpec(other))) >= FLOOR


@pytest.mark.parametrize(("one", "other"), [pair for pair in PAIRS if "none" not in pair])
def test_remote_states_differ_in_shape(one, other):
    assert difference(shape(IconSpec(one, True)), shape(IconSpec(other, True))) >= FLOOR


@pytest.mark.parametrize("state", STATES)
def test_remote_is_seen(state):
    assert difference(shape(IconSpec(state)), shape(IconSpec(state, True))) >= FLOOR


@pytest.mark.parametrize("panel", [LIGHT, DARK], ids=["light", "dark"])
def test_states_differ_in_greyscale_on_a_panel(panel):
    # An icon and a panel are about 95 grey levels apart, so the floor is that part of the one for black and white.
    seen = {state: on(IconSpec(state), panel) for state in STATES}
    for picture in seen.values():
        picture.info["background"] = panel[0]
    for one, other in PAIRS:
        assert difference(seen[one], seen[other]) >= FLOOR * 75 / 255, (one, other)


@pytest.mark.parametrize("state", STATES)
def test_contrast_on_light_and_dark(state):
    for image in render(IconSpec(state)).renditions:
        colours = {colour[:3] for _, colour in image.getcolors(image.width * image.height) if colour[3] == 255}
        assert colours
        assert min(contrast(colour, panel) for colour in colours for panel in (LIGHT, DARK)) >= 3


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_enough_is_painted(spec):
    # A fifth of the picture at least is (nearly) solid: smeared edges do not have the colour's contrast.
    assert sum(shape(spec).histogram()[192:]) >= 256 / 5


def test_no_two_states_share_a_colour():
    assert len({colour for _, colour in ARTWORK.values()}) == len(ARTWORK)


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
