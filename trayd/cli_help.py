"""How the help reads: argparse's own words in the person's language, short lines, columns counted in cells."""

from __future__ import annotations

import argparse
import shutil
from typing import NoReturn

from trayd.core.words import N_, _, many
from trayd.output import say

# What of argparse a person can meet here; the rest of it is for whoever writes a grammar.
ARGPARSE = (
    N_("usage: "),
    N_("positional arguments"),
    N_("options"),
    N_("show this help message and exit"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("the following arguments are required: %s"),
    N_("one of the arguments %s is required"),
    N_("not allowed with argument %s"),
    N_("expected one argument"),
    N_("expected at most one argument"),
    N_("expected at least one argument"),
    N_("ignored explicit argument %r"),
    N_("ambiguous option: %(option)s could match %(matches)s"),
    N_("unrecognized arguments: %s"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
    N_("invalid %(type)s value: %(value)r"),
    N_("%(heading)s:"),
)


def take_over() -> None:
    """Let argparse speak the language of trayd: it asks two functions of its module for each of its texts.

    They are gettext's own there, which would look for a catalogue of the whole process that we do not have.
    """
    for name, ours in (("_", _), ("ngettext", many)):
        setattr(argparse, name, ours)


class _Section(argparse.RawDescriptionHelpFormatter._Section):
    """A part of the help; its heading has the colon of its language, which older Pythons do not translate."""

    def format_help(self) -> str:
        text, heading = super().format_help(), f"{self.heading}:\n"
        return text.replace(heading, _("%(heading)s:") % {"heading": self.heading} + "\n", 1)


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps our line breaks, and lines short enough to read on a wide screen too."""

    _Section = _Section  # type: ignore[assignment]

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=min(80, shutil.get_terminal_size().columns) - 2)

    def _format_usage(self, usage: str | None, actions: object, groups: object, prefix: str | None) -> str:
        """Indent further lines of the usage by the cells of the first one's prefix, not by its characters."""
        from trayd.core.cells import width

        prefix = _("usage: ") if prefix is None else prefix
        room = "_" * width(prefix)
        return super()._format_usage(usage, actions, groups, room).replace(room, prefix, 1)  # type: ignore[arg-type]

    def _split_lines(self, text: str, width: int) -> list[str]:
        """Count cells, and break Chinese between its characters."""
        from trayd.core.cells import wrap

        return super()._split_lines(text, width) if text.isascii() else wrap(text, width)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, with the next step."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        help_ = _("Its help, with examples: {command}").format(command=f"{self.prog} --help")
        say(f"{self.prog}: {message}\n  → {help_}")
        self.exit(2)
