"""Writing: data on stdout, words on stderr, and a sentence instead of a traceback where they cannot be written."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import sys
from typing import IO

from trayd.core.errors import TraydError
from trayd.core.words import _

# What stands for our marks where the terminal or the locale has no room for them.
_PLAIN = str.maketrans({**dict(zip("●◐○◌✖✗✓→⚠—–·’▸‹›•─", "**ooxx+>!---'><>*-", strict=True)), "…": "..."})


def prepare() -> None:
    """Make every character printable: one that the locale does not know becomes a plain one, or a question mark."""
    codecs.register_error("trayd.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="trayd.plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode("ascii", "replace").decode("ascii"), error.end


def say(text: str) -> None:
    """Write words for a person, on stderr; where there is none (a windowless start, a full disk), nobody reads them."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)


def show_in_place(line: str) -> None:
    """Write a line over the one that stands in the terminal of stderr, without going to the next."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)


def ask(question: str) -> str | None:
    """Return what a person types in answer to a question, None where nobody can be asked."""
    if sys.stdin is None or sys.stderr is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    print(question, end=" ", file=sys.stderr, flush=True)
    return sys.stdin.readline()


def put(text: str) -> None:
    """Write data, on stdout. Raises BrokenPipeError when nobody reads on, TraydError when it cannot be written."""
    if sys.stdout is not None:
        write(sys.stdout, text + "\n")


def write(out: IO[str], text: str) -> None:
    """Write text at once. Raises BrokenPipeError when nobody reads on, TraydError when it cannot be written."""
    try:
        out.write(text)
        out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard()
        raise TraydError(
            _("the output cannot be written ({reason})").format(reason=error.strerror),
            _("Look at where it goes: a full disk, a closed terminal?"),
        ) from None


def put_exactly(text: str) -> None:
    """Write text that a shell evaluates: byte for byte, never with a character replaced. Raises as `put` does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=_shell_encoding(), errors="strict")
    try:
        put(text)
    except UnicodeEncodeError as error:
        raise TraydError(
            _("the character {character} does not exist in this terminal's code page").format(
                character=ascii(error.object[error.start])
            ),
            _("Switch the terminal to UTF-8 (chcp 65001) and try again"),
        ) from None


def _shell_encoding() -> str:
    """Return how the shell reads what programs print: Unix shells take any bytes, Windows ones the console's."""
    if sys.platform == "win32":
        import ctypes

        page = ctypes.windll.kernel32.GetConsoleOutputCP()
        return f"cp{page}" if page else "utf-8"
    return "utf-8"


def is_terminal() -> bool:
    """Whether a person sees what is put."""
    return sys.stdout is not None and sys.stdout.isatty()


def discard() -> None:
    """Let what could not be written go nowhere; Python would complain about it once more while it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
