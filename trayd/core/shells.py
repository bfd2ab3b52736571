"""Environment variables as text for a shell: set these, clear those, on one line, quoted so that nothing runs.

The rules were measured with real shells and hostile values (facts: connection.md 5.6); docker-machine's double quotes
execute $(…) in every Unix shell. There is no comment line, since interactive zsh runs the $(…) in one, and no newline
at the end, so a pasted text does nothing before Enter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trayd.core.text import hidden_character
from trayd.core.value import Value
from trayd.core.words import _


class UnquotableError(Exception):
    """A value that a shell cannot carry safely: which variable, and why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Shell(Value):
    """How one family of shells sets and clears environment variables."""

    name: str
    label: str
    quote: Callable[[str], str]
    render: Callable[[list[tuple[str, str]], list[str]], list[str]]
    separator: str = "; "
    forbidden: str = ""
    evaluated: str = "; "
    """Between the commands where `trayd env` is evaluated, not pasted."""


def _posix_quote(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _fish_quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _csh_quote(value: str) -> str:
    # csh expands history even inside single quotes.
    return _posix_quote(value).replace("!", "\\!")


def _powershell_quote(value: str) -> str:
    # PowerShell takes the typographic single quotes for quotes too (its tokenizer's CharTraits).
    for quote in "'‘’‚‛":
        value = value.replace(quote, quote * 2)
    return f"'{value}'"


def _posix_render(set_: list[tuple[str, str]], unset: list[str]) -> list[str]:
    parts = ["export " + " ".join(f"{name}={value}" for name, value in set_)] if set_ else []
    return parts + (["unset " + " ".join(unset)] if unset else [])


def _fish_render(set_: list[tuple[str, str]], unset: list[str]) -> list[str]:
    return [f"set -gx {name} {value}" for name, value in set_] + [f"set -e {name}" for name in unset]


def _csh_render(set_: list[tuple[str, str]], unset: list[str]) -> list[str]:
    return [f"setenv {name} {value}" for name, value in set_] + [f"unsetenv {name}" for name in unset]


def _powershell_render(set_: list[tuple[str, str]], unset: list[str]) -> list[str]:
    parts = [f"$Env:{name} = {value}" for name, value in set_]
    if unset:
        paths = ",".join(f"Env:{name}" for name in unset)
        parts.append(f"Remove-Item {paths} -ErrorAction SilentlyContinue")
    return parts


def _cmd_render(set_: list[tuple[str, str]], unset: list[str]) -> list[str]:
    return [f'SET "{name}={value}"' for name, value in set_] + [f'SET "{name}="' for name in unset]


SHELLS = {
    shell.name: shell
    for shell in (
        Shell("sh", "sh, bash, zsh", _posix_quote, _posix_render),
        Shell("fish", "fish", _fish_quote, _fish_render),
        Shell("powershell", "PowerShell", _powershell_quote, _powershell_render),
        # Interactive cmd has no way to escape a percent sign, and none to put a quote inside quotes. In for /f … do @%i
        # an & would be a part of the value, so there each command has a line.
        Shell("cmd", "cmd", str, _cmd_render, separator=" & ", forbidden='"%', evaluated="\n"),
        Shell("csh", "csh, tcsh", _csh_quote, _csh_render),
    )
}

ALIASES = {"bash": "sh", "zsh": "sh", "dash": "sh", "ash": "sh", "ksh": "sh", "tcsh": "csh", "pwsh": "powershell"}


def find_shell(name: str) -> Shell | None:
    """Return the shell of that name or program file ("zsh", "-bash", "C:/…/pwsh.exe"), or None if it is not known."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1].lower().removesuffix(".exe").lstrip("-")
    return SHELLS.get(ALIASES.get(base, base))


def script(shell: Shell, variables: Mapping[str, str | None], separator: str = "") -> str:
    """Return one line that gives a shell these variables; None unsets one. `separator` is put between the commands.

    Raises UnquotableError for a value with an invisible character, or one that the shell cannot quote.
    """
    for name, value in variables.items():
        if value is None:
            continue
        if hidden := hidden_character(value):
            text = _("{name} contains an invisible character ({hidden}), which no shell takes safely")
            raise UnquotableError(text.format(name=name, hidden=hidden))
        if bad := next((c for c in shell.forbidden if c in value), None):
            text = _("{name} contains {character}, which {shell} cannot quote")
            raise UnquotableError(text.format(name=name, character=bad, shell=shell.label))
    set_ = [(name, shell.quote(value)) for name, value in variables.items() if value is not None]
    unset = [name for name, value in variables.items() if value is None]
    return (separator or shell.separator).join(shell.render(set_, unset))
