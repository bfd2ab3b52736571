"""The tray as the loop sees it: only what differs is touched, and clicks come back as values."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trayd.core.effects import Button, Notify
from trayd.core.messages import CheckAgain, MenuOpened, Quit, Use
from trayd.core.view import IconSpec, Item, Mark, View
from trayd.tray import dbusmenu, dbusmenu_wire, facade


class Recorder:
    """A back end that records what it is given; pystray's interface and nothing more."""

    HAS_NOTIFICATION = True

    def __init__(self, name: str, icon: Any, title: str, menu: Any) -> None:
        self.__dict__.update(_icon=icon, _title=title, _menu=menu, log=[], visible=False)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("icon", "title", "menu"):
            self.log.append(name)
        self.__dict__[name] = value

    def notify(self, message: str, title: str) -> None:
        self.log.append((title, message))

    def run(self, setup: Any = None) -> None:
        if setup:
            setup(self)

    def stop(self) -> None:
        self.log.append("stop")


ITEMS = (
    Item("head", "office — reachable"),
    Item("profile office", "office", Use("office"), Mark.RADIO, True),
    Item("separator x"),
    Item("more", "More", children=(Item("quit", "Quit", Quit()),)),
)
VIEW = View(IconSpec("reachable"), "office\nunix:///x", ITEMS, CheckAgain("office"))


@pytest.fixture
def posted() -> list[object]:
    return []


@pytest.fixture
def tray(monkeypatch: pytest.MonkeyPatch, posted: list[object]) -> facade.Tray:
    monkeypatch.setattr(facade, "wished_backend", "gtk")
    monkeypatch.setattr(facade.pystray, "Icon", Recorder)
    return facade.Tray(VIEW, posted.append, posted.append)


def test_an_equal_view_touches_nothing(tray: facade.Tray) -> None:
    """A view like the one shown is not drawn again."""
    tray.show(VIEW)
    assert tray._icon.log == []


@pytest.mark.parametrize(
    ("changed", "touched"),
    [
        (View(IconSpec("hung"), VIEW.tooltip, ITEMS), ["icon"]),
        (View(VIEW.icon, "other", ITEMS), ["title"]),
        (View(VIEW.icon, VIEW.tooltip, ITEMS[:1]), ["menu"]),
    ],
)
def test_only_what_differs_is_touched(tray: facade.Tray, changed: View, touched: list[str]) -> None:
    """A new state redraws the icon, a new text the tooltip, a new entry the menu, and nothing else."""
    tray.show(changed)
    assert tray._icon.log == touched


def test_items_become_pystray_items(tray: facade.Tray, posted: list[object]) -> None:
    """Text only is greyed, a radio item has its mark, a submenu opens, and a click posts the item's value."""
    head, office, line, more = tray._icon._menu.items
    assert (head.text, head.enabled, head.key) == ("office — reachable", False, "head")
    assert (office.checked, office.radio, office.enabled) == (True, True, True)
    assert line is facade.pystray.Menu.SEPARATOR
    office(tray._icon)
    (quit_item,) = more.submenu.items
    quit_item(tray._icon)
    tray._icon.on_secondary()
    tray._icon.on_open()
    assert posted == [Use("office"), Quit(), CheckAgain("office"), MenuOpened()]


def test_foreign_back_ends_get_texts_that_fit(tray: facade.Tray) -> None:
    """Windows has fixed buffers for tooltip and notification: longer texts are clipped, not an error."""
    tray.show(View(VIEW.icon, "x" * 500, ITEMS))
    tray.notify(Notify("t" * 100, "n" * 500, "office", (Button("Check again", CheckAgain("office")),)))
    title, text = tray._icon.log[-1]
    assert (len(tray._icon.title), len(title), len(text)) == (127, 63, 255)


def test_a_foreign_icon_is_shown_and_said_to_be_up(tray: facade.Tray, posted: list[object]) -> None:
    """On Windows and macOS the icon is made visible, and the loop knows that it is there."""
    tray.run()
    assert tray._icon.visible
    assert posted == [True]
    assert tray.on_bus


def test_only_a_line_that_differs_is_made_anew(tray: facade.Tray, posted: list[object]) -> None:
    """Of a hundred profiles one changes: the other lines are the very items that the panel knows."""
    before = tray._icon._menu.items
    changed = (ITEMS[0], Item("profile office", "office ✗", Use("office"), Mark.RADIO, True), *ITEMS[2:])
    tray.show(View(VIEW.icon, VIEW.tooltip, changed))
    after = tray._icon.menu.items
    assert [one is other for one, other in zip(before, after, strict=True)] == [True, False, True, True]
    assert after[1].text == "office ✗"
    after[1](tray._icon)
    assert posted == [Use("office")]


keys, labels = st.sampled_from("abc"), st.sampled_from(["", "one", "two", "_"])
lines = st.builds(Item, keys, labels, st.sampled_from([None, Quit()]), st.sampled_from(Mark), st.booleans())
deep = st.recursive(
    lines,
    lambda inner: st.builds(
        lambda key, label, items: Item(key, label, children=tuple(items)), keys, labels, st.lists(inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.lists(st.lists(deep, max_size=5).map(tuple), max_size=6), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_kept_of_the_menu_before_makes_no_difference(
    tray: facade.Tray, menus: list[tuple[Item, ...]], gnome: bool
) -> None:
    """However menus follow each other: ids, changes and bytes are those of menus that are made wholly anew."""
    kept = anew = dbusmenu.Layout()
    whole = dbusmenu_wire.Whole()
    for menu in menus:
        tray.show(View(VIEW.icon, VIEW.tooltip, menu))
        kept, told = dbusmenu.evolve(kept, tray._menu_shown, gnome)
        anew, expected = dbusmenu.evolve(anew, tray._menu(menu), gnome)
        assert (kept, told) == (anew, expected)
        for number, node in anew.nodes.items():
            assert kept.nodes[number] == node
            found = dbusmenu.get_layout(anew, number, -1, [])
            assert found and whole.layout(kept.revision, kept.nodes[number]) == dbusmenu_wire.layout(*found)
