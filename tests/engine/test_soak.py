"""A hundred thousand probes and ten thousand changes leave no trace in the process that went through them."""

import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine.asking import ROOT
from tests.engine.running import profile
from tests.harness.desktop import PrivateBus
from tests.harness.dockerd import Dockerd
from tests.harness.poll import wait_until
from tests.harness.sshd import Sshd, clients
from tests.harness.tls import Authority

Start = Callable[..., Dockerd]
Record = Callable[[str, object], None]

SMALL = 20
PROBES, CHANGES = 100_000, 10_000
WARM_PROBES, WARM_CHANGES = 15_000, 1_500
STREAMS = 6  # engines whose event stream is held
GROWTH = 3 * 1024  # kB
REAL = "health: {interval: 1s, timeout: 3s, grace: 1s}"
KINDS = (
    "health: {interval: 1s, timeout: 2s, grace: 60s, slow: 50ms, events: false}",
    "health: {interval: 1s, timeout: 2s, grace: 0s, slow: 50ms, events: false}",  # each loss is told
    "health: {interval: 1s, timeout: 2s, grace: 60s, slow: 50ms, events: false}",
    "health: {interval: 1s, timeout: 2s, grace: 60s, slow: 50ms}",  # an event stream and its thread for each return
)


class Told:
    """A program that answers each line on its stdin with one line of JSON."""

    def __init__(self, *command: str, **environ: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=os.environ | environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def say(self, words: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{words}\n")
        self._process.stdin.flush()

    def hear(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "it ended without an answer; its last words are above"
        return json.loads(line)

    def ask(self, words: str) -> Any:
        self.say(words)
        return self.hear()

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        try:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()


@contextmanager
def told(*command: str, **environ: str) -> Iterator[Told]:
    program = Told(*command, **environ)
    try:
        yield program
    finally:
        program.close()


def more(after: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """What there is more of."""
    return dict(Counter(after) - Counter(before))


@pytest.mark.engine
@pytest.mark.tray
@pytest.mark.timeout(900)
def test_a_long_life_leaves_no_trace(
    sshd: Sshd,
    dockerd: Start,
    authority: Authority,
    certs: Path,
    tmp_path: Path,
    record_testsuite_property: Record,
) -> None:
    """Files, threads, temporary files and memory are after it what they were before, and after Quit there are none."""
    near, secure = dockerd(), dockerd(unix=False, tcp=True, tls=authority.server())
    profile("calm", near.unix_url, REAL)
    profile("far", sshd.url(near.socket), REAL)
    profile("secure", secure.tcp_url, f"{REAL}\ntls: {{cert_path: {certs}}}")
    private = tmp_path / "tmp"
    private.mkdir()
    sockets = Path(os.environ["XDG_RUNTIME_DIR"])
    with ExitStack() as stack:
        bus = stack.enter_context(PrivateBus())
        crowd = stack.enter_context(told("tests.harness.crowd", str(sockets), str(SMALL)))
        for number, url in enumerate(crowd.hear()):
            profile(f"small{number:02}", url, KINDS[number % 4 if number % 8 < 4 else 0])
        soaked = stack.enter_context(
            told("tests.engine.soaked", TMPDIR=str(private), DBUS_SESSION_BUS_ADDRESS=bus.address)
        )

        def calm() -> Any:
            """Everybody goes away once more, so that each way is new; then it is looked at."""
            crowd.ask("calm")
            near.restart()
            secure.restart()
            sshd.kill()
            sshd.start()
            return soaked.ask("look")

        crowd.ask("storm")
        soaked.ask(f"go {WARM_PROBES} {WARM_CHANGES}")
        before = calm()
        answered = crowd.ask("storm")
        soaked.say(f"go {PROBES} {CHANGES}")
        near.restart()
        sshd.kill()
        sshd.start()
        secure.restart()
        went = soaked.hear()
        after = calm()
        answered = crowd.ask("calm") - answered
        left = soaked.ask("end")
        grown = after["kilobytes"] - before["kilobytes"]
        for what in ("probes", "changes", "seconds", "notes"):
            record_testsuite_property(f"soak: {what}", went[what])
        record_testsuite_property("soak: memory grown, kB", grown)
        assert went["probes"] >= PROBES
        assert went["changes"] >= CHANGES
        assert answered > PROBES / 2, "the engines know nothing of so many questions"
        assert went["seen"].keys() >= {"reachable", "reconnecting", "degraded", "unreachable"}
        assert went["notes"]
        # How many connections an engine with an event stream has depends on which questions met each other.
        assert more(after["files"], before["files"]).keys() <= {"socket:"}
        assert max(more(after["files"], before["files"]).values(), default=0) <= STREAMS
        assert after["threads"] == before["threads"]
        assert after["temporary"] == before["temporary"]
        assert after["children"] == before["children"]
        assert max(more(after["objects"], before["objects"]).values(), default=0) <= STREAMS
        assert all(after["objects"].get(kind) == before["objects"].get(kind) for kind in ("Watch", "Tunnel", "Popen"))
        assert grown < GROWTH
        assert not left["files"]
        assert not left["children"]
        # The loop may hold its pulse until it goes itself; that this has ended is seen by threads and files.
        assert left["objects"].keys() <= {"Pulse"}
        assert not [name for name in left["temporary"] if Path(name).parent == private]
        wait_until(lambda: not clients(sshd), 5, "the end of every ssh")
