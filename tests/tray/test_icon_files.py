"""The files in icons/ and docs/: SVG, PNG and ICO are the artwork that the tray draws."""

import io
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from icons import make, sheets
from icons.svg import svg
from tests.harness.need import need
from trayd.core.view import IconSpec, Theme
from trayd.tray.icons import draw

FOLDER = Path(make.HERE)
RSVG = "sudo apt-get install librsvg2-bin"


def apart(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are apart: 0 the same, 1 black and white."""
    assert one.size == other.size
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGBA"), other.convert("RGBA"))).mean) / 255


def rendered(spec: IconSpec, size: int) -> Image.Image:
    """What another program makes of the SVG."""
    done = subprocess.run(
        ["rsvg-convert", "-w", str(size), "-h", str(size)], input=svg(spec).encode(), capture_output=True, timeout=30
    )
    assert done.returncode == 0, done.stderr.decode()
    return Image.open(io.BytesIO(done.stdout)).convert("RGBA")


@pytest.mark.parametrize("spec", sheets.specs(), ids=str)
def test_svg_and_pixels_are_the_same_picture(spec):
    """Drawn large, where no edge has to move to a pixel's border, librsvg and Pillow agree to half a percent."""
    need("rsvg-convert", RSVG)
    other = rendered(spec, 256)
    assert apart(other.getchannel("A"), draw(spec, 256).getchannel("A")) < 0.005
    # Red, green and blue count where there is paint: librsvg leaves transparent pixels black.
    solid = other.getchannel("A").point(lambda value: 255 * (value == 255))
    assert solid.getbbox() is not None
    paint = [Image.composite(p.convert("RGB"), Image.new("RGB", p.size), solid) for p in (other, draw(spec, 256))]
    assert apart(*paint) < 0.005


def test_the_comparison_sees_a_missing_piece():
    """Without its mark, its ring or its tick an icon would not be the same picture."""
    need("rsvg-convert", RSVG)
    full = rendered(IconSpec("reachable", True, True), 256).getchannel("A")
    for other in (IconSpec("reachable", True), IconSpec("reachable", False, True), IconSpec("none", True, True)):
        assert apart(full, draw(other, 256).getchannel("A")) > 0.05


def test_the_svg_files_are_what_the_script_makes():
    """icons/make.py was run after the last change of the artwork."""
    texts = make.texts()
    assert len(texts) == 3 * 29 + 1
    for place, text in texts.items():
        assert (FOLDER / place).read_text(encoding="utf-8") == text, place
    assert {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.svg")} == set(texts)


def test_the_pictures_are_what_the_script_makes():
    """PNG files and contact sheets, as far as another version of Pillow draws the same."""
    pictures = make.pictures()
    for place, picture in pictures.items():
        with Image.open(FOLDER / place) as kept:
            assert apart(kept, picture) < 0.005, place
        assert (FOLDER / place).stat().st_size < 200_000, place
    named = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.png")}
    assert named == {place for place in pictures if not place.startswith("..")}


def test_the_ico_has_every_size_that_windows_asks_for():
    """Each is drawn for its size, none is a scaled one."""
    with Image.open(FOLDER / "trayd.ico") as ico:
        assert ico.info["sizes"] == {(size, size) for size in (16, 20, 24, 32, 40, 48, 64, 256)}
        for picture in make.ico():
            assert apart(ico.ico.getimage(picture.size), picture) < 0.005


def test_every_theme_has_a_file_for_every_icon():
    """The folders have the same files."""
    names = [{path.name for path in (FOLDER / theme).iterdir()} for theme in Theme]
    assert names[0] == names[1] == names[2]
    assert len(names[0]) == 2 * 29
