"""`trayd run` and `trayd status --watch`: the loop with its surfaces, its signals and its end."""

from __future__ import annotations

import platform
import signal
import socket
import sys
import threading
from collections.abc import Sequence

from trayd import __version__
from trayd.app import App, Appeared, ensure_folder
from trayd.config import paths
from trayd.core import messages as m
from trayd.core.errors import TraydError
from trayd.core.words import N_, _
from trayd.journal import Journal
from trayd.output import is_terminal, say
from trayd.surfaces import Terminal, TraySurface

# The icon comes first; but a bus that accepts and says nothing must not keep the engines from being watched.
ICON_PATIENCE = 2.0
# At login trayd and the panel start together: only a panel that is still missing then is worth a word.
PANEL_PATIENCE = 2.0

NO_BUS = N_("There is no desktop session here, so there is no icon yet.")
NO_TRAY = N_("No panel here shows tray icons, so there is no icon yet ('trayd doctor' says what to do).")
LIVE = N_("This view stays up to date; Ctrl-C ends it.")
HIDDEN = N_("The icon appears when there is a tray; 'trayd status' tells until then.")


def watch(as_json: bool, names: Sequence[str]) -> int:
    """Show the state of these profiles in the terminal until interrupted."""
    app = App(remembers=False, only=names)
    app.surfaces.append(Terminal(sys.stdout, as_json))
    try:
        app.run()
    finally:
        app.end()
    return 0


def run(profile: str, verbose: bool = False) -> int:
    """Put the icon into the tray and stay until told to quit."""
    from trayd.desktop import instance

    lock = instance.acquire()
    if lock is None:
        pid = instance.holder()
        running = _("trayd is already running (process {pid})") if pid else _("trayd is already running")
        raise TraydError(running.format(pid=pid), _("Its icon is in the tray; see trayd status"))
    with lock:
        ensure_folder(paths.profiles_folder())
        code = _Running(profile, verbose).run()
        from trayd.desktop import clipboard

        clipboard.release()
    return code


class _Running:
    """The tray on the main thread, the loop on another, and a terminal where there is one."""

    def __init__(self, profile: str, verbose: bool) -> None:
        self._app = App(use=profile)
        self._journal = Journal(verbose)
        self._surface = TraySurface(about)
        self._app.surfaces += [self._surface, self._journal]
        self._icon_is_up = threading.Event()
        self._panel = False
        self._code = 0
        self._bug: Exception | None = None

    def run(self) -> int:
        from trayd.tray.facade import Tray

        tray = self._surface.tray = Tray(self._surface.view(self._app.snapshot), self._app.post, self._on_host)
        self._heed_signals()
        loop = threading.Thread(target=self._loop, name="loop", daemon=True)
        loop.start()
        tray.run()
        self._app.post(m.Quit())
        loop.join(timeout=3)
        if self._bug is not None:
            raise self._bug
        return self._code

    def _heed_signals(self) -> None:
        """Let a thread of its own wait for signals.

        A handler in Python runs on the main thread only, and not before it comes back from the bus: a signal that comes
        just before the main thread begins to read there would wait for the next message (measured: once in a hundred).
        """
        told, tell = socket.socketpair()
        tell.setblocking(False)
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if number := getattr(signal, name, None):
                signal.signal(number, lambda *_args: None)
        signal.set_wakeup_fd(tell.fileno())

        def wait() -> None:
            while numbers := told.recv(1):
                if numbers[0] == signal.SIGINT:
                    self._code = 130
                self._app.post(m.Quit())

        self._signals = tell  # open as long as trayd runs
        threading.Thread(target=wait, name="signals", daemon=True).start()

    def _loop(self) -> None:
        self._icon_is_up.wait(ICON_PATIENCE)
        try:
            self._app.run()
        except Exception as bug:  # told where every bug is told, by the main thread
            self._bug = bug
        finally:
            self._app.end()

    def _on_host(self, present: bool) -> None:
        """Called on the tray's thread when a panel that shows icons comes or goes."""
        self._panel = present
        self._app.post(m.TrayCame() if present else m.TrayGone())
        self._journal.host(present)
        if not present and not self._icon_is_up.is_set():
            on_bus = self._surface.tray is not None and self._surface.tray.on_bus
            word = threading.Timer(PANEL_PATIENCE if on_bus else 0.0, self._without_tray)
            word.daemon = True
            word.start()
        self._icon_is_up.set()

    def _without_tray(self) -> None:
        """Say so in one sentence; a person at a terminal gets the live view."""
        if self._panel:
            return
        live = is_terminal()
        on_bus = self._surface.tray is not None and self._surface.tray.on_bus
        say(f"trayd: {_(NO_TRAY if on_bus else NO_BUS)} {_(LIVE if live else HIDDEN)}")
        if live:
            self._app.post(Appeared(Terminal(sys.stdout)))


def about() -> tuple[str, ...]:
    """Return the lines of the menu's About."""
    return (
        f"trayd {__version__}",
        _("Python {version} on {system}").format(
            version=platform.python_version(), system=f"{platform.system()} {platform.release()}"
        ),
        _("Profiles: {folder}").format(folder=paths.profiles_folder()),
    )
