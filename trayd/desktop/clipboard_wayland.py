"""The clipboard on Wayland by data-control, spoken with the standard library: no tool, no window, no focus needed.

Sources: wayland.xml (wire format, wl_display, wl_registry), wlr-data-control-unstable-v1.xml and
ext-data-control-v1.xml; the last two differ in names only, so one set of numbers serves both. Sway, KDE, Hyprland,
niri, COSMIC and labwc offer one of them; GNOME offers neither and is reached through XWayland instead.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Iterator, Mapping

from trayd.core.words import _
from trayd.desktop.clipboard_owner import NotOwnedError, Owner

MANAGERS = ("ext_data_control_manager_v1", "zwlr_data_control_manager_v1")  # the standard one first
MIME_TYPES = ("text/plain;charset=utf-8", "text/plain", "UTF8_STRING", "STRING", "TEXT")  # as wl-copy offers them

SET_UP_SECONDS = 2.0

# Our objects. The client numbers its own, and each of these is made once.
DISPLAY, REGISTRY, SYNC, MANAGER, SEAT, SOURCE, DEVICE, OWNED = range(1, 9)


def socket_path(environ: Mapping[str, str]) -> str:
    """Where the compositor listens, as libwayland finds it: WAYLAND_DISPLAY is a path or a name in the runtime dir."""
    return os.path.join(environ.get("XDG_RUNTIME_DIR", ""), environ["WAYLAND_DISPLAY"])


def _string(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return struct.pack("=I", len(raw)) + raw + b"\0" * (-len(raw) % 4)


def _uints(*numbers: int) -> bytes:
    return struct.pack(f"={len(numbers)}I", *numbers)


def _read_string(body: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("=I", body, at)
    start = at + 4
    return body[start : start + length - 1].decode(errors="replace"), start + length + (-length % 4)


class _Wire:
    """One connection to a compositor: whole messages out and in, and the file descriptors that came with them."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.fds: deque[int] = deque()
        self._unread = b""
        try:
            self.socket.settimeout(SET_UP_SECONDS)
            self.socket.connect(path)
        except BaseException:
            self.socket.close()
            raise

    def send(self, target: int, opcode: int, body: bytes = b"") -> None:
        """Send one request."""
        self.socket.sendall(struct.pack("=IHH", target, opcode, len(body) + 8) + body)

    def receive(self) -> list[tuple[int, int, bytes]]:
        """Wait for something to come and return the whole messages: (object, opcode, arguments)."""
        data, fds, _flags, _from = socket.recv_fds(self.socket, 65536, 28, socket.MSG_CMSG_CLOEXEC)
        self.fds.extend(fds)
        if not data:
            raise ConnectionResetError(0, _("the compositor closed the connection"))
        self._unread += data
        messages = []
        while len(self._unread) >= 8:
            target, opcode, size = struct.unpack_from("=IHH", self._unread)
            if size < 8:
                raise ConnectionResetError(0, _("the compositor sent nonsense"))
            if len(self._unread) < size:
                break
            messages.append((target, opcode, self._unread[8:size]))
            self._unread = self._unread[size:]
        return messages

    def close(self) -> None:
        """Close the connection, which also gives up everything made over it."""
        self.socket.close()
        while self.fds:
            os.close(self.fds.popleft())


class WaylandOwner(Owner):
    """The clipboard's owner on a compositor that offers data-control."""

    helpers = ("wl-copy",)

    def __init__(self, data: bytes, path: str) -> None:
        super().__init__(data)
        self._path = path
        self._globals: dict[str, int] = {}
        self._selections = 0
        self._answered: set[int] = set()  # the sync callbacks that came back
        self._pastes: dict[int, memoryview] = {}  # by pipe, what a reader has not taken yet

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """Hold a connection to the compositor."""
        try:
            self._wire = _Wire(self._path)
        except OSError as problem:
            raise NotOwnedError(_("no compositor answers at {path}").format(path=self._path)) from problem
        # poll, not epoll: a reader may give a plain file, which epoll refuses.
        self._selector = selectors.PollSelector()
        try:
            yield
        finally:
            self._selector.close()
            self._wire.close()
            for pipe in self._pastes:
                os.close(pipe)

    def manager(self) -> str | None:
        """Ask for the interfaces; return the one for the clipboard, if the compositor offers one."""
        self._wire.send(DISPLAY, 1, _uints(REGISTRY))
        self._round_trip(SYNC)
        return next((name for name in MANAGERS if name in self._globals), None)

    def own(self) -> None:
        """Find the interfaces, set the selection, and wait until the compositor has acted on it."""
        manager = self.manager()
        if manager is None:
            raise NotOwnedError(_("the compositor does not offer data-control"))
        if "wl_seat" not in self._globals:
            raise NotOwnedError(_("the compositor has no seat"))
        if self.given_up:
            raise NotOwnedError(_("too late"))
        for interface, new_id in ((manager, MANAGER), ("wl_seat", SEAT)):
            name = self._globals[interface]
            self._wire.send(REGISTRY, 0, _uints(name) + _string(interface) + _uints(1, new_id))
        self._wire.send(MANAGER, 0, _uints(SOURCE))
        for mime_type in MIME_TYPES:
            self._wire.send(SOURCE, 0, _string(mime_type))
        self._wire.send(MANAGER, 1, _uints(DEVICE, SEAT))
        self._wire.send(DEVICE, 0, _uints(SOURCE))
        self._round_trip(OWNED)
        # The first selection event tells what was there before ours, the second that ours is the clipboard. When it
        # came and ours is over all the same, another program copied at this very moment, which is no failure.
        if self.settled and self._selections < 2:
            raise NotOwnedError(_("the compositor did not accept the text"))

    def serve(self) -> None:
        """Answer pastes until another program copies, we are woken, or the compositor ends."""
        self._selector.register(self._wire.socket, selectors.EVENT_READ)
        self._selector.register(self.wake, selectors.EVENT_READ)
        # Pastes that arrived with the compositor's consent were noted while nothing was watched yet.
        for pipe in self._pastes:
            self._selector.register(pipe, selectors.EVENT_WRITE)
        while not self.settled or self._pastes:
            ready = self._selector.select(None if not self.settled else SET_UP_SECONDS)
            if not ready and self.settled:
                return  # a reader of the last paste does not read
            for key, _events in ready:
                if key.fileobj is self.wake:
                    return
                if key.fileobj is self._wire.socket:
                    for pipe in self._take_in(self._wire.receive()):
                        self._selector.register(pipe, selectors.EVENT_WRITE)
                else:
                    self._feed(key.fd)

    def _round_trip(self, callback: int) -> None:
        self._wire.send(DISPLAY, 0, _uints(callback))
        deadline = time.monotonic() + SET_UP_SECONDS
        while callback not in self._answered:
            if time.monotonic() > deadline:
                raise NotOwnedError(_("the compositor does not answer"))
            self._take_in(self._wire.receive())

    def _take_in(self, messages: list[tuple[int, int, bytes]]) -> list[int]:
        """Act on events, and return the pipes of the pastes among them."""
        pipes = []
        for target, opcode, body in messages:
            event = (target, opcode)
            if event == (DISPLAY, 0):  # error
                raise NotOwnedError(_("the compositor refused: {problem}").format(problem=_read_string(body, 8)[0]))
            if event == (REGISTRY, 0):  # global: an interface and its number; of several seats the first
                self._globals.setdefault(_read_string(body, 4)[0], struct.unpack_from("=I", body)[0])
            elif event in ((SYNC, 0), (OWNED, 0)):  # done
                self._answered.add(target)
            elif event == (SOURCE, 0):  # send: somebody pastes
                if not self._wire.fds:
                    raise ConnectionResetError(0, _("the compositor sent a paste without a pipe"))
                pipe = self._wire.fds.popleft()
                os.set_blocking(pipe, False)
                self._pastes[pipe] = memoryview(self.data)
                pipes.append(pipe)
            elif event == (SOURCE, 1):  # cancelled: another program copied
                self.settled = True
            elif event == (DEVICE, 0):  # data_offer: what others copied; let the compositor forget that we know of it
                self._wire.send(struct.unpack("=I", body)[0], 1)
            elif event == (DEVICE, 1):  # selection: the clipboard is another one now, ours or not
                self._selections += 1
            elif event == (DEVICE, 2):  # finished: the seat is gone, and the clipboard with it
                raise ConnectionResetError(0, _("the seat is gone"))
        return pipes

    def _feed(self, pipe: int) -> None:
        """Give a reader the next piece; readers that are slow, or never read, keep nobody waiting."""
        rest = self._pastes[pipe]
        try:
            rest = rest[os.write(pipe, rest) :] if rest else rest
        except BlockingIOError:
            return
        except OSError:
            rest = rest[:0]  # it went away
        self._pastes[pipe] = rest
        if not rest:
            self._selector.unregister(pipe)
            del self._pastes[pipe]
            os.close(pipe)


def offers_data_control(path: str) -> bool:
    """Whether a compositor lets programs have the clipboard; nothing is put there. Raises NotOwnedError, OSError."""
    owner = WaylandOwner(b"", path)
    try:
        with owner.connected():
            return owner.manager() is not None
    finally:
        owner.close()
