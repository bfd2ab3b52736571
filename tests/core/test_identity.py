"""The same address, another engine: said before anything is copied, accepted by one click."""

from tests.core.scene import OFFICE, Scene, of
from tests.core.test_menu import find, labels, shown
from trayd.core import messages as m
from trayd.core.identity import Identity
from trayd.core.profile import parse_host
from trayd.core.value import replace

ONE = m.EngineInfo("27.3.1", "1.47", "linux", "amd64", "build1", "AAAA")
TWO = replace(ONE, name="build2", id="BBBB")
URL = OFFICE.endpoint.url


def told(scene, info):
    scene.answer("office", engine=info)
    return scene.say(m.Described("office", 1, info))


def test_the_first_engine_is_taken_as_the_profiles_own():
    """A profile that is new has no wrong engine."""
    scene = Scene(OFFICE)
    assert told(scene, ONE) == [m.RememberEngines({"office": Identity(URL, "AAAA")})]
    assert not scene.snapshot.engines["office"].stranger
    assert told(scene, ONE) == []


def test_another_engine_is_said_at_once_and_copied_only_after_a_click():
    """A machine made anew, or a tunnel to the wrong place: menu and notification say so, nothing is copied."""
    scene = Scene(OFFICE, identities={"office": Identity(URL, "AAAA")})
    (note,) = of(m.Notify, told(scene, TWO))
    assert note.title == "office: another engine answers"
    assert "(build2)" in note.text
    assert told(scene, TWO) == []  # once
    menu = shown(scene).menu
    assert find(menu, "⚠ At unix:///run/office.sock another engine answers than before (build2).")
    assert find(menu, "office  ●  reachable  ⚠ another engine")
    assert "another engine" in shown(scene).tooltip.lower()
    copied = scene.say(m.CopyEnvironment("office", "sh"))
    assert [effect.title for effect in copied] == ["Nothing was copied"]
    assert of(m.PutOnClipboard, scene.say(m.CopyEnvironment("office", "sh", unset=True)))
    accepted = scene.say(find(menu, "It is the right one").command)
    assert accepted == [m.RememberEngines({"office": Identity(URL, "BBBB")})]
    assert of(m.PutOnClipboard, scene.say(m.CopyEnvironment("office", "sh")))
    assert "It is the right one" not in labels(shown(scene).menu)


def test_the_old_engine_back_is_no_stranger():
    """When the right engine answers again, the warning goes by itself."""
    scene = Scene(OFFICE, identities={"office": Identity(URL, "AAAA")})
    told(scene, TWO)
    told(scene, ONE)
    assert not scene.snapshot.engines["office"].stranger


def test_a_profile_that_was_edited_begins_anew():
    """Whoever writes another address into a profile wants another engine."""
    scene = Scene(OFFICE, identities={"office": Identity("unix:///old.sock", "AAAA")})
    told(scene, TWO)
    assert not scene.snapshot.engines["office"].stranger
    scene.say(m.Loaded((replace(OFFICE, endpoint=parse_host("unix:///new.sock")),)))
    assert not scene.snapshot.engines["office"].stranger


def test_an_engine_without_an_id_is_nobody_in_particular():
    """An engine that does not tell its ID is neither remembered nor suspected."""
    scene = Scene(OFFICE, identities={"office": Identity(URL, "AAAA")})
    assert told(scene, replace(ONE, id="")) == []
    assert not scene.snapshot.engines["office"].stranger


def test_a_terminal_may_accept_for_the_tray():
    """`trayd use office --accept` takes the warning out of the running tray."""
    scene = Scene(OFFICE, identities={"office": Identity(URL, "AAAA")})
    told(scene, TWO)
    scene.say(m.EnginesKnown({"office": Identity(URL, "BBBB")}))
    assert not scene.snapshot.engines["office"].stranger
    assert scene.say(m.Accept("office")) == []
