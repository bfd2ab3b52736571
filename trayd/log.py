"""`trayd log`: where the log is, its last lines, and what comes."""

from __future__ import annotations

from trayd.core.errors import TraydError
from trayd.core.words import _
from trayd.logfile import following, last_lines, log_path
from trayd.output import put, say


def log(path_only: bool, count: int, follow: bool) -> int:
    """Print the log's path, or its last lines; with `follow` stay. Raises TraydError if there is none."""
    path = log_path()
    if path_only:
        put(path)
        return 0
    if follow:
        say(path)
        for text in following(path, count):
            put(text.removesuffix("\n"))
    lines = last_lines(path, count)
    if not lines and count > 0:
        raise TraydError(_("there is no log yet"), _("The running tray writes it: trayd"))
    say(path)
    for line in lines:
        put(line)
    return 0
