"""Pixels as X servers have them, without a server."""

import pytest
from PIL import Image, ImageChops

from trayd.tray.x11_pixels import Pixels

KINDS = {
    "24 bits": (Pixels(0xFF0000, 0xFF00, 0xFF), 0),
    "32 bits": (Pixels(0xFF0000, 0xFF00, 0xFF, 0xFF000000), 0),
    "24 bits, red last": (Pixels(0xFF, 0xFF00, 0xFF0000), 0),
    "24 bits, big endian": (Pixels(0xFF0000, 0xFF00, 0xFF, big=True), 0),
    "30 bits": (Pixels(0x3FF00000, 0xFFC00, 0x3FF), 2),
    "16 bits": (Pixels(0xF800, 0x7E0, 0x1F, bits=16), 8),
    "16 bits, big endian": (Pixels(0xF800, 0x7E0, 0x1F, bits=16, big=True), 8),
}


@pytest.mark.parametrize(("pixels", "loss"), KINDS.values(), ids=KINDS)
def test_a_picture_comes_back(pixels: Pixels, loss: int) -> None:
    """What was written is read again, but for the bits that the screen does not have; rows end at four bytes."""
    picture = Image.merge(
        "RGBA", [Image.linear_gradient("L").rotate(turn).resize((51, 20)) for turn in (0, 90, 180, 45)]
    )
    data = pixels.pack(picture)
    assert len(data) == 20 * pixels.stride(51)
    assert pixels.stride(51) % 4 == 0
    back = pixels.unpack(data, picture.size)
    if not pixels.alpha:
        picture.putalpha(255)
    differences = ImageChops.difference(back, picture).getextrema()
    assert max(high for _, high in differences) <= loss
    white = pixels.unpack(pixels.pack(Image.new("RGB", (3, 3), "white")), (3, 3))
    assert white.getpixel((1, 1)) == (255, 255, 255, 255)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (KINDS["24 bits"][0], "030201"),
        (KINDS["24 bits, big endian"][0], "010203"),
        (KINDS["16 bits"][0], "0000"),
        (Pixels(0xFF, 0xFF00, 0xFF0000), "010203"),
    ],
)
def test_the_order_of_bytes(pixels: Pixels, expected: str) -> None:
    """The bytes are those that the X protocol asks for."""
    data = pixels.pack(Image.new("RGB", (1, 1), (1, 2, 3)))
    assert expected in data.hex()
    assert pixels.pack(Image.new("RGB", (1, 1), (255, 0, 0))) != pixels.pack(Image.new("RGB", (1, 1), (0, 0, 255)))
