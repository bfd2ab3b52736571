"""The menu tree: which ids stay, what is told of a change, and how it is written for the bus."""

import re
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jeepney.low_level import Endianness, parse_signature

from tests.tray.icon_for_tests import Item, Menu
from trayd.tray import dbusmenu, dbusmenu_wire
from trayd.tray.dbusmenu import Layout, Node, evolve

LINE = Menu.SEPARATOR


def grown(*items: Any) -> Layout:
    return evolve(Layout(), Menu(*items))[0]


def ids(layout: Layout) -> dict[str, int]:
    return {node.properties["label"][1]: node.id for node in layout.nodes.values() if "label" in node.properties}


def test_an_item_keeps_its_id_when_its_label_its_mark_and_its_place_change() -> None:
    """A key names an item, whatever else of it changes."""
    first = grown(Item("a", "one", checked=lambda _: False, radio=True), Item("b", "two"))
    second, _ = evolve(first, Menu(Item("b", "2"), LINE, Item("a", "1", checked=lambda _: True, radio=True)))
    assert ids(second)["1"] == ids(first)["one"]
    assert ids(second)["2"] == ids(first)["two"]


def test_an_id_is_never_given_to_another_item() -> None:
    """An item that goes keeps its id for the day when it comes back, hidden; everything that is new gets a new one."""
    layout = grown(Item("a", "a"), Item("b", "b"))
    owners: dict[int, Any] = {}
    for menu in (Menu(Item("b", "b")), Menu(Item("b", "b"), Item("c", "c")), Menu(Item("a", "a"), Item("b", "b"))):
        for number, node in layout.nodes.items():
            assert owners.setdefault(number, node.identity) == node.identity
        layout, _ = evolve(layout, menu)
    assert ids(layout) == {"a": 1, "b": 2, "c": 3}
    assert [node.hidden for node in layout.root.children] == [False, False, True]


def test_an_equal_menu_changes_nothing_but_what_a_click_calls() -> None:
    """Nothing is told, and the newest item is the one that is clicked."""
    first = grown(Item("a", "one", lambda: None))
    newer = Item("a", "one", lambda: None)
    second, change = evolve(first, Menu(newer))
    assert change == dbusmenu.Change()
    assert second == first
    assert second.nodes[1].item is newer


def test_a_new_label_is_a_change_of_one_property() -> None:
    """Only what differs is told, and the revision stays, so an open menu stays open."""
    first = grown(Item("a", "one"), Item("s", "sub", Menu(Item("x", "deep"))))
    second, change = evolve(first, Menu(Item("a", "uno"), Item("s", "sub", Menu(Item("x", "deeper")))))
    assert change.properties == ((1, {"label": ("s", "uno")}), (3, {"label": ("s", "deeper")}))
    assert change.parents == ()
    assert second.revision == first.revision


def test_a_new_item_is_a_change_of_its_parent_only() -> None:
    """The parent whose children changed is named, and the revision grows."""
    first = grown(Item("a", "one"), Item("s", "sub", Menu(Item("x", "deep"))))
    second, change = evolve(first, Menu(Item("a", "one"), Item("s", "sub", Menu(Item("x", "deep"), Item("y", "new")))))
    assert change.parents == (ids(first)["sub"],)
    assert change.properties == ()
    assert second.revision == first.revision + 1


def test_a_new_order_is_a_change_of_the_parent() -> None:
    """Items that change places keep their ids, but the panel has to read the list anew."""
    first = grown(Item("a", "one"), Item("b", "two"))
    second, change = evolve(first, Menu(Item("b", "two"), Item("a", "one")))
    assert change.parents == (0,)
    assert ids(second) == ids(first)


def test_a_change_of_text_and_structure_at_once_tells_both() -> None:
    """A panel that reads only the changed parent anew still learns of new labels elsewhere."""
    first = grown(Item("a", "one"), Item("s", "sub", Menu(Item("x", "deep"))))
    _, change = evolve(first, Menu(Item("a", "one"), Item("s", "sub", Menu(Item("x", "deeper"))), Item("n", "new")))
    assert change.parents == (0,)
    assert change.properties == ((3, {"label": ("s", "deeper")}),)


def test_an_item_that_becomes_a_submenu_is_another_item() -> None:
    """Panels cannot turn a plain item into a submenu or a check box, so it gets a new id."""
    first = grown(Item("a", "one"), Item("b", "two"))
    second, change = evolve(first, Menu(Item("a", "one", Menu(Item("x", "x"))), Item("b", "two", checked=lambda _: 1)))
    assert change.parents == (0,)
    assert not {ids(first)["one"], ids(first)["two"]} & {node.id for node in second.root.children if not node.hidden}


def test_items_without_a_key_are_matched_by_their_place_among_their_kind() -> None:
    """An ordinary pystray menu works too, and a separator moves nobody's id."""
    first = grown(Item(None, "one"), Item(None, "two"))
    second, change = evolve(first, Menu(Item(None, "one"), LINE, Item(None, "zwei")))
    assert ids(second) == {"one": 1, "zwei": 2}
    assert change.parents == (0,)


def lines(*texts: str) -> list[Any]:
    return [_line(f"line {number}", text) for number, text in enumerate(texts)]


def _line(key: str, text: str) -> Any:
    item = Item(key, text, enabled=False)
    item.line = True
    return item


def shown(layout: Layout) -> list[str]:
    """The top level as a panel shows it."""
    visible = [node for node in layout.root.children if not node.hidden]
    return [node.properties.get("label", ("s", "---"))[1] for node in visible]


def test_reasons_come_and_go_below_the_first_line_and_the_list_of_items_stays() -> None:
    """LXQt's panel closes an open menu whose list changes, so the reasons of a failure are shown, changed, hidden."""
    rest = [Item("check", "Check again"), LINE, Item("office", "office"), _line("cli", "Docker CLI"), LINE]
    rest += [Item("copy", "Copy"), Item("quit", "Quit")]
    layout = grown(_line("head", "good"), *rest)
    order = [node.id for node in layout.root.children]
    tail = ["Check again", "---", "office", "Docker CLI", "---", "Copy", "Quit"]
    for why in (["refused", "start it"], [], ["a", "longer", "reason", "do that"], ["b", "do this"], []):
        layout, change = evolve(layout, Menu(*lines("head", *why), *rest))
        assert change.parents == ()
        assert [node.id for node in layout.root.children] == order
        assert shown(layout) == ["head", *why, *tail]


def test_what_was_there_once_comes_back_without_a_new_list() -> None:
    """An item that turns into a submenu and back is two, of which one is hidden; so is a group with its separator."""
    few = [_line("head", "h"), Item("a", "a"), LINE, _line("images", "Images"), LINE, Item("quit", "Quit")]
    many = [_line("head", "h"), Item("a", "a"), LINE, Item("w", "warning"), LINE]
    many += [Item("images", "Images", Menu(Item("x", "x"))), LINE, Item("quit", "Quit")]
    layout, _ = evolve(grown(*few), Menu(*many))
    order = [node.id for node in layout.root.children]
    for menu, texts in (
        (few, ["h", "a", "---", "Images", "---", "Quit"]),
        (many, ["h", "a", "---", "warning", "---", "Images", "---", "Quit"]),
    ):
        layout, change = evolve(layout, Menu(*menu))
        assert 0 not in change.parents
        assert [node.id for node in layout.root.children] == order
        assert shown(layout) == texts


def test_a_hidden_item_cannot_be_clicked_and_is_not_the_default() -> None:
    """A click that is still on its way when the item goes means nothing."""
    layout, _ = evolve(grown(Item("a", "one", default=True), Item("s", "sub", Menu(Item("x", "deep")))), Menu())
    assert layout.default is None
    assert [node.enabled for node in layout.root.children] == [False, False]
    assert set(layout.nodes) == {0, 1, 2}


def test_hidden_items_do_not_pile_up() -> None:
    """However many profiles come and go, a menu stays small."""
    layout = grown(_line("head", "h"))
    for number in range(500):
        layout, _ = evolve(layout, Menu(_line("head", "h"), Item(f"profile {number}", "p")))
        assert len(layout.nodes) < 60


def test_two_items_with_the_same_key_stay_two() -> None:
    """A key that is used twice by mistake loses no item."""
    layout = grown(Item("a", "one"), Item("a", "two"))
    assert len(ids(layout)) == 2


def test_invisible_items_and_needless_separators_are_left_out() -> None:
    """What pystray does not show is not in the menu."""
    layout = grown(LINE, Item("a", "one"), Item("b", "two", visible=False), LINE, LINE, Item("c", "three"), LINE)
    kinds = [node.properties.get("type", ("s", "item"))[1] for node in layout.root.children]
    assert kinds == ["item", "separator", "item"]


def test_marks_greyed_items_and_submenus_are_written_as_the_interface_wants() -> None:
    """Radio, check mark, enabled and submenu have the property names of dbusmenu."""
    layout = grown(
        Item("r", "radio", checked=lambda _: True, radio=True),
        Item("c", "check", checked=lambda _: False),
        Item("g", "greyed", enabled=False),
        Item("s", "sub", Menu(Item("x", "x"))),
    )
    assert [dict(node.properties) for node in layout.root.children] == [
        {"label": ("s", "radio"), "enabled": ("b", True), "toggle-type": ("s", "radio"), "toggle-state": ("i", 1)},
        {"label": ("s", "check"), "enabled": ("b", True), "toggle-type": ("s", "checkmark"), "toggle-state": ("i", 0)},
        {"label": ("s", "greyed"), "enabled": ("b", False)},
        {"label": ("s", "sub"), "enabled": ("b", True), "children-display": ("s", "submenu")},
    ]
    assert layout.root.properties == {"children-display": ("s", "submenu")}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("my_profile", "my__profile"),
        ("a\nb\x00c\x1b[31m", "a b c [31m"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("bad \udcff name", "bad \ufffd name"),
        ("<b>Zürich</b> & 東京 🐳", "<b>Zürich</b> & 東京 🐳"),
        ("x" * 500, "x" * 199 + "…"),
        ("מכתב_1 ● reachable", "\u200eמכתב__1 ● reachable"),
        ("1 مكتب ● reachable", "\u200e1 مكتب ● reachable"),
        ("office مكتب", "office مكتب"),
    ],
)
def test_a_label_is_harmless(text: str, label: str) -> None:
    """Nothing in a name can underline, break, turn around or blow up a menu, or be refused by the bus."""
    assert dbusmenu.escape_label(text) == label


def test_get_layout_honours_depth_and_names() -> None:
    """A depth of 0 is the item alone, 1 its children, -1 everything; names choose properties."""
    layout = grown(Item("a", "one"), Item("s", "sub", Menu(Item("x", "deep"))))
    assert dbusmenu.get_layout(layout, 0, 0, []) == (2, (0, {"children-display": ("s", "submenu")}, []))
    _, (_, _, children) = dbusmenu.get_layout(layout, 0, 1, ["label"]) or pytest.fail()
    assert [child for _, child in children] == [(1, {"label": ("s", "one")}, []), (2, {"label": ("s", "sub")}, [])]
    _, (_, _, children) = dbusmenu.get_layout(layout, 2, -1, ["enabled"]) or pytest.fail()
    assert [child for _, child in children] == [(3, {"enabled": ("b", True)}, [])]
    assert dbusmenu.get_layout(layout, 99, -1, []) is None


def test_get_group_properties_takes_no_ids_as_all_and_leaves_unknown_ones_out() -> None:
    """An empty list means the whole menu, which Cinnamon asks for (linuxmint/xapp#153)."""
    layout = grown(Item("a", "one"), Item("b", "two"))
    assert [number for number, _ in dbusmenu.get_group_properties(layout, [], [])] == [0, 1, 2]
    assert dbusmenu.get_group_properties(layout, [2, 99], ["label"]) == [(2, {"label": ("s", "two")})]


def test_get_property_gives_the_default_of_what_is_not_said() -> None:
    """A known property that an item does not have is its default; unknown names and items have none."""
    layout = grown(Item("a", "one"))
    assert dbusmenu.get_property(layout, 1, "label") == ("s", "one")
    assert dbusmenu.get_property(layout, 1, "visible") == ("b", True)
    assert dbusmenu.get_property(layout, 1, "colour") is None
    assert dbusmenu.get_property(layout, 9, "label") is None


def test_the_default_item_is_the_first_enabled_default_of_the_top_level() -> None:
    """A click on the icon means what pystray says, but never a greyed item."""
    layout = grown(
        Item("g", "greyed", default=True, enabled=False),
        Item("d", "yes", default=True),
        Item("e", "second", default=True),
    )
    assert layout.default is not None
    assert layout.default.properties["label"] == ("s", "yes")
    assert grown(Item("a", "one")).default is None


def test_no_menu_is_an_empty_menu() -> None:
    """An icon may have no menu at all."""
    layout, change = evolve(Layout(), None)
    assert change == dbusmenu.Change()
    assert dbusmenu.get_layout(layout, 0, -1, []) == (1, (0, {"children-display": ("s", "submenu")}, []))


names = st.text(st.sampled_from(string.ascii_lowercase + "-"), min_size=1, max_size=20)
values = st.one_of(
    st.tuples(st.just("s"), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))),
    st.tuples(st.just("b"), st.booleans()),
    st.tuples(st.just("i"), st.integers(-(2**31), 2**31 - 1)),
)
properties = st.dictionaries(names, values, max_size=5)
leaves = st.builds(lambda number, props: (number, props, []), st.integers(0, 2**31 - 1), properties)
trees = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda number, props, children: (number, props, [(dbusmenu.LAYOUT_SIGNATURE, child) for child in children]),
        st.integers(0, 2**31 - 1),
        properties,
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


def encoded(signature: str, *body: Any) -> bytes:
    return parse_signature(list(f"({signature})")).serialise(body, 0, Endianness.little)


@given(st.integers(0, 2**32 - 1), trees)
def test_a_layout_is_written_exactly_as_jeepney_writes_it(revision: int, tree: Any) -> None:
    """The fast encoder and the library's agree on every tree."""
    assert dbusmenu_wire.layout(revision, tree) == encoded("u(ia{sv}av)", revision, tree)


@given(st.lists(st.tuples(st.integers(0, 2**31 - 1), properties), max_size=6))
def test_group_properties_are_written_exactly_as_jeepney_writes_them(items: Any) -> None:
    """The fast encoder and the library's agree on every list."""
    assert dbusmenu_wire.groups(items) == encoded("a(ia{sv})", items)


menus = st.recursive(
    st.one_of(
        st.builds(lambda key, text: Item(key, text or "?"), st.sampled_from("abcdef"), st.text(max_size=3)),
        st.builds(lambda key, text: _line(key, text or "?"), st.sampled_from("ab"), st.text(max_size=3)),
        st.just(LINE),
    ),
    lambda inner: st.builds(
        lambda key, items: Item(key, key, Menu(*items)),
        st.sampled_from("abcdef"),
        st.lists(inner, min_size=1, max_size=4),
    ),
    max_leaves=10,
)


@pytest.mark.parametrize("gnome", [False, True])
@given(history=st.lists(st.lists(menus, max_size=6), min_size=2, max_size=4))
def test_a_panel_that_follows_what_is_told_sees_the_newest_menu(gnome: bool, history: Any) -> None:
    """Applying the property changes and reading the named parents anew, one level each, gives the whole truth."""
    layout, _ = evolve(Layout(), Menu(*history[0]), gnome)
    shown = {
        number: (dict(node.properties), [child.id for child in node.children]) for number, node in layout.nodes.items()
    }
    for items in history[1:]:
        layout, change = evolve(layout, Menu(*items), gnome)
        for number, changed in change.properties:
            shown[number][0].update(changed)
        to_read = list(change.parents)
        while to_read:
            node = layout.nodes[to_read.pop()]
            shown[node.id] = (dict(node.properties), [child.id for child in node.children])
            to_read += [child.id for child in node.children if child.id not in shown]
        assert _reachable(shown, 0) == _tree(layout.root)
        assert len(_ids(layout.root)) == len(set(_ids(layout.root)))
        assert _labels(layout.root) == _labels(evolve(Layout(), Menu(*items), gnome)[0].root)


def test_in_gnome_an_underscore_of_many_is_not_lost() -> None:
    """Its extension takes one underscore out of a label, where others read two as one."""
    for text in ("plain", "my_office", "old_lab_2", "a__b_c", "_x", "x_", "__"):
        assert re.sub("_([^_])", r"\1", dbusmenu.escape_label(text, gnome=True), count=1) == text


class Extension:
    """What GNOME's extension does with the top level: adds at the place, then removes, and moves nothing."""

    def __init__(self) -> None:
        self.known: list[int] = []
        self.shown: list[int] = []

    def read(self, ids: list[int]) -> None:
        for place, number in enumerate(ids):
            if number not in self.known:
                self.shown.insert(place, number)
        self.shown = [number for number in self.shown if number in ids]
        self.known = ids


@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from("abcdefgh"), unique=True), st.booleans(), st.booleans()),
        min_size=2,
        max_size=6,
    )
)
def test_in_gnome_every_item_stands_in_its_place(history: list[tuple[list[str], bool, bool]]) -> None:
    """Whatever comes, goes and moves, and whichever of the changes it reads, it shows our menu in our order."""
    layout, extension = Layout(), Extension()
    for keys, submenus, is_read in [*history, (["a", "d", "h"], False, True)]:
        items = [
            _line(key, key)
            if key in "ef"
            else Item(key, key, Menu(Item("x", "x")) if submenus and key in "bd" else None)
            for key in keys
        ]
        layout, change = evolve(layout, Menu(*items), gnome=True)
        assert not [number for number, _ in change.properties if number not in layout.nodes]
        if is_read:
            extension.read([child.id for child in layout.root.children])
            visible = [number for number in extension.shown if not layout.nodes[number].hidden]
            assert [layout.nodes[number].properties["label"][1] for number in visible] == keys


def test_in_gnome_what_comes_back_is_a_change_of_properties_only() -> None:
    """The list stays as it is, so the open menu and the submenu that is open in it stay too."""
    first = evolve(Layout(), Menu(Item("cause", "refused"), Item("check", "Check again")), gnome=True)[0]
    gone, change = evolve(first, Menu(Item("check", "Check again")), gnome=True)
    assert change == dbusmenu.Change(((1, {"visible": ("b", False), "enabled": ("b", False)}),))
    assert not gone.nodes[1].enabled  # a click that is under way does nothing any more
    back, change = evolve(gone, Menu(Item("cause", "silent"), Item("check", "Check again")), gnome=True)
    assert not change.parents
    assert back.nodes[1].enabled
    assert back.nodes[1].properties["label"] == ("s", "silent")


def test_in_gnome_what_is_hidden_does_not_become_endless() -> None:
    """Profiles that are renamed all day leave no more than a hundred hidden items."""
    layout = Layout()
    for number in range(1000):
        layout, _ = evolve(layout, Menu(Item(f"profile {number}", "x"), Item("quit", "Quit")), gnome=True)
        assert len(layout.nodes) < 105
    assert [n.properties["label"][1] for n in layout.root.children if not n.hidden] == ["x", "Quit"]


def _reachable(shown: dict[int, Any], number: int) -> Any:
    values, children = shown[number]
    return number, _said(values), [_reachable(shown, child) for child in children]


def _tree(node: Node) -> Any:
    return node.id, _said(node.properties), [_tree(child) for child in node.children]


def _said(values: Any) -> dict[str, Any]:
    """The properties that are not as they are for whoever says nothing."""
    return {name: value for name, value in values.items() if dbusmenu.DEFAULTS[name] != value}


def _ids(node: Node) -> list[int]:
    return [node.id, *(number for child in node.children for number in _ids(child))]


def _labels(node: Node) -> Any:
    return node.properties.get("label"), [_labels(child) for child in node.children if not child.hidden]
