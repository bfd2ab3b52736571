"""The same address, another engine: said before anything is copied, accepted by one click."""

from tests.core.scene import OFFICE, Scene, of
from tests.core.test_menu import find, labels, shown
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.identity import Identity
from trayd.core.profile import parse_host
from trayd.core.value import replace

ONE = m.EngineInfo("27.3.1", "1.47", "linux", "amd64", "build1", "AAAA")
TWO = replace(ONE, name="build2", id="BBBB")
# Engines that show a certificate and do not tell their ID.
F, G = "sha256:" + "f" * 64, "sha256:" + "0" * 64
SILENT, OTHER = (m.EngineInfo("27.3.1", "1.47", "linux", "amd64", fingerprint=shown) for shown in (F, G))
URL = OFFICE.endpoint.url


def told(scene, info):
    scene.answer("office", engine=replace(info, name="", id=""))  # only /info tells those
    return scene.say(m.Described("office", 1, info))


def test_the_first_engine_is_taken_as_the_profiles_own():
    """A profile that is new has no wrong engine."""
    scene = Scene(OFFICE)
    assert told(scene, ONE) == [do.RememberEngines({"office": Identity(URL, "AAAA")})]
    assert not scene.snapshot.engines["office"].stranger
    assert told(scene, ONE) == []


def test_another_engine_is_said_at_once_and_copied_only_after_a_click():
    """A machine made anew, or a tunnel to the wrong place: menu and notification say so, nothing is copied."""
    scene = Scene(OFFICE, identities={"office": Identity(URL, "AAAA")})
    (note,) = of(do.Notify, told(scene, TWO))
    assert note.title == "office: another engine answers"
    assert "(build2)" in note.text
    assert told(scene, TWO) == []  # once
    menu = shown(scene).menu
    assert find(menu, "⚠ At unix:///run/office.sock another engine answers than before (build2).")
    assert find(menu, "office  ●  reachable  ⚠ another engine")
    assert "another engine" in shown(scene).tooltip.lower()
    copied = scene.say(m.CopyEnvironment("office", "sh"))
    assert [effect.title for effect in copied] == ["Nothing was copied"]
    assert of(do.PutOnClipboard, scene.say(m.CopyEnvironment("office", "sh", unset=True)))
    accepted = scene.say(find(menu, "It is the right one").command)
    assert accepted == [do.RememberEngines({"office": Identity(URL, "BBBB")})]
    assert of(do.PutOnClipboard, scene.say(m.CopyEnvironment("office", "sh")))
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


def test_an_engine_that_tells_no_id_is_known_by_its_certificate():
    """Whoever may not ask for the ID is warned about another certificate too, by the first answer, and may accept."""
    scene = Scene(OFFICE)
    assert of(do.RememberEngines, scene.answer(engine=SILENT)) == [
        do.RememberEngines({"office": Identity(URL, fingerprint=F)})
    ]
    assert of(do.RememberEngines, scene.answer(engine=SILENT)) == []
    found = scene.answer(engine=OTHER)
    assert [note.title for note in of(do.Notify, found)] == ["office: another engine answers"]
    assert of(do.RememberEngines, found) == [do.RememberEngines({"office": Identity(URL, "", G, F)})]
    assert of(do.Notify, scene.answer(engine=OTHER)) == []  # once
    assert of(do.PutOnClipboard, scene.say(m.CopyEnvironment("office", "sh"))) == []
    assert scene.say(m.Accept("office")) == [do.RememberEngines({"office": Identity(URL, fingerprint=G)})]
    assert of(do.RememberEngines, scene.answer(engine=OTHER)) == []
    assert not scene.snapshot.engines["office"].stranger


def test_the_old_certificate_back_is_no_stranger():
    """When the right engine answers again, the warning goes by itself, without an ID as with one."""
    scene = Scene(OFFICE, identities={"office": Identity(URL, "", G, F)})
    scene.say(m.EnginesKnown(scene.snapshot.identities))
    assert scene.snapshot.engines["office"].stranger == G
    scene.answer(engine=SILENT)
    assert not scene.snapshot.engines["office"].stranger


def test_a_renewed_certificate_is_recorded_and_no_news():
    """With the same ID another certificate is a renewed one, also while the ID is not told yet."""
    scene = Scene(OFFICE, identities={"office": Identity(URL, "AAAA", fingerprint=F)})
    renewed = replace(ONE, fingerprint=G)
    scene.answer(engine=OTHER)
    assert not scene.snapshot.engines["office"].stranger
    assert told(scene, renewed) == [do.RememberEngines({"office": Identity(URL, "AAAA", fingerprint=G)})]
    assert not scene.notes()


def test_another_id_with_the_same_certificate_is_another_engine():
    """A certificate that many engines share hides nobody: IDs decide alone."""
    scene = Scene(OFFICE, identities={"office": Identity(URL, "AAAA", fingerprint=F)})
    assert of(do.Notify, told(scene, replace(TWO, fingerprint=F)))
    assert scene.snapshot.engines["office"].stranger == "BBBB"
    assert scene.snapshot.identities["office"] == Identity(URL, "AAAA", "BBBB", F)


def test_signs_are_learned_one_from_the_other():
    """An engine that is known by one sign is known by both as soon as it shows them."""
    both = Identity(URL, "AAAA", fingerprint=F)
    for before in (Identity(URL, "AAAA"), Identity(URL, fingerprint=F)):
        scene = Scene(OFFICE, identities={"office": before})
        told(scene, replace(ONE, fingerprint=F))
        assert scene.snapshot.identities["office"] == both


def test_signs_that_cannot_be_compared_say_nothing():
    """An engine known by its certificate alone is not suspected for an ID that comes without one."""
    known = {"office": Identity(URL, fingerprint=F)}
    scene = Scene(OFFICE, identities=known)
    assert told(scene, ONE) == []
    assert scene.snapshot.identities == known
    assert not scene.snapshot.engines["office"].stranger
