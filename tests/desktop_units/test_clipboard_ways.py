"""The ways to the clipboard that no desktop here has, tried against stand-ins that speak the real protocol."""

import contextlib
import os
import socket
import struct
import sys
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.poll import wait_until
from trayd.desktop import clipboard
from trayd.desktop.clipboard import ClipboardError
from trayd.desktop.clipboard_owner import Owner


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No screen but the stand-in, no tool, and no thread left at the end."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("shutil.which", lambda _: None)
    yield
    wait_until(lambda: not owners(), what="the end of the clipboard's threads")


def owners() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if isinstance(thread, Owner)]


def string(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return struct.pack("=I", len(raw)) + raw + b"\0" * (-len(raw) % 4)


class Compositor(threading.Thread):
    """As much of a Wayland compositor as a clipboard needs, for one client; it notes what the client asks for.

    `piecewise` sends every byte by itself: a stream has no message borders.
    """

    def __init__(
        self,
        path: Path,
        globals_: tuple[str, ...],
        piecewise: bool = False,
        refuses: bool = False,
        silent: bool = False,
        in_error: bool = False,
    ) -> None:
        super().__init__(name="compositor", daemon=True)
        self.globals = globals_
        self.piecewise, self.refuses, self.silent, self.in_error = piecewise, refuses, silent, in_error
        self.bound: list[str] = []
        self.offered: list[str] = []
        self.forgotten: list[int] = []
        self.kinds = {1: "display"}
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self.start()

    def send(self, target: int, opcode: int, body: bytes = b"", fd: int | None = None) -> None:
        message = struct.pack("=IHH", target, opcode, len(body) + 8) + body
        if fd is not None:
            socket.send_fds(self.client, [message], [fd])
        elif self.piecewise:
            for byte in message:
                self.client.sendall(bytes([byte]))
        else:
            self.client.sendall(message)

    def paste(self, mime_type: str = "text/plain") -> bytes:
        reading, writing = os.pipe()
        self.send(self.source, 0, string(mime_type), writing)
        os.close(writing)
        with open(reading, "rb") as pipe:
            return pipe.read()

    def run(self) -> None:
        self.client, _ = self._listening.accept()
        with self.client, contextlib.suppress(OSError):  # the client may go at any moment
            unread = b""
            while data := self.client.recv(4096):
                unread += data
                while len(unread) >= 8 and len(unread) >= (size := struct.unpack_from("=IHH", unread)[2]):
                    target, opcode, _ = struct.unpack_from("=IHH", unread)
                    if not self.silent:
                        self.request(target, opcode, unread[8:size])
                    unread = unread[size:]

    def request(self, target: int, opcode: int, body: bytes) -> None:
        numbers = struct.unpack(f"={len(body) // 4}I", body[: len(body) // 4 * 4])
        kinds = self.kinds
        match kinds.get(target), opcode:
            case "display", 0:  # sync
                self.send(numbers[0], 0, struct.pack("=I", 0))
            case "display", 1:  # get_registry
                kinds[numbers[0]] = "registry"
                for name, interface in enumerate(self.globals, 10):
                    self.send(numbers[0], 0, struct.pack("=I", name) + string(interface) + struct.pack("=I", 1))
            case "registry", 0:  # bind
                self.bound.append(interface := self.globals[numbers[0] - 10])
                kinds[numbers[-1]] = "manager" if "manager" in interface else "seat"
            case "manager", 0:
                kinds[numbers[0]], self.source = "source", numbers[0]
            case "manager", 1:
                assert kinds[numbers[1]] == "seat"
                kinds[numbers[0]], self.device = "device", numbers[0]
                self.send(self.device, 1, struct.pack("=I", 0))
            case "source", 0:
                self.offered.append(body[4 : 4 + numbers[0] - 1].decode())
            case "device", 0:
                assert kinds[numbers[0]] == "source"
                self.select()
            case None, 1 if target >= 0xFF000000:
                self.forgotten.append(target)
            case other:
                raise AssertionError(other)

    def select(self) -> None:
        if self.in_error:
            self.send(1, 0, struct.pack("=II", self.device, 1) + string("used source"))
        elif self.refuses:
            self.send(self.source, 1)
        else:
            self.send(self.device, 0, struct.pack("=I", 0xFF000000))
            self.send(self.device, 1, struct.pack("=I", 0xFF000000))

    def end(self) -> None:
        self._listening.close()
        with contextlib.suppress(OSError):  # the client may have ended it already
            self.client.shutdown(socket.SHUT_RDWR)
        self.join(5)


@pytest.fixture
def compositor(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    path = Path(os.environ["XDG_RUNTIME_DIR"], "wayland-7")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    running: list[Compositor] = []

    def begin(*globals_: str, **options: bool) -> Compositor:
        running.append(Compositor(path, globals_, **options))
        return running[0]

    yield begin  # type: ignore[misc]
    for one in running:
        one.end()


EXT, WLR = "ext_data_control_manager_v1", "zwlr_data_control_manager_v1"


@pytest.mark.parametrize("offered", [(EXT, "wl_seat"), ("wl_seat", WLR, "wl_output"), (WLR, "wl_seat", EXT)])
@pytest.mark.parametrize("piecewise", [False, True])
def test_both_protocols_carry_the_text(compositor, offered: tuple[str, ...], piecewise: bool) -> None:  # type: ignore[no-untyped-def]
    """Newer compositors offer ext-data-control, older ones wlroots' own; the text gets there by either."""
    there = compositor(*offered, piecewise=piecewise)
    clipboard.copy("Zoë")
    assert there.bound == [EXT if EXT in offered else WLR, "wl_seat"]
    assert "text/plain;charset=utf-8" in there.offered
    assert there.paste() == "Zoë".encode()
    assert there.paste() == "Zoë".encode()
    wait_until(lambda: there.forgotten == [0xFF000000], what="the offer to be forgotten")
    there.send(there.source, 1)
    wait_until(lambda: not owners(), what="trayd to let go")


def test_a_compositor_without_data_control_is_named_as_the_reason(compositor) -> None:  # type: ignore[no-untyped-def]
    """On a desktop that keeps the clipboard to windows, the person learns which tool helps."""
    compositor("wl_seat")
    with pytest.raises(ClipboardError, match="does not offer data-control") as refused:
        clipboard.copy("secret")
    assert "Install wl-clipboard" in refused.value.hint
    assert "secret" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize(
    ("option", "why"), [("refuses", "did not accept the text"), ("in_error", "refused: used source")]
)
def test_a_refusal_is_no_success(compositor, option: str, why: str) -> None:  # type: ignore[no-untyped-def]
    """When the compositor does not take the text, trayd does not claim that it did."""
    compositor(EXT, "wl_seat", **{option: True})
    with pytest.raises(ClipboardError, match=why):
        clipboard.copy("text")


def test_a_silent_compositor_costs_two_seconds(compositor) -> None:  # type: ignore[no-untyped-def]
    """A compositor that hangs delays a copy by about two seconds, and then the person is told."""
    compositor(EXT, "wl_seat", silent=True)
    before = time.monotonic()
    with pytest.raises(ClipboardError):
        clipboard.copy("text")
    assert 1.5 < time.monotonic() - before < 4


def test_without_any_screen_the_person_is_told() -> None:
    """Over ssh or in a container there is no clipboard, and trayd says what to do instead."""
    with pytest.raises(ClipboardError, match="neither WAYLAND_DISPLAY nor DISPLAY") as refused:
        clipboard.copy("text")
    assert "trayd env" in refused.value.hint
    clipboard.release()


def test_a_text_that_no_clipboard_can_hold_is_said_in_words() -> None:
    """Half a character is a sentence, not a crash."""
    with pytest.raises(ClipboardError, match="half a character"):
        clipboard.copy("\ud800")


def test_a_tool_that_hangs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wl-copy that waits forever for the focus, as on GNOME, is ended after its time, and the next way is tried."""
    hangs, works = tmp_path / "wl-copy", tmp_path / "xclip"
    hangs.write_text("#!/bin/sh\nexec sleep 60\n")
    works.write_text(f'#!/bin/sh\ncat > {tmp_path}/got; echo "$@" > {tmp_path}/how\n')
    for tool in (hangs, works):
        tool.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(tmp_path / name) if (tmp_path / name).exists() else None)
    monkeypatch.setattr(clipboard, "HELPER_SECONDS", 0.3)
    monkeypatch.setattr(clipboard, "_owners", lambda *_: [])
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-7")
    monkeypatch.setenv("DISPLAY", ":7")
    clipboard.copy("text")
    assert (tmp_path / "got").read_text() == "text"
    assert (tmp_path / "how").read_text() == "-selection clipboard -in\n"


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_other_systems_copy_by_pyperclip(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows and macOS the text goes through pyperclip, and its refusal becomes a sentence."""
    copied: list[str] = []
    fake = types.ModuleType("pyperclip")
    fake.PyperclipException = type("PyperclipException", (RuntimeError,), {})  # type: ignore[attr-defined]
    fake.copy = copied.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pyperclip", fake)
    monkeypatch.setattr(sys, "platform", platform)
    clipboard.copy("Zoë")
    assert copied == ["Zoë"]

    def refuse(_: str) -> None:
        raise fake.PyperclipException("OpenClipboard failed")

    fake.copy = refuse  # type: ignore[attr-defined]
    with pytest.raises(ClipboardError, match="busy"):
        clipboard.copy("Zoë")
