"""How a menu that we draw ourselves looks, and where it opens: pictures and rectangles without a screen."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageColor, features

from tests.harness.need import need
from tests.harness.speaking import speaking
from trayd.core.view import Item, Mark
from trayd.tray.fonts import NOBODYS, Face, Fonts, Told, ask_fontconfig
from trayd.tray.look import letters
from trayd.tray.menu_layout import (
    DARK,
    FONT,
    LIGHT,
    Box,
    Look,
    Sheet,
    Theme,
    beside_menu,
    beside_panel,
    framed,
    paint_scroller,
    paint_tooltip,
    room_beside,
)

DEJAVU = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
MICROHEI = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"
CHINESE = "● 办公室 — 无法连接，请重新启动引擎"
ITEMS = (
    Item("head", "office — reachable"),
    Item("line"),
    Item("a", "Alpha", "a", Mark.RADIO, True),
    Item("b", "Beta", "b", Mark.RADIO),
    Item("c", "Check", "c", Mark.CHECK, True),
    Item("sub", "More", children=(Item("x", "x", "x"),)),
)


@pytest.fixture(scope="module", params=[1, 1.5, 2])
def look(request: pytest.FixtureRequest) -> Look:
    need(ask_fontconfig("sans-serif") is not None, "sudo apt-get install fontconfig fonts-dejavu-core")
    return Look(LIGHT, Fonts(FONT * request.param), request.param)


def luminance(colour: str) -> float:
    """WCAG's relative luminance."""
    parts = [value / 255 for value in ImageColor.getrgb(colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_can_be_read(theme: Theme) -> None:
    """Greyed lines tell what is wrong with an engine: they too have WCAG's contrast for text, as has the selection."""
    assert contrast(theme.text, theme.ground) > 7
    assert contrast(theme.greyed, theme.ground) > 4.5
    assert contrast(theme.text, theme.chosen) > 7


def test_rows_lie_one_below_the_other(look: Look) -> None:
    """Every height of the sheet belongs to one row, except its two margins; all rows have the sheet's width."""
    sheet = Sheet(ITEMS, look, 1000)
    for above, below in itertools.pairwise(sheet.rows):
        assert above.top + above.height == below.top
    assert sheet.at(0) is None
    assert sheet.at(sheet.height - 1) is None
    for row in sheet.rows:
        assert sheet.at(row.top) is sheet.at(row.top + row.height - 1) is row is sheet.row(row.item.key)
        assert sheet.paint_row(row, False).size == (sheet.width, row.height)
    assert sheet.row("nobody") is sheet.row(None) is None
    assert sheet.paint(None, 0, sheet.height).size == (sheet.width, sheet.height)


def test_what_differs_is_seen(look: Look) -> None:
    """Selected, greyed, checked, unchecked, radio, check mark and submenu are all different pictures."""
    kinds = [
        Item("k", "text", "x"),
        Item("k", "text"),
        *(Item("k", "text", "x", mark, on) for mark in (Mark.RADIO, Mark.CHECK) for on in (True, False)),
        Item("k", "text", children=ITEMS),
    ]
    others = ITEMS[2:]  # so that all sheets have the same margins
    pictures = []
    for item in kinds:
        sheet = Sheet((item, *others), look, 1000, least=400)
        pictures += [sheet.paint_row(sheet.rows[0], chosen).tobytes() for chosen in (False, True)]
    assert len(set(pictures)) == len(pictures)


def test_a_label_that_is_too_long_ends_in_an_ellipsis(look: Look) -> None:
    """A name of 200 letters does not make the menu wider than the screen; the room that there is is used."""
    sheet = Sheet((Item("a", "W" * 200, "a"), ITEMS[5]), look, 500)
    assert sheet.rows[0].text.endswith("W…")
    assert 500 - 40 * look.scale < sheet.width <= 500


def test_markup_and_underscores_are_plain_text(look: Look) -> None:
    """Names are shown as they are; line ends and controls are not."""
    sheet = Sheet((Item("a", "<b>my_name</b> & \x1b[31mred\ntwo", "a"),), look, 1000)
    assert sheet.rows[0].text == "<b>my_name</b> &  [31mred two"


def test_it_does_not_get_narrower(look: Look) -> None:
    """An open menu keeps its width while its texts get shorter."""
    wide = Sheet(ITEMS, look, 1000)
    assert Sheet(ITEMS[2:4], look, 1000, least=wide.width).width == wide.width


def test_a_part_of_the_sheet_is_the_sheet_from_there_on(look: Look) -> None:
    """Scrolling shows the same picture, moved."""
    sheet = Sheet(ITEMS, look, 1000)
    whole = sheet.paint("b", 0, sheet.height)
    part = sheet.paint("b", 30, 50)
    assert part.tobytes() == whole.crop((0, 30, sheet.width, 80)).tobytes()


def test_a_strip_says_whether_there_is_more(look: Look) -> None:
    """Up and down are mirror images, and an end is paler."""
    up, down = (paint_scroller(look, 101, 20, up, True) for up in (True, False))
    assert up.tobytes() != down.tobytes() == up.transpose(Image.Transpose.FLIP_TOP_BOTTOM).tobytes()
    darkest = [paint_scroller(look, 101, 20, True, more).convert("L").getextrema()[0] for more in (True, False)]
    assert darkest[0] < 60 < 150 < darkest[1]


def test_a_tooltip_has_a_line_for_each(look: Look) -> None:
    """Its height grows with its lines, its width with the longest, up to what is allowed; an empty one is no error."""
    one, two = paint_tooltip("office", look, 600), paint_tooltip("office\nunix:///run/x.sock", look, 600)
    assert two.height - one.height >= look.fonts.height
    assert two.width > one.width
    assert paint_tooltip("W" * 500, look, 600).width <= 600
    assert paint_tooltip("", look, 600).height <= one.height
    assert framed(one, look).getpixel((0, 0)) == ImageColor.getrgb(LIGHT.edge)


MONITOR = Box(1000, 100, 1000, 800)


@pytest.mark.parametrize(
    ("icon", "panel", "expected"),
    [
        # A panel at the upper edge, and at the lower one: the menu at its inner edge, left edges together.
        (Box(1300, 104, 22, 22), Box(1000, 100, 1000, 30), Box(1300, 130, 200, 300)),
        (Box(1300, 874, 22, 22), Box(1000, 870, 1000, 30), Box(1300, 570, 200, 300)),
        # Near the right edge it is moved until it is wholly on the monitor.
        (Box(1970, 874, 22, 22), Box(1000, 870, 1000, 30), Box(1800, 570, 200, 300)),
        # Panels at the sides.
        (Box(1004, 300, 22, 22), Box(1000, 100, 30, 800), Box(1030, 300, 200, 300)),
        (Box(1974, 870, 22, 22), Box(1970, 100, 30, 800), Box(1770, 600, 200, 300)),
        # A tray of one icon, which is as high as wide.
        (Box(1976, 100, 22, 28), Box(1974, 100, 26, 28), Box(1800, 128, 200, 300)),
    ],
)
def test_a_menu_opens_at_the_panels_inner_edge(icon: Box, panel: Box, expected: Box) -> None:
    """Beside the panel, near the icon, wholly on the icon's monitor, which need not begin at 0, 0."""
    assert beside_panel(icon, panel, MONITOR, 200, 300) == expected


def test_a_menu_that_is_too_long_gets_the_room_that_there_is() -> None:
    """From the panel to the other edge of the monitor."""
    panel = Box(1000, 870, 1000, 30)
    assert room_beside(panel, MONITOR) == Box(1000, 100, 1000, 770)
    assert room_beside(Box(1000, 100, 1000, 30), MONITOR) == Box(1000, 130, 1000, 770)
    assert room_beside(Box(1970, 100, 30, 800), MONITOR) == Box(1000, 100, 970, 800)
    assert room_beside(Box(1000, 100, 30, 800), MONITOR) == Box(1030, 100, 970, 800)
    assert beside_panel(Box(1300, 874, 22, 22), panel, MONITOR, 200, 5000) == Box(1300, 100, 200, 770)
    assert beside_menu(Box(1300, 400, 200, 300), 500, MONITOR, 200, 5000) == Box(1500, 100, 200, 800)


@pytest.mark.parametrize(
    ("parent", "leftwards", "x"),
    [
        (Box(1300, 400, 200, 300), False, 1500),  # right of it, if there is room
        (Box(1750, 400, 200, 300), False, 1550),  # else left of it
        (Box(1400, 400, 200, 300), True, 1200),  # one that went left goes on to the left
        (Box(1100, 400, 200, 300), True, 1300),  # until there is no room
        (Box(1050, 400, 900, 300), False, 1800),  # no room anywhere: over it, on the side with more room
    ],
)
def test_a_submenu_opens_beside_its_menu(parent: Box, leftwards: bool, x: int) -> None:
    """Right or left, never off the monitor."""
    assert beside_menu(parent, 450, MONITOR, 200, 100, leftwards).x == x


# Fonts


class Asked:
    """What fontconfig would say, and what it was asked."""

    def __init__(self, **fonts: tuple[str, tuple[range, ...] | None]) -> None:
        self.fonts = fonts
        self.questions: list[str] = []

    def __call__(self, pattern: str) -> tuple[str, int, tuple[range, ...] | None] | None:
        self.questions.append(pattern)
        file, characters = self.fonts.get("main" if ":" not in pattern else "other", ("", None))
        return (file, 0, characters) if file else None


def test_a_missing_character_comes_from_another_font() -> None:
    """Only for what the first font lacks fontconfig is asked, once for each; marks stay with their base."""
    need(ask_fontconfig("sans-serif") is not None, "sudo apt-get install fontconfig fonts-dejavu-core")
    serif = "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf"
    asked = Asked(main=(DEJAVU, (range(0x20, 0x7F),)), other=(serif, (range(0x370, 0x400),)))
    fonts = Fonts(14, asked)
    runs = fonts.runs("ab γδ\u0301 cd 漢")
    assert [text for _, text in runs] == ["ab ", "γδ\u0301 ", "cd 漢"]
    assert runs[0][0] is runs[2][0] is not runs[1][0]
    fonts.runs("γδ漢 γ")
    assert asked.questions == ["sans-serif", "sans-serif:charset=3b3", "sans-serif:charset=6f22"]
    assert fonts.width("aγ") == pytest.approx(fonts.width("a") + fonts.width("γ"), abs=1)


def test_without_fontconfig_there_is_a_font_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A known file, or Pillow's own font, draws the text; a file that is no font is passed over."""
    for files in ((DEJAVU,), ()):
        monkeypatch.setattr("trayd.tray.fonts.KNOWN_FILES", files)
        for ask in (lambda _: None, lambda _: (__file__, 0, None)):
            fonts = Fonts(14, ask)
            image = Image.new("RGB", (100, 30), "white")
            fonts.draw(image, 5, 5, "office", "black")
            assert image.convert("L").getextrema()[0] < 100
            assert 20 < fonts.width("office") < 80


def test_fontconfig_that_fails_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """No `fc-match`, or one that says nonsense."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert ask_fontconfig("sans-serif") is None
    monkeypatch.undo()
    need("fc-match", "sudo apt-get install fontconfig")
    told = ask_fontconfig("sans-serif")
    assert told is not None
    assert told[2] is not None
    assert any(ord("a") in part for part in told[2])


@pytest.fixture
def fonts_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets fontconfig know of certain font files only."""
    need(ask_fontconfig("sans-serif") is not None, "sudo apt-get install fontconfig fonts-dejavu-core")

    def only(*files: str) -> None:
        folder = tmp_path / "fonts"
        folder.mkdir()
        for file in files:
            need(Path(file).exists(), "sudo apt-get install fonts-dejavu-core fonts-wqy-microhei")
            (folder / Path(file).name).symlink_to(file)
        settings = tmp_path / "fonts.conf"
        settings.write_text(
            f"<fontconfig><dir>{folder}</dir><cachedir>{tmp_path}/cache</cachedir><include>/etc/fonts/conf.d</include>"
            "</fontconfig>"
        )
        monkeypatch.setenv("FONTCONFIG_FILE", str(settings))

    return only


def ink(fonts: Fonts, character: str) -> bytes:
    """The picture of one character."""
    image = Image.new("L", (30, 30), "white")
    fonts.draw(image, 5, 5, character, "black")
    return image.tobytes()


@pytest.mark.parametrize("spoken", [{}, {"sans-serif": "sans-serif:lang=zh-cn"}], ids=["English", "Chinese"])
def test_chinese_is_drawn_where_a_font_has_it(fonts_in: Callable[..., None], spoken: dict[str, str]) -> None:
    """Whatever trayd speaks: no character of a Chinese text is a box, and no two are the same picture."""
    fonts_in(DEJAVU, MICROHEI)
    with speaking(spoken):
        fonts = Fonts(14)
        assert fonts.has(CHINESE)
        characters = set(CHINESE) - {" "}
        pictures = {ink(fonts, character) for character in characters}
    assert len(pictures) == len(characters)
    assert ink(fonts, NOBODYS) not in pictures


def test_without_a_chinese_font_boxes_cost_one_question(fonts_in: Callable[..., None]) -> None:
    """The text keeps its boxes, and fontconfig is not asked for each of hundreds of characters."""
    fonts_in(DEJAVU)
    questions = []

    def ask(pattern: str) -> Told | None:
        questions.append(pattern)
        return ask_fontconfig(pattern)

    fonts = Fonts(14, ask)
    assert not fonts.has(CHINESE)
    assert ink(fonts, "办") == ink(fonts, "公")
    assert len([question for question in questions if "charset" in question]) <= 2  # one Chinese, and the comma


def test_without_fontconfig_chinese_comes_from_a_known_file() -> None:
    """A character that the first file lacks is seen by its picture, and taken from a Chinese font's usual place."""
    need(Path(MICROHEI).exists(), "sudo apt-get install fonts-wqy-microhei")
    fonts = Fonts(14, lambda _: None)
    assert fonts.has(CHINESE)
    assert [text for _, text in fonts.runs("ab 办公室")] == ["ab ", "办公室"]
    assert ink(fonts, "办") != ink(fonts, "公")


@pytest.mark.parametrize("files", [(DEJAVU,), (DEJAVU, MICROHEI)], ids=["without", "with"])
def test_the_doctor_sees_whether_a_font_has_the_language(
    fonts_in: Callable[..., None], files: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a language that needs more than ASCII is looked for, and only where there is a screen to show it."""
    fonts_in(*files)
    monkeypatch.setenv("DISPLAY", ":0")
    assert letters()
    with speaking({"notifications": "通知"}):
        assert letters() is (MICROHEI in files)
        monkeypatch.delenv("DISPLAY")
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        assert letters()


def test_a_text_that_fits_stays(look: Look) -> None:
    """The longest beginning that fits is kept."""
    fonts = look.fonts
    assert fonts.fit("office", 1000) == "office"
    short = fonts.fit("reachable since yesterday", fonts.width("reachable…") + 1)
    assert short == "reachable…"
    assert fonts.fit("office", 0) == "…"
    assert isinstance(fonts.runs("x")[0][0], Face)


def test_a_name_from_right_to_left_stays_at_its_place(look: Look) -> None:
    """A Hebrew name at the beginning of a line is at the left, before what is said about it, as in all other lines."""
    need(features.check("raqm"), "Pillow with raqm, as in its wheels")
    width = look.fonts.width("שששש        i")
    image = Image.new("L", (width, look.fonts.height))
    look.fonts.draw(image, 0, 0, "שששש        i", "white")
    left, right = (
        sum(image.crop(box).histogram()[128:]) for box in ((0, 0, width // 2, 99), (width // 2, 0, width, 99))
    )
    assert left > 3 * right > 0
