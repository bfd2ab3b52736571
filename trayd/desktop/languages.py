"""The languages that a person has chosen in the settings of Windows or macOS, where no LANG says it."""

from __future__ import annotations

import locale
import subprocess
import sys


def preferred() -> list[str]:
    """Return the names of locales, the most wanted first; none if the system does not tell."""
    if sys.platform == "win32":
        import ctypes

        # The language of Windows' own menus, as a LANGID (winnls.h).
        name = locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
        return [name] if name else []
    if sys.platform == "darwin":
        # What NSLocale.preferredLanguages reads; AppKit is a heavy import for a command.
        command = ["defaults", "read", "-g", "AppleLanguages"]
        try:
            told = subprocess.run(command, capture_output=True, text=True, timeout=2, check=True).stdout
        except (OSError, subprocess.SubprocessError, UnicodeError):
            return []
        return [name.strip(' \t",') for name in told.splitlines() if name.strip(' \t",()')]
    return []
