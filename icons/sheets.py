"""The contact sheets of the icons: what they look like on panels, and to colour-blind people."""

from __future__ import annotations

from collections.abc import Iterable

from PIL import Image, ImageDraw, ImageFont

from trayd.core.view import IconSpec, Theme
from trayd.tray.artwork import STATES
from trayd.tray.icons import SIZES, draw

LIGHT, DARK = "#f5f5f5", "#2b2b2b"
INK = {LIGHT: "#2b2b2b", DARK: "#f5f5f5"}
BLOCKS = (
    (Theme.COLOUR, LIGHT, "Colour"),
    (Theme.COLOUR, DARK, "Colour"),
    (Theme.LIGHT, DARK, "Light"),
    (Theme.DARK, LIGHT, "Dark"),
)
MARKS = ((False, False), (True, False), (False, True), (True, True))  # remote, protected
GAP, LABELS, TOP = 8, 216, 28
WORDS = {"degraded": "slow", "hung": "does not answer", "unreachable": "not reachable", "none": "no profile"}

# How colours look without one kind of cones, as matrices for linear RGB: G. M. Machado, M. M. Oliveira, L. A. F.
# Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE Transactions on
# Visualization and Computer Graphics 15 (6), 2009, pp. 1291–1298, severity 1.0.
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def specs(theme: Theme = Theme.COLOUR) -> list[IconSpec]:
    """Every icon of a theme: each state here and elsewhere, protected or not; no profile at all has no marks."""
    return [
        IconSpec(state, remote, protected, theme)
        for remote, protected in MARKS
        for state in STATES
        if state != "none" or not (remote or protected)
    ]


def words(spec: IconSpec) -> str:
    """Return what an icon says."""
    marks = ["remote"] * spec.remote + ["protected"] * spec.protected
    return WORDS.get(spec.state, spec.state) + (f" ({', '.join(marks)})" if marks else "")


def seen(colour: tuple[int, int, int], blindness: str) -> tuple[int, int, int]:
    """Return the colour that a person with a colour blindness sees for another."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (value / 255 for value in colour)]
    turned = (sum(a * b for a, b in zip(row, linear, strict=True)) for row in BLINDNESS[blindness])
    red, green, blue = (_byte(min(1.0, max(0.0, c))) for c in turned)
    return red, green, blue


def _byte(linear: float) -> int:
    return round(255 * (linear * 12.92 if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055))


def simulated(picture: Image.Image, blindness: str) -> Image.Image:
    """Return a picture of few colours as a person with a colour blindness sees it, or in grey."""
    if blindness == "grey":
        return picture.convert("L").convert("RGB")
    if blindness not in BLINDNESS:
        return picture
    known: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    pixels = picture.load()
    for y in range(picture.height):
        for x in range(picture.width):
            colour = pixels[x, y]
            if colour not in known:
                known[colour] = seen(colour, blindness)
            pixels[x, y] = known[colour]
    return picture


def contact_sheet() -> Image.Image:
    """Every icon in every theme and size, on the panels that the theme is for."""
    rows = specs()
    width = sum(SIZES) + GAP * (len(SIZES) + 1)
    height = max(SIZES) + GAP
    sheet = Image.new("RGB", (LABELS + width * len(BLOCKS), TOP + height * len(rows)), LIGHT)
    for row, spec in enumerate(rows):
        _write(sheet, GAP, TOP + row * height + height // 2, words(spec), INK[LIGHT])
    for number, (theme, panel, name) in enumerate(BLOCKS):
        left = LABELS + number * width
        sheet.paste(panel, (left, 0, left + width, sheet.height))
        _write(sheet, left + GAP, TOP // 2, f"{name}: {', '.join(map(str, SIZES))} px", INK[panel])
        for row, spec in enumerate(specs(theme)):
            _strip(sheet, spec, left + GAP, TOP + row * height + height // 2, SIZES)
    return _few_colours(sheet)


def colour_blind_sheet() -> Image.Image:
    """Every state as colour-blind people see it, on both panels, and in grey."""
    sizes = (16, 24, 48)
    kinds = ("as it is", *BLINDNESS, "grey")
    width, height = sum(sizes) + GAP * (len(sizes) + 1), max(sizes) + GAP
    sheet = Image.new("RGB", (LABELS + width * len(kinds), TOP + height * 2 * len(STATES)), LIGHT)
    for column, kind in enumerate(kinds):
        part = Image.new("RGB", (width, height * 2 * len(STATES)), LIGHT)
        for block, panel in enumerate((LIGHT, DARK)):
            part.paste(panel, (0, block * height * len(STATES), width, (block + 1) * height * len(STATES)))
            for row, state in enumerate(STATES):
                middle = (block * len(STATES) + row) * height + height // 2
                _strip(part, IconSpec(state), GAP, middle, sizes)
        sheet.paste(simulated(part, kind), (LABELS + column * width, TOP))
        _write(sheet, LABELS + column * width + GAP, TOP // 2, kind, INK[LIGHT])
    for row in range(2 * len(STATES)):
        text = words(IconSpec(STATES[row % len(STATES)]))
        _write(sheet, GAP, TOP + row * height + height // 2, text, INK[LIGHT])
    return _few_colours(sheet)


def _strip(sheet: Image.Image, spec: IconSpec, left: int, middle: int, sizes: Iterable[int]) -> None:
    for size in sizes:
        icon = draw(spec, size)
        sheet.paste(icon, (left, middle - size // 2), icon)
        left += size + GAP


def _write(sheet: Image.Image, left: int, middle: int, text: str, ink: str) -> None:
    ImageDraw.Draw(sheet).text((left, middle), text, fill=ink, font=ImageFont.load_default(12), anchor="lm")


def _few_colours(sheet: Image.Image) -> Image.Image:
    """A palette halves the file, and nobody sees the difference."""
    return sheet.quantize(64, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
