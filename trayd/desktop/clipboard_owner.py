"""What owning the clipboard means on X11 and on Wayland: a thread that hands out the text until another takes over.

Neither keeps a copy of the text: whoever copied answers every paste. So each copy is one daemon thread with one
connection of its own. A newer copy, ours or anybody's, makes the desktop tell the older thread that it is over, and
it closes its connection and ends. That is why nothing here needs a list of owners: `threading.enumerate()` is it.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading

from trayd.core.words import _


class NotOwnedError(Exception):
    """This way to the clipboard does not work here; the text says why, as the end of a sentence."""


class Owner(threading.Thread):
    """One text on the clipboard, served from a daemon thread that alone touches its connection.

    `helpers` names the programs that can carry on when this process ends.
    """

    helpers: tuple[str, ...] = ()

    def __init__(self, data: bytes) -> None:
        super().__init__(name="clipboard", daemon=True)
        self.data = data
        self.owned = False
        # True once nothing is left to do for the text: somebody else copied, or somebody keeps ours.
        self.settled = False
        self.given_up = False
        self.wake, self._waker = socket.socketpair()
        self._outcome: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def take(self, seconds: float) -> None:
        """Become the owner; return when the desktop confirms it, raise `NotOwnedError` when it does not in time."""
        self.start()
        try:
            problem = self._outcome.get(timeout=seconds)
        except queue.Empty:
            # The thread is left behind; should its connection come alive later, it must not take an old text.
            self.given_up = True
            problem = _("no answer within {seconds} seconds").format(seconds=f"{seconds:g}")
        if problem is not None:
            raise NotOwnedError(problem)

    def hand_over(self, seconds: float) -> bool:
        """Stop owning, and say whether the text was taken over by somebody, or was no longer ours to care for."""
        if not self.owned:
            return True  # it was given up while its desktop hung
        with contextlib.suppress(OSError):
            self._waker.send(b"!")
        self.join(seconds)
        return self.settled

    def run(self) -> None:
        """Own, then serve, and leave nothing open."""
        try:
            with self.connected():
                self.own()
                self.owned = True
                self._outcome.put(None)
                self.serve()
        except NotOwnedError as problem:
            self._outcome.put(str(problem))
        except OSError as problem:
            self._outcome.put(problem.strerror or _("the connection was closed"))
        finally:
            self.close()

    def close(self) -> None:
        """Let go of what wakes us."""
        self.wake.close()
        self._waker.close()

    def connected(self) -> contextlib.AbstractContextManager[None]:
        """Hold a connection to the desktop for as long as the context lasts."""
        raise NotImplementedError

    def own(self) -> None:
        """Take the clipboard and make sure of it, or raise `NotOwnedError`."""
        raise NotImplementedError

    def serve(self) -> None:
        """Answer pastes until the clipboard is somebody else's, `wake` is readable, or the connection ends."""
        raise NotImplementedError
