r"""A program that Windows starts at login: a value of HKCU\...\Run, and Task Manager's switch for it.

Sources: learn.microsoft.com "Run and RunOnce Registry Keys" and "Parsing C++ command-line arguments". Task Manager
and Settings note a program that the person switched off in ...\Explorer\StartupApproved\Run (first byte odd); that
is not documented, but long since how it is.
"""

from __future__ import annotations

import contextlib
import importlib
import subprocess
from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
VALUE = "trayd"

Values = MutableMapping[str, str | bytes]


def run_key_value(command: Sequence[str]) -> str:
    """The command line that Windows splits into exactly `command` again."""
    return subprocess.list2cmdline(command)


def split_command_line(line: str) -> list[str]:
    """What a program gets as its arguments from this command line (the inverse of `run_key_value`)."""
    words: list[str] = []
    word: str | None = None
    quoted = False
    backslashes = 0
    for character in line:
        if character == "\\":
            backslashes += 1
            continue
        if character == '"':
            # Backslashes count in pairs before a quote, and an odd one makes the quote an ordinary character.
            word = (word or "") + "\\" * (backslashes // 2) + ('"' if backslashes % 2 else "")
            quoted = quoted if backslashes % 2 else not quoted
        elif character in " \t" and not quoted:
            if word is not None or backslashes:
                words.append((word or "") + "\\" * backslashes)
            word = None
        else:
            word = (word or "") + "\\" * backslashes + character
        backslashes = 0
    if word is not None or backslashes:
        words.append((word or "") + "\\" * backslashes)
    return words


def is_switched_off(approved: Values) -> bool:
    """Whether the person switched trayd off in Task Manager or Settings."""
    noted = approved.get(VALUE)
    return isinstance(noted, bytes) and noted[:1] != b"" and noted[0] % 2 == 1


def set_value(run: Values, approved: Values, command: Sequence[str]) -> None:
    """Start `command` at login; whoever asks for it wants it on, so an old switch-off goes."""
    run[VALUE] = run_key_value(command)
    with contextlib.suppress(KeyError):
        del approved[VALUE]


def remove_value(run: Values, approved: Values) -> bool:
    """Start nothing at login; say whether something was to be started."""
    was_there = VALUE in run
    for values in (run, approved):
        with contextlib.suppress(KeyError):
            del values[VALUE]
    return was_there


class CurrentUserKey(MutableMapping[str, str | bytes]):
    """The values of one key below HKEY_CURRENT_USER, as a mapping; `winreg` exists on Windows only."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._winreg: Any = importlib.import_module("winreg")

    def __getitem__(self, name: str) -> str | bytes:
        try:
            with self._winreg.OpenKey(self._winreg.HKEY_CURRENT_USER, self._path) as key:
                value = self._winreg.QueryValueEx(key, name)[0]
        except FileNotFoundError:
            raise KeyError(name) from None
        return value if isinstance(value, bytes) else str(value)

    def __setitem__(self, name: str, value: str | bytes) -> None:
        kind = self._winreg.REG_SZ if isinstance(value, str) else self._winreg.REG_BINARY
        with self._winreg.CreateKey(self._winreg.HKEY_CURRENT_USER, self._path) as key:
            self._winreg.SetValueEx(key, name, 0, kind, value)

    def __delitem__(self, name: str) -> None:
        try:
            with self._winreg.OpenKey(self._winreg.HKEY_CURRENT_USER, self._path, 0, self._winreg.KEY_SET_VALUE) as key:
                self._winreg.DeleteValue(key, name)
        except FileNotFoundError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        names: list[str] = []
        with contextlib.suppress(OSError), self._winreg.OpenKey(self._winreg.HKEY_CURRENT_USER, self._path) as key:
            while True:  # until it says that there are no more
                names.append(self._winreg.EnumValue(key, len(names))[0])
        return iter(names)

    def __len__(self) -> int:
        return sum(1 for _ in self)
