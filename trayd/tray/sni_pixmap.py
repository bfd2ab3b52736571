"""Images as panels want them: several sizes, ARGB32 in network byte order, colours not multiplied by alpha.

Nothing here imports Pillow unless an image has to be scaled; an icon that carries its `renditions` never is.
"""

from __future__ import annotations

from typing import Any

SIZES = (16, 22, 24, 32, 48, 64)
Pixmap = tuple[int, int, bytes]

_KEEP = 16  # more than the states of a few profiles; 35 KB each


class Pixmaps:
    """Encodes images and remembers the latest ones by the image object itself, which must not be changed in place."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, tuple[Pixmap, ...]]] = {}

    def of(self, image: Any) -> tuple[Pixmap, ...]:
        """Give an image's pixmaps, smallest first."""
        if image is None:
            return ()
        known = self._known.get(id(image))
        if known is None:
            # The image is kept too, so that its id() cannot become another image's.
            known = image, tuple(_pixmap(one) for one in renditions(image))
            if len(self._known) >= _KEEP:
                del self._known[next(iter(self._known))]
            self._known[id(image)] = known
        return known[1]


def renditions(image: Any) -> tuple[Any, ...]:
    """Give an image in all sizes: its own `renditions`, or scaled ones."""
    ready = getattr(image, "renditions", None)
    return tuple(ready) if ready else tuple(_scaled(image, size) for size in SIZES)


def _scaled(image: Any, size: int) -> Any:
    from PIL.Image import Resampling

    largest = max(image.size)
    width, height = (max(1, round(side * size / largest)) for side in image.size)
    return rgba(image).resize((width, height), Resampling.LANCZOS)


def rgba(image: Any) -> Any:
    """Give an image in RGBA."""
    return image if image.mode == "RGBA" else image.convert("RGBA")


def _without_hidden_colour(image: Any) -> Any:
    """Make what is transparent black: swaybar adds its colour to the bar's, and every icon would be a square."""
    clear = image.copy()
    clear.paste((0, 0, 0, 0), (0, 0, *image.size))
    clear.paste(image, mask=image.getchannel("A").point([0] + [255] * 255))
    return clear


def _pixmap(image: Any) -> Pixmap:
    data = _without_hidden_colour(rgba(image)).tobytes()
    turned = bytearray(len(data))
    turned[0::4] = data[3::4]
    turned[1::4] = data[0::4]
    turned[2::4] = data[1::4]
    turned[3::4] = data[2::4]
    return image.width, image.height, bytes(turned)
