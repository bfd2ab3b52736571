"""Makes all files of the icons from trayd/tray/artwork.py: `python icons/make.py`.

Beside this file: `trayd.svg`, `trayd.png` (256 px) and `trayd.ico` for whoever packages trayd; for each theme a folder
with an SVG and a PNG of 64 px of every icon. In docs/: the contact sheets.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from PIL import Image  # noqa: E402

from icons import sheets  # noqa: E402
from icons.svg import svg  # noqa: E402
from trayd.core.view import IconSpec, Theme  # noqa: E402
from trayd.tray.icons import draw, render  # noqa: E402

PROGRAM = IconSpec("reachable")
PROGRAM_SIZE = 256
ICO_SIZES = (16, 20, 24, 32, 40, 48, 64, 256)  # what Windows asks for at 100 to 250 % and in large views


def file_name(spec: IconSpec) -> str:
    """Return an icon's file in the folder of its theme, without the ending."""
    return f"trayd-{spec.state}{'-remote' * spec.remote}{'-protected' * spec.protected}"


def texts() -> dict[str, str]:
    """Return all SVG documents, by their place in this folder."""
    found = {f"{theme}/{file_name(spec)}.svg": svg(spec) for theme in Theme for spec in sheets.specs(theme)}
    return found | {"trayd.svg": svg(PROGRAM)}


def pictures() -> dict[str, Image.Image]:
    """Return all PNG pictures, by their place in this folder."""
    found = {f"{theme}/{file_name(spec)}.png": render(spec) for theme in Theme for spec in sheets.specs(theme)}
    docs = {
        "../docs/icons.png": sheets.contact_sheet(),
        "../docs/icons-colour-blind.png": sheets.colour_blind_sheet(),
    }
    return {**found, "trayd.png": draw(PROGRAM, PROGRAM_SIZE), **docs}


def ico() -> list[Image.Image]:
    """Return the pictures in `trayd.ico`, each drawn for its size."""
    return [draw(PROGRAM, size) for size in ICO_SIZES]


def main() -> None:
    """Write all files."""
    for theme in Theme:
        (HERE / theme).mkdir(exist_ok=True)
    for place, text in texts().items():
        (HERE / place).write_text(text, encoding="utf-8", newline="\n")
    for place, picture in pictures().items():
        picture.save(HERE / place, optimize=True)
    *small, largest = ico()
    largest.save(HERE / "trayd.ico", append_images=small, sizes=[(size, size) for size in ICO_SIZES])


if __name__ == "__main__":
    main()
