"""The bus connection: bad messages, a bus that hangs, and where the bus is."""

import os
import socket
import threading
import time

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host, Refused, running
from tests.harness.poll import wait_until
from tests.tray.icon_for_tests import an_icon
from trayd.tray.bus import Bus, BusError

pytestmark = pytest.mark.tray


def test_a_bus_that_hangs_holds_nobody_up_for_long(bus: PrivateBus, host: Host) -> None:
    """Updates go on after a short while, `stop` works, and the icon is back when the bus is."""
    with running(an_icon()) as icon:
        assert host.item
        bus.freeze()
        start = time.monotonic()
        for number in range(3000):
            icon.title = f"title {number}"
        assert time.monotonic() - start < 6
        bus.freeze(False)

        def is_back() -> bool:
            try:
                return bool(host.items) and host.get("Title") == "title 2999"
            except Refused:  # the old connection ended while we asked
                return False

        wait_until(is_back, 20, "the icon to be back")


def frame(header: bytes, fields: bytes, body: bytes = b"") -> bytes:
    fields = fields.rstrip(b"p")
    head = header + len(body).to_bytes(4, "little") + (1).to_bytes(4, "little") + len(fields).to_bytes(4, "little")
    return head + fields + b"\0" * (-len(fields) % 8) + body


def text_field(number: int, signature: bytes, value: bytes) -> bytes:
    """One header field; the padding to the next one is written as "p", so that `frame` can leave out the last."""
    field = bytes([number, 1]) + signature + b"\0" + len(value).to_bytes(4, "little") + value + b"\0"
    return field + b"p" * (-len(field) % 8)


GOOD = frame(b"l\4\0\1", text_field(1, b"o", b"/") + text_field(2, b"s", b"a.b") + text_field(3, b"s", b"Good"))


@pytest.mark.parametrize(
    "bad",
    [
        frame(b"l\4\0\1", text_field(99, b"s", b"a field of a later specification")),
        frame(b"l\7\0\1", b""),
        frame(b"l\4\0\1", text_field(8, b"g", b"")[:-8], b"x"),
        frame(b"l\4\0\1", text_field(1, b"o", b"/") + text_field(8, b"s", b"((((")),
        frame(b"l\4\0\1", b"\1\1y\0\5\0\0\0"),
        frame(b"l\4\0\1", b"\xff" * 64, b"\xff" * 64),
        frame(b"l\4\0\1", b"", b"z" * (5 * 1024 * 1024)),
    ],
    ids=["unknown field", "unknown type", "cut off", "bad signature", "wrong type", "noise", "huge"],
)
def test_a_message_that_cannot_be_read_is_left_out(bad: bytes) -> None:
    """The loop goes on with the next message, in whatever pieces they arrive."""
    ours, theirs = socket.socketpair()
    connection = Bus(ours)
    seen: list[str] = []
    thread = threading.Thread(target=connection.serve, args=(lambda message: seen.append(message.member),))
    thread.start()
    with theirs:
        theirs.sendall(GOOD[:20])
        theirs.sendall(GOOD[20:] + bad + GOOD + bad[:30])
        theirs.sendall(bad[30:] + GOOD)
        wait_until(lambda: len([name for name in seen if name == "Good"]) == 3)
    thread.join(5)
    assert connection.closed


def test_a_stream_that_is_no_messages_ends_the_connection() -> None:
    """Nobody knows where the next message begins, so the connection is given up and made anew."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        Bus(ours).serve(lambda message: None)


def test_a_lost_connection_answers_whoever_waits(bus: PrivateBus) -> None:
    """A call that is out when the bus goes gets an error, and its thread does not hang."""
    with Host(bus.address) as host:
        bus.freeze()
        ending = threading.Timer(0.2, bus.stop)
        ending.start()
        with pytest.raises(Refused, match="Disconnected"):
            host.call("org.freedesktop.DBus", "/", "org.freedesktop.DBus.Peer", "Ping")
        ending.join()
        with pytest.raises(BusError):
            host.bus.call_blocking("org.freedesktop.DBus", "/", "org.freedesktop.DBus.Peer", "Ping")


def test_a_name_that_is_taken_leaves_the_unique_one(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a sandbox gives several programs one process id, each still gets its icon."""
    monkeypatch.setattr("trayd.tray.sni._numbers", iter([7]))
    host.own(f"org.kde.StatusNotifierItem-{os.getpid()}-7")
    with running(an_icon()):
        assert host.item.startswith(":")
        assert host.labels() == ["one"]


def test_without_an_address_the_reason_is_named() -> None:
    """BusError says what is missing."""
    with pytest.raises(BusError, match="XDG_RUNTIME_DIR"):
        Bus.connect({})
    with pytest.raises(BusError, match="cannot connect"):
        Bus.connect({"XDG_RUNTIME_DIR": "/nonexistent"})


def test_the_runtime_directory_is_the_second_choice(bus: PrivateBus) -> None:
    """Without DBUS_SESSION_BUS_ADDRESS the bus is `$XDG_RUNTIME_DIR/bus`."""
    Bus.connect({"XDG_RUNTIME_DIR": str(bus.home)}).close()
