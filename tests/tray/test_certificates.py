"""A certificate that ends soon, in the running tray."""

from pathlib import Path

import pytest

from tests.harness import responder
from tests.harness.desktop import PrivateBus
from tests.harness.host import Host
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from tests.harness.responder import Responder
from tests.harness.tls import DAY, Authority, now

pytestmark = pytest.mark.tray


def test_a_certificate_that_ends_soon_is_said_in_menu_and_tooltip(bus: PrivateBus, tmp_path: Path) -> None:
    """A reachable engine whose certificate has 12 days left says so, with the date, and stays reachable."""
    authority, soon = Authority(tmp_path / "ca"), now() + 12 * DAY
    folder = authority.client(not_after=now() + 300 * DAY)
    words = f"⚠ certificate of office ends in 12 days ({soon.date().isoformat()})"
    trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
    with Responder(responder.engine(), tls=authority.server(not_after=soon)) as server:
        trayd.profile("office", f"host: {server.url}\ntls: {{cert_path: {folder}}}\n")
        with Host(bus.address) as host, trayd:
            wait_until(lambda: words in host.tooltip()[1].splitlines(), what="the words in the tooltip")
            assert host.tooltip()[0].startswith("office — reachable")
            assert f"{words} (greyed)" in host.labels()
