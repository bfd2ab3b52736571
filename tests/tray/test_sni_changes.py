"""The tray icon changes while a panel shows it: what is told, and what is not."""

import threading
import time

import pytest

from tests.harness.host import Host, running
from tests.tray.icon_for_tests import BLUE, RED, Item, Menu, an_icon, image, nothing_comes

pytestmark = pytest.mark.tray


def test_a_new_label_reaches_an_open_menu_as_a_property(host: Host) -> None:
    """Only ItemsPropertiesUpdated comes, so the menu stays open."""
    with running(an_icon(Item("a", "one"), Item("s", "sub", Menu(Item("x", "deep"))))) as icon:
        number = host.entry("sub", "deep").id
        start = time.monotonic()
        icon.menu = Menu(Item("a", "one"), Item("s", "sub", Menu(Item("x", "deeper"))))
        assert host.wait_for("ItemsPropertiesUpdated", start).body == ([(number, {"label": ("s", "deeper")})], [])
        assert nothing_comes(host, time.monotonic())
        assert not host.seen("LayoutUpdated", start)


def test_a_new_item_is_a_new_layout_of_its_parent(host: Host) -> None:
    """LayoutUpdated names a newer revision and the parent."""
    with running(an_icon(Item("s", "sub", Menu(Item("x", "deep"))))) as icon:
        revision, _ = host.layout()
        start = time.monotonic()
        icon.menu = Menu(Item("s", "sub", Menu(Item("x", "deep"), Item("y", "new"))))
        assert host.wait_for("LayoutUpdated", start).body == (revision + 1, host.entry("sub").id)
        assert host.labels() == ["sub", "  deep", "  new"]


def test_equal_state_sends_nothing(host: Host) -> None:
    """The same picture, title and menu again cost no signal."""
    with running(an_icon()) as icon:
        assert host.labels() == ["one"]
        start = time.monotonic()
        icon.icon = icon.icon
        icon.icon = image(RED)
        icon.title = str(icon.title)
        icon.menu = Menu(Item("a", "one"))
        icon.update_menu()
        assert nothing_comes(host, start)


def test_icon_and_title_changes_are_told(host: Host) -> None:
    """NewIcon, NewTitle and NewToolTip come when what they name differs, and only then."""
    with running(an_icon(title="office\none")) as icon:
        assert host.item
        start = time.monotonic()
        icon.icon = image(BLUE)
        host.wait_for("NewIcon", start)
        assert host.pixel(64, 0, 0) == BLUE
        icon.title = "office\ntwo"
        host.wait_for("NewToolTip", start)
        assert not host.seen("NewTitle", start)
        icon.title = "home\ntwo"
        host.wait_for("NewTitle", start)
        assert (host.get("Title"), host.tooltip()) == ("home", ("home", "two"))


def test_updates_from_many_threads_end_in_the_newest_state(host: Host) -> None:
    """Icon, title and menu may be changed by any thread while a panel reads; every read is whole."""
    with running(an_icon()) as icon:
        assert host.item

        def change(name: str) -> None:
            for number in range(40):
                icon.title = f"{name}{number}"
                icon.menu = Menu(*[Item(f"{name}{i}", f"{name} {number}") for i in range(number % 4 + 1)])

        threads = [threading.Thread(target=change, args=(name,)) for name in "xyz"]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert len(set(host.labels())) == 1
        for thread in threads:
            thread.join()
        icon.menu, icon.title = Menu(Item("end", "end")), "end"
        assert (host.labels(), host.get("Title")) == (["end"], "end")


def test_marks_submenus_and_greyed_items_are_shown(host: Host) -> None:
    """Radio, check mark, submenu, separator and disabled items arrive as such."""
    with running(
        an_icon(
            Item("r", "radio", checked=lambda _: True, radio=True),
            Item("q", "other", checked=lambda _: False, radio=True),
            Menu.SEPARATOR,
            Item("c", "check", checked=lambda _: True),
            Item("s", "sub_menu", Menu(Item("g", "greyed", enabled=False))),
        )
    ):
        assert host.labels() == ["(o) radio", "( ) other", "---", "[x] check", "sub_menu", "  greyed (greyed)"]


def test_a_hostile_label_shows_as_plain_text(host: Host) -> None:
    """Markup and control characters in a name neither break the connection nor the menu."""
    with running(an_icon(Item("a", "<b>x</b>\x00\n\x1b[2J _y \ud800\u202e"), title="\x00<i>\nb\x07")):
        assert host.labels() == ["<b>x</b> [2J _y \ufffd"]
        assert host.tooltip() == ("‹i›", "b")
