"""The update function: probes, generations, hints, profiles coming and going, commands."""

from tests.core.scene import LAB, OFFICE, Scene, of
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.diagnosis import diagnose
from trayd.core.profile import LOCAL_HEALTH, Profile, parse_host
from trayd.core.snapshot import Snapshot
from trayd.core.value import replace

INFO = m.EngineInfo("27.3.1", "1.47", "linux", "amd64")


def test_every_profile_is_watched_from_the_start():
    """All profiles are asked at once, not only the active one."""
    scene = Scene(OFFICE, LAB)
    assert {e.profile.name for e in of(do.StartWatch, scene.effects)} == {"office", "lab"}
    assert of(do.Ask, scene.effects) == [do.Ask("lab", 5.0), do.Ask("office", 3.0)]


def test_a_reachable_engine_is_described_and_listened_to():
    """The first answer asks for name and ID, holds the event stream, and lists the active engine's images."""
    scene = Scene(OFFICE, LAB, wanted="office")
    effects = scene.answer("office", engine=INFO)
    assert effects == [do.Describe("office"), do.Listen("office"), do.ListImages("office")]
    assert of(do.ListImages, scene.answer("lab", engine=INFO)) == []
    scene.wait(5)
    assert scene.answer("office") == []


def test_the_end_of_the_stream_asks_at_once():
    """A killed engine is asked in the moment its event stream ends."""
    scene = Scene(OFFICE)
    scene.answer()
    scene.wait(1)
    assert scene.say(m.StreamEnded("office", 1)) == [do.Ask("office", 3.0)]


def test_news_during_a_probe_asks_once_more():
    """A probe that may have been answered before the news does not count as the last word."""
    scene = Scene(OFFICE)
    assert scene.say(m.Hinted("office", 1)) == []
    assert of(do.Ask, scene.answer()) == [do.Ask("office", 3.0)]
    assert of(do.Ask, scene.answer()) == []


def test_a_storm_of_events_does_not_become_a_storm_of_probes():
    """An engine that reports a thousand events a second is asked once a second."""
    scene = Scene(OFFICE)
    scene.answer()
    asked = 0
    for _ in range(3000):
        asked += len(of(do.Ask, scene.say(m.Hinted("office", 1)) + scene.wait(0.001)))
        if scene.snapshot.watches["office"].asked is not None:
            scene.answer()
    assert 2 <= asked <= 4


def test_a_change_of_the_socket_is_asked_about_on_a_new_connection():
    """The old connection of an engine says nothing about a socket that was taken away meanwhile."""
    scene = Scene(OFFICE)
    changed = m.Hinted("office", 1, fresh=True)
    assert scene.say(changed) == []
    assert of(do.Ask, scene.answer()) == [do.Ask("office", 3.0, fresh=True)]
    scene.answer()
    scene.wait(2)
    assert scene.say(changed) == [do.Ask("office", 3.0, fresh=True)]
    scene.answer()
    assert scene.say(changed) == []  # not in a storm
    assert of(do.Ask, scene.wait(1)) == [do.Ask("office", 3.0, fresh=True)]
    scene.answer()
    assert of(do.Ask, scene.wait(5)) == [do.Ask("office", 3.0)]


def test_another_kind_of_failure_starts_the_backoff_anew():
    """An engine that comes back with a wrong certificate is asked after 5 s, however long it was refused before."""
    scene = Scene(LAB)
    for _ in range(20):
        scene.fail("lab")
        scene.wait(15)
    scene.fail("lab", code="cert_expired")
    assert 4.0 <= scene.snapshot.watches["lab"].due - scene.now <= 6.0
    scene.wait(7)
    scene.fail("lab", code="cert_expired")
    assert 8.0 <= scene.snapshot.watches["lab"].due - scene.now <= 12.0
    scene.wait(13)
    scene.fail("lab")
    assert scene.snapshot.watches["lab"].due - scene.now < 0.3


def test_a_hint_starts_the_backoff_anew():
    """The socket of an engine that was gone for an hour appears: it is asked now, and soon again."""
    scene = Scene(OFFICE)
    for _ in range(20):
        scene.fail(code="socket_missing")
        scene.wait(15)
    scene.fail(code="socket_missing")
    assert of(do.Ask, scene.say(m.Hinted("office", 1)))
    scene.fail()
    assert scene.snapshot.watches["office"].due - scene.now < 0.3


def test_a_stream_that_is_refused_again_and_again_is_not_hammered():
    """An engine behind a proxy that cuts the event stream is still watched, and the stream tried ever more rarely."""
    scene = Scene(OFFICE)
    listens = 0
    for _ in range(200):
        listens += len(of(do.Listen, scene.answer()))
        if scene.snapshot.watches["office"].listening is not None:
            scene.say(m.StreamEnded("office", 1))
        else:
            scene.wait(5)
    assert scene.state() == "reachable"
    assert 4 < listens < 15


def test_an_engine_that_dies_again_and_again_is_listened_to_at_once():
    """A crash-looping engine's streams are short because it dies: each death is seen at once all the same."""
    scene = Scene(OFFICE)
    assert of(do.Listen, scene.answer())
    for _ in range(3):  # all within one interval: a probe that is out anyway would do as well
        scene.wait(1)
        assert of(do.Ask, scene.say(m.StreamEnded("office", 1)))
        scene.fail()
        scene.wait(0.5)
        assert of(do.Listen, scene.answer()) == [do.Listen("office")]


def test_images_are_listed_on_the_connection_that_stays():
    """A socket that is made anew while the first list is on its way costs a new connection, and lists once more."""
    scene = Scene(OFFICE)
    assert of(do.ListImages, scene.answer())
    scene.wait(2)
    assert of(do.Ask, scene.say(m.Hinted("office", 1, fresh=True)))
    scene.say(m.StreamEnded("office", 1))  # while the first probe is out: its stream was on the old connection
    scene.say(m.Hinted("office", 1, fresh=True))
    effects = scene.answer()
    assert of(do.ListImages, effects) and of(do.Ask, effects)[0].fresh
    assert of(do.ListImages, scene.answer()), "the new connection ended the first list"


def test_a_late_message_of_an_older_watch_is_dropped():
    """What an abandoned thread says in the end changes nothing."""
    scene = Scene(OFFICE)
    scene.answer()
    scene.say(m.Loaded((replace(OFFICE, endpoint=parse_host("unix:///other.sock")),)))
    before = scene.snapshot
    for late in (
        m.Probed("office", 1, m.Failed(diagnose("refused", OFFICE.endpoint))),
        m.StreamEnded("office", 1),
        m.Hinted("office", 1),
        m.Described("office", 1, INFO),
        m.ImagesListed("office", 1, ()),
        m.Overtaken("office", 1, 1000.0, diagnose("no_answer", OFFICE.endpoint)),
        m.Probed("gone", 1, m.Answered(0.1)),
    ):
        assert scene.say(late) == []
        assert scene.snapshot == before


def test_a_probe_that_never_returns_is_overtaken():
    """A thread that hangs is abandoned half a second after its timeout, and a new watch takes over."""
    scene = Scene(OFFICE)
    scene.answer()
    asked = of(do.Ask, scene.wait(5))
    assert asked == [do.Ask("office", 3.0)]
    overtaken = of(do.Overtake, scene.wait(3.6))
    (overtake,) = overtaken
    effects = scene.say(m.Overtaken("office", 1, overtake.asked, diagnose("no_answer", OFFICE.endpoint)))
    assert scene.state() == "hung"
    assert do.StopWatch("office") in effects
    started = of(do.StartWatch, effects)
    assert [s.generation for s in started] == [2]
    assert of(do.Ask, scene.wait(1))


def test_an_answer_in_the_last_moment_counts():
    """A probe that comes back just as it is given up is an answer, and the engine stays green."""
    scene = Scene(OFFICE)
    scene.answer()
    (overtake,) = of(do.Overtake, scene.wait(9))
    late = m.Overtaken("office", 1, overtake.asked, diagnose("no_answer", OFFICE.endpoint))
    scene.now += 0.001
    scene.say(m.Hinted("office", 1))
    scene.answer()
    assert scene.say(late) == []
    assert scene.state() == "reachable"


def test_a_changed_address_starts_a_new_watch_and_other_changes_do_not():
    """Editing the interval does not interrupt a connection; editing the host begins anew."""
    scene = Scene(OFFICE, LAB)
    scene.answer()
    slower = replace(OFFICE, health=replace(LOCAL_HEALTH, interval=60.0))
    assert scene.say(m.Loaded((slower, LAB))) == []
    assert scene.state() == "reachable"
    moved = replace(OFFICE, endpoint=parse_host("unix:///other.sock"))
    effects = scene.say(m.Loaded((moved, LAB)))
    assert effects[0] == do.StopWatch("office")
    assert scene.state() == "connecting"


def test_a_removed_profile_is_forgotten():
    """A deleted file takes its engine out of the menu and ends its watch."""
    scene = Scene(OFFICE, LAB)
    assert scene.say(m.Loaded((LAB,))) == [do.StopWatch("office")]
    assert list(scene.snapshot.engines) == ["lab"]


def test_a_broken_edit_keeps_the_last_good_version():
    """A file that cannot be read stays what it was, and its problem is known."""
    scene = Scene(OFFICE)
    scene.answer()
    problem = m.Problem("/p/office.yaml", 3, "unknown key")
    local = Profile("local", parse_host("unix://"), source="local")
    assert scene.say(m.Loaded((local,), (problem,), frozenset({"office"}), alone=True)) == []
    assert list(scene.snapshot.engines) == ["office"]
    assert scene.state() == "reachable"
    assert scene.snapshot.problems == (problem,)


def test_what_is_found_does_not_stand_beside_a_broken_file():
    """While office.yaml is broken, the socket that it names does not appear as another profile."""
    scene = Scene(OFFICE, LAB)
    found = Profile("local", OFFICE.endpoint, "local")
    problem = m.Problem("/p/office.yaml", 3, "unknown key")
    assert scene.say(m.Loaded((LAB, found), (problem,), frozenset({"office"}))) == []
    assert list(scene.snapshot.engines) == ["lab", "office"]


def test_a_file_that_was_always_broken_has_no_engine():
    """A broken new file is a problem, not a profile."""
    scene = Scene(OFFICE)
    scene.say(m.Loaded((OFFICE,), (m.Problem("/p/x.yaml", 1, "bad"),), frozenset({"x"})))
    assert list(scene.snapshot.engines) == ["office"]


def test_the_choice_survives_a_profile_that_is_away_for_a_while():
    """If the active profile's file disappears and comes back, it is active again."""
    scene = Scene(OFFICE, LAB, wanted="office")
    scene.say(m.Loaded((LAB,)))
    assert scene.snapshot.active == "lab"
    scene.say(m.Loaded((LAB, OFFICE)))
    assert scene.snapshot.active == "office"


def test_a_new_file_does_not_switch_by_itself():
    """Whoever never chose keeps the engine that is active, also when a file with an earlier name comes."""
    scene = Scene(OFFICE)
    assert of(do.Remember, scene.effects) == [do.Remember("office", "", True)]
    assert of(do.Remember, scene.say(m.Loaded((OFFICE, LAB)))) == []
    assert scene.snapshot.active == "office"


def test_a_context_whose_file_breaks_keeps_its_last_good_version():
    """While another program writes a context's file anew, the engine stays what it was; removed, it goes."""
    lab = Profile("lab", parse_host("unix:///lab"), "context", path="/meta/lab.json", context="lab")
    scene = Scene(OFFICE, lab)
    assert scene.say(m.Loaded((OFFICE,), (m.Problem("/meta/lab.json", 0, "not JSON", "context lab"),))) == []
    assert list(scene.snapshot.engines) == ["lab", "office"]
    assert of(do.StopWatch, scene.say(m.Loaded((OFFICE,)))) == [do.StopWatch("lab")]


def test_the_first_active_profile_is_where_docker_goes():
    """Without a choice: docker's chosen context, else the first file, else the local engine; then it stays so."""
    found = [Profile(n, parse_host(f"unix:///{n}"), "context", context=n) for n in ("a", "lab")]
    local = Profile("local", parse_host("unix://"), "local")
    scene = Scene(*found, local)
    assert scene.snapshot.active == "local"
    assert Scene(*found, local, OFFICE).snapshot.active == "office"
    assert Snapshot(engines=scene.snapshot.engines, current="lab").active == "lab"
    scene.say(m.Loaded((*found, local, OFFICE), current="lab"))
    assert (scene.snapshot.active, scene.snapshot.current) == ("local", "lab")


def test_the_local_engine_makes_way_for_the_first_file():
    """The engine that appears by itself goes when there is a file, and that file's profile stays active then."""
    scene = Scene(Profile("local", parse_host("unix://"), source="local"))
    scene.say(m.Loaded((OFFICE,)))
    scene.say(m.Loaded((OFFICE, LAB)))
    assert scene.snapshot.active == "office"


def test_watching_some_profiles_does_not_change_which_is_active():
    """`trayd status lab --watch` shows lab, and still says that office is the active profile."""
    scene = Scene(LAB, wanted="office")
    scene.say(m.Loaded((LAB,), hidden=frozenset({"office"})))
    assert scene.snapshot.active == "office"
    assert scene.say(m.MenuOpened()) == []


def test_switching_remembers_the_previous_profile():
    """A click in the list switches, saves, and knows the way back."""
    scene = Scene(OFFICE, LAB, wanted="office")
    effects = scene.say(m.Use("lab"))
    assert do.Remember("lab", "office", True) in effects
    assert scene.snapshot.active == "lab"
    assert scene.say(m.Use("lab")) == []
    assert scene.say(m.Use("nonsense")) == []


def test_a_choice_that_came_from_the_file_is_not_written_back():
    """`trayd use` in a terminal moves the tray, and the tray does not write the file again."""
    scene = Scene(OFFICE, LAB, wanted="office")
    assert of(do.Remember, scene.say(m.Use("lab", save=False))) == []
    assert scene.snapshot.active == "lab"


def test_check_again_asks_on_a_new_connection():
    """Whoever mended the certificates clicks, and they are read again."""
    scene = Scene(OFFICE)
    scene.fail(code="tls_files")
    assert scene.say(m.CheckAgain("office")) == [do.Ask("office", 3.0, fresh=True, wake=True)]
    assert scene.say(m.CheckAgain("gone")) == []


def test_the_environment_is_copied_for_the_shell_that_was_clicked():
    """A click under 'Copy environment' puts that profile's line for that shell on the clipboard."""
    scene = Scene(OFFICE, LAB)
    copied = scene.say(m.CopyEnvironment("office", "fish"))
    assert copied[0].text.startswith("set -gx DOCKER_HOST 'unix:///run/office.sock'; set -e DOCKER_CONTEXT")
    unset = scene.say(m.CopyEnvironment("office", "sh", unset=True))
    assert unset[0].text.startswith("unset DOCKER_HOST ")


def test_a_value_that_cannot_be_quoted_is_said_and_nothing_is_copied():
    """cmd cannot carry a percent sign: a notification says so instead of a wrong line."""
    scene = Scene(replace(OFFICE, env=(("A", "100%"),)))
    effects = scene.say(m.CopyEnvironment("office", "cmd"))
    assert effects == [do.Notify("Nothing was copied", "office: A contains %, which cmd cannot quote")]


def test_notifications_can_be_switched_off():
    """With notifications off, a loss is shown and not told, and the setting is saved."""
    scene = Scene(OFFICE)
    assert do.Remember("office", "", False) in scene.say(m.ToggleNotifications())
    scene.answer()
    scene.say(m.StreamEnded("office", 1))
    scene.fail()
    scene.wait(20)
    scene.answer()
    assert scene.state() == "reachable"
    assert not scene.notes()


def test_opening_the_menu_freshens_what_it_shows():
    """The menu of a reachable engine asks for its images anew."""
    scene = Scene(OFFICE)
    scene.answer()
    scene.say(m.ImagesListed("office", 1, ()))
    scene.wait(3)
    assert of(do.Ask, scene.say(m.MenuOpened()))
    assert of(do.ListImages, scene.answer()) == [do.ListImages("office")]


def test_quit_stops_the_watches_and_touches_no_engine():
    """Quit ends trayd's own connections and nothing else."""
    scene = Scene(OFFICE, LAB)
    assert scene.say(m.Quit()) == [do.StopWatch("lab"), do.StopWatch("office"), do.Stop()]
    assert scene.snapshot.stopped


def test_without_any_profile_nothing_breaks():
    """An empty list of profiles is a state like any other."""
    scene = Scene()
    assert scene.snapshot.active == ""
    for command in (m.MenuOpened(), m.CheckAgain(""), m.CopyDetails(""), m.CopyEnvironment("", "sh"), m.Tick()):
        assert scene.say(command) == []


def test_the_first_start_greets_once():
    """The first tray that shows the icon is told by one notification with the engines; no later one is."""
    scene = Scene(OFFICE, LAB)
    (greet,) = scene.say(m.TrayCame())
    assert greet.greeting.title == "trayd is here"
    assert greet.greeting.text.startswith("2 engines found: lab, office.")
    assert greet.memory.greeted
    assert scene.say(m.TrayCame()) == []
    assert Scene(OFFICE, greeted=True).say(m.TrayCame()) == []


def test_another_language_is_spoken_at_once():
    """The choice is kept, the words change, and who is lost is asked again, since its cause is in the old words."""
    scene = Scene(OFFICE, LAB)
    scene.answer("office")
    scene.fail("lab")
    effects = scene.say(m.ChooseLanguage("zh_CN"))
    assert effects[0] == do.Speak("zh_CN")
    assert [effect.name for effect in of(do.Ask, effects)] == ["lab"]
    assert of(do.Remember, effects)[0].language == "zh_CN"
    assert not scene.snapshot.shows_like(Scene(OFFICE, LAB).snapshot)
    assert scene.say(m.SettingsAre(True, scene.snapshot.theme, "zh_CN")) == []
    assert scene.say(m.SettingsAre(True, scene.snapshot.theme, ""))[0] == do.Speak("")
