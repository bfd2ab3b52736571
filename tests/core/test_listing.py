"""The menu as lines of text: what a person reads, and that every line stands for one item."""

from trayd.core import messages as m
from trayd.core.listing import BACK, choices, lines, notes, numbered
from trayd.core.view import Item, Mark

MENU = (
    Item("head", "office — not reachable since 14:02"),
    Item("check", "Check again", m.CheckAgain("office")),
    Item("separator"),
    Item("profile office", "office  ✖  stopped", m.Use("office"), Mark.RADIO, True),
    Item("profile lab", "lab  ●  reachable", m.Use("lab"), Mark.RADIO),
    Item("copy", "Copy environment", children=(Item("sh", "sh", m.CopyEnvironment("office", "sh")),)),
    Item("images", "Images"),
    Item("autostart", "Start at login", m.ToggleAutostart(), Mark.CHECK, True),
    Item("notifications", "Notifications", m.ToggleNotifications(), Mark.CHECK),
)


def test_a_plain_list_shows_the_whole_menu_with_numbers():
    """Every line of the menu is there in its order; only what can be chosen has a number."""
    assert numbered(lines(MENU, nested=False)).splitlines() == [
        "   office — not reachable since 14:02",
        "1  Check again",
        "   ─────",
        "2  (•) office ✖ stopped",
        "3  ( ) lab ● reachable",
        "4  Copy environment ▸",
        "   Images",
        "5  [✓] Start at login",
        "6  [ ] Notifications",
    ]


def test_a_submenu_has_a_way_back():
    """A submenu begins with the way back, number 0; the menu itself has none."""
    inner = lines(MENU[5].children, nested=True)
    assert numbered(inner).splitlines() == ["0  ‹ Back", "1  sh"]
    assert [line.item for line in choices(inner)] == [BACK, MENU[5].children[0]]
    assert BACK not in [line.item for line in choices(lines(MENU, nested=False))]


def test_what_only_tells_is_no_choice():
    """Greyed lines are notes, separators are neither."""
    made = lines(MENU, nested=False)
    assert notes(made) == ("office — not reachable since 14:02", "Images")
    assert all(line.item.enabled for line in choices(made))


def test_equal_labels_stay_apart():
    """Two items with the same words, even with words that look like our own numbering, are three different lines."""
    items = [Item(str(n), label, m.CopyText(str(n))) for n, label in enumerate(["a", "a [2]", "a", "a"])]
    made = lines(items, nested=False)
    assert [line.text for line in made] == ["a", "a [2]", "a [3]", "a [4]"]
    assert [line.item for line in made] == items


def test_names_are_data():
    """Line ends, escape sequences, rofi's NUL options and direction marks of a hostile name are gone."""
    hostile = Item("x", "one\ntwo\x1b[31m\0icon\x1fevil\u202e " + "x" * 5000, m.CopyText("x"))
    (line,) = lines([hostile], nested=False)
    assert line.text.isprintable()
    assert len(line.text) <= 160
    assert line.text.startswith("one two [31m icon evil x")
