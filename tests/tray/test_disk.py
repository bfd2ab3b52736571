"""A disk that takes nothing: the tray goes on, says so once, and saves again when it can."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host
from tests.harness.need import need
from tests.harness.notification_server import NotificationServer
from tests.harness.poll import wait_until
from tests.harness.program import Trayd

pytestmark = [pytest.mark.tray, pytest.mark.engine]

NAMES = ("lab", "office", "third")
TOLD = "Your choice is kept only until trayd ends"


class Disk:
    """A small disk of its own that only one trayd sees: it is mounted in the namespace of that process."""

    def __init__(self, place: Path, trayd: Trayd, begin: str) -> None:
        need(os.geteuid() == 0, "mounting wants root: sudo -E pytest …")
        place.mkdir()
        self._place, self._trayd = place, trayd
        mount = f"mount -t tmpfs -o size=64k trayd-test {place}; cd {place}; mkdir state config; {begin}; cd /"
        trayd.before = ("unshare", "-m", "sh", "-ec", f'{mount}; exec "$@"', "sh")

    @property
    def root(self) -> Path:
        """The disk, seen from outside."""
        return Path(f"/proc/{self._trayd.pid}/root{self._place}")

    def change(self, command: str) -> None:
        """Run a command of sh on the disk, as somebody else on this computer."""
        line = ["nsenter", "-t", str(self._trayd.pid), "-m", "sh", "-ec", f"cd {self._place}; {command}"]
        subprocess.run(line, check=True, capture_output=True, timeout=30)

    def saved(self) -> str:
        """The choice that is on the disk."""
        file = self.root / "state/trayd/state.json"
        return str(json.loads(file.read_text())["active"]) if file.exists() else ""

    def halves(self) -> list[Path]:
        """The files whose writing was begun and not ended."""
        return [path for path in self.root.rglob(".*") if path.is_file()]


# More than fits, and never more than that: dd's failure is what is wanted.
FULL = "if dd if=/dev/zero of=filler bs=4k count=32 2>/dev/null; then exit 1; fi"
FAULTS = {
    "a full disk": (FULL, "rm filler"),
    "a read-only disk": (
        # As a second mount over the first: a file system in which a log is open for writing cannot be made read-only.
        "for f in {place} {profiles}; do mount --bind $f $f; mount -o remount,ro,bind $f; done",
        "umount {profiles}; umount -l {place}",
    ),
}


@pytest.fixture
def trayd(bus: PrivateBus, tmp_path: Path) -> Iterator[Trayd]:
    disk = tmp_path / "disk"
    yield Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, XDG_STATE_HOME=f"{disk}/state", XDG_CONFIG_HOME=f"{disk}/config")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_disk_that_takes_nothing_is_told_once(
    fault: str, bus: PrivateBus, trayd: Trayd, tmp_path: Path, engine
) -> None:
    """Every choice counts at once; one notification says that none is saved; the first one after the end of it is."""
    begin, end = (command.format(place=tmp_path / "disk", profiles=trayd.profiles) for command in FAULTS[fault])
    disk = Disk(tmp_path / "disk", trayd, begin)
    for name in NAMES:
        trayd.profile(name, f"host: {engine.unix_url}\n")

    def choose(name: str) -> None:
        host.click(f"{name}  ●  reachable")
        wait_until(lambda: host.tooltip()[0].startswith(f"{name} — "), what=f"the switch to {name}")

    with NotificationServer(bus.address) as notes, Host(bus.address) as host, trayd:
        # Which engines these are is to be saved as well, three times.
        for name in NAMES:
            host.entry(f"{name}  ●  reachable")
        choose("office")
        wait_until(lambda: notes.notes, what="the notification")
        for name in (*NAMES, *NAMES):
            choose(name)
        assert notes.notes[0].title == TOLD
        assert str(tmp_path / "disk/state/trayd/state.json") in notes.notes[0].body
        assert not disk.saved()
        disk.change(end)
        choose("office")
        wait_until(lambda: disk.saved() == "office", what="the choice on the disk")
        assert [note.title for note in notes.notes] == [TOLD]
        # The next time it is news again, what was saved before is whole, and memory goes before the disk.
        disk.change(begin)
        choose("lab")
        wait_until(lambda: len(notes.notes) == 2, what="the second notification")
        assert disk.saved() == "office"
        choose("third")
        if fault == "a full disk":
            # News of the file that was saved before, as they may also come late.
            disk.change("chmod 600 state/trayd/state.json")
        trayd.profile("later", f"host: {engine.unix_url}\n")
        host.entry("later  ●  reachable")
        assert host.tooltip()[0].startswith("third — ")
        assert [note.title for note in notes.notes] == [TOLD, TOLD]
        assert disk.halves() == []
        assert trayd.stop() == 0


def test_a_disk_that_takes_nothing_says_so_for_start_at_login(
    bus: PrivateBus, trayd: Trayd, tmp_path: Path, engine
) -> None:
    """Where the entry for the login cannot be written, the mark is not set, and the reason is told."""
    disk = Disk(tmp_path / "disk", trayd, FULL)
    trayd.profile("office", f"host: {engine.unix_url}\n")
    with NotificationServer(bus.address) as notes, Host(bus.address) as host, trayd:
        host.click("Settings", "Start at login")

        def told() -> str:
            # That the choice of the profile cannot be saved is told as well, before or after this.
            return "".join(note.title + note.body for note in notes.notes if "autostart" in note.title + note.body)

        assert "space" in (wait_until(told, what="the notification about the entry") or "")
        assert not host.entry("Settings", "Start at login").checked
        # Which engine it is may be in the middle of being saved, in vain.
        wait_until(lambda: not disk.halves(), what="the end of what was begun")
        disk.change("rm filler")
        host.click("Settings", "Start at login")
        wait_until(lambda: host.entry("Settings", "Start at login").checked, what="the mark")
