"""What a panel does with the tray icon and asks of it: clicks, menus by level, wrong questions."""

import threading
import time
from typing import Any

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import ITEM, ITEM_PATH, MENU, PROPERTIES, Host, Refused, running
from tests.harness.poll import wait_until
from tests.tray.icon_for_tests import BLUE, Item, Menu, an_icon, image, nothing_comes, recorder

pytestmark = pytest.mark.tray


def test_clicks_run_the_items_action_and_only_that(host: Host) -> None:
    """Event and EventGroup call the right item once; other events, greyed items and submenus do nothing."""
    clicked, note = recorder()
    with running(
        an_icon(
            Item("a", "one", note("one")),
            Item("g", "greyed", note("greyed"), enabled=False),
            Item("s", "sub", Menu(Item("x", "deep", note("deep")))),
        )
    ):
        host.click("one")
        host.click("sub", "deep")
        host.click("greyed")
        host.click("sub")
        host.send_event(host.entry("one").id, "hovered")
        host.send_event(0, "opened")
        ids = [host.entry("sub", "deep").id, 77, host.entry("one").id]
        assert host.ask_menu("EventGroup", "a(isvu)", [(number, "clicked", ("i", 0), 0) for number in ids]) == [77]
        assert clicked == ["one", "deep", "deep", "one"]


def test_a_click_on_an_item_that_went_away_does_nothing(host: Host) -> None:
    """The panel may still show what is gone; nobody else is clicked for it."""
    clicked, note = recorder()
    with running(an_icon(Item("a", "one", note("one")), Item("b", "two", note("two")))) as icon:
        gone = host.entry("one").id
        icon.menu = Menu(Item("b", "two", note("two")), Item("c", "three", note("three")))
        host.send_event(gone)
        host.get("Id")
        assert clicked == []


def test_an_action_that_fails_ends_nothing(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """The bug is in the log, the icon goes on."""
    with running(an_icon(Item("a", "one", lambda: 1 / 0))):
        with pytest.raises(Refused, match="Failed"):
            host.click("one")
        assert host.labels() == ["one"]
    assert "ZeroDivisionError" in caplog.text


def test_what_an_action_changes_is_shown_without_being_asked(host: Host) -> None:
    """pystray promises to evaluate the menu anew after a click."""
    state = {"on": False}
    with running(an_icon(Item("a", "switch", lambda: state.update(on=True), checked=lambda _: state["on"]))):
        host.click("switch")
        assert host.labels() == ["[x] switch"]


def test_a_left_click_without_default_item_is_refused(host: Host) -> None:
    """Plasma opens the menu only after the error UnknownMethod."""
    with running(an_icon()), pytest.raises(Refused, match="UnknownMethod"):
        host.ask_item("Activate", "ii", 1, 1)


def test_a_left_click_runs_the_default_item(host: Host) -> None:
    """With a default item the click is taken, and ItemIsMenu says so."""
    clicked, note = recorder()
    with running(an_icon(Item("a", "one"), Item("d", "default", note("default"), default=True))):
        host.ask_item("Activate", "ii", 1, 1)
        assert clicked == ["default"]
        assert host.get("ItemIsMenu") is False


def test_other_clicks_on_the_icon_are_taken(host: Host) -> None:
    """The middle button has its own action; scrolling, ContextMenu and activation tokens are accepted silently."""
    clicked, note = recorder()
    with running(an_icon()) as icon:
        host.ask_item("SecondaryActivate", "ii", 0, 0)
        icon.on_secondary = note("middle")
        host.ask_item("SecondaryActivate", "ii", 0, 0)
        host.ask_item("Scroll", "is", 1, "vertical")
        host.ask_item("ContextMenu", "ii", 0, 0)
        host.ask_item("ProvideXdgActivationToken", "s", "token")
    assert clicked == ["middle"]


def test_opening_the_menu_is_told(host: Host) -> None:
    """AboutToShow of the whole menu calls `on_open`, and needs no update."""
    opened, note = recorder()
    with running(an_icon()) as icon:
        icon.on_open = note("open")
        assert host.about_to_show() is False
        assert host.about_to_show(1) is False
        assert host.ask_menu("AboutToShowGroup", "ai", [0, 55]) == ([], [55])
    assert opened == ["open", "open"]


def test_the_menu_can_be_read_in_every_way(host: Host) -> None:
    """GetLayout by level, GetGroupProperties of all and some, GetProperty with defaults."""
    with running(an_icon(Item("a", "one"), Item("s", "sub", Menu(Item("x", "deep"))))):
        _, top = host.layout(0, 1)
        assert [(child.label, child.submenu, child.children) for child in top.children] == [
            ("one", False, ()),
            ("sub", True, ()),
        ]
        assert [number for number, _ in host.ask_menu("GetGroupProperties", "aias", [], [])] == [0, 1, 2, 3]
        assert host.ask_menu("GetGroupProperties", "aias", [1], ["label"]) == [(1, {"label": ("s", "one")})]
        assert host.ask_menu("GetProperty", "is", 1, "visible") == ("b", True)


def test_a_panel_that_reads_one_level_is_led_to_the_next_once(host: Host) -> None:
    """Plasma 5 misplaces a submenu it has not read; it is told to read it, and never goes round."""
    with running(an_icon(Item("a", "one"), Item("s", "sub", Menu(Item("t", "below", Menu(Item("x", "deep"))))))):
        sub, below = host.entry("sub").id, host.entry("sub", "below").id
        start = time.monotonic()
        revision, _ = host.layout(0, 1)
        assert host.wait_for("LayoutUpdated", start).body == (revision, sub)
        host.layout(sub, 1)
        wait_until(lambda: [signal.body[1] for signal in host.seen("LayoutUpdated", start)] == [sub, below])
        host.layout(0, 1)
        assert nothing_comes(host, time.monotonic())


@pytest.mark.parametrize(
    ("path", "interface", "member", "signature", "body", "error"),
    [
        (ITEM_PATH, "org.kde.StatusNotifierItem", "Dance", "", (), "UnknownMethod"),
        (ITEM_PATH, "org.example.Dance", "Dance", "", (), "UnknownInterface"),
        ("/nowhere", "org.kde.StatusNotifierItem", "Activate", "ii", (0, 0), "UnknownObject"),
        (ITEM_PATH, "org.kde.StatusNotifierItem", "Scroll", "s", ("x",), "InvalidArgs"),
        (ITEM_PATH, PROPERTIES, "Get", "ss", ("org.kde.StatusNotifierItem", "Colour"), "UnknownProperty"),
        (ITEM_PATH, PROPERTIES, "Get", "ss", ("org.example.Dance", "Id"), "UnknownInterface"),
        (ITEM_PATH, PROPERTIES, "Set", "ssv", ("org.kde.StatusNotifierItem", "Id", ("s", "x")), "PropertyReadOnly"),
        ("/MenuBar", MENU, "GetLayout", "iias", (99, -1, []), "InvalidArgs"),
        ("/MenuBar", MENU, "GetProperty", "is", (1, "colour"), "InvalidArgs"),
    ],
)
def test_a_wrong_question_gets_a_proper_error(
    host: Host,
    path: str,
    interface: str,
    member: str,
    signature: str,
    body: tuple[Any, ...],
    error: str,
) -> None:
    """What does not exist is named as such, and the icon goes on."""
    with running(an_icon()):
        with pytest.raises(Refused, match=f"Error.{error}$"):
            host.call(host.item, path, interface, member, signature, *body)
        assert host.labels() == ["one"]


def test_the_object_describes_itself(host: Host) -> None:
    """Introspection names both objects and all methods; Peer answers."""
    with running(an_icon()):

        def described(path: str) -> str:
            return str(host.call(host.item, path, "org.freedesktop.DBus.Introspectable", "Introspect"))

        assert 'name="StatusNotifierItem"' in described("/")
        assert '<property name="IconPixmap" type="a(iiay)" access="read"/>' in described(ITEM_PATH)
        assert '<method name="AboutToShowGroup"><arg type="ai" direction="in"/>' in described("/MenuBar")
        assert host.call(host.item, "/MenuBar", "org.freedesktop.DBus.Peer", "Ping") == ()


def test_in_cinnamon_it_is_an_indicator_so_that_a_left_click_opens_the_menu(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """xapp-sn-watcher goes by the path; it may take another client's end for ours, so each new picture says we live."""
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "X-Cinnamon")
    with running(an_icon()) as icon:
        assert host.item.startswith(":")  # by its path: the bus name is the one that called
        assert host.registered_as == ["/org/ayatana/NotificationItem/trayd"]
        assert host.call(host.item, host.registered_as[0], PROPERTIES, "GetAll", "s", ITEM)["Menu"] == ("o", "/MenuBar")
        icon.icon = image(BLUE)
        wait_until(lambda: len(host.registered_as) == 2, what="the second registration")
        assert host.wait_for("NewIcon").path == host.registered_as[0]
        assert host.labels() == ["one"]


def test_a_forged_word_of_a_lost_panel_is_not_believed(bus: PrivateBus, host: Host) -> None:
    """Only the bus itself may say who owns a name."""
    with running(an_icon()) as icon:
        wait_until(lambda: icon.host_present)
        host.bus.emit(
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "NameOwnerChanged",
            "sss",
            ("org.kde.StatusNotifierWatcher", "", ":1.99"),
        )
        assert nothing_comes(host, time.monotonic())
        assert len(host.registrations) == 1


def test_a_big_menu_is_answered_at_once_while_updates_go_on(host: Host) -> None:
    """300 items are read in less time than a person notices, while another thread changes them all."""

    def big(number: int) -> Any:
        return Menu(
            *[
                Item(
                    f"e{i}",
                    f"engine {i}",
                    Menu(*[Item(f"c{j}", f"container {j} {number}", lambda: None) for j in range(30)]),
                )
                for i in range(10)
            ]
        )

    with running(an_icon()) as icon:
        icon.menu = big(0)
        ending = threading.Event()

        def update() -> None:
            number = 0
            while not ending.wait(0.05):
                number += 1
                icon.menu = big(number)

        thread = threading.Thread(target=update)
        thread.start()
        try:
            times = []
            for _ in range(20):
                start = time.monotonic()
                host.ask_menu("GetLayout", "iias", 0, -1, [])
                times.append(time.monotonic() - start)
        finally:
            ending.set()
            thread.join()
        assert sorted(times)[10] < 0.2  # most of it is the reading in this test's own host
