"""A small D-Bus connection: one thread reads, any thread sends.

jeepney turns messages into bytes and back; everything else that a tray needs of a bus is here. jeepney's own
`io.threading` is not used because it starts a thread of its own and costs 8 ms more to import (measured). Framing
is done here and not by `jeepney.Parser`, which stays stuck on a message that it cannot parse.
Specification: https://dbus.freedesktop.org/doc/dbus-specification.html
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from jeepney.bus import get_connectable_addresses
from jeepney.io.blocking import prep_socket
from jeepney.low_level import Endianness, Header, HeaderFields, Message, MessageFlag, MessageType, calc_msg_size

from trayd.core.value import Value

DAEMON = "org.freedesktop.DBus"
DAEMON_PATH = "/org/freedesktop/DBus"
ERROR = "org.freedesktop.DBus.Error."
LOST = ERROR + "Disconnected"
OWNED = (1, 4)  # RequestName's answers "primary owner" and "already owner"

_LARGEST = 4 * 1024 * 1024  # what a panel sends has a few hundred bytes; nothing larger is read into memory
_SEND_SECONDS = 2  # a bus daemon that does not read for so long is treated as lost
_log = logging.getLogger(__name__)


class BusError(Exception):
    """There is no session bus, or it went away, or it did not answer in time."""


class Incoming(Value):
    """A method call or a signal that somebody sent us."""

    call: bool
    path: str
    interface: str
    member: str
    sender: str
    signature: str
    body: tuple[Any, ...]
    serial: int
    wants_reply: bool


class Reply(Value):
    """The answer to a call of ours: a body, or the name of an error."""

    body: tuple[Any, ...] = ()
    error: str = ""


Body = tuple[Any, ...] | bytes
OnReply = Callable[[Reply], None]
Handler = Callable[[Incoming], None]


def session_addresses(environ: Mapping[str, str]) -> list[str]:
    """Give the socket addresses of the session bus: `DBUS_SESSION_BUS_ADDRESS`, else `$XDG_RUNTIME_DIR/bus`."""
    if stated := environ.get("DBUS_SESSION_BUS_ADDRESS"):
        try:
            return list(get_connectable_addresses(stated))
        except (ValueError, RuntimeError) as problem:  # "disabled:", "autolaunch:", or no address at all
            raise BusError(f"no usable address in DBUS_SESSION_BUS_ADDRESS: {problem}") from problem
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        return [os.path.join(runtime, "bus")]
    raise BusError("neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set")


class Bus:
    """A connection to a message bus."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._serials = count(1)
        self._sending = threading.Lock()
        self._pending: dict[int, OnReply] = {}
        self._buffer = bytearray()
        self._skip = 0
        self._reader: int | None = None
        self.closed = False
        self.unique_name = ""
        """The name the bus gave us, known as soon as its first answer was read."""

    @classmethod
    def connect(cls, environ: Mapping[str, str] | None = None, timeout: float = 2.0) -> Bus:
        """Connect to the session bus or raise `BusError`."""
        problem: Exception | None = None
        for address in session_addresses(os.environ if environ is None else environ):
            try:
                connected = prep_socket(address, timeout=timeout)
            except (OSError, ValueError) as failed:  # jeepney's AuthenticationError is a ValueError
                problem = failed
                continue
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_SECONDS, 0))
            bus = cls(connected)
            bus.call(DAEMON, DAEMON_PATH, DAEMON, "Hello", on_reply=bus._named)
            return bus
        raise BusError(f"cannot connect to the session bus: {problem}") from problem

    def _named(self, reply: Reply) -> None:
        self.unique_name = reply.body[0] if reply.body else ""

    # Sending, from any thread

    def _send(
        self,
        kind: MessageType,
        fields: dict[Any, Any],
        signature: str,
        body: Body,
        on_reply: OnReply | None = None,
        flags: int = 0,
    ) -> int:
        if signature:
            fields[HeaderFields.signature] = signature
        header = Header(Endianness.little, kind, flags, 1, -1, -1, fields)
        serial = next(self._serials)
        if isinstance(body, bytes):
            header.body_length = len(body)
            head = header.serialise(serial=serial)
            data = head + b"\0" * (-len(head) % 8) + body
        else:
            data = Message(header, body).serialise(serial=serial)
        with self._sending:
            if on_reply is not None:
                self._pending[serial] = on_reply
            try:
                self._socket.sendall(data)
            except OSError as problem:
                # Also a part of the message may be out: the stream is of no use any more. `serve` tells our owner.
                _log.debug("the bus takes no more messages: %s", problem)
                self.close()
        return serial

    def call(
        self,
        name: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: tuple[Any, ...] = (),
        on_reply: OnReply | None = None,
    ) -> int:
        """Call a method and return the serial; `on_reply` gets the answer later, on the reading thread."""
        fields = {
            HeaderFields.destination: name,
            HeaderFields.path: path,
            HeaderFields.interface: interface,
            HeaderFields.member: member,
        }
        flags = MessageFlag.no_reply_expected if on_reply is None else 0
        return self._send(MessageType.method_call, fields, signature, body, on_reply, flags)

    def call_blocking(
        self,
        name: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: tuple[Any, ...] = (),
        timeout: float = 2.0,
    ) -> Reply:
        """Call a method and wait for the answer while another thread is in `serve`."""
        if threading.get_ident() == self._reader:
            raise RuntimeError("the reading thread would wait for itself")
        answers: list[Reply] = []
        answered = threading.Event()

        def keep(reply: Reply) -> None:
            answers.append(reply)
            answered.set()

        serial = self.call(name, path, interface, member, signature, body, keep)
        if not answered.wait(0 if self.closed else timeout):
            self.forget(serial)
            raise BusError(f"no answer to {interface}.{member} within {timeout} s")
        return answers[0]

    def forget(self, serial: int) -> None:
        """Stop waiting for the answer to a call."""
        self._pending.pop(serial, None)

    def emit(self, path: str, interface: str, member: str, signature: str = "", body: tuple[Any, ...] = ()) -> None:
        """Send a signal to whoever listens."""
        fields = {HeaderFields.path: path, HeaderFields.interface: interface, HeaderFields.member: member}
        self._send(MessageType.signal, fields, signature, body, flags=MessageFlag.no_reply_expected)

    def reply(self, to: Incoming, signature: str = "", body: Body = ()) -> None:
        """Answer a call, unless its sender wants no answer; the body may be encoded already (little endian)."""
        if to.wants_reply:
            self._send(MessageType.method_return, _back(to), signature, body)

    def refuse(self, to: Incoming, error: str, text: str) -> None:
        """Answer a call with an error: a name below `org.freedesktop.DBus.Error` and a text for people."""
        if to.wants_reply:
            self._send(MessageType.error, {**_back(to), HeaderFields.error_name: ERROR + error}, "s", (text,))

    def listen(self, rule: str) -> None:
        """Ask the bus for the signals that a match rule describes."""
        self.call(DAEMON, DAEMON_PATH, DAEMON, "AddMatch", "s", (rule,))

    def listen_for_owner(self, name: str) -> None:
        """Ask for the NameOwnerChanged signals of one name."""
        self.listen(f"type='signal',sender='{DAEMON}',interface='{DAEMON}',member='NameOwnerChanged',arg0='{name}'")

    def own(self, name: str, on_reply: OnReply | None = None) -> None:
        """Ask for a name; it is ours if the answer's first value is in `OWNED`."""
        do_not_queue = 4
        self.call(DAEMON, DAEMON_PATH, DAEMON, "RequestName", "su", (name, do_not_queue), on_reply)

    # Reading, by one thread

    def serve(self, handler: Handler) -> None:
        """Read until the connection ends; calls and signals go to `handler`, answers to those who asked."""
        self._reader = threading.get_ident()
        try:
            while data := self._socket.recv(16384):
                for frame in self._frames(data):
                    self._route(frame, handler)
        except OSError as problem:
            _log.debug("the bus is gone: %s", problem)
        finally:
            self.close()
            self._socket.close()
            with self._sending:
                waiting, self._pending = self._pending, {}
            for on_reply in waiting.values():
                self._guarded(on_reply, Reply(error=LOST))

    def close(self) -> None:
        """End the connection, from any thread and also from a signal handler: `serve` returns."""
        self.closed = True
        with contextlib.suppress(OSError):  # it is down already
            self._socket.shutdown(socket.SHUT_RDWR)

    def _frames(self, data: bytes) -> Iterator[bytes]:
        """Cut the stream into messages; one that is too large is dropped without being kept."""
        if self._skip:
            dropped = min(self._skip, len(data))
            self._skip -= dropped
            data = data[dropped:]
        self._buffer += data
        while len(self._buffer) >= 16:
            try:
                size = calc_msg_size(self._buffer[:16])
            except KeyError as problem:  # neither little nor big endian: nobody knows where the next one begins
                raise OSError("the stream of messages is broken") from problem
            if size > _LARGEST:
                self._skip = max(0, size - len(self._buffer))
                del self._buffer[:size]
                continue
            if len(self._buffer) < size:
                return
            frame = bytes(self._buffer[:size])
            del self._buffer[:size]
            yield frame

    def _route(self, frame: bytes, handler: Handler) -> None:
        try:
            message = Message.from_buffer(frame)
        except Exception as problem:  # jeepney raises what it likes on what it does not know; the frame is left out
            _log.debug("a message that cannot be read was left out: %r", problem)
            return
        header = message.header
        get = header.fields.get
        if header.message_type in (MessageType.method_return, MessageType.error):
            on_reply = self._pending.pop(get(HeaderFields.reply_serial, 0), None)
            if on_reply is not None:
                error = header.message_type is MessageType.error
                name = str(get(HeaderFields.error_name, ERROR + "Failed")) if error else ""
                self._guarded(on_reply, Reply(message.body, name))
            return
        call = header.message_type is MessageType.method_call
        incoming = Incoming(
            call,
            get(HeaderFields.path, "/"),
            get(HeaderFields.interface, ""),
            get(HeaderFields.member, ""),
            get(HeaderFields.sender, ""),
            get(HeaderFields.signature, ""),
            message.body,
            header.serial,
            call and not header.flags & MessageFlag.no_reply_expected,
        )
        if not self._guarded(handler, incoming):
            self.refuse(incoming, "Failed", "trayd could not answer this; its log says why")

    @staticmethod
    def _guarded(function: Callable[[Any], None], argument: Any) -> bool:
        """Call a function; whatever it raises is logged, and the loop goes on."""
        try:
            function(argument)
        except Exception:
            _log.exception("a bug while answering the bus")
            return False
        return True


def _back(to: Incoming) -> dict[Any, Any]:
    """Give the header fields that send an answer to the caller."""
    fields: dict[Any, Any] = {HeaderFields.reply_serial: to.serial}
    if to.sender:
        fields[HeaderFields.destination] = to.sender
    return fields
