"""The fixtures that give tests an engine."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.harness.dockerd import Dockerd
from tests.harness.sshd import Sshd


@pytest.fixture(scope="session")
def engine() -> Iterator[Dockerd]:
    """One running engine on a unix socket and a plain tcp port, shared by all tests: look, do not touch."""
    with Dockerd(tcp=True) as running:
        yield running


@pytest.fixture
def dockerd() -> Iterator[Callable[..., Dockerd]]:
    """Start engines of your own, `dockerd(tcp=True)`, to kill and freeze; all are closed when the test ends."""
    with ExitStack() as engines:
        yield lambda *extra, **options: engines.enter_context(Dockerd(*extra, **options))


@pytest.fixture
def sshd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    """An sshd of your own, and an `ssh` on PATH that knows it and has its key."""
    with Sshd() as running:
        monkeypatch.setenv("PATH", f"{running.client()}{os.pathsep}{os.environ['PATH']}")
        yield running
