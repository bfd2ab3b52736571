"""Writes the artwork of trayd/tray/icons.py as PNG files beside this one: `python icons/make.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from trayd.core.view import IconSpec  # noqa: E402
from trayd.tray.icons import ARTWORK, SIZES, draw, render  # noqa: E402

PANELS = ("#f5f5f5", "#2b2b2b")
APP_SIZE = 256
CELL = 72  # the largest size and a margin


def specs() -> list[IconSpec]:
    """Every state, here and on another machine; no profile at all is nowhere."""
    here = [IconSpec(state) for state in ARTWORK]
    return here + [IconSpec(state, remote=True) for state in ARTWORK if state != "none"]


def name(spec: IconSpec) -> str:
    """The file's name."""
    return f"trayd-{spec.state}{'-remote' if spec.remote else ''}.png"


def contact_sheet() -> Image.Image:
    """Each icon in a row: every size, then the 16 px one enlarged eight times and again in grey, on each panel."""
    columns = len(SIZES) + 4
    rows = specs()
    sheet = Image.new("RGB", (columns * CELL * len(PANELS), len(rows) * 2 * CELL), "#f5f5f5")
    for half, panel in enumerate(PANELS):
        left = half * columns * CELL
        sheet.paste(panel, (left, 0, left + columns * CELL, sheet.height))
        for row, spec in enumerate(rows):
            top = row * 2 * CELL
            for column, image in enumerate(render(spec).renditions):
                offset = (CELL - image.width) // 2
                sheet.paste(image, (left + column * CELL + offset, top + CELL // 2 + offset), image)
            small = render(spec).renditions[0]
            plain = Image.new("RGB", small.size, panel)
            plain.paste(small, (0, 0), small)
            enlarged = plain.resize((128, 128), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (left + len(SIZES) * CELL + 8, top + 8))
            sheet.paste(enlarged.convert("L"), (left + (len(SIZES) + 2) * CELL + 8, top + 8))
    return sheet


def main() -> None:
    """Write all files."""
    for spec in specs():
        render(spec).save(HERE / name(spec), optimize=True)
    draw(IconSpec("reachable"), APP_SIZE).save(HERE / "trayd.png", optimize=True)
    contact_sheet().save(HERE / "contact-sheet.png", optimize=True)


if __name__ == "__main__":
    main()
