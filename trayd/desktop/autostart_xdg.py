"""A program that a Linux desktop starts at login, as a .desktop file.

Sources: Desktop Entry Specification 1.5 (escaping of strings, "The Exec key"), Desktop Application Autostart
Specification 0.5, and systemd-xdg-autostart-generator(8), which skips an entry with X-GNOME-Autostart-Phase.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from trayd.core.words import _

GROUP = "Desktop Entry"

# What needs no quotes; the specification lists the characters that do, and quoting more than these is allowed.
_PLAIN = re.compile(r"[A-Za-z0-9@%+=:,./_-]+")
_ESCAPES = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}


class EntryError(ValueError):
    """A command that no .desktop file can carry, or an Exec line that is none; the text says why."""


def desktop_entry(command: Sequence[str], icon: str | None) -> str:
    """The text of an autostart entry that starts `command`."""
    lines = [
        f"[{GROUP}]",
        "Type=Application",
        "Name=trayd",
        "Comment=Shows which Docker engine you are talking to and whether it answers",
        # The desktop chooses among them by its own language, whatever trayd speaks now.
        "Comment[zh_CN]=显示当前连接的是哪个 Docker 引擎，以及它是否有响应",
        f"Exec={_escape(_exec_line(command))}",
        f"TryExec={_escape(command[0])}",
        *([f"Icon={_escape(icon)}"] if icon else []),
        "Terminal=false",
        "X-GNOME-Autostart-enabled=true",
    ]
    return "\n".join(lines) + "\n"


def parse_desktop_entry(text: str) -> dict[str, str]:
    """The keys of the main group with their escapes undone; a key that stands twice counts as it stands last."""
    group, found = "", {}
    for line in text.split("\n"):
        if line.startswith("["):
            group = line.strip()[1:-1]
        elif group == GROUP and "=" in line and not line.startswith("#"):
            key, _equals, value = line.partition("=")
            found[key.strip()] = _unescape(value.strip(" \t\r"))
    return found


def parse_desktop_entry_exec(text: str) -> list[str]:
    """The command of an entry's Exec line, without field codes; empty if it has none, `EntryError` if it is broken."""
    words = _words(parse_desktop_entry(text).get("Exec", ""))
    expanded = [re.sub("%(.)", lambda code: "%" if code[1] == "%" else "", word, flags=re.DOTALL) for word in words]
    # "%u" alone stands for nothing here; an argument that is empty on purpose stays.
    return [after for before, after in zip(words, expanded, strict=True) if after or not before]


def _exec_line(command: Sequence[str]) -> str:
    if not command or not command[0]:
        raise EntryError(_("there is no program to start"))
    # The specification forbids "=". The others it allows, but GLib 2.74 looks for the program before it undoes "%%"
    # and systemd 252 loses backslashes too: the entry would look well and start nothing.
    if found := re.search(r"[=%\\]", command[0]):
        text = _("desktops cannot start {program}, because its path holds the character {character}")
        raise EntryError(text.format(program=command[0], character=found[0]))
    if any("\0" in word for word in command):
        raise EntryError(_("the command holds a NUL character"))
    return " ".join(_quote(word) for word in command)


def _quote(word: str) -> str:
    doubled = word.replace("%", "%%")
    if _PLAIN.fullmatch(doubled):
        return doubled
    return '"' + re.sub(r'(["`$\\])', r"\\\1", doubled) + '"'


def _words(line: str) -> list[str]:
    words: list[str] = []
    word: str | None = None
    quoted = False
    characters = iter(line)
    for character in characters:
        if character == "\\":
            after = next(characters, None)
            if after is None:
                raise EntryError(_("the Exec line ends in the middle of an escape"))
            word = (word or "") + after
        elif character == '"':
            quoted, word = not quoted, word or ""
        elif character in " \t\n" and not quoted:
            if word is not None:
                words.append(word)
            word = None
        else:
            word = (word or "") + character
    if quoted:
        raise EntryError(_("the Exec line has an open quote"))
    return words if word is None else [*words, word]


def _escape(value: str) -> str:
    """A value of type string; what begins with a blank would lose it."""
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return re.sub("^ | $", r"\\s", escaped)


def _unescape(value: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), value)
