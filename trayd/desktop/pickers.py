"""Programs that show a list and say which line was chosen: rofi, dmenu and their relatives, and fzf in a terminal.

Lines go to their standard input and never into their command line, so no line can be taken for an option, and none
holds a control character. What they answer is a line's text, or its number.
"""

from __future__ import annotations

import html
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from trayd.core.errors import TraydError
from trayd.core.text import clean, did_you_mean
from trayd.core.value import Value
from trayd.core.words import _

MOST_LINES = 20
MOST_NOTES = 12

# Left without a choice: what they all end with (fuzzel since 1.10 with 2), and what a shell makes of Ctrl-C.
_LEFT = (1, 2, 130)
# A remark that is no failure: fuzzel makes many, and GTK, of which wofi is made, about every theme.
_REMARKS = re.compile(r"(info|warn|debug):|.*(-CRITICAL \*\*|Theme parsing error)")


class Picker(Value):
    """A program that shows a list.

    `command` starts it. `known` is the name of a program whose options are known; without it `command` is run as it
    stands.
    """

    command: tuple[str, ...]
    known: str = ""

    @property
    def name(self) -> str:
        """What a person calls it."""
        return os.path.basename(self.command[0])

    @property
    def on_terminal(self) -> bool:
        """Whether it draws in the terminal, or may: its standard error is then not ours to keep."""
        return self.known in ("", "fzf")


# The order is that of preference. Those for Wayland speak nothing else, except bemenu.
WAYLAND = ("fuzzel", "wofi", "tofi", "bemenu")
X11 = ("rofi", "dmenu", "bemenu")
TERMINAL = ("fzf",)
KNOWN = tuple(dict.fromkeys((*WAYLAND, *X11, *TERMINAL)))


def find(environ: Mapping[str, str], terminal: bool) -> Picker | None:
    """Return the installed program that fits this session, or None; a person at a terminal stays there."""
    names: list[str] = []
    if terminal:
        names += TERMINAL
    else:
        names += WAYLAND if environ.get("WAYLAND_DISPLAY") else ()
        names += X11 if environ.get("DISPLAY") else ()
    for name in names:
        if program := shutil.which(name, path=environ.get("PATH")):
            return Picker((program,), name)
    return None


def named(command: str) -> Picker:
    """Return the program that a person named; one that is known and has no options gets ours. Raises TraydError."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        text = _("'{command}' is no command").format(command=clean(command, 60))
        raise TraydError(text, _('Write it like --with "rofi -dmenu -p trayd"'))
    program = shutil.which(words[0])
    if program is None:
        text = _("there is no program '{name}'{suggestion}")
        raise TraydError(
            text.format(name=clean(words[0], 60), suggestion=did_you_mean(words[0], KNOWN)),
            _("Install it, or say another one; trayd knows {programs}").format(programs=_(", ").join(KNOWN)),
        )
    name = os.path.basename(words[0])
    return Picker((program, *words[1:]), name if name in KNOWN and not words[1:] else "")


def pick(picker: Picker, title: str, choices: Sequence[str], notes: Sequence[str]) -> int | None:
    """Show a list; return the number of the chosen line, or None if none was. Raises TraydError.

    `notes` tell something and cannot be chosen: they stand above the list where the program has room for words, else
    behind it, where they are in nobody's way.
    """
    command = [*picker.command, *_options(picker.known, title, choices, notes)]
    told = [f"· {note}" for note in notes] if not _has_room(picker.known) else []
    shown = [*choices, *told]
    if picker.known == "fzf":
        shown = [f"{number}\t{line}" for number, line in enumerate(shown)]
    try:
        done = subprocess.run(
            command,
            input="".join(f"{line}\n" for line in shown).encode("utf-8", "replace"),
            stdout=subprocess.PIPE,
            stderr=None if picker.on_terminal else subprocess.PIPE,
            check=False,
        )
    except OSError as error:
        text = _("{program} could not be started ({why})").format(program=picker.name, why=error.strerror)
        raise TraydError(text, _("Say another one: --with")) from None
    answer = done.stdout.decode("utf-8", "replace").splitlines()
    if not answer or not answer[0].strip():
        _judge(picker, done)
        return None
    return _number(picker, answer[0], choices, told)


def _judge(picker: Picker, done: subprocess.CompletedProcess[bytes]) -> None:
    """Tell a failure from a person who chose nothing: both end with 1, but only the one has something to say."""
    words = [line for line in (done.stderr or b"").decode("utf-8", "replace").splitlines() if line.strip()]
    words = [line for line in words if not _REMARKS.match(line)]
    if not done.returncode or (done.returncode in _LEFT and not words):
        return
    said = clean(words[-1], 160) if words else _("it ended with {code}").format(code=done.returncode)
    text = _("{program} could not show the menu: {problem}").format(program=picker.name, problem=said)
    raise TraydError(text, _("The menu in this terminal: trayd menu --plain"))


def _number(picker: Picker, answer: str, choices: Sequence[str], told: Sequence[str]) -> int | None:
    if picker.known == "fzf":
        answer = answer.partition("\t")[0]
    elif answer in choices:
        return choices.index(answer)
    elif answer in told:
        return None
    if picker.known in ("rofi", "fzf") and answer.isascii() and answer.isdecimal() and int(answer) < len(choices):
        return int(answer)
    text = _("{program} answered with a line that is not in the menu: '{line}'")
    raise TraydError(
        text.format(program=picker.name, line=clean(answer, 60)),
        _("It has to print one of the lines that it was given, as it is"),
    )


def _has_room(known: str) -> bool:
    return known in ("rofi", "fzf")


def _options(known: str, title: str, choices: Sequence[str], notes: Sequence[str]) -> list[str]:
    rows = str(min(MOST_LINES, len(choices) + (0 if _has_room(known) else len(notes))))
    words = "\n".join(notes[:MOST_NOTES])
    match known:
        case "rofi":
            # Rows are plain text for it, the message is always markup.
            told = ["-mesg", html.escape(words, quote=False)] if words else []
            return ["-dmenu", "-i", "-no-custom", "-format", "i", "-l", rows, "-p", title, *told]
        case "dmenu" | "bemenu":
            return ["-i", "-l", rows, "-p", title]
        case "fuzzel":
            return ["--dmenu", f"--prompt={title} › ", f"--lines={rows}", "--width=60"]
        case "wofi":
            # Markup and images would be read out of names; with a cache the last choice jumps to the top.
            plain = ["--define=allow_markup=false", "--define=allow_images=false", "--cache-file=/dev/null"]
            return ["--dmenu", "--insensitive", f"--prompt={title}", *plain]
        case "tofi":
            return [f"--prompt-text={title} › "]
        case "fzf":
            told = [f"--header={words}"] if words else []
            return ["--no-multi", "--reverse", "--delimiter=\t", "--with-nth=2..", f"--prompt={title} › ", *told]
    return []
