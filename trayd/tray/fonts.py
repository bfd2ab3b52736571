"""Text for what we draw ourselves: the desktop's own font, and others for the characters it lacks.

Pillow draws with one font file and knows no substitutes, so fontconfig is asked (`fc-match`) which file a person's
settings mean and which one has a missing character. Without fontconfig well-known files or Pillow's own font serve.
"""

from __future__ import annotations

import subprocess
import unicodedata
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from trayd.core.words import N_, _

# A translation adds its language: the same character is drawn differently in Chinese and in Japanese.
FAMILY = N_("sans-serif")
SECONDS = 2.0
KNOWN_FILES = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
)
CHINESE_FILES = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
)
# No character of Unicode: what a font draws for it, it draws for all that it lacks.
NOBODYS = "\U0010ffff"
# Colour fonts of bitmaps, which emoji fonts are, have one size only: Noto's and Apple's.
BITMAP_SIZES = (109, 136, 160, 64)

# What fontconfig tells of a font: its file, its number in that file, and the characters it has (None: not known).
Told = tuple[str, int, tuple[range, ...] | None]


def ask_fontconfig(pattern: str) -> Told | None:
    """Ask fontconfig for the font that fits a pattern best; nothing if it is not there or does not answer."""
    command = ["fc-match", "-f", "%{file}\n%{index}\n%{charset}\n", pattern]
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS, check=True)
        file, index, characters = done.stdout.decode().split("\n")[:3]
        return file, int(index), tuple(_range(word) for word in characters.split())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _range(word: str) -> range:
    first, _dash, last = word.partition("-")
    return range(int(first, 16), int(last or first, 16) + 1)


class Face:
    """One font file in one size."""

    def __init__(self, font: Any, characters: tuple[range, ...] | None, shrink: float = 1.0) -> None:
        self.font = font
        self.shrink = shrink
        """How much smaller the text is than the font draws it; not 1 only for fonts of bitmaps."""
        # Our lines run from left to right: a Hebrew or Arabic name in one does not turn it around.
        shapes = font.layout_engine == ImageFont.Layout.RAQM
        self.options: dict[str, Any] = {"direction": "ltr"} if shapes else {}
        self._characters = characters

    def has(self, character: str) -> bool:
        """Whether the font can draw a character."""
        if self._characters is None:
            return character.isspace() or bytes(self.font.getmask(character)) != bytes(self.font.getmask(NOBODYS))
        return any(ord(character) in part for part in self._characters)

    def width(self, text: str) -> float:
        """The width of a text in pixels."""
        return float(self.font.getlength(text, **self.options)) * self.shrink


class Fonts:
    """The fonts for texts of one size. `ask` tells which file is meant: fontconfig, where a test does not say."""

    def __init__(self, size: float, ask: Callable[[str], Told | None] = ask_fontconfig) -> None:
        self.size = size
        self._ask = ask
        self._others: list[Face] = []
        self._faces: dict[str, Face] = {}  # which face a character is drawn with
        self._no_chinese = False  # there is no font for it: a menu has a hundred different characters
        self._main = self._first()
        ascent, descent = self._main.font.getmetrics()
        self.ascent: int = ascent
        self.height: int = ascent + descent

    def _first(self) -> Face:
        told = self._ask(_(FAMILY))
        for candidate in [told] if told else [(file, 0, None) for file in KNOWN_FILES]:
            if face := self._load(candidate):
                return face
        return Face(ImageFont.load_default(self.size), None)

    def _load(self, told: Told) -> Face | None:
        file, index, characters = told
        for size in (self.size, *BITMAP_SIZES):
            try:
                return Face(ImageFont.truetype(file, size, index=index), characters, self.size / size)
            except OSError:
                continue
        return None

    def runs(self, text: str) -> list[tuple[Face, str]]:
        """Cut a text into pieces that one font can draw; marks and joiners stay with what they belong to."""
        pieces: list[tuple[Face, str]] = []
        for character in text:
            last = pieces[-1][0] if pieces else self._main
            clings = unicodedata.category(character) in ("Mn", "Me", "Cf") or (
                character == " " and last.shrink == 1.0  # a colour font's blank is as wide as a picture
            )
            face = last if clings else self._face(character)
            if pieces and face is last:
                pieces[-1] = (face, pieces[-1][1] + character)
            else:
                pieces.append((face, character))
        return pieces

    def _face(self, character: str) -> Face:
        face = self._faces.get(character)
        if face is None:
            face = self._faces[character] = self._search(character)
        return face

    def _search(self, character: str) -> Face:
        for face in (self._main, *self._others):
            if face.has(character):
                return face
        chinese = "\u4e00" <= character <= "\u9fff"
        if not (chinese and self._no_chinese):
            told = self._ask(f"{_(FAMILY)}:charset={ord(character):x}")
            for candidate in [told] if told else [(file, 0, None) for file in CHINESE_FILES]:
                found = self._load(candidate)
                if found is not None and found.has(character):
                    self._others.append(found)
                    return found
            self._no_chinese = self._no_chinese or chinese
        return self._main  # nobody has it: its box says that something is there, and `trayd doctor` says why

    def has(self, text: str) -> bool:
        """Whether every character of a text can be drawn."""
        return all(face.has(character) for face, piece in self.runs(text) for character in piece)

    def width(self, text: str) -> int:
        """The width of a text in whole pixels."""
        return -int(-sum(face.width(piece) for face, piece in self.runs(text)) // 1)

    def fit(self, text: str, room: int) -> str:
        """Shorten a text that is wider than `room`, with an ellipsis at its end."""
        if self.width(text) <= room:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self.width(text[:middle].rstrip() + "…") <= room:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + "…"

    def draw(self, image: Image.Image, x: int, top: int, text: str, colour: str) -> None:
        """Draw a text whose line begins at x and `top`."""
        pen = ImageDraw.Draw(image)
        at, baseline = float(x), top + self.ascent
        for face, piece in self.runs(text):
            if face.shrink == 1.0:
                pen.text((at, baseline), piece, colour, font=face.font, anchor="ls", **face.options)
            else:
                self._draw_bitmaps(image, round(at), baseline, face, piece, colour)
            at += face.width(piece)

    def _draw_bitmaps(self, image: Image.Image, x: int, baseline: int, face: Face, text: str, colour: str) -> None:
        left, top, right, bottom = face.font.getbbox(text, anchor="ls")
        if right <= left or bottom <= top:
            return
        drawn = Image.new("RGBA", (int(right - left), int(bottom - top)))
        ImageDraw.Draw(drawn).text((-left, -top), text, colour, font=face.font, anchor="ls", embedded_color=True)
        small = drawn.resize(
            (max(1, round(drawn.width * face.shrink)), max(1, round(drawn.height * face.shrink))),
            Image.Resampling.LANCZOS,
        )
        image.paste(small, (x + round(left * face.shrink), baseline + round(top * face.shrink)), small)
