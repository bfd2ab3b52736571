"""Where things are on this computer, and what computer it is."""

from __future__ import annotations

import os
import platform
import sys

from trayd.config.computer import Computer
from trayd.files import platform_folder


def computer() -> Computer:
    """Return this computer, as profiles may ask for it."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    return Computer(system, platform.node(), os.path.expanduser("~"))


def profiles_folder() -> str:
    """Return the profiles folder: TRAYD_CONFIG_DIR, or the platform's config folder."""
    if given := os.environ.get("TRAYD_CONFIG_DIR"):
        return os.path.abspath(os.path.expanduser(given))
    return platform_folder("config")


def state_folder() -> str:
    """Return the folder for the choice of the active profile and the log of a crash."""
    return platform_folder("state")
