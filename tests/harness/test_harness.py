"""The harness itself: engines that leave nothing behind, and the rules every test relies on."""

import http.client
import json
import os
import re
import shutil
import signal
import ssl
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.ask import ask, free_port
from tests.harness.dockerd import Dockerd
from tests.harness.need import need
from tests.harness.poll import wait_until
from tests.harness.processes import processes
from tests.harness.tls import DAY, Authority, client_context, now

ROOT = Path(__file__).parents[2]


def of_engine(directory: Path) -> list[str]:
    """Processes and mounts that bear an engine's name, and its directory if it is there."""
    living = [str(p) for p in processes() if any(directory.name in argument for argument in p.argv)]
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if directory.name in line]
    return living + mounts + ([str(directory)] if directory.exists() else [])


@pytest.mark.engine
def test_a_private_engine_answers_within_seconds_and_leaves_nothing_behind() -> None:
    """A private engine answers within seconds and leaves nothing behind."""
    before = time.monotonic()
    with Dockerd() as engine:
        assert time.monotonic() - before < 10
        assert ask(engine.unix_url).body == b"OK"
        assert len(str(engine.socket)) < 60
        assert of_engine(engine.directory)
    assert of_engine(engine.directory) == []
    engine.close()


@pytest.mark.engine
def test_a_killed_engine_comes_back_on_the_same_sockets(dockerd: Callable[..., Dockerd]) -> None:
    """A killed engine refuses, takes its containerd with it, and comes back on the same sockets, again and again."""
    engine = dockerd(tcp=True)
    first = engine.unix_url, engine.tcp_url
    for _ in range(2):
        before = time.monotonic()
        signalled = engine.kill()
        assert before <= signalled <= time.monotonic()
        assert not engine.running
        assert not [p for p in processes() if p.program == "containerd" and engine.directory.name in " ".join(p.argv)]
        for url in first:
            with pytest.raises(ConnectionRefusedError):
                ask(url)
        engine.start()
        assert (engine.unix_url, engine.tcp_url) == first
        assert [ask(url).body for url in first] == [b"OK", b"OK"]


@pytest.mark.engine
def test_a_stale_containerd_pid_does_not_hinder_the_next_start(dockerd: Callable[..., Dockerd]) -> None:
    """A dockerd whose old containerd.pid names a living process starts all the same after kill()."""
    engine = dockerd()
    (engine.directory / "exec/containerd/containerd.pid").write_text(str(os.getpid()))
    engine.kill()
    engine.start(10)


@pytest.mark.engine
def test_a_frozen_engine_accepts_and_does_not_answer_until_thawed(dockerd: Callable[..., Dockerd]) -> None:
    """A frozen engine accepts connections and does not answer until it is thawed."""
    engine = dockerd()
    engine.freeze()
    with pytest.raises(TimeoutError):
        ask(engine.unix_url, timeout=0.3)
    assert engine.running
    engine.thaw()
    assert ask(engine.unix_url).body == b"OK"


@pytest.mark.engine
@pytest.mark.parametrize("end", [Dockerd.stop, Dockerd.kill])
def test_a_frozen_engine_can_be_ended(dockerd: Callable[..., Dockerd], end: Callable[[Dockerd], object]) -> None:
    """A frozen engine can be stopped and killed without a thaw."""
    engine = dockerd()
    engine.freeze()
    end(engine)
    assert not engine.running


@pytest.mark.engine
def test_an_engine_restarts_in_order(dockerd: Callable[..., Dockerd]) -> None:
    """A restart gives a new process on the same socket, and the socket file is gone in between."""
    engine = dockerd()
    first = engine.pid
    engine.stop()
    assert engine.socket
    assert not engine.socket.exists()
    engine.start()
    assert engine.pid != first
    engine.restart()
    assert ask(engine.unix_url).body == b"OK"


@pytest.mark.engine
def test_a_container_runs_from_the_imported_busybox_and_ends_with_its_engine(dockerd: Callable[..., Dockerd]) -> None:
    """The imported busybox runs in a container, and killing the engine ends container, mounts and control groups."""
    engine = dockerd()
    assert engine.load_busybox().startswith("sha256:")
    wanted = {"Image": "busybox:test", "Cmd": ["sleep", "1000"], "HostConfig": {"NetworkMode": "none"}}
    created = engine.ask("/containers/create", "POST", json.dumps(wanted).encode())
    name = json.loads(created.body)["Id"]
    assert engine.ask(f"/containers/{name}/start", "POST").status == 204
    inside = json.loads(engine.ask(f"/containers/{name}/json").body)["State"]["Pid"]
    groups = [p for p in Path("/sys/fs/cgroup").rglob(f"*{name}*") if p.is_dir()]
    engine.close()
    assert inside not in {p.pid for p in processes()}
    assert of_engine(engine.directory) == []
    assert [group for group in groups if group.exists()] == []


@pytest.mark.engine
def test_an_engine_over_tls_refuses_a_client_without_certificate(
    dockerd: Callable[..., Dockerd], tmp_path: Path
) -> None:
    """An engine over TLS answers its own clients, and refuses those without certificate or of another authority."""
    authority, other = Authority(tmp_path / "a"), Authority(tmp_path / "b")
    engine = dockerd(unix=False, tcp=True, tls=authority.server())
    good = authority.client()
    assert ask(engine.tcp_url, tls=client_context(good)).body == b"OK"
    for bad in (
        other.client(trusts=authority),
        authority.client("old", not_before=now() - 9 * DAY, not_after=now() - DAY),
    ):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(engine.tcp_url, tls=client_context(bad))
    (good / "cert.pem").unlink()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(engine.tcp_url, tls=client_context(good))


@pytest.mark.engine
def test_a_start_that_fails_shows_the_log_and_leaves_no_process() -> None:
    """An engine that cannot start shows the end of its log and leaves nothing behind."""
    engine = Dockerd("--no-such-flag")
    try:
        with pytest.raises(AssertionError, match="no-such-flag"):
            engine.start()
    finally:
        engine.close()
    assert of_engine(engine.directory) == []


@pytest.mark.engine
def test_clients_with_the_socket_in_their_arguments_outlive_the_engine(dockerd: Callable[..., Dockerd]) -> None:
    """A program that has the engine's socket in its arguments is not ended together with the engine."""
    engine = dockerd()
    client = subprocess.Popen([sys.executable, "-c", "input()", engine.unix_url], stdin=subprocess.PIPE)
    try:
        engine.kill()
        assert client.poll() is None
    finally:
        client.communicate(b"\n", timeout=10)
    assert client.returncode == 0


@pytest.mark.engine
def test_the_shared_engine_answers_on_both_sockets(engine: Dockerd) -> None:
    """The engine that tests share answers on its unix socket and on its tcp port."""
    assert [ask(url).headers["Ostype"] for url in (engine.unix_url, engine.tcp_url)] == ["linux", "linux"]


def test_waiting_gives_the_answer_or_says_what_was_seen_last() -> None:
    """wait_until gives the first truthy answer, and a failure names the wait and a bounded last answer."""
    answers = iter([0, "", "there"])
    assert wait_until(lambda: next(answers)) == "there"
    with pytest.raises(AssertionError, match=r"waited 0.05 s for the train; last seen: \[\]"):
        wait_until(list, 0.05, "the train")

    class Long:
        def __bool__(self) -> bool:
            return False

        def __repr__(self) -> str:
            return "x" * 100_000

    with pytest.raises(AssertionError) as failure:
        wait_until(Long, 0)
    assert len(str(failure.value)) < 1000


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_a_missing_part_fails_the_ci_and_skips_elsewhere(
    ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing program fails where CI=true and is skipped elsewhere, with the line that installs it."""
    monkeypatch.setenv("CI", ci)
    need("sh", "never shown")
    need(True, "never shown")
    for missing in ("no-such-program", False):
        with pytest.raises(outcome, match="apt-get install it"):
            need(missing, "sudo apt-get install it")


def test_every_test_has_an_empty_home_and_no_docker_in_its_environment(tmp_path: Path) -> None:
    """HOME, XDG_* and TRAYD_CONFIG_DIR are private and empty, the runtime directory is 0700 and short."""
    assert list(Path.home().iterdir()) == []
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "TRAYD_CONFIG_DIR"):
        assert Path(os.environ[name]).is_relative_to(tmp_path)
    runtime = Path(os.environ["XDG_RUNTIME_DIR"])
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700
    assert list(runtime.iterdir()) == []
    assert len(str(runtime)) < 30
    bad = re.compile(r"DOCKER_.*|.*_PROXY|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE", re.IGNORECASE)
    assert [name for name in os.environ if bad.fullmatch(name)] == []


def test_a_free_port_is_not_one_the_kernel_gives_to_clients() -> None:
    """A free port lies outside the range of outgoing connections, so an engine can come back to it."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert 1024 < free_port() < lowest
    with pytest.raises(ConnectionRefusedError):
        ask(f"tcp://127.0.0.1:{free_port()}")


def test_a_run_that_leaves_processes_behind_fails_and_names_them(tmp_path: Path) -> None:
    """A run whose tests pass but leave processes behind fails and names them, children and orphans alike."""
    shutil.copytree(ROOT / "tests" / "harness", tmp_path / "tests" / "harness")
    for name in ("__init__.py", "conftest.py"):
        shutil.copy(ROOT / "tests" / name, tmp_path / "tests")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests" / "test_leak.py").write_text(
        textwrap.dedent(f"""
            import pathlib, subprocess
            def test_leak():
                child = subprocess.Popen(["sleep", "301"])
                pathlib.Path("{tmp_path}/child").write_text(str(child.pid))
                orphaning = "sleep 302 >/dev/null 2>&1 & echo $! >{tmp_path}/orphan"
                subprocess.run(["sh", "-c", orphaning], check=True)
        """)
    )
    try:
        command = [sys.executable, "-m", "pytest", "-q", "tests/test_leak.py"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    finally:
        for left in ("child", "orphan"):
            os.kill(int((tmp_path / left).read_text()), signal.SIGKILL)
    assert run.returncode == 1, run.stdout + run.stderr
    for part in ("1 passed", "left processes behind", "sleep 301", "sleep 302"):
        assert part in run.stdout


def test_a_question_reports_errors_as_they_are() -> None:
    """ask() hides no error: a missing socket is FileNotFoundError."""
    with pytest.raises(FileNotFoundError):
        ask("unix:///tmp/no-such.sock")
    assert issubclass(http.client.RemoteDisconnected, ConnectionResetError)
