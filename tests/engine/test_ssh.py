"""trayd watching engines behind a real sshd: what is shown, how soon, and what is left when it ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.asking import ROOT, ask, connected, endpoint
from tests.engine.running import profile, trayd
from tests.harness import standin
from tests.harness.dockerd import Dockerd
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from tests.harness.sshd import Sshd, clients
from trayd.config.computer import Computer
from trayd.config.profiles import load
from trayd.core import messages as m
from trayd.core.health import GOOD, State
from trayd.core.profile import HealthSettings, Profile, parse_host
from trayd.engine import probe
from trayd.engine.ladder import climb
from trayd.engine.ssh import command
from trayd.engine.survey import survey

pytestmark = pytest.mark.engine

Start = Callable[..., Dockerd]
Record = Callable[[str, object], None]

# A login takes a quarter of a second here, and three times that when the machine is busy.
BRISK = "health: {interval: 1s, timeout: 3s, grace: 1s}"


@pytest.fixture(autouse=True)
def leaves_nothing(sshd: Sshd) -> Iterator[None]:
    """Every test here ends without a thread, an open file, an ssh or a folder of trayd's being left."""
    threads, files = set(threading.enumerate()), os.listdir("/proc/self/fd")
    yield
    wait_until(lambda: not set(threading.enumerate()) - threads, 5, "the end of every thread")
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= len(files), 5, "the closing of every file")
    wait_until(lambda: not clients(sshd), 2, "the end of every ssh")
    wait_until(lambda: not folders(), 2, "the end of every folder")


def folders() -> list[Path]:
    return list(Path(os.environ["XDG_RUNTIME_DIR"], "trayd").glob("ssh-*"))


def test_an_engine_behind_ssh_is_as_near_as_any_other(
    sshd: Sshd, dockerd: Start, record_testsuite_property: Record
) -> None:
    """It shows its version, its name and its images, and tells of a new image at once, all through one ssh."""
    running = dockerd()
    running.load_busybox("one:1")
    start = time.monotonic()
    profile("office", sshd.url(running.socket), BRISK)
    with trayd() as shown:
        reached = shown.wait(State.REACHABLE)
        shown.until(lambda: shown.info().name, "the engine's name")
        shown.until(lambda: shown.engine().images, "its images")
        running.load_busybox("two:2")
        shown.until(lambda: len(shown.engine().images or ()) == 2, "the new image", 3)
        assert len([p for p in clients(sshd) if p.program == "ssh"]) == 1
        assert len(folders()) == 1
        assert folders()[0].stat().st_mode & 0o777 == 0o700
        latency = shown.engine().health.latency
        assert latency is not None and latency < 0.5, "the login counts as latency"
        record_testsuite_property("ssh: kB of ssh and its guard", sum(_kilobytes(p.pid) for p in clients(sshd)))
    record_testsuite_property("ssh: started to reachable, ms", round(1000 * (reached - start)))


def _kilobytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def test_somebody_who_is_not_root_reaches_an_engine(sshd: Sshd, dockerd: Start) -> None:
    """Being root is needed on neither side: the socket's permissions decide."""
    running = dockerd()
    running.directory.chmod(0o755)
    assert running.socket
    running.socket.chmod(0o666)
    assert isinstance(ask(endpoint(sshd.url(running.socket, user="builder"))), m.Answered)


def test_a_killed_engine_behind_ssh_is_missed_at_once(
    sshd: Sshd, dockerd: Start, record_testsuite_property: Record
) -> None:
    """The end of the engine comes through the tunnel as fast as through its socket, and its return soon after."""
    running = dockerd()
    profile("office", sshd.url(running.socket), BRISK)
    with trayd() as shown:
        shown.wait(State.REACHABLE)
        shown.until(lambda: shown.info().name, "the engine's name")
        before = clients(sshd)
        killed = running.kill()
        missed = shown.wait(State.RECONNECTING, after=killed)
        assert missed - killed < 1.0
        shown.until(lambda: shown.engine().health.diagnosis.code == "ssh_remote_stopped", "the word for it")
        running.start()
        started = time.monotonic()
        back = shown.wait(State.REACHABLE, after=missed)
        assert back - started < 10.0
        assert clients(sshd) == before, "nobody logs in again to see that an engine is back"
        # What the far end refused before is forgotten: the next end has its own reason.
        running.freeze()
        shown.wait(State.HUNG, after=back)
        thawed = time.monotonic()
        running.thaw()
        shown.wait(State.REACHABLE, after=thawed)
    record_testsuite_property("ssh: engine restarted to reachable, ms", round(1000 * (back - started), 1))
    record_testsuite_property("ssh: engine killed to reconnecting, ms", round(1000 * (missed - killed), 1))


def test_a_killed_sshd_is_missed_at_once_and_its_return_is_seen(
    sshd: Sshd, dockerd: Start, record_testsuite_property: Record
) -> None:
    """When the machine goes, that is said in its own words, and the way is made again when it is back."""
    profile("office", sshd.url(dockerd().socket), BRISK)
    with trayd() as shown:
        shown.wait(State.REACHABLE)
        shown.until(lambda: shown.info().name, "the engine's name")
        killed = time.monotonic()
        sshd.kill()
        missed = shown.wait(State.RECONNECTING, after=killed)
        assert missed - killed < 1.0
        shown.wait(State.UNREACHABLE, after=killed)
        shown.until(lambda: shown.engine().health.diagnosis.code == "refused", "the word for a closed port")
        sshd.start()
        started = time.monotonic()
        back = shown.wait(State.REACHABLE, after=missed)
        assert back - started < 10.0
    record_testsuite_property("ssh: sshd killed to reconnecting, ms", round(1000 * (missed - killed), 1))
    record_testsuite_property("ssh: sshd back to reachable, ms", round(1000 * (back - started)))


@pytest.mark.parametrize("program", ["ssh", "sh"])
def test_a_killed_ssh_is_replaced(program: str, sshd: Sshd, dockerd: Start, record_testsuite_property: Record) -> None:
    """Whoever kills the tunnel, or what guards it, costs a moment, and no second ssh."""
    profile("office", sshd.url(dockerd().socket), BRISK)
    with trayd() as shown:
        shown.wait(State.REACHABLE)
        shown.until(lambda: shown.info().name, "the engine's name")
        (victim,) = [p for p in clients(sshd) if p.program == program]
        killed = time.monotonic()
        os.kill(victim.pid, signal.SIGKILL)
        missed = shown.wait(State.RECONNECTING, after=killed)
        back = shown.wait(State.REACHABLE, after=missed)
        record_testsuite_property(f"ssh: {program} killed to reachable again, ms", round(1000 * (back - killed)))
        wait_until(lambda: len(clients(sshd)) == 2, 3, "one ssh and its guard")


def test_a_frozen_host_is_told_from_a_frozen_engine(sshd: Sshd, dockerd: Start) -> None:
    """When the far side of the way stands still, the next look says that it is the way; then it is made anew."""
    profile("office", sshd.url(dockerd().socket), "health: {interval: 1s, timeout: 1500ms, grace: 1s}")
    with trayd() as shown:
        shown.wait(State.REACHABLE)
        frozen = time.monotonic()
        sshd.freeze()
        shown.wait(State.HUNG, after=frozen)
        shown.until(lambda: shown.engine().health.diagnosis.code == "ssh_protocol", "the way to be blamed")
        assert shown.state() == "unreachable"
        thawed = time.monotonic()
        sshd.thaw()
        assert shown.wait(State.REACHABLE, after=thawed)


def test_a_host_that_hangs_delays_nobody(sshd: Sshd, dockerd: Start) -> None:
    """While one tunnel waits for a silent server, another engine is reached, and Quit does not wait."""
    with standin.silent() as silent:
        profile("hangs", sshd.url(port=silent.port), "health: {interval: 1s, timeout: 60s}")
        profile("office", sshd.url(dockerd().socket), BRISK)
        start = time.monotonic()
        with trayd() as shown:
            assert shown.wait(State.REACHABLE) - start < 3.0
            assert shown.state("hangs") == "connecting"
            quitting = time.monotonic()
        assert time.monotonic() - quitting < 1.0
        wait_until(lambda: not [t for t in threading.enumerate() if t.name == "probe hangs"], 1, "its thread's end")


def test_an_overtaken_login_is_ended(sshd: Sshd) -> None:
    """A login that is not through in time is given up with its ssh, again and again, never two at a time."""
    with standin.garbage() as stuck:
        profile("office", sshd.url(port=stuck.port), "health: {interval: 1s, timeout: 1s, grace: 0s}")
        with trayd() as shown:
            shown.until(lambda: stuck.connections >= 3, "the third try", 15)
            running = [p for p in _tunnels() if str(stuck.port) in p]
            assert len(running) <= 4  # one, and one that is just ending, each with its guard
            assert shown.engine().health.diagnosis.code == "ssh_login_slow"
        wait_until(lambda: not [p for p in _tunnels() if str(stuck.port) in p], 2, "the end of every ssh")


def _tunnels() -> list[str]:
    from tests.harness.processes import processes

    return [" ".join(p.argv) for p in processes() if p.program in ("ssh", "sh")]


def test_two_profiles_on_one_host_are_two_tunnels(sshd: Sshd, dockerd: Start) -> None:
    """Two engines on one host do not share what may break; one profile's end leaves the other's alone."""
    first = profile("one", sshd.url(dockerd().socket), BRISK)
    profile("two", sshd.url(dockerd().socket), BRISK)
    with trayd() as shown:
        shown.wait(State.REACHABLE, "one")
        shown.wait(State.REACHABLE, "two")
        assert len(folders()) == 2
        first.unlink()
        shown.until(lambda: "one" not in shown.snapshot.engines, "the end of the first")
        wait_until(lambda: len(clients(sshd)) == 2, 3, "the end of its ssh")
        assert shown.state("two") == "reachable"
        assert shown.states("two") == ["connecting", "reachable"]


def test_asking_once_leaves_no_tunnel(sshd: Sshd, dockerd: Start) -> None:
    """`trayd status` asks through a tunnel of its own, and takes it down."""
    from trayd.core.profile import Profile, parse_health

    place = endpoint(sshd.url(dockerd().socket))
    (found,) = survey([Profile("office", place, health=parse_health({}, place))])
    assert found.health.state in GOOD, found.health.diagnosis
    assert found.info and found.info.name
    missing = endpoint(sshd.url("/run/no/docker.sock"))
    (found,) = survey([Profile("office", missing, health=parse_health({}, missing))])
    assert found.health.diagnosis and found.health.diagnosis.code == "ssh_remote_socket_missing"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_however_trayd_ends_no_ssh_is_left(end: signal.Signals, sshd: Sshd, dockerd: Start) -> None:
    """Not even kill -9 leaves an ssh, a session on the host, or a socket behind."""
    with Trayd("status", "--watch") as program:
        program.profile("office", f"host: {sshd.url(dockerd().socket)}\n{BRISK}\n")
        wait_until(lambda: "reachable" in program.output() or len(sshd.sessions()) > 1, 15, "the session")
        wait_until(folders, 5, "the tunnel")
        os.kill(program.pid, end)
        program.ended()
        wait_until(lambda: not clients(sshd), 2, "the end of ssh")
        wait_until(lambda: not folders(), 2, "the end of its folder")
        wait_until(lambda: len(sshd.sessions()) == 1, 2, "the end of the session")


def test_a_trayd_that_is_killed_while_it_logs_in_leaves_nothing(sshd: Sshd) -> None:
    """The moment before the login, when there is no connection yet, is no gap."""
    with standin.garbage() as stuck:
        code = (
            "import sys; from trayd.core.profile import parse_host; from trayd.engine.client import Client\n"
            "Client(parse_host(sys.argv[1])).open(60)"
        )
        with subprocess.Popen([sys.executable, "-c", code, sshd.url(port=stuck.port)], cwd=ROOT) as program:
            wait_until(lambda: stuck.connections, 10, "the connection")
            program.kill()
        wait_until(lambda: not [p for p in _tunnels() if str(stuck.port) in p], 2, "the end of ssh")


def test_a_frozen_ssh_is_ended_too(sshd: Sshd, dockerd: Start) -> None:
    """An ssh that does not hear SIGTERM any more is killed."""
    client = connected(endpoint(sshd.url(dockerd().socket)))
    assert isinstance(probe.probe(client, 5), m.Answered)
    (ssh,) = [p for p in clients(sshd) if p.program == "ssh"]
    os.kill(ssh.pid, signal.SIGSTOP)
    client.abort()
    wait_until(lambda: not clients(sshd), 3, "the end of ssh")


def test_a_long_runtime_folder_is_not_used(
    sshd: Sshd, dockerd: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the socket's path would be too long, or there is no such folder, a private one is made in /tmp."""
    long = tmp_path / ("x" * 90)
    long.mkdir()
    place = endpoint(sshd.url(dockerd().socket))
    for folder in (str(long), "", "relative"):
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        client = connected(place)
        assert isinstance(probe.probe(client, 5), m.Answered)
        assert client.tunnel
        made = Path(client.tunnel.socket).parent
        assert made.parent == Path("/tmp") and made.stat().st_mode & 0o777 == 0o700
        client.abort()
        wait_until(lambda made=made: not made.exists(), 2, "the end of the folder")
    assert not list(long.iterdir())


def test_no_word_of_a_profile_is_an_option() -> None:
    """What stands in front of the host is ours; user, port and host each have their own place."""
    line = command(parse_host("ssh://me@build:2222/x.sock"), 5, True)
    assert line[-6:] == ["-l", "me", "-p", "2222", "--", "build"]
    bare = command(parse_host("ssh://[::1]"), 5, False)
    assert bare[-2:] == ["--", "::1"]
    assert "-l" not in bare and "-p" not in bare
    assert not any("StrictHostKeyChecking" in part for part in bare)


def test_the_sample_reaches_an_engine(sshd: Sshd, dockerd: Start, tmp_path: Path) -> None:
    """config/build-server-ssh.yaml works as it is, given the name of the host."""
    text = (ROOT / "config" / "build-server-ssh.yaml").read_text(encoding="utf-8")
    assert "ssh://me@build.example\n" in text
    folder = tmp_path / "profiles"
    folder.mkdir()
    text = text.replace("ssh://me@build.example", sshd.url(dockerd().socket))
    (folder / "build-server-ssh.yaml").write_text(text, encoding="utf-8")
    loaded = load(str(folder), Computer("linux", "here", str(folder)))
    assert loaded.problems == ()
    (found,) = survey(list(loaded.profiles))
    assert found.health.state in GOOD, found.health.diagnosis


def ladder(url: str) -> dict[str, str]:
    """The rungs to an engine behind ssh: the name of each and what came of it, its code where it broke."""
    health = HealthSettings(timeout=3.0)
    rungs = climb(Profile("far", parse_host(url), health=health), lambda _: None)
    return {rung.name: rung.diagnosis.code if rung.diagnosis else str(rung.state) for rung in rungs}


def test_the_ladder_has_a_rung_for_ssh(sshd: Sshd, dockerd: Start) -> None:
    """`trayd check` climbs through ssh to the engine's facts, and says at which rung it breaks."""
    running = dockerd()
    good = ladder(sshd.url(running.socket))
    assert good["ssh"] == good["docker"] == good["engine"] == "ok"
    gone = ladder(sshd.url("/nowhere.sock"))
    assert gone["ssh"] == "ssh_remote_socket_missing"
    assert gone["http"] == "skipped"
    sshd.kill()
    closed = ladder(sshd.url(running.socket))
    assert closed["connection"] == "refused"
    assert closed["ssh"] == "skipped"
    sshd.start()
