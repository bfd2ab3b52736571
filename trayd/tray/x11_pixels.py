"""Pictures as an X server wants them: the pixels of 16, 24, 30 or 32 colour bits, in its order of bytes."""

from __future__ import annotations

from PIL import Image, ImageChops

from trayd.core.value import Value


class Pixels(Value):
    """How pixels look on one kind of screen: which bits are which colour, bits for each pixel, order of bytes.

    `alpha` is 0 where pixels are opaque. Colours have at most 16 bits, rows end at four bytes.
    """

    red: int
    green: int
    blue: int
    alpha: int = 0
    bits: int = 32
    big: bool = False

    @property
    def _plain(self) -> bool:
        """Whether it is the arrangement that nearly all screens have, which Pillow knows itself."""
        masks = (self.red, self.green, self.blue)
        return masks == (0xFF0000, 0xFF00, 0xFF) and self.alpha in (0, 0xFF000000) and self.bits == 32 and not self.big

    def stride(self, width: int) -> int:
        """The bytes of one row."""
        return (width * self.bits + 31) // 32 * 4

    def pack(self, image: Image.Image) -> bytes:
        """Write a picture: RGB, or RGBA, whose alpha is only written where the pixels have one."""
        if self._plain:
            mode = "RGBA" if self.alpha else "RGB"
            return image.convert(mode).tobytes("raw", "BGRA" if self.alpha else "BGRX")
        bands = image.convert("RGBA").split()
        data = [Image.new("L", image.size) for _ in range(self.bits // 8)]
        for band, mask in zip(bands, self._masks(), strict=True):
            for number in range(len(data)):
                table = [_put(value, mask) >> 8 * number & 255 for value in range(256)]
                data[number] = ImageChops.add(data[number], band.point(table))
        if self.big:
            data.reverse()
        rows = Image.merge("LA" if self.bits == 16 else "RGBA", data).tobytes()
        width = image.width * self.bits // 8
        return b"".join(
            rows[at : at + width].ljust(self.stride(image.width), b"\0") for at in range(0, len(rows), width)
        )

    def unpack(self, data: bytes, size: tuple[int, int]) -> Image.Image:
        """Read a picture as RGBA, opaque where the pixels have no alpha."""
        if self._plain:
            image = Image.frombytes("RGBA", size, data, "raw", "BGRA")
        else:
            mode = "LA" if self.bits == 16 else "RGBA"
            parts = list(Image.frombytes(mode, size, data, "raw", mode, self.stride(size[0])).split())
            if self.big:
                parts.reverse()
            bands = []
            for mask in self._masks():
                band = Image.new("L", size)
                for number, part in enumerate(parts):
                    band = ImageChops.add(band, part.point([_get(value << 8 * number, mask) for value in range(256)]))
                bands.append(band)
            image = Image.merge("RGBA", bands)
        if not self.alpha:
            image.putalpha(255)
        return image

    def _masks(self) -> tuple[int, int, int, int]:
        return self.red, self.green, self.blue, self.alpha


def _put(value: int, mask: int) -> int:
    """A colour of 8 bits as the bits of a mask."""
    if not mask:
        return 0
    shift = (mask & -mask).bit_length() - 1
    return (value * (mask >> shift) + 127) // 255 << shift


def _get(word: int, mask: int) -> int:
    """What a part of a word has of a colour, in 8 bits; rounded up, so that the parts of white are white."""
    return -(-(word & mask) * 255 // mask) if mask else 0


def premultiplied(image: Image.Image) -> Image.Image:
    """An RGBA picture with its colours multiplied by their alpha, as compositors expect it in a window."""
    return Image.frombytes("RGBA", image.size, image.convert("RGBa").tobytes())
