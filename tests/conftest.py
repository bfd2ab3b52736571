"""Every test gets an empty home and an environment without Docker or proxy variables; no process outlives the run."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.fixtures import dockerd, engine, sshd
from tests.harness.poll import wait_until
from tests.harness.processes import Process, processes, with_variable

__all__ = ["dockerd", "engine", "sshd"]

SESSION = "TRAYD_TEST_SESSION"  # inherited by whatever a test starts, so that orphans are known too
HOMES = {
    "HOME": "",
    "XDG_CONFIG_HOME": ".config",
    "XDG_CACHE_HOME": ".cache",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "TRAYD_CONFIG_DIR": ".config/trayd",
    # The same on Windows.
    "USERPROFILE": "",
    "APPDATA": "AppData/Roaming",
    "LOCALAPPDATA": "AppData/Local",
}
SYSTEM_DIRS = {"XDG_CONFIG_DIRS": "etc/xdg", "XDG_DATA_DIRS": "usr/share"}


@pytest.fixture(autouse=True)
def private_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of the person who runs the tests is read or written."""
    for name in list(os.environ):
        proxy = name.upper().endswith("_PROXY")
        if name.startswith("DOCKER_") or proxy or name in {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}:
            monkeypatch.delenv(name)
    monkeypatch.delenv("XDG_CURRENT_DESKTOP", raising=False)  # in GNOME the menu is told in another way
    home = tmp_path / "home"
    for name, below in HOMES.items():
        monkeypatch.setenv(name, str(home / below))
    for name, below in SYSTEM_DIRS.items():
        monkeypatch.setenv(name, str(tmp_path / below))
    home.mkdir()
    # The sockets of this computer are nobody's business here; a test that wants them says so.
    monkeypatch.setenv("TRAYD_DISCOVER", "contexts,machines")
    # Sockets live here, and a socket's path must fit into 107 bytes: tmp_path with a long test name does not leave
    # room for that.
    runtime = tempfile.mkdtemp(prefix="tr", dir="/tmp" if os.name == "posix" else None)
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    yield
    shutil.rmtree(runtime, ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch for the second suite, which scripts/test --desktops runs."""
    parser.addoption(
        "--heavy", action="store_true", help="also run the tests in whole desktops (scripts/test --desktops)"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the second suite out unless it is asked for."""
    if config.getoption("--heavy"):
        return
    heavy = [item for item in items if item.get_closest_marker("heavy")]
    items[:] = [item for item in items if item not in heavy]
    config.hook.pytest_deselected(items=heavy)


def pytest_configure(config: pytest.Config) -> None:
    """Mark the session, so that its processes can be told from others."""
    os.environ[SESSION] = str(os.getpid())
    # A suite that a shell started in the background ignores Ctrl-C, and so would every program that it starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if a process that a test started still lives."""
    try:
        wait_until(lambda: not _left_behind(), 2, "the end of the tests' processes")
    except AssertionError:
        session.config.stash[LEFT] = [str(process) for process in _left_behind()]
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the processes that were left behind."""
    if left := config.stash.get(LEFT, []):
        terminalreporter.section("FAILED: the tests left processes behind", red=True, bold=True)
        for process in left:
            terminalreporter.line(process)


LEFT = pytest.StashKey[list[str]]()


def _left_behind() -> list[Process]:
    """Children of this process, and orphans that were started during the session."""
    me = os.getpid()
    found = {p.pid: p for p in processes() if p.parent == me}
    found |= {p.pid: p for p in with_variable(SESSION, str(me)) if p.pid != me}
    return list(found.values())
