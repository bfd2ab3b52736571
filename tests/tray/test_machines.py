"""A lost docker-machine machine in the running tray: started, and found again at another address."""

import json
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.docker_machine import fake_docker_machine
from tests.harness.host import Host
from tests.harness.notification_server import NotificationServer
from tests.harness.poll import wait_until
from tests.harness.program import Trayd

pytestmark = pytest.mark.tray


def stored(address: str) -> str:
    return json.dumps({"DriverName": "none", "Driver": {"URL": f"tcp://{address}:2375"}})


@pytest.fixture
def trayd(bus: PrivateBus, tmp_path: Path) -> Trayd:
    """A tray with docker-machine on its PATH, and one machine, at an address where nothing listens."""
    made = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address, TRAYD_DISCOVER="machines", PATH=f"{tmp_path}/bin:/usr/bin:/bin")
    config = made.home / ".docker/machine/machines/box/config.json"
    config.parent.mkdir(parents=True)
    config.write_text(stored("127.0.0.2"))
    return made


def test_a_machine_is_started_from_the_menu(bus: PrivateBus, trayd: Trayd, tmp_path: Path) -> None:
    """A click starts it; the address that docker-machine then stores is the profile's."""
    new = tmp_path / "new.json"
    new.write_text(stored("127.0.0.3"))
    store = trayd.home / ".docker/machine/machines"
    calls = fake_docker_machine(tmp_path / "bin", f'test "$1" = start && sleep 1 && cp {new} {store}/$2/config.json')
    with Host(bus.address) as host, trayd:
        wait_until(lambda: "Start machine" in str(host.labels()), what="the item")
        assert "127.0.0.2" in host.tooltip()[1]
        host.click("Start machine")
        wait_until(lambda: "Starting machine" in str(host.labels()), what="the word that it starts")
        wait_until(lambda: "tcp://127.0.0.3:2375" in host.tooltip()[1], what="the new address")
        wait_until(lambda: "Start machine" in str(host.labels()), what="the item again")
        assert calls.read_text() == "start box\n"


def test_the_end_of_trayd_leaves_a_starting_machine_alone(bus: PrivateBus, trayd: Trayd, tmp_path: Path) -> None:
    """A machine is not left half started, however much docker-machine has to say afterwards."""
    done = tmp_path / "done"
    calls = fake_docker_machine(
        tmp_path / "bin", f"sleep 1; for n in 1 2 3; do /bin/echo $n || exit; done; touch {done}"
    )
    with Host(bus.address) as host, trayd:
        wait_until(lambda: "Start machine" in str(host.labels()), what="the item")
        host.click("Start machine")
        wait_until(calls.exists, what="docker-machine")
        assert trayd.stop() == 0
        assert not done.exists()
        wait_until(done.exists, what="its end")


def test_a_start_that_fails_is_said(bus: PrivateBus, trayd: Trayd, tmp_path: Path) -> None:
    """One notification says why and what to do."""
    fake_docker_machine(tmp_path / "bin", "echo 'VBoxManage not found' >&2; exit 1")
    with NotificationServer(bus.address) as notes, Host(bus.address) as host, trayd:
        host.click("Settings", "Notifications")  # none but the one that was asked for
        wait_until(lambda: "Start machine" in str(host.labels()), what="the item")
        host.click("Start machine")
        wait_until(lambda: notes.notes, what="the notification")
        assert notes.notes[0].title == "machine box could not be started"
        assert notes.notes[0].body.startswith("VBoxManage not found")


def test_check_again_follows_a_machine_that_moved(bus: PrivateBus, trayd: Trayd, tmp_path: Path) -> None:
    """The address that docker-machine tells is asked at once, although another one is stored."""
    calls = fake_docker_machine(tmp_path / "bin", "echo tcp://127.0.0.4:2375")
    with Host(bus.address) as host, trayd:
        wait_until(lambda: "Start machine" in str(host.labels()), what="the item")
        host.click("Check again")
        wait_until(lambda: "tcp://127.0.0.4:2375" in host.tooltip()[1], what="the address that was told")
        assert calls.read_text() == "url box\n"
