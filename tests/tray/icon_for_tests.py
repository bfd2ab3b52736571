"""What the tests of the tray icon share: keyed items, pictures, and an icon to look at."""

import time
from collections.abc import Callable
from typing import Any

from PIL import Image

from tests.harness.host import Host
from tests.harness.poll import wait_until
from trayd.tray.pystray_import import pystray
from trayd.tray.sni import Icon

Menu = pystray.Menu
RED, BLUE = (200, 30, 20, 255), (10, 60, 220, 128)
MOMENT = 0.3  # how long a thing that must not happen is watched


class Item(pystray.MenuItem):
    """An item with a key, as the facade makes them."""

    def __init__(self, key: str | None, text: str, action: Any = None, **more: Any) -> None:
        super().__init__(text, action, **more)
        if key is not None:
            self.key = key


def image(colour: tuple[int, int, int, int]) -> Image.Image:
    return Image.new("RGBA", (64, 64), colour)


def an_icon(*items: Any, title: str = "office\nreachable since 14:02") -> Icon:
    return Icon("trayd", image(RED), title, Menu(*(items or [Item("a", "one")])))


def nothing_comes(host: Host, since: float) -> bool:
    """A later question was answered, and a moment passed, without any signal."""
    end = time.monotonic() + MOMENT
    wait_until(lambda: time.monotonic() > end)
    host.get("Id")
    return not [signal for signal in host.signals if signal.at >= since]


def recorder() -> tuple[list[str], Callable[[str], Callable[[], None]]]:
    """A list, and actions that put their name into it."""
    clicked: list[str] = []
    return clicked, lambda name: lambda: clicked.append(name)
