"""Put a text on the clipboard of whatever desktop this is, and make sure that it is there.

On Linux three ways are tried in turn: Wayland's data-control, an X11 selection of our own, and then the tools
people install for it (wl-copy, xclip, xsel). The texts are never logged: they may hold what the person put there.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping

from trayd.core.errors import TraydError
from trayd.core.words import _
from trayd.desktop.clipboard_owner import NotOwnedError, Owner

OWN_SECONDS = 2.0
HELPER_SECONDS = 2.0
RELEASE_SECONDS = 0.5
KEEPER_SECONDS = 5.0

# wl-copy would otherwise guess a type from the text, and a shell script's is not offered as plain text.
HELPERS = {
    "wl-copy": ("--type", "text/plain;charset=utf-8"),
    "xclip": ("-selection", "clipboard", "-in"),
    "xsel": ("--clipboard", "--input"),
}


class ClipboardError(TraydError):
    """The text is not on the clipboard; `message` says why in plain words, `hint` what to do next."""


def copy(text: str) -> None:
    """Put `text` on the clipboard; return once the desktop has confirmed it, raise `ClipboardError` otherwise.

    Takes milliseconds, and some seconds at worst when a display hangs, so call it from a worker thread.
    """
    if sys.platform in ("win32", "darwin"):
        _copy_by_pyperclip(text)
        return
    try:
        # A variable's value that was not UTF-8 comes as surrogates and leaves as the bytes it was.
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise ClipboardError(
            _("The text holds half a character and cannot be put on the clipboard."),
            _("Remove the broken character from the profile and copy again."),
        ) from error
    problems = []
    for owner in _owners(data, os.environ):
        try:
            owner.take(OWN_SECONDS)
            return
        except NotOwnedError as problem:
            problems.append(str(problem))
    helpers = _helpers(os.environ)
    if not _copy_by_helper(data, helpers, HELPER_SECONDS):
        raise _no_way(problems, helpers)


def release(stays: bool = False) -> None:
    """Before the program ends: leave what we copied with a program that stays, if there is one; about 1 s at most.

    A clipboard manager is asked first, then wl-copy, xclip or xsel, which stay until somebody else copies. With
    `stays` a small process of our own is the last resort: a command that copies and ends would else copy nothing.
    """
    # A thread that still runs owns the clipboard, so the interpreter's list of threads says whom to ask.
    for owner in [thread for thread in threading.enumerate() if isinstance(thread, Owner)]:
        if owner.hand_over(RELEASE_SECONDS) or _copy_by_helper(owner.data, owner.helpers, RELEASE_SECONDS):
            continue
        if stays:
            _keep(owner.data)


def _owners(data: bytes, environ: Mapping[str, str]) -> Iterable[Owner]:
    """The ways of our own that this session promises, best first; each is imported only when it is tried."""
    if environ.get("WAYLAND_DISPLAY"):
        from trayd.desktop.clipboard_wayland import WaylandOwner, socket_path

        yield WaylandOwner(data, socket_path(environ))
    if environ.get("DISPLAY"):
        from trayd.desktop.clipboard_x11 import X11Owner

        yield X11Owner(data, environ["DISPLAY"])


def _helpers(environ: Mapping[str, str]) -> list[str]:
    by_wayland = ["wl-copy"] if environ.get("WAYLAND_DISPLAY") else []
    by_x11 = ["xclip", "xsel"] if environ.get("DISPLAY") else []
    return by_wayland + by_x11


def _copy_by_helper(data: bytes, names: Iterable[str], seconds: float) -> bool:
    """Give the text to the first installed program that takes it.

    These programs fork and stay. They would hold our output open (so it goes nowhere), a terminal's Ctrl-C would end
    them (so they get a session of their own), and they would keep our folder busy. On GNOME wl-copy can wait forever
    for the focus (bugaevc/wl-clipboard#163), so none is waited for long.
    """
    for name in names:
        program = shutil.which(name)
        if program is None:
            continue
        try:
            done = subprocess.run(
                [program, *HELPERS[name]],
                input=data,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=seconds,
                cwd="/",
                start_new_session=True,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return True
    return False


def _keep(data: bytes) -> None:
    """Start a process that owns the text until somebody else copies, and wait until it does."""
    command = [sys.executable, "-P", "-m", "trayd.desktop.clipboard_keeper"]
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        null = subprocess.DEVNULL
        pipe = subprocess.PIPE
        keeper = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=null, cwd="/", start_new_session=True)
        assert keeper.stdin is not None and keeper.stdout is not None
        stack.callback(keeper.stdout.close)
        keeper.stdin.write(data)
        keeper.stdin.close()
        select.select([keeper.stdout], [], [], KEEPER_SECONDS)  # it closes this when the text is its own


def _no_way(problems: list[str], helpers: list[str]) -> ClipboardError:
    if not helpers:
        return ClipboardError(
            _("There is no clipboard here: neither WAYLAND_DISPLAY nor DISPLAY names a screen."),
            _("Start trayd inside your desktop session, or take the text from `trayd env`."),
        )
    # A tool helps where the compositor serves windows only; a screen that is gone no tool brings back.
    step = _("Check that this session's screen still works, or take the text from `trayd env`.")
    if "wl-copy" in helpers and shutil.which("wl-copy") is None:
        step = _("Install wl-clipboard and copy again, or take the text from `trayd env`.")
    text = _("The text could not be put on the clipboard: {problems}.")
    return ClipboardError(text.format(problems=_("; ").join(problems)), step)


def _copy_by_pyperclip(text: str) -> None:
    import pyperclip

    try:
        pyperclip.copy(text)
    except pyperclip.PyperclipException as error:
        raise ClipboardError(
            _("Another program keeps the clipboard busy, so the text is not on it."),
            _("Close clipboard tools that might hold it and copy again."),
        ) from error
