"""The menu as data: the truth first, everything reachable, nothing that moves by itself."""

import pytest

from tests.core.scene import LAB, OFFICE, Scene
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.cells import width, wrap
from trayd.core.menu import IMAGES_SHOWN, LINE, PROFILES_INLINE, view
from trayd.core.profile import Profile, parse_host
from trayd.core.report import details
from trayd.core.value import replace
from trayd.core.view import IconSpec, Mark, Theme, is_gnome

INFO = m.EngineInfo("27.3.1", "1.47", "linux", "amd64", "build", "ID")


def shown(scene):
    return view(scene.snapshot, lambda wall: "14:02", ("trayd 0.1.0",))


def labels(items):
    return [item.label for item in items]


def find(items, *path):
    """The item with that label, or the label's beginning."""
    found = next(item for item in items if item.label.startswith(path[0]))
    return find(found.children, *path[1:]) if path[1:] else found


def reachable(*profiles):
    scene = Scene(*profiles, wanted="office")
    scene.answer("office", 0.012, INFO)
    return scene


def test_the_first_line_is_the_truth_in_words():
    """State, version and round trip of the active engine stand on top, in text."""
    menu = shown(reachable(OFFICE)).menu
    assert menu[0].label == "office — reachable · Engine 27.3.1 · 12 ms"
    assert not menu[0].enabled


def test_an_unreachable_engine_says_since_when_why_and_what_to_do():
    """Cause and next step stand under the state, with 'Check again' and 'Copy details'."""
    scene = Scene(OFFICE)
    scene.fail()
    menu = shown(scene).menu
    assert labels(menu)[:3] == [
        "office — not reachable since 14:02",
        "The engine is installed but stopped: /run/office.sock refuses connections.",
        "→ Start it: sudo systemctl start docker",
    ]
    assert find(menu, "Check again").command == m.CheckAgain("office")
    assert find(menu, "Copy details").command == m.CopyDetails("office")


def test_all_profiles_are_radio_items_with_their_state_in_words():
    """One look at the list tells of every engine whether it answers."""
    scene = reachable(OFFICE, LAB)
    scene.fail("lab", "cert_expired")
    items = [item for item in shown(scene).menu if item.mark is Mark.RADIO]
    assert [(item.label, item.checked, item.command) for item in items] == [
        ("lab  ✖  certificate expired  (lab.example)", False, m.Use("lab")),
        ("office  ●  reachable", True, m.Use("office")),
    ]


def test_a_switch_to_a_protected_profile_takes_a_second_click():
    """Its radio item opens a submenu with the one entry that switches; that it is protected stands there in words."""
    scene = reachable(OFFICE, replace(LAB, protected=True))
    item = find(shown(scene).menu, "lab  ")
    assert item.label == "lab  ○  connecting  (lab.example, protected)"
    assert (item.command, item.mark, item.checked) == (None, Mark.RADIO, False)
    assert [(child.label, child.command) for child in item.children] == [("Yes, use lab", m.Use("lab"))]
    assert shown(scene).icon == IconSpec("reachable")


def test_on_a_protected_profile_the_icon_has_a_ring_and_nothing_is_asked():
    """Where one is already, a click changes nothing, so there is nothing to confirm."""
    scene = reachable(OFFICE, replace(LAB, protected=True))
    scene.say(m.Use("lab"))
    item = find(shown(scene).menu, "lab  ")
    assert (item.command, item.checked, item.children) == (m.Use("lab"), True, ())
    assert shown(scene).icon == IconSpec("connecting", remote=True, protected=True)


def test_the_icons_colours_are_chosen_in_the_menu():
    """Three radio items, one of them on; the choice is the icon's, with an engine and without, and is saved."""
    scene = reachable(OFFICE)
    group = find(shown(scene).menu, "Settings", "Icon").children
    assert [(item.label, item.checked) for item in group] == [
        ("Colour", True),
        ("Light, for a dark panel", False),
        ("Dark, for a light panel", False),
    ]
    assert {item.mark for item in group} == {Mark.RADIO}
    assert scene.say(group[1].command) == [do.Remember("office", "", True, Theme.LIGHT)]
    assert shown(scene).icon == IconSpec("reachable", theme=Theme.LIGHT)
    assert [item.checked for item in find(shown(scene).menu, "Settings", "Icon").children] == [False, True, False]
    assert shown(Scene(theme=Theme.DARK)).icon == IconSpec("none", theme=Theme.DARK)


def test_many_profiles_move_into_a_submenu():
    """More than twelve profiles do not fill the screen."""
    profiles = [Profile(f"p{n:02}", parse_host(f"unix:///{n}")) for n in range(PROFILES_INLINE + 1)]
    menu = shown(Scene(*profiles)).menu
    group = find(menu, "Profiles (13, 13 not reachable)")
    assert len(group.children) == 13
    assert not [item for item in menu if item.mark is Mark.RADIO]


def test_the_environment_can_be_copied_for_every_shell():
    """Each shell has its entry, and 'Unset' has one for each too."""
    copy = find(shown(reachable(OFFICE)).menu, "Copy environment")
    assert labels(copy.children) == ["sh, bash, zsh", "fish", "PowerShell", "cmd", "csh, tcsh", "", "Unset"]
    assert find(copy.children, "fish").command == m.CopyEnvironment("office", "fish")
    assert find(copy.children, "Unset", "cmd").command == m.CopyEnvironment("office", "cmd", unset=True)


def test_images_are_listed_with_their_size_and_copied_by_a_click():
    """The connection test that people run first is in the menu."""
    scene = reachable(OFFICE)
    assert not find(shown(scene).menu, "Images").enabled
    images = tuple(m.Image(f"img:{n:03}", 72_800_000) for n in range(IMAGES_SHOWN + 5))
    scene.say(m.ImagesListed("office", 1, images))
    group = find(shown(scene).menu, f"Images ({IMAGES_SHOWN + 5})")
    assert group.children[0].label == "img:000    72.8 MB"
    assert group.children[0].command == m.CopyText("img:000")
    assert group.children[-1].label == "… and 5 more: docker images"
    scene.say(m.ImagesListed("office", 1, ()))
    assert find(shown(scene).menu, "Images (0)")


def test_images_of_a_lost_engine_are_not_offered():
    """What cannot work now is greyed."""
    scene = reachable(OFFICE)
    scene.say(m.ImagesListed("office", 1, (m.Image("a", 1),)))
    scene.say(m.StreamEnded("office", 1))
    scene.fail()
    assert not find(shown(scene).menu, "Images").enabled


def test_a_broken_file_stands_in_the_menu():
    """The problem with its file and line is there, and a click opens the folder."""
    scene = reachable(OFFICE)
    problems = tuple(m.Problem(f"/p/x{n}.yaml", 3, "unknown key 'cert_pth'") for n in range(8))
    scene.say(m.Loaded((OFFICE,), problems))
    item = find(shown(scene).menu, "⚠ x0.yaml:3: unknown key 'cert_pth'")
    assert item.command == m.OpenProfiles()
    assert find(shown(scene).menu, "… and 3 more: trayd config check")


def test_the_rest_of_the_menu_is_where_product_says():
    """Settings, About and Quit come last."""
    scene = reachable(OFFICE)
    scene.say(m.AutostartIs(True))
    menu = shown(scene).menu
    assert labels(menu)[-4:] == ["Settings", "", "About", "Quit"]
    settings = ["Start at login", "Notifications", "Icon", "Language", "Open profiles", "Reload"]
    assert labels(find(menu, "Settings").children) == settings
    assert find(menu, "Settings", "Start at login").checked
    assert find(menu, "Quit").command == m.Quit()


def test_without_profiles_there_is_still_a_menu():
    """An empty list leaves settings and a way out."""
    seen = shown(Scene())
    assert seen.icon.state == "none"
    assert seen.menu[0].label == "No profile yet"
    assert find(seen.menu, "Quit")


def test_equal_states_give_equal_views():
    """Nothing in a view depends on when it is made."""
    scene = reachable(OFFICE, LAB)
    scene.fail("lab")
    before = shown(scene)
    scene.wait(4)
    scene.answer("office", 0.011)
    assert shown(scene) == before


def test_every_item_has_its_own_key_and_a_state_change_keeps_it():
    """An open menu can live on: siblings differ in their keys, and a key outlives a label."""

    def keys(items):
        found = [item.key for item in items]
        assert len(set(found)) == len(found), found
        return {(item.key, keys(item.children)) for item in items}.__len__()

    scene = reachable(OFFICE, LAB)
    scene.fail("lab")
    scene.say(m.ImagesListed("office", 1, (m.Image("a", 1), m.Image("b", 1))))
    one = shown(scene).menu
    keys(one)
    scene.wait(5)
    scene.answer("office", 0.8)
    two = shown(scene).menu
    assert [item.key for item in one] == [item.key for item in two]
    assert one != two


def test_a_click_means_what_the_person_saw():
    """An item carries its command as a value, whatever the menu has become since."""
    scene = reachable(OFFICE, LAB)
    item = find(shown(scene).menu, "lab  ")
    scene.say(m.Loaded((OFFICE,)))
    assert scene.say(item.command) == []
    assert scene.snapshot.active == "office"


def test_hostile_names_stay_plain_text():
    """Whatever an engine or a file says is on one line and bounded."""
    scene = reachable(OFFICE)
    scene.say(m.Described("office", 1, replace(INFO, version="\x1b]0;x\x07" + "v" * 500)))
    for item in shown(scene).menu:
        assert item.label.isprintable()
        assert len(item.label) <= 300
    assert all(line.isprintable() for line in shown(scene).tooltip.splitlines())


def test_long_sentences_are_broken_between_words():
    """No line of the menu is wider than a small screen allows."""
    text = "word " * 40 + "x" * 200
    lines = wrap(text, LINE)
    assert max(map(len, lines)) <= LINE
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert wrap("", LINE) == []


def test_chinese_is_broken_between_characters():
    """A line is measured in cells, Latin words and commands stay whole, and no line begins with a full stop."""
    text = (
        "引擎已安装但已停止：/var/run/docker.sock 拒绝连接。启动它：sudo systemctl start docker（需要管理员权限）。" * 2
    )
    for cells in range(24, 80):
        lines = wrap(text, cells)
        assert max(map(width, lines)) <= cells
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert not any(line[0] in "，。：）" or line[-1] == "（" for line in lines)
        assert sum("systemctl" in line for line in lines) == 2


def test_the_tooltip_names_the_others_that_are_lost():
    """One look at the icon tells of the active engine, and which others are not reachable."""
    scene = reachable(OFFICE, LAB)
    scene.fail("lab")
    assert shown(scene).tooltip.splitlines() == [
        "office — reachable · Engine 27.3.1 · 12 ms",
        "unix:///run/office.sock",
        "Also not reachable: lab",
    ]


def test_the_details_for_a_bug_report_hold_all_that_is_known():
    """'Copy details' gives endpoint, state, cause, next step and the raw text."""
    scene = Scene(OFFICE)
    scene.fail()
    text = details(scene.snapshot.engines["office"])
    for part in ("unix:///run/office.sock", "unreachable (stopped)", "[refused]", "next step: Start it"):
        assert part in text


def test_what_was_found_says_where_it_comes_from():
    """In the list, a found engine has its source in brackets, after its host, and docker's own choice is marked."""
    found = (
        Profile("box", parse_host("tcp://10.0.0.3:1"), "machine", machine="box"),
        Profile("desktop", parse_host("unix:///d"), "context", context="desktop"),
        Profile("local", parse_host("unix://"), "local"),
        OFFICE,
        Profile("podman", parse_host("unix:///p"), "local"),
    )
    scene = Scene()
    scene.say(m.Loaded(found, current="desktop"))
    labels = [item.label for item in view(scene.snapshot, str).menu if item.mark is Mark.RADIO]
    assert [label.replace("  ○  connecting", "") for label in labels] == [
        "box  (10.0.0.3, docker-machine)",
        "desktop  (context, docker uses it)",
        "local",
        "office",
        "podman  (local)",
    ]


@pytest.mark.parametrize(
    ("desktop", "is_it"),
    [
        ("GNOME", True),
        ("ubuntu:GNOME", True),
        ("GNOME-Classic:GNOME", True),
        ("", False),
        ("XFCE", False),
        ("X-Cinnamon", False),
        ("Budgie:GNOME", False),
    ],
)
def test_gnome_is_known_by_the_session_s_own_word(desktop: str, is_it: bool) -> None:
    """XDG_CURRENT_DESKTOP names the desktop and those that it is made of."""
    assert is_gnome(desktop) is is_it
