"""What of a text may stand in a bug report or in the log: nobody's name, and nothing that opens something."""

from __future__ import annotations

import re

# Up to the last @ before a blank: a password may hold every character that an address would have to escape.
_USERINFO = re.compile(r"://[^\s'\"]*@")
_HOMES = re.compile(r"(?i)((?:/home|/users|[a-z]:[\\/]+users)[\\/]+)[^\\/\s:'\"]+")
# Folders that are alike on everybody's computer.
_COMMON = ("/usr/", "/bin/", "/sbin/", "/opt/", "/snap/", "/nix/", "/Applications/", "C:\\Program Files")


def without_secrets(text: str, home: str) -> str:
    """Return a text without the passwords of addresses and without the names of people's home folders."""
    text = _USERINFO.sub("://…@", text)
    if home.strip("/\\").strip() and _absolute(home):
        text = re.sub(re.escape(home.rstrip("/\\")) + r"(?![\w.-])", "~", text)
    return _HOMES.sub(r"\1…", text)


def place(path: str, home: str) -> str:
    """Return where a file is as far as a bug report may tell it: below the home folder, or where everybody has it."""
    shown = without_secrets(path, home)
    if shown.startswith("~") or shown.startswith(_COMMON):
        return shown
    return "a place of your own"


def _absolute(path: str) -> bool:
    return path.startswith(("/", "\\")) or path[1:3] in (":\\", ":/")
