"""How the XEMBED icon's menu looks on this screen at this moment: light or dark, its font and its scale."""

from __future__ import annotations

from PIL import ImageStat

from trayd.tray.fonts import Fonts
from trayd.tray.menu_layout import DARK, FONT, LIGHT, Box, Look
from trayd.tray.x11 import X11


class Looks:
    """The looks that were needed so far; a font is loaded once for each scale."""

    def __init__(self, x11: X11) -> None:
        self._x11 = x11
        self._looks: dict[tuple[bool, float], Look] = {}

    def beside(self, icon: Box) -> Look:
        """Colours as light or dark as the panel is, the desktop's font and scale."""
        scale = self._x11.scale()
        # The icon's corner is transparent, so this is the panel, or what shines through it.
        seen = self._x11.get(self._x11.root, self._x11.screen.root_depth, Box(icon.x, icon.y, 1, 1))
        dark = seen is None or ImageStat.Stat(seen.convert("L")).mean[0] < 128
        look = self._looks.get((dark, scale))
        if look is None:
            fonts = next((each.fonts for each in self._looks.values() if each.scale == scale), None)
            look = Look(DARK if dark else LIGHT, fonts or Fonts(FONT * scale), scale)
            self._looks[dark, scale] = look
        return look
