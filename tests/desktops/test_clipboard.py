"""Copying on real desktops: an X server and a Wayland compositor, read back by the programs people paste with."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
import Xlib.display
from Xlib import X, Xatom
from Xlib.protocol import event as xevent

from tests.harness.desktop import Screen
from tests.harness.need import need
from tests.harness.poll import wait_until
from tests.harness.sway import Sway
from trayd.desktop import clipboard
from trayd.desktop.clipboard import ClipboardError
from trayd.desktop.clipboard_owner import Owner

pytestmark = pytest.mark.desktop

LINES = "export DOCKER_HOST='tcp://build.example:2376'\nexport WHO='Zoë – 東京'\n"
BIG = "Zoë – 東京 " * 7_000  # more than 100 kB


def owners() -> list[Owner]:
    return [thread for thread in threading.enumerate() if isinstance(thread, Owner)]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Every copy ends with its desktop: no thread and no connection is left."""
    before = open_files()
    yield
    wait_until(lambda: not owners(), what="the end of the clipboard's threads")
    wait_until(lambda: open_files() <= before, what="the connections to be closed")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch, nothing_left: None) -> Iterator[Screen]:
    need("xclip", "apt-get install xclip")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with Screen() as running:
        monkeypatch.setenv("DISPLAY", running.display)
        yield running


@pytest.fixture
def sway(monkeypatch: pytest.MonkeyPatch, nothing_left: None) -> Iterator[Sway]:
    need("wl-paste", "apt-get install wl-clipboard")
    monkeypatch.delenv("DISPLAY", raising=False)
    with Sway() as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture(params=["screen", "sway"])
def paste(request: pytest.FixtureRequest) -> str:
    """A desktop of each kind, by the command that pastes there."""
    request.getfixturevalue(request.param)
    return {"screen": "xclip -o -selection clipboard", "sway": "wl-paste --no-newline"}[request.param]


def run(command: str, **options: object) -> bytes:
    done = subprocess.run(command.split(), capture_output=True, timeout=20, check=True, **options)  # type: ignore[call-overload]
    return bytes(done.stdout)


def copy_elsewhere(command: str, text: str) -> None:
    """Let another program own the clipboard; it stays in the background until somebody else copies."""
    subprocess.run(
        command.split(),
        input=text.encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=20,
        check=True,
    )


def elsewhere(paste: str) -> str:
    return "xclip -selection clipboard" if paste.startswith("xclip") else "wl-copy"


def test_what_was_copied_is_pasted(paste: str) -> None:
    """What a person copies in trayd is what another program pastes, every byte of it."""
    clipboard.copy(LINES)
    assert run(paste).decode() == LINES


def test_a_value_that_is_not_utf8_stays_as_it_was(paste: str) -> None:
    """A path with bytes that are no text arrives with exactly these bytes."""
    clipboard.copy(os.fsdecode(b"DOCKER_CERT_PATH=/home/andr\xe9"))
    assert run(paste) == b"DOCKER_CERT_PATH=/home/andr\xe9"


def test_a_long_text_arrives_whole(paste: str) -> None:
    """A text of 100 kB and one of 2 MB, far beyond one message of either protocol, arrive whole."""
    clipboard.copy(BIG)
    assert len(BIG.encode()) > 100_000
    assert run(paste).decode() == BIG
    clipboard.copy(BIG * 20)
    assert run(paste).decode() == BIG * 20


def test_a_paste_does_not_use_the_text_up(paste: str) -> None:
    """A person pastes as often as they like, in several programs at once."""
    clipboard.copy(BIG)
    readers = [subprocess.Popen(paste.split(), stdout=subprocess.PIPE) for _ in range(5)]
    assert [reader.communicate(timeout=20)[0].decode() for reader in readers] == [BIG] * 5


def test_the_second_copy_replaces_the_first(paste: str) -> None:
    """Only the last copy is pasted, and the earlier ones leave nothing running."""
    for number in range(5):
        clipboard.copy(f"copy {number}")
        assert run(paste) == f"copy {number}".encode()
    wait_until(lambda: len(owners()) == 1, what="one thread")


def test_copies_from_several_threads_at_once_leave_one_of_them(paste: str) -> None:
    """Two clicks at the same moment put one of the two texts on the clipboard, not a mixture and not nothing."""
    threads = [threading.Thread(target=clipboard.copy, args=(f"copy {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    wait_until(lambda: len(owners()) == 1, what="one thread")
    assert run(paste).decode() in {f"copy {number}" for number in range(8)}


def test_another_program_takes_over(paste: str) -> None:
    """When the person copies somewhere else, that is what they paste, and trayd lets go."""
    clipboard.copy(LINES)
    copy_elsewhere(elsewhere(paste), "from the editor")
    wait_until(lambda: not owners(), what="trayd to let go")
    assert run(paste) == b"from the editor"
    clipboard.release()
    assert run(paste) == b"from the editor"
    clipboard.copy("mine again")
    assert run(paste) == b"mine again"


def test_the_text_stays_when_trayd_quits(paste: str) -> None:
    """What was copied last can still be pasted after trayd quit, if a tool is installed that keeps it."""
    clipboard.copy(LINES)
    clipboard.release()
    assert not owners()
    assert run(paste).decode() == LINES


def test_without_any_tool_quitting_is_quick_and_quiet(paste: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody can keep the text, trayd still quits at once and without an error."""
    monkeypatch.setattr(clipboard, "HELPERS", {})
    monkeypatch.setattr("shutil.which", lambda _: None)
    clipboard.copy(LINES)
    before = time.monotonic()
    clipboard.release()
    assert time.monotonic() - before < 0.5
    assert not owners()


def test_a_reader_that_stops_reading_keeps_nobody_waiting(paste: str) -> None:
    """A program that hangs in the middle of a paste does not keep others from pasting."""
    clipboard.copy(BIG * 20)
    stuck = subprocess.Popen(paste.split(), stdout=subprocess.PIPE)
    try:
        assert stuck.stdout is not None
        stuck.stdout.read(1)  # it has begun; now its own output is full and it reads no further
        assert run(paste).decode() == BIG * 20
    finally:
        stuck.kill()
        stuck.communicate()
    assert run(paste).decode() == BIG * 20


def test_x11_offers_the_kinds_of_text_programs_ask_for(screen: Screen) -> None:
    """Old and new X programs get the text in the encoding they ask for, and a plain no for anything else."""
    clipboard.copy("Zoë")
    ask = "xclip -o -selection clipboard -t"
    offered = run(f"{ask} TARGETS").decode().split()
    assert {"TARGETS", "TIMESTAMP", "MULTIPLE", "UTF8_STRING", "text/plain;charset=utf-8", "STRING", "TEXT"} <= set(
        offered
    )
    for kind in ("UTF8_STRING", "text/plain;charset=utf-8", "TEXT"):
        assert run(f"{ask} {kind}").decode() == "Zoë"
    assert run(f"{ask} STRING").decode("latin-1") == "Zoë"
    assert int(run(f"{ask} TIMESTAMP")) > 0
    assert run_fails(f"{ask} text/html")
    clipboard.copy("東京")
    assert "STRING" not in run(f"{ask} TARGETS").decode().split()
    assert run_fails(f"{ask} STRING")


def run_fails(command: str) -> bool:
    done = subprocess.run(command.split(), capture_output=True, timeout=20)
    return done.returncode != 0 and not done.stdout


@pytest.mark.parametrize("text", [LINES, BIG * 5], ids=["short", "long"])
def test_x11_hands_the_text_to_the_clipboard_manager(screen: Screen, text: str) -> None:
    """With a clipboard manager, the text lives on in it when trayd quits, and no other program is started."""
    with ClipboardManager(screen.display) as manager:
        clipboard.copy(text)
        clipboard.release()
        assert not owners()
        assert manager.kept == text
        assert run("xclip -o -selection clipboard -t UTF8_STRING").decode()[:9] == text[:9]


def test_x11_waits_half_a_second_for_a_clipboard_manager_that_hangs(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clipboard manager that does not answer delays quitting by half a second, not more."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    hung = Xlib.display.Display(screen.display)
    window = hung.screen().root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
    window.set_selection_owner(hung.intern_atom("CLIPBOARD_MANAGER"), X.CurrentTime)
    hung.sync()
    clipboard.copy(LINES)
    before = time.monotonic()
    clipboard.release()
    assert 0.4 < time.monotonic() - before < 1.5
    wait_until(lambda: not owners(), what="the thread's end")
    hung.close()


def test_x11_gone_is_said_in_words(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the X server is gone, trayd says so and what to do, and works again when there is one."""
    clipboard.copy(LINES)
    screen.__exit__(None, None, None)
    wait_until(lambda: not owners(), what="the thread's end")
    with pytest.raises(ClipboardError) as refused:
        clipboard.copy(LINES)
    assert f"no X server lets us in at {screen.display}" in refused.value.message
    assert refused.value.hint
    assert LINES not in refused.value.message
    clipboard.release()
    with Screen() as another:
        monkeypatch.setenv("DISPLAY", another.display)
        clipboard.copy(LINES)
        assert run("xclip -o -selection clipboard").decode() == LINES


def test_x11_that_hangs_is_given_up(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frozen X server costs a copy two seconds, and the text is not put there later by surprise."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    clipboard.copy("before")
    server = screen._process
    assert server is not None
    server.send_signal(signal.SIGSTOP)
    try:
        before = time.monotonic()
        with pytest.raises(ClipboardError, match="no answer within 2 seconds"):
            clipboard.copy("too late")
        assert time.monotonic() - before < 4
        assert next(owner for owner in owners() if owner.data == b"too late").hand_over(0.1)  # quitting ignores it
    finally:
        server.send_signal(signal.SIGCONT)
    wait_until(lambda: len(owners()) == 1, what="the late copy to give up")
    assert run("xclip -o -selection clipboard") == b"before"


def test_wayland_offers_plain_text(sway: Sway) -> None:
    """Programs on Wayland find the text under the names that they look for."""
    clipboard.copy(LINES)
    offered = run("wl-paste --list-types").decode().split()
    assert {"text/plain;charset=utf-8", "text/plain", "UTF8_STRING"} <= set(offered)
    for kind in offered:
        assert run(f"wl-paste --no-newline --type {kind}").decode() == LINES


def test_wayland_gone_is_said_in_words(sway: Sway) -> None:
    """When the compositor is gone, trayd says so and what to do."""
    clipboard.copy(LINES)
    sway.kill()
    wait_until(lambda: not owners(), what="the thread's end")
    with pytest.raises(ClipboardError, match="no compositor answers at") as refused:
        clipboard.copy(LINES)
    assert refused.value.hint
    clipboard.release()


def test_x11_is_used_when_wayland_cannot(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the Wayland way does not work but X programs do, as on GNOME, the text gets there by X11."""
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-absent")
    clipboard.copy(LINES)
    assert run("xclip -o -selection clipboard").decode() == LINES


def test_an_installed_tool_is_the_last_way(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """When our own ways fail, an installed xclip still puts the text on the clipboard."""
    monkeypatch.setattr(clipboard, "_owners", lambda *_: [])
    clipboard.copy(LINES)
    assert run("xclip -o -selection clipboard").decode() == LINES


class ClipboardManager:
    """A clipboard manager as GNOME's and XFCE's are: it fetches with MULTIPLE, and long texts piece by piece."""

    def __init__(self, display: str) -> None:
        self.kept: str | None = None
        self._display = Xlib.display.Display(display)
        self._window = self._display.screen().root.create_window(
            0, 0, 1, 1, 0, X.CopyFromParent, event_mask=X.PropertyChangeMask
        )
        self._window.set_selection_owner(self._atom("CLIPBOARD_MANAGER"), X.CurrentTime)
        self._display.sync()
        self._thread = threading.Thread(target=self._serve, name="manager")

    def _atom(self, name: str) -> int:
        return int(self._display.intern_atom(name))

    def __enter__(self) -> "ClipboardManager":
        self._stop = False
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join(5)
        self._display.close()

    def _serve(self) -> None:
        while not self._stop:
            wait_until(lambda: self._display.pending_events() or self._stop, 60)
            while self._display.pending_events():
                event = self._display.next_event()
                if event.type == X.SelectionRequest:
                    self._request(event)

    def _request(self, event: xevent.SelectionRequest) -> None:
        answer = event.property
        if event.target == self._atom("SAVE_TARGETS"):
            self.kept = self._fetch(event.time)
            self._window.set_selection_owner(self._atom("CLIPBOARD"), event.time)
        elif event.target == self._atom("UTF8_STRING"):
            assert self.kept is not None
            event.requestor.change_property(event.property, event.target, 8, self.kept.encode()[:200_000])
        else:
            answer = X.NONE
        event.requestor.send_event(
            xevent.SelectionNotify(
                time=event.time,
                requestor=event.requestor,
                selection=event.selection,
                target=event.target,
                property=answer,
            )
        )
        self._display.flush()

    def _fetch(self, when: int) -> str:
        utf8, into, multiple = self._atom("UTF8_STRING"), self._atom("INTO"), self._atom("MULTIPLE")
        html, unused = self._atom("text/html"), self._atom("UNUSED")
        pair = self._atom("ATOM_PAIR")
        self._window.change_property(multiple, pair, 32, [utf8, into, html, unused])
        self._window.convert_selection(self._atom("CLIPBOARD"), multiple, multiple, when)
        while (event := self._display.next_event()).type != X.SelectionNotify:
            pass
        assert event.property == multiple
        # What could not be converted is marked, and the rest is there.
        assert list(self._window.get_full_property(multiple, pair).value) == [utf8, into, X.NONE, unused]
        first = self._window.get_full_property(into, X.AnyPropertyType)
        if first.property_type != self._atom("INCR"):
            return bytes(first.value).decode()
        self._window.delete_property(into)
        data = b""
        while True:
            event = self._display.next_event()
            if event.type == X.PropertyNotify and event.atom == into and event.state == X.PropertyNewValue:
                piece = self._window.get_full_property(into, utf8, 100_000)
                self._window.delete_property(into)
                if piece is None or not len(piece.value):
                    return data.decode()
                data += bytes(piece.value)


def test_a_program_older_than_the_conventions_is_answered(screen: Screen) -> None:
    """A very old X program, which names no property in its request, gets the text too."""
    clipboard.copy("old friend")
    reader = Xlib.display.Display(screen.display)
    window = reader.screen().root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
    window.convert_selection(reader.intern_atom("CLIPBOARD"), Xatom.STRING, X.NONE, X.CurrentTime)
    reader.flush()
    wait_until(reader.pending_events, what="the answer")
    event = reader.next_event()
    assert event.type == X.SelectionNotify
    assert window.get_full_property(event.property, Xatom.STRING).value == b"old friend"
    reader.close()
