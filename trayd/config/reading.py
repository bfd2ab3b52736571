"""Reading a file that decides where docker commands go: bounded, never waiting, and only if nobody else could write it.

Docker's own files (a context's meta.json, a machine's config.json) are JSON as Go reads it: the case of a key does not
matter.
"""

from __future__ import annotations

import json
import os
import stat
from typing import Any

from trayd.core.text import clean
from trayd.core.words import _

MOST_BYTES = 256 * 1024


class UnreadableError(Exception):
    """A file that cannot be used: a sentence without the file's name."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class GoneError(UnreadableError):
    """There is no such file."""


def read_own(path: str, most: int = MOST_BYTES) -> bytes:
    """Return at most `most` bytes of a file of this user or of root. Raises UnreadableError."""
    try:
        # Opened without waiting: a named pipe in the folder would block for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise UnreadableError(_("this is not a file"))
            # Whoever can write a profile decides where your docker commands go.
            if os.name == "posix" and status.st_mode & stat.S_IWOTH:
                text = _("everybody may write this file: chmod o-w {path}")
                raise UnreadableError(text.format(path=clean(path, 200)))
            if os.name == "posix" and status.st_uid not in (os.getuid(), 0):
                raise UnreadableError(_("this file belongs to another user: make it your own"))
            return file.read(most)
    except (FileNotFoundError, NotADirectoryError):
        raise GoneError(_("the file is gone, or is a link to nowhere")) from None
    except OSError as error:
        raise UnreadableError(_("the file cannot be read ({why})").format(why=error.strerror)) from None


def read_json(path: str) -> dict[str, Any]:
    """Return the JSON object in a file of this user or of root. Raises UnreadableError, which shows nothing of it."""
    data = read_own(path, MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise UnreadableError(_("the file is too large ({most} KiB at most)").format(most=MOST_BYTES // 1024))
    try:
        value = json.loads(data.decode())
    except UnicodeDecodeError:
        raise UnreadableError(_("the file is not UTF-8 text")) from None
    except json.JSONDecodeError as error:
        raise UnreadableError(_("the file is not JSON (line {line})").format(line=error.lineno)) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
        raise UnreadableError(_("the file is not JSON that can be read")) from None
    if not isinstance(value, dict):
        raise UnreadableError(_("the file holds no JSON object"))
    return value


def member(group: dict[str, Any], key: str, kind: type, default: Any) -> Any:
    """Return a member of a JSON object, whatever the case of its key; null and missing are the default.

    Raises UnreadableError for another type than `kind`. Its value is never shown: it may be a secret.
    """
    found = None
    for name, value in group.items():
        if name.casefold() == key.casefold():
            found = value
    if found is None:
        return default
    if not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool):
        raise UnreadableError(_("'{key}' has the wrong type").format(key=key))
    return found


def entries(folder: str) -> list[str]:
    """Return the sorted names in a folder; a missing folder has none. Raises OSError for one that cannot be read."""
    if not os.path.isabs(folder):  # never the folder that trayd happens to be started in
        return []
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
