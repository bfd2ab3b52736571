"""`trayd completion`: text for a shell that completes trayd's commands, options and profiles, made by shtab.

shtab reads the grammar of the command line itself, so nothing can be forgotten here. What it cannot know are profiles:
they are asked for with `trayd profiles --names` at every Tab, each in its shell's own way, because a name may hold
blanks, and must never be evaluated.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from trayd.config import samples
from trayd.core.shells import ALIASES, SHELLS
from trayd.core.words import _
from trayd.desktop.pickers import KNOWN

# bash's `compgen -W` would evaluate a name like `$(…)`, and zsh would read its list only once.
_BASH = """
_trayd_profiles() {
  local name quoted
  while IFS= read -r name; do
    printf -v quoted %q "$name"
    [[ "$name" == "$1"* || "$quoted" == "$1"* ]] && printf '%s\\n' "$quoted"
  done < <(command trayd profiles --names 2>/dev/null)
}
"""
_ZSH = """
_trayd_profiles() {
  local -a names
  names=("${(@f)$(command trayd profiles --names 2>/dev/null)}")
  compadd "$@" -a names
}
"""
_NAMES = "trayd profiles --names"
PROFILES = {
    "bash": "_trayd_profiles",
    "zsh": "_trayd_profiles",
    "tcsh": f"`{_NAMES}`",
    "fish": f"(command {_NAMES} 2>/dev/null)",
    "preamble": {"bash": _BASH, "zsh": _ZSH},
}
# What stands behind an option or a command, by the word that the help uses for it.
_CHOICES = {"S": (*SHELLS, *ALIASES), "CMD": KNOWN}


def text(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the text for a shell; `parser` is changed on the way and of no other use afterwards."""
    import shtab  # only here: nothing else needs it

    for each in _parsers(parser):
        for action in each._actions:
            if isinstance(action, argparse._SubParsersAction):
                action.help = _("a command")  # our help lists them itself
                for word in action._choices_actions:
                    action.choices[word.dest].description = word.help  # one line, not the whole description
            elif action.metavar == "P":
                action.complete = PROFILES  # type: ignore[attr-defined]
            elif action.metavar == "NAME":
                action.choices = samples.names()
            elif action.metavar in _CHOICES:
                action.choices = _CHOICES[str(action.metavar)]
    return str(shtab.complete(parser, shell)).rstrip()


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _parsers(inner)
