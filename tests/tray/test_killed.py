"""trayd killed with -9 a hundred times, at any moment of its life, and started again each time."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.dockerd import Dockerd
from tests.harness.host import MENU, Host
from tests.harness.poll import wait_until
from tests.harness.processes import with_variable
from tests.harness.program import Trayd
from tests.harness.sshd import Sshd
from trayd.desktop.instance import holder

pytestmark = [pytest.mark.tray, pytest.mark.engine]

Start = Callable[..., Dockerd]
Record = Callable[[str, object], None]

LIFE = "TRAYD_TEST_LIFE"  # inherited by whatever a trayd of this test starts
PHASES = ("anywhere",) * 45 + ("writing",) * 35 + ("tunnel",) * 20
OLD = 120.0  # seconds: more than a writer or a starting tunnel takes


class Reading(threading.Thread):
    """Reads a file again and again, as another program may at any moment; whatever is there has to be whole."""

    def __init__(self, *files: Path) -> None:
        super().__init__(name="reading")
        self._files = files
        self.ended = threading.Event()
        self.times = 0
        self.broken: list[str] = []

    def run(self) -> None:
        while not self.ended.wait(0.001):
            for file in self._files:
                try:
                    text = file.read_text(encoding="utf-8")
                except FileNotFoundError:
                    continue
                self.times += 1
                try:
                    json.loads(text)
                except ValueError:
                    self.broken.append(f"{file}: {text!r}")


@contextmanager
def reading(*files: Path) -> Iterator[Reading]:
    reader = Reading(*files)
    reader.start()
    try:
        yield reader
    finally:
        reader.ended.set()
        reader.join()


def wait_for_icon(host: Host, trayd: Trayd) -> str:
    """The bus name of this trayd's icon, once the panel knows it."""
    mine = f"-{trayd.pid}-"
    return wait_until(lambda: next((name for name in host.items if mine in name), ""), 20, "the icon")


def radios(host: Host, item: str) -> list[int]:
    """The menu's numbers of the two profiles."""
    _, (_, _, entries) = host.call(item, "/MenuBar", MENU, "GetLayout", "iias", 0, 1, ["toggle-type"])
    found = [entry[1][0] for entry in entries if entry[1][1].get("toggle-type") == ("s", "radio")]
    assert len(found) == 2
    return found


def choose_without_end(host: Host, item: str, numbers: list[int]) -> None:
    """Click all profiles in turn, without waiting for anything: each click is a choice to be saved."""
    for number in numbers * 40:
        host.bus.call(item, "/MenuBar", MENU, "Event", "isvu", (number, "clicked", ("s", ""), 0))


# Kills a process in the moment in which a file is being written in a folder; a program of its own, since the moment is
# shorter than what a thread of ours waits for its turn. After the time it gives up.
KILLER = """
import os, sys, time
pid, folder, end = int(sys.argv[1]), sys.argv[2], time.monotonic() + float(sys.argv[3])
known = set(os.listdir(folder))
print("ready", flush=True)
while time.monotonic() < end:
    if any(name[0] == "." and name not in known for name in os.listdir(folder)):
        os.kill(pid, 9)
        break
"""


@contextmanager
def killer(trayd: Trayd, folder: Path, seconds: float) -> Iterator[None]:
    line = [sys.executable, "-S", "-c", KILLER, str(trayd.pid), str(folder), str(seconds)]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as program:
        assert program.stdout and program.stdout.readline()
        yield


@pytest.mark.timeout(400)
def test_a_hundred_kills_leave_nothing(
    bus: PrivateBus, sshd: Sshd, dockerd: Start, tmp_path: Path, record_testsuite_property: Record
) -> None:
    """No stale lock, no half-written file, no child without its parent, and no litter that stays."""
    chance = random.Random(4)
    private = tmp_path / "tmp"
    private.mkdir()
    trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, TMPDIR=str(private), **{LIFE: str(tmp_path)})
    trayd.profile("far", f"host: {sshd.url(dockerd().socket)}\nhealth: {{interval: 1s, timeout: 5s}}\n")
    trayd.profile("near", "host: unix:///nowhere.sock\n")
    state = trayd.home / ".local/state/trayd"
    runtime = Path(os.environ["XDG_RUNTIME_DIR"], "trayd")
    phases = list(PHASES)
    chance.shuffle(phases)
    orphans: list[int] = []
    tunnels, halves = 0, set[Path]()
    start = time.monotonic()
    with Host(bus.address) as host, reading(state / "state.json", state / "engines.json") as reader:
        for number, phase in enumerate(phases):
            older = set(runtime.glob("ssh-*/s"))
            trayd.start()
            try:
                if phase == "anywhere":
                    time.sleep(chance.uniform(0.0, 0.8))
                elif phase == "writing":
                    item = wait_for_icon(host, trayd)
                    state.mkdir(parents=True, exist_ok=True)
                    numbers = radios(host, item)
                    with killer(trayd, state, 0.1):
                        choose_without_end(host, item, numbers)
                else:
                    wait_until(lambda older=older: set(runtime.glob("ssh-*/s")) - older, 20, "the tunnel")
                    assert holder() == trayd.pid
            finally:
                os.kill(trayd.pid, signal.SIGKILL)
                trayd.ended()
            alive = [p.pid for p in with_variable(LIFE, str(tmp_path))]
            tunnels += len(alive) > 1
            assert trayd.output() == ""
            # Those of the last one had a whole life's time to go.
            left = [p for p in with_variable(LIFE, str(tmp_path)) if p.pid in orphans]
            assert not left, f"after kill {number}: {left}"
            orphans = alive
            assert not reader.broken
            halves |= {path for path in state.iterdir() if path.name[0] == "."}
        seconds = time.monotonic() - start
        litter = [*halves, *runtime.glob("ssh-*")]
        for path in litter:
            os.utime(path, (time.time() - OLD,) * 2)
        with trayd:
            item = wait_for_icon(host, trayd)
            wait_until(lambda: "far  ●  reachable" in str(host.labels()), 20, "the engine behind ssh")
            choose_without_end(host, item, radios(host, item))
            wait_until(lambda: (state / "engines.json").exists(), 10, "the word which engine it is")
            wait_until(lambda: not [path for path in litter if path.exists()], 10, "the end of the litter")
            assert trayd.stop() == 0
    wait_until(lambda: not with_variable(LIFE, str(tmp_path)), 10, "the end of the last one's children")
    assert reader.times > 1000
    assert not reader.broken
    assert {path.name for path in state.iterdir()} - {"trayd.log.1"} == {"engines.json", "state.json", "trayd.log"}
    assert [path.name for path in runtime.iterdir()] == ["trayd.lock"]
    assert list(private.iterdir()) == []
    assert tunnels >= 15, "it was hardly ever killed with an ssh"
    record_testsuite_property("a hundred kills: seconds", round(seconds, 1))
    record_testsuite_property("a hundred kills: litter that was swept", len(litter))
    record_testsuite_property("a hundred kills: in the middle of writing", len(halves))
