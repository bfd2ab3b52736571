"""Notifications: the newest in the place of the last, and nothing lost without a server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.harness.desktop import PrivateBus, Screen
from tests.harness.host import Host, running
from tests.harness.need import find, need
from tests.harness.notification_server import NOTIFICATIONS, NotificationServer
from tests.harness.poll import wait_until
from tests.tray.icon_for_tests import RED, an_icon, image
from trayd.core.messages import CheckAgain, CopyDetails, StartMachine
from trayd.tray.bus import Incoming
from trayd.tray.sni import Icon

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


def test_a_notification_may_have_a_picture_of_its_own(bus: PrivateBus) -> None:
    """With an image it shows that one, and the next without one our icon again."""
    with NotificationServer(bus.address) as server, running(an_icon()) as icon:
        wait_until(lambda: icon._bus and icon._bus.unique_name)
        for number, (own, first) in enumerate(((image(green := (0, 200, 60, 255)), green), (None, RED)), 1):
            icon.notify_about("office", "text", "office", image=own)
            wait_until(lambda number=number: len(server.notes) == number)
            assert tuple(server.notes[-1].hints["image-data"][1][6][:4]) == first


def test_notifications_about_different_subjects_stand_beside_each_other(bus: PrivateBus) -> None:
    """One engine's news replace its own and nobody else's; there is no end of subjects that are remembered."""
    with NotificationServer(bus.address) as server, running(an_icon()) as icon:
        wait_until(lambda: icon._bus and icon._bus.unique_name)
        for word in ("gone", "back"):
            for engine in ("office", "home"):
                icon.notify_about(engine, word, engine)
        wait_until(lambda: [note.body for note in server.showing().values()] == ["back", "back"])
        for number in range(300):
            icon.notify_about(f"engine {number}", "x")
        wait_until(lambda: len(server.showing()) == 302)
        assert len(icon._notifications._subjects) == 256


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


BUTTONS = (("Check again", CheckAgain("office")), ("Copy details", CopyDetails("office")))


@contextmanager
def clicking(bus: PrivateBus) -> Iterator[tuple[Icon, list[object]]]:
    """An icon on the bus, and the values of the buttons that are clicked."""
    clicked: list[object] = []
    with running(an_icon()) as icon:
        icon.on_button = clicked.append
        wait_until(lambda: icon._bus and icon._bus.unique_name)
        yield icon, clicked


def test_a_button_gives_its_value(bus: PrivateBus) -> None:
    """A click on a notification's button hands on the very value that the notification was shown with."""
    with NotificationServer(bus.address) as server, clicking(bus) as (icon, clicked):
        icon.notify_about("office", "it is gone", "office", BUTTONS)
        wait_until(lambda: server.notes)
        assert [label for _, label in server.notes[0].actions] == ["Check again", "Copy details"]
        server.click(server.notes[0], "Copy details")
        server.click(server.notes[0], "Check again")
        wait_until(lambda: clicked == [CopyDetails("office"), CheckAgain("office")], what="the clicks")
        icon.notify_about("lab", "it is gone", "lab", (("Check again", CheckAgain("lab")),))
        wait_until(lambda: len(server.notes) == 2)
        server.click(server.notes[1], "Check again")
        wait_until(lambda: clicked[2:] == [CheckAgain("lab")], what="the click on the other one")
        assert server.asked == 1


def test_a_click_on_what_was_replaced_means_nothing_else(bus: PrivateBus) -> None:
    """Neither a button that has gone, nor one of a dismissed notification or of another program, does anything."""
    with NotificationServer(bus.address) as server, clicking(bus) as (icon, clicked):
        icon.notify_about("office", "it is gone", "office", BUTTONS)
        wait_until(lambda: server.notes)
        icon.notify_about("office", "and again", "office", (("Start machine", StartMachine("office")),))
        icon.notify_about("lab", "it is gone", "lab", BUTTONS)
        wait_until(lambda: len(server.notes) == 3)
        old, new, lab = server.notes
        assert old.id == new.id
        server.click(old, "Check again")
        server.dismiss(lab)
        server.click(lab, "Check again")
        server._tell("ActionInvoked", "us", 77, new.actions[0][0])
        server._tell("ActionInvoked", "us", new.id, "default")
        server._tell("ActionInvoked", "uas", new.id, ["x"])
        server.click(new, "Start machine")
        wait_until(lambda: clicked, what="the click on the button that is shown")
        assert clicked == [StartMachine("office")]


def test_the_button_of_the_moment_before_still_counts(bus: PrivateBus) -> None:
    """A click that is on its way while the next text is not shown yet does what the person read."""
    with NotificationServer(bus.address) as server, clicking(bus) as (icon, clicked):
        icon.notify_about("office", "it is gone", "office", BUTTONS)
        wait_until(lambda: server.notes and icon._notifications._subjects["office"].asked is None)
        server._hanging = True
        icon.notify_about("office", "back", "office")
        wait_until(lambda: len(server.notes) == 2)
        server.click(server.notes[0], "Check again")
        wait_until(lambda: clicked == [CheckAgain("office")], what="the click")


def test_a_server_without_buttons_gets_none(bus: PrivateBus) -> None:
    """A server of the old kind would open a window for each button: it is asked first, and once."""
    with NotificationServer(bus.address, actions=False) as server, clicking(bus) as (icon, _):
        for word in ("gone", "gone for good"):
            icon.notify_about("office", word, "office", BUTTONS)
        wait_until(lambda: [note.body for note in server.showing().values()] == ["gone for good"])
        assert {note.actions for note in server.notes} == {()}
        assert server.asked == 1


def test_what_was_dismissed_comes_anew(bus: PrivateBus) -> None:
    """After a person closed it, the next one about the subject does not replace a number that may be another's."""
    with NotificationServer(bus.address) as server, clicking(bus) as (icon, _):
        icon.notify_about("office", "gone", "office", BUTTONS)
        wait_until(lambda: server.notes and icon._notifications._subjects["office"].id)
        server.dismiss(server.notes[0])
        wait_until(lambda: not icon._notifications._subjects["office"].id, what="the end of the first one")
        icon.notify_about("office", "back", "office")
        wait_until(lambda: len(server.notes) == 2)
        assert (server.notes[1].replaces, server.notes[1].id) == (0, 2)


class ClosesFirst(NotificationServer):
    """Closes what is to be replaced in the moment before it sees the replacement, which it takes away with it."""

    def _came(self, message: Incoming) -> None:
        if message.call and message.member == "Notify" and message.body[1]:
            self._tell("NotificationClosed", "uu", message.body[1], 3)
        super()._came(message)


def test_what_replaces_a_closing_one_is_shown_once_more(bus: PrivateBus) -> None:
    """Plasma loses it otherwise: the answer to "Check again", sent in the moment in which the click closes the note."""
    with ClosesFirst(bus.address) as server, clicking(bus) as (icon, _):
        icon.notify_about("office", "gone", "office", BUTTONS)
        wait_until(lambda: server.notes and icon._notifications._subjects["office"].id)
        icon.notify_about("office", "still gone", "office", BUTTONS)
        wait_until(lambda: len(server.notes) == 3 and icon._notifications._subjects["office"].id == 2)
        assert [(note.replaces, note.body) for note in server.notes] == [
            (0, "gone"),
            (1, "still gone"),
            (0, "still gone"),
        ]
        assert [note.id for note in server.showing().values()] == [2]


def test_a_server_that_comes_with_buttons_is_asked_anew(bus: PrivateBus) -> None:
    """While none is there nothing is lost but the notification; the next server's own abilities count."""
    with clicking(bus) as (icon, _):
        icon.notify_about("office", "nobody is there", "office", BUTTONS)
        wait_until(lambda: icon._notifications._actions is False, what="the answer that there is no server")
        for actions in (True, False, True):
            with NotificationServer(bus.address, actions=actions) as server:
                wait_until(lambda: icon._notifications._actions is None, what="a server that is to be asked")
                icon.notify_about("office", "gone", "office", BUTTONS)
                wait_until(lambda server=server: server.notes)
                assert bool(server.notes[0].actions) is actions
                assert server.notes[0].replaces == 0
            wait_until(lambda: not icon._notifications._subjects)


def test_the_first_notification_starts_the_server_and_is_replaced() -> None:
    """Where the bus starts the server for the first notification, the next one stands in its place all the same."""
    need("dunst", "sudo apt-get install --no-install-recommends dunst")
    with Screen() as screen, PrivateBus(services=True) as bus:
        services = bus.home / "data/dbus-1/services"
        services.mkdir(parents=True)
        (services / "n.service").write_text(
            f"[D-BUS Service]\nName={NOTIFICATIONS}\nExec={find('env')} DISPLAY={screen.display} {find('dunst')}\n"
        )
        bus.stop()
        bus.start()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
            with clicking(bus) as (icon, _):
                icon.notify_about("office", "gone", "office", BUTTONS)
                known = icon._notifications._subjects
                wait_until(lambda: known["office"].id, 20, "the notification of a server that had to be started")
                first = known["office"].id
                assert icon._notifications._actions
                icon.notify_about("office", "back", "office")
                wait_until(lambda: known["office"].asked is None, what="the second one")
                assert icon._notifications._subjects is known
                assert known["office"].id == first
