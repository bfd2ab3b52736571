"""A private message bus, and a panel made for tests on it."""

from collections.abc import Iterator

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    with PrivateBus() as private:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", private.address)
        yield private


@pytest.fixture
def host(bus: PrivateBus) -> Iterator[Host]:
    with Host(bus.address) as a_host:
        yield a_host
