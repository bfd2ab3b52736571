"""Where things are on this computer, and what computer it is."""

from __future__ import annotations

import os
import platform
import sys

from trayd.config.profiles import Computer


def computer() -> Computer:
    """Return this computer, as profiles may ask for it."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    return Computer(system, platform.node(), os.path.expanduser("~"))


def profiles_folder() -> str:
    """Return the profiles folder: TRAYD_CONFIG_DIR, or the platform's config folder."""
    if given := os.environ.get("TRAYD_CONFIG_DIR"):
        return os.path.abspath(os.path.expanduser(given))
    return _platform_dir("XDG_CONFIG_HOME", ".config", "user_config_dir")


def state_folder() -> str:
    """Return the folder for the choice of the active profile and the log of a crash."""
    return _platform_dir("XDG_STATE_HOME", ".local/state", "user_state_dir")


def _platform_dir(variable: str, fallback: str, function: str) -> str:
    if sys.platform == "linux":
        # What platformdirs does here, without the 16 ms that importing it costs every `trayd env` (measured).
        base = os.environ.get(variable, "")
        if not os.path.isabs(base):  # the XDG specification: a relative path is invalid and ignored
            base = os.path.join(os.path.expanduser("~"), fallback)
        return os.path.join(base, "trayd")
    import platformdirs

    folder: str = getattr(platformdirs, function)("trayd", appauthor=False, roaming=False)
    return folder
