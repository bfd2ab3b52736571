"""What trayd remembers between two starts: the active profile, the one before it, and the settings of the menu."""

from __future__ import annotations

import json
import os

from trayd.config.paths import state_folder
from trayd.core.value import Value
from trayd.core.view import Theme
from trayd.core.words import LANGUAGES
from trayd.files import write_whole


class Memory(Value):
    """The choice of the active profile, the settings, and whether the person was greeted at the first start."""

    active: str = ""
    previous: str = ""
    notifications: bool = True
    theme: Theme = Theme.COLOUR
    language: str = ""
    greeted: bool = False
    trayless: bool = False  # it was told that there is no tray here, and none was seen since


def memory_file() -> str:
    """Return the file of the memory."""
    return os.path.join(state_folder(), "state.json")


def recall() -> Memory:
    """Return what is remembered; a missing or unreadable file means nothing is.

    Where there is a file there was a start before this one, whatever it holds.
    """
    try:
        with open(memory_file(), "rb") as file:
            read = json.loads(file.read(65536))
    except OSError as error:
        return Memory(greeted=not isinstance(error, FileNotFoundError))
    except (ValueError, RecursionError):
        return Memory(greeted=True)
    if not isinstance(read, dict):
        return Memory(greeted=True)
    names = {key: read[key] for key in ("active", "previous") if isinstance(read.get(key), str)}
    theme = next((theme for theme in Theme if theme == read.get("theme")), Theme.COLOUR)
    language = next((key for key in LANGUAGES if key == read.get("language")), "")
    notifications, greeted = (read.get(key) is not False for key in ("notifications", "greeted"))
    trayless = read.get("trayless") is True
    return Memory(
        **names, notifications=notifications, greeted=greeted, theme=theme, language=language, trayless=trayless
    )


def remember(memory: Memory) -> tuple[int, int]:
    """Write the memory, private and in one step, and return the mark of the file. Raises OSError."""
    content = {field: getattr(memory, field) for field in memory.__match_args__}
    return write_whole(memory_file(), json.dumps(content).encode())
