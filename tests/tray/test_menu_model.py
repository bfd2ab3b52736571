"""The menu that we draw ourselves, without any drawing: what keys and the pointer open, select and choose."""

import pytest

from trayd.core.view import Item, Mark
from trayd.tray.menu_model import Menu

DEEP = (Item("x", "Xylophone", "x"), Item("y", "Yes", "y"))
SUB = (Item("text", "only text"), Item("one", "One", "one"), Item("deep", "Deep", children=DEEP))
ITEMS = (
    Item("head", "office — reachable"),
    Item("a", "Alpha", "a", Mark.RADIO, True),
    Item("b", "Beta", "b", Mark.RADIO),
    Item("line"),
    Item("sub", "Submenu", children=SUB),
    Item("a2", "alpine", "a2"),
)


def selected(menu: Menu) -> list[str | None]:
    return [level.selected for level in menu.levels]


def after(*keys: str, items: tuple[Item, ...] = ITEMS) -> Menu:
    menu = Menu(items)
    for key in keys:
        menu.press(*key.split("/")) if "/" in key else menu.press(key)
    return menu


@pytest.mark.parametrize(
    ("keys", "selection"),
    [
        ("", [None]),
        ("Down", ["a"]),
        ("Up", ["a2"]),
        ("Down Down Down", ["sub"]),
        ("Up Down", ["a"]),
        ("Down Up", ["a2"]),
        ("End", ["a2"]),
        ("KP_End KP_Home", ["a"]),
        ("Down Next", ["a2"]),
        ("Up Prior", ["a"]),
        ("Tab Tab ISO_Left_Tab", ["a"]),
        ("/b", ["b"]),
        ("/A", ["a"]),
        ("/a /a", ["a2"]),
        ("/a /a /a", ["a"]),
        ("/z", [None]),
        ("/o", [None]),  # greyed: it can only be read
        ("/s Right", ["sub", "one"]),
        ("/s Right Down", ["sub", "deep"]),
        ("/s Return Down Right", ["sub", "deep", "x"]),
        ("/s Right Down Right Left", ["sub", "deep"]),
        ("/s Right Escape", ["sub"]),
        ("Left", [None]),
        ("Down Right", ["a"]),
        ("Escape", []),
        ("/s Right Escape Escape", []),
    ],
)
def test_keys_move_the_selection(keys: str, selection: list[str | None]) -> None:
    """Arrows go round and skip what cannot be chosen, letters search, Right and Left go in and out, Escape closes."""
    assert selected(after(*keys.split())) == selection


@pytest.mark.parametrize("key", ["Return", "KP_Enter", "space"])
def test_keys_choose(key: str) -> None:
    """Return, Enter and the blank give back the selected item, and nothing where none is selected."""
    menu = Menu(ITEMS)
    assert menu.press(key) is None
    menu.press("Down")
    item = menu.press(key)
    assert item is not None
    assert item.command == "a"


def test_the_pointer_opens_when_it_rests() -> None:
    """A submenu opens by `settle` only; until then a deeper level stays, so that a slanted way to it works."""
    menu = Menu(ITEMS)
    menu.point(0, "sub")
    assert len(menu.levels) == 1
    menu.settle(0)
    assert selected(menu) == ["sub", None]
    menu.point(0, "a")
    assert len(menu.levels) == 2
    menu.point(0, "sub")  # back again, before it settled
    menu.settle(0)
    assert len(menu.levels) == 2
    menu.point(0, "head")  # greyed
    menu.settle(0)
    assert selected(menu) == [None]


def test_a_key_goes_to_the_level_that_is_pointed_at() -> None:
    """If the pointer has left a submenu for another item above it, keys do not go on in the submenu."""
    menu = after("/s", "Right")
    menu.point(0, "a")
    menu.press("Down")
    assert selected(menu) == ["b"]


def test_another_tree_keeps_what_is_open() -> None:
    """Levels and selection live on by key; a level whose item went, or is no submenu any more, closes with its own."""
    menu = after("/s", "Right", "Down", "Right", "Down")
    assert selected(menu) == ["sub", "deep", "y"]
    changed = tuple(
        Item("sub", "Other words", children=(Item("new", "New", 1), *SUB)) if i.key == "sub" else i for i in ITEMS
    )
    menu.update((Item("first", "first", 1), *changed))
    assert selected(menu) == ["sub", "deep", "y"]
    assert menu.levels[1].items[0].key == "new"
    menu.update(tuple(Item("sub", "x", children=SUB[:2]) if i.key == "sub" else i for i in ITEMS))
    assert len(menu.levels) == 2
    assert menu.levels[1].current is None
    menu.update(tuple(Item("sub", "x", "click") if i.key == "sub" else i for i in ITEMS))
    assert selected(menu) == ["sub"]
    menu.update(())
    assert selected(menu) == ["sub"]
    assert menu.levels[0].current is None
    assert menu.press("Return") is None


@pytest.mark.parametrize("key", ["Down", "Up", "Next", "Home", "Right", "Return", "x"])
def test_a_menu_without_choices_takes_every_key(key: str) -> None:
    """A list that can only be read, or an empty one, is no trap."""
    for items in ((), SUB[:1]):
        assert selected(after(key, items=items)) == [None]
