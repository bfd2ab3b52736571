"""A session that ends trayd is obeyed at once, wherever the signal finds it."""

import ctypes
import os
import signal
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host
from tests.harness.poll import wait_until
from tests.harness.processes import settled
from tests.harness.program import Trayd

pytestmark = pytest.mark.tray


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_does_not_wake_the_tray_ends_it_all_the_same(number: int, bus: PrivateBus) -> None:
    """One that comes just before the tray waits for the bus interrupts nothing; here another thread gets it."""
    trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
    trayd.profile("office", "host: unix:///nowhere.sock\n")
    with Host(bus.address) as host, trayd:
        wait_until(lambda: host.items, what="the icon")
        settled(trayd.pid)
        other = next(
            int(task.name) for task in Path(f"/proc/{trayd.pid}/task").iterdir() if int(task.name) != trayd.pid
        )
        assert ctypes.CDLL(None, use_errno=True).tgkill(trayd.pid, other, number) == 0, os.strerror(ctypes.get_errno())
        assert trayd.ended(10) == (130 if number == signal.SIGINT else 0)
        wait_until(lambda: not host.items, what="the icon to go")
