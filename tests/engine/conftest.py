"""What the engine tests share: authorities, and engines that are looked at and not touched."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.dockerd import Dockerd
from tests.harness.tls import Authority
from trayd.engine.pulse import Pulse


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that signed the engines' certificates, and those of their clients."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority of somebody else."""
    return Authority(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="session")
def certs(authority: Authority) -> Path:
    """The folder of a client that the TLS engine accepts."""
    return authority.client("mine")


@pytest.fixture(scope="session")
def tls_engine(authority: Authority) -> Iterator[Dockerd]:
    """One engine with TLS and a unix socket, which holds busybox:test."""
    with Dockerd(tcp=True, tls=authority.server("the engine")) as running:  # its file stays: each name is a folder
        running.load_busybox()
        yield running


@pytest.fixture
def pulse() -> Iterator[Pulse]:
    """What asks on the connections that are there, for one test."""
    running = Pulse()
    yield running
    running.stop()
