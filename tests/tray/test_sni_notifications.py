"""Notifications: the newest in the place of the last, and nothing lost without a server."""

import time

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host, running
from tests.harness.notification_server import NotificationServer
from tests.harness.poll import wait_until
from tests.tray.icon_for_tests import RED, an_icon

pytestmark = pytest.mark.tray


def test_a_notification_replaces_the_one_before(bus: PrivateBus) -> None:
    """However fast they come, one of ours is shown, the newest, with text that cannot be markup."""
    with NotificationServer(bus.address) as server, running(an_icon()) as icon:
        wait_until(lambda: icon._bus and icon._bus.unique_name)
        for number in range(20):
            icon.notify(f"{number} <b>&", "office is gone")
        wait_until(lambda: server.notes and server.notes[-1].body.startswith("19"))
        assert set(server.showing()) == {1}
        note = server.notes[-1]
        assert (note.application, note.title, note.body) == ("trayd", "office is gone", "19 &lt;b&gt;&amp;")
        signature, (width, height, stride, alpha, bits, channels, data) = note.hints["image-data"]
        assert signature == "(iiibiiay)"
        assert (width, height, stride, alpha, bits, channels) == (48, 48, 192, True, 8, 4)
        assert tuple(data[:4]) == RED
        icon.notify("no title")
        wait_until(lambda: server.notes[-1].title == "office")
        icon.remove_notification()
        wait_until(lambda: server.removed == [1])


def test_notifications_about_different_subjects_stand_beside_each_other(bus: PrivateBus) -> None:
    """One engine's news replace its own and nobody else's; there is no end of subjects that are remembered."""
    with NotificationServer(bus.address) as server, running(an_icon()) as icon:
        wait_until(lambda: icon._bus and icon._bus.unique_name)
        for word in ("gone", "back"):
            for engine in ("office", "home"):
                icon.notify_about(engine, word, engine)
        wait_until(lambda: [note.body for note in server.showing().values()] == ["back", "back"])
        for number in range(100):
            icon.notify_about(f"engine {number}", "x")
        wait_until(lambda: len(server.showing()) == 102)
        assert len(icon._notifications._subjects) == 64


def test_a_new_notification_server_is_not_asked_to_replace_a_strangers(bus: PrivateBus) -> None:
    """After a restart of the server its numbers mean something else."""
    with running(an_icon()) as icon:
        wait_until(lambda: icon._bus and icon._bus.unique_name)
        for _ in range(2):
            with NotificationServer(bus.address) as server:
                icon.notify("x")
                wait_until(lambda: server.notes)
                assert server.notes[0].replaces == 0
            wait_until(lambda: not icon._notifications._subjects)


def test_a_missing_or_hanging_notification_server_costs_nothing(bus: PrivateBus, host: Host) -> None:
    """Nobody waits, nothing piles up, the icon answers."""
    with running(an_icon()) as icon:
        assert host.item
        start = time.monotonic()
        for _ in range(50):
            icon.notify("nobody is there")
        with NotificationServer(bus.address, hanging=True) as server:
            for number in range(50):
                icon.notify(f"{number}")
            assert time.monotonic() - start < 2
            assert host.labels() == ["one"]
            wait_until(lambda: server.notes)
            assert len(server.notes) <= 2
