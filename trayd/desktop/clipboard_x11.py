"""The clipboard on X11: a window of ours owns CLIPBOARD and answers every paste; no tool needed.

Sources: ICCCM 2.0 section 2 (selections, MULTIPLE, INCR, TIMESTAMP) and freedesktop.org's ClipboardManager
specification (SAVE_TARGETS). MULTIPLE is needed, not a luxury: the clipboard managers of GNOME, MATE and XFCE fetch
what they save with it.
"""

from __future__ import annotations

import contextlib
import selectors
import time
from collections.abc import Iterator
from typing import Any

import Xlib.display
import Xlib.error
from Xlib import X, Xatom
from Xlib.protocol import event as xevent

from trayd.core.words import _
from trayd.desktop.clipboard_owner import NotOwnedError, Owner

SET_UP_SECONDS = 2.0
SAVE_SECONDS = 0.5

# python-xlib has no BIG-REQUESTS, so one request carries at most 262,140 bytes; more goes piece by piece (INCR).
PIECE = 128 * 1024

ATOMS = (
    "CLIPBOARD", "CLIPBOARD_MANAGER", "SAVE_TARGETS", "TARGETS", "TIMESTAMP", "MULTIPLE", "ATOM_PAIR", "INCR", "NULL",
    "UTF8_STRING", "TEXT", "text/plain;charset=utf-8", "_TRAYD_CLIPBOARD",
)  # fmt: skip


class X11Owner(Owner):
    """The clipboard's owner on an X server, XWayland's included."""

    helpers = ("xclip", "xsel")

    def __init__(self, data: bytes, display: str) -> None:
        super().__init__(data)
        self._display_name = display
        # What a reader has not fetched yet of a long text: (window, property) -> (type, rest).
        self._pieces: dict[tuple[int, int], tuple[int, memoryview]] = {}

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """Hold a connection to the X server; its end, in whatever form, is a `NotOwnedError` outside."""
        try:
            self._display = Xlib.display.Display(self._display_name)
        except (Xlib.error.DisplayError, Xlib.error.XauthError, Xlib.error.ConnectionClosedError, OSError) as problem:
            raise NotOwnedError(
                _("no X server lets us in at {display}").format(display=self._display_name)
            ) from problem
        self._selector = selectors.DefaultSelector()
        try:
            # A reader may be gone before it is answered; python-xlib would print that.
            self._display.set_error_handler(lambda *_: None)
            self._selector.register(self._display, selectors.EVENT_READ)
            self._selector.register(self.wake, selectors.EVENT_READ)
            yield
        except (Xlib.error.ConnectionClosedError, Xlib.error.XError) as problem:
            raise NotOwnedError(_("the X server ended the conversation")) from problem
        finally:
            self._selector.close()
            with contextlib.suppress(Xlib.error.ConnectionClosedError, OSError):
                self._display.close()

    def own(self) -> None:
        """Make the window, get the server's time, take CLIPBOARD with it and ask who owns it now."""
        self._atoms: dict[str, int] = {name: self._display.intern_atom(name) for name in ATOMS}
        atoms = self._atoms
        self._window = self._display.screen().root.create_window(
            0, 0, 1, 1, 0, X.CopyFromParent, event_mask=X.PropertyChangeMask
        )
        # ICCCM 2.1: CurrentTime must not be used; appending nothing to a property makes the server tell the time.
        self._window.change_property(atoms["_TRAYD_CLIPBOARD"], Xatom.ATOM, 32, [], X.PropModeAppend)
        deadline = time.monotonic() + SET_UP_SECONDS
        while (event := self._next(deadline)) is not None and event.type != X.PropertyNotify:
            pass
        if event is None or self.given_up:
            raise NotOwnedError(_("the X server does not answer"))
        self._since: int = event.time
        self._texts: dict[int, tuple[int, bytes]] = {
            atoms["UTF8_STRING"]: (atoms["UTF8_STRING"], self.data),
            atoms["text/plain;charset=utf-8"]: (atoms["text/plain;charset=utf-8"], self.data),
            atoms["TEXT"]: (atoms["UTF8_STRING"], self.data),  # ICCCM 2.6.2: the owner chooses the encoding
        }
        # STRING is Latin-1 and nothing else; a text that does not fit is not offered rather than changed.
        with contextlib.suppress(UnicodeError):
            self._texts[Xatom.STRING] = (Xatom.STRING, self.data.decode().encode("latin-1"))
        self._window.set_selection_owner(atoms["CLIPBOARD"], self._since)
        owner = self._display.get_selection_owner(atoms["CLIPBOARD"])
        if owner == X.NONE:
            raise NotOwnedError(_("the X server did not give us the clipboard"))
        # The server prefers the later time, and ours was the present: another owner has copied at this very moment,
        # which is no failure; then there is nothing to serve.
        self.settled = owner != self._window

    def serve(self) -> None:
        """Answer pastes until another program copies, or until we are woken and the text is saved if it can be."""
        while not self.settled:
            event = self._next(None)
            if event is None:
                self.settled = self._save()
                return
            self._answer(event)
        # Somebody may still be fetching a long text; for that a moment is left, from one piece to the next.
        while self._pieces and (event := self._next(time.monotonic() + SET_UP_SECONDS)) is not None:
            self._answer(event)

    def _next(self, deadline: float | None) -> Any | None:
        """Wait for an event; None when woken or when the time is over."""
        while not self._display.pending_events():
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = {key.fileobj for key, _events in self._selector.select(left)}
            if self.wake in ready:
                self.wake.recv(1)
                return None
            if not ready:
                return None
        return self._display.next_event()

    def _answer(self, event: Any) -> None:
        if event.type == X.SelectionClear and event.atom == self._atoms["CLIPBOARD"]:
            self.settled = True
        elif event.type == X.SelectionRequest:
            # A client older than ICCCM names no property; the target's name serves as one.
            wanted = event.property or event.target
            done = False
            with contextlib.suppress(Xlib.error.XError):  # the reader is gone
                done = self._convert(event.requestor, event.target, wanted)
            notify = xevent.SelectionNotify(
                time=event.time,
                requestor=event.requestor,
                selection=event.selection,
                target=event.target,
                property=wanted if done else X.NONE,
            )
            event.requestor.send_event(notify)
            # Not flush(): python-xlib 0.33's tries once and leaves the rest of a long text unsent for good.
            self._display.sync()
        elif event.type == X.PropertyNotify and event.state == X.PropertyDelete:
            self._send_piece(event.window, event.atom)

    def _convert(self, reader: Any, target: int, into: int) -> bool:
        atoms = self._atoms
        if target == atoms["TARGETS"]:
            extra = [atoms[name] for name in ("TARGETS", "TIMESTAMP", "MULTIPLE", "SAVE_TARGETS")]
            reader.change_property(into, Xatom.ATOM, 32, [*extra, *self._texts])
        elif target == atoms["TIMESTAMP"]:
            reader.change_property(into, Xatom.INTEGER, 32, [self._since])
        elif target == atoms["SAVE_TARGETS"]:
            reader.change_property(into, atoms["NULL"], 32, [])
        elif target == atoms["MULTIPLE"]:
            return self._convert_each(reader, into)
        elif target in self._texts:
            kind, data = self._texts[target]
            if len(data) > PIECE:
                reader.change_attributes(event_mask=X.PropertyChangeMask)
                self._pieces[reader.id, into] = (kind, memoryview(data))
                reader.change_property(into, atoms["INCR"], 32, [len(data)])
            else:
                reader.change_property(into, kind, 8, data)
        else:
            return False
        return True

    def _convert_each(self, reader: Any, into: int) -> bool:
        """Answer MULTIPLE: a list of (target, property) pairs in one request; what fails is marked with None."""
        pairs = reader.get_full_property(into, X.AnyPropertyType)
        if pairs is None or pairs.format != 32 or len(pairs.value) % 2:
            return False
        answer = list(pairs.value)
        for at in range(0, len(answer), 2):
            nested = answer[at] == self._atoms["MULTIPLE"]
            if nested or not answer[at + 1] or not self._convert(reader, answer[at], answer[at + 1]):
                answer[at] = X.NONE
        reader.change_property(into, self._atoms["ATOM_PAIR"], 32, answer)
        return True

    def _send_piece(self, reader: Any, into: int) -> None:
        """Put the next piece of a long text where the reader has just taken the last; an empty piece is the end."""
        kind, rest = self._pieces.pop((reader.id, into), (0, memoryview(b"")))
        if not kind:
            return
        reader.change_property(into, kind, 8, bytes(rest[:PIECE]))
        if rest:
            self._pieces[reader.id, into] = (kind, rest[PIECE:])
        self._display.sync()

    def _save(self) -> bool:
        """Ask a clipboard manager, if there is one, to keep the text; say whether it does."""
        atoms = self._atoms
        if self._display.get_selection_owner(atoms["CLIPBOARD_MANAGER"]) == X.NONE:
            return False
        self._window.change_property(atoms["_TRAYD_CLIPBOARD"], Xatom.ATOM, 32, list(self._texts))
        self._window.convert_selection(
            atoms["CLIPBOARD_MANAGER"], atoms["SAVE_TARGETS"], atoms["_TRAYD_CLIPBOARD"], self._since
        )
        deadline = time.monotonic() + SAVE_SECONDS
        while (event := self._next(deadline)) is not None:
            if event.type == X.SelectionNotify and event.selection == atoms["CLIPBOARD_MANAGER"]:
                return bool(event.property != X.NONE)
            self._answer(event)
        return False
