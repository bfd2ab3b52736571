"""What a person is told of lost and returned engines, and in which notification: the whole of it without a clock."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.scene import OFFICE, Scene, of
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.health import GOOD
from trayd.core.profile import REMOTE_HEALTH, Profile, parse_host
from trayd.core.telling import JOIN, MANY, STEADY
from trayd.core.value import replace

NAMES = ("alpha", "beta", "delta", "gamma")
FOUR = [
    Profile(name, parse_host(f"tcp://10.0.0.{number}:2375"), health=REMOTE_HEALTH)
    for number, name in enumerate(NAMES, 1)
]


def good(*profiles):
    """A scene in which every engine answers."""
    scene = Scene(*profiles)
    for profile in profiles:
        scene.answer(profile.name)
    return scene


def titles(scene):
    return [note.title for note in scene.notes()]


def lose(scene, *names, code="refused", seconds=5.0):
    """These engines go, and time passes."""
    for name in names:
        scene.fail(name, code)
    scene.wait(seconds)


def back(scene, *names, seconds=5.0):
    for name in names:
        scene.answer(name)
    scene.wait(seconds)


# --- one engine


def test_a_loss_says_what_why_and_what_next():
    """One notification when the grace is over: what is, the cause and the next step, and buttons for it."""
    scene = good(OFFICE)
    lose(scene, "office", seconds=2.9)
    assert scene.notes() == []
    scene.wait(0.2)
    (note,) = scene.notes()
    diagnosis = scene.snapshot.engines["office"].health.diagnosis
    assert (note.title, note.subject) == ("office: not reachable", "office")
    assert note.text == f"{diagnosis.cause} {diagnosis.next}"
    assert [(button.label, button.command) for button in note.buttons] == [
        ("Check again", m.Recheck(("office",))),
        ("Copy details", m.CopyDetails("office")),
    ]


def test_a_lost_machine_can_be_started_from_its_notification():
    """Where docker-machine is installed, the notification of its machine has the button of the menu."""
    box = replace(OFFICE, machine="box")
    for installed in (True, False):
        scene = Scene(box)
        scene.say(m.Loaded((box,), docker_machine=installed))
        scene.answer()
        lose(scene, "office")
        commands = [button.command for button in scene.notes()[0].buttons]
        assert (m.StartMachine("office") in commands) is installed


def test_a_start_that_failed_can_be_tried_again():
    """The word that a machine could not be started carries the command to try once more."""
    scene = Scene(replace(OFFICE, machine="box"))
    (note,) = scene.say(m.MachineStarted("office", "box", "no VBoxManage"))
    assert note.buttons == (do.Button("Try again", m.StartMachine("office")),)


def test_a_return_has_no_button():
    """There is nothing to do about an engine that answers."""
    scene = good(OFFICE)
    lose(scene, "office")
    back(scene, "office")
    assert titles(scene) == ["office: not reachable", "office is reachable again"]
    assert scene.notes()[1].buttons == ()


def test_the_picture_is_the_state_that_is_told():
    """A loss is told with the picture of a lost engine and a return with a good one's, whatever the icon shows."""
    office, lab = (replace(OFFICE, name=name) for name in ("office", "lab"))
    scene = good(office, lab)
    lose(scene, "lab")
    back(scene, "lab")
    assert [(note.title, note.state) for note in scene.notes()] == [
        ("lab: not reachable", "unreachable"),
        ("lab is reachable again", "reachable"),
    ]


def test_check_again_from_a_notification_is_answered():
    """After a click that leaves no menu open, the outcome is told even if nothing has changed; once."""
    scene = good(OFFICE)
    lose(scene, "office")
    scene.fail()
    assert scene.say(m.Recheck(("office",))) == [do.Ask("office", 3.0, fresh=True, wake=True)]
    scene.fail()
    scene.fail()
    assert titles(scene) == ["office: not reachable"] * 2
    scene.say(m.Recheck(("office", "gone")))
    scene.answer()
    assert titles(scene)[2:] == ["office is reachable again"]
    assert scene.snapshot.telling.idle


# --- who wants to know


def test_a_profile_can_be_silent():
    """`notifications: false` shows a loss and a return and tells neither; the other engines are told."""
    scene = good(replace(OFFICE, notifications=False), FOUR[0])
    lose(scene, "office", "alpha")
    back(scene, "office", "alpha")
    assert titles(scene) == ["alpha: not reachable", "alpha is reachable again"]


def test_the_switch_of_the_menu_is_for_all():
    """Switched off, nothing is told, whatever the profiles say."""
    scene = good(OFFICE)
    scene.say(m.ToggleNotifications())
    lose(scene, "office")
    back(scene, "office")
    assert scene.notes() == []


def test_a_return_is_told_only_if_the_loss_was():
    """Switched on during an outage, its end is no news; switched off and on during one, it is."""
    scene = good(OFFICE)
    scene.say(m.ToggleNotifications())
    lose(scene, "office")
    scene.say(m.ToggleNotifications())
    back(scene, "office")
    assert scene.notes() == []
    lose(scene, "office")
    scene.say(m.ToggleNotifications())
    scene.say(m.ToggleNotifications())
    back(scene, "office")
    assert titles(scene) == ["office: not reachable", "office is reachable again"]


def test_an_edit_of_the_switch_counts_at_once():
    """A profile that is made silent during its outage does not tell its end."""
    scene = good(OFFICE)
    lose(scene, "office")
    scene.say(m.Loaded((replace(OFFICE, notifications=False),)))
    back(scene, "office")
    assert titles(scene) == ["office: not reachable"]
    assert scene.snapshot.telling.idle


def test_a_removed_profile_is_not_told_of():
    """When its file goes, so does everything that was to be said about it."""
    scene = good(OFFICE, *FOUR[:2])
    lose(scene, "office", "alpha", seconds=JOIN)
    scene.say(m.Loaded((FOUR[0], FOUR[1])))
    back(scene, "alpha")
    scene.say(m.Loaded((FOUR[0], FOUR[1], OFFICE)))
    back(scene, "office")
    assert titles(scene)[1:] == ["alpha is reachable again"]
    assert scene.notes()[-1].text == "The engine answers."


def test_a_machine_that_moved_is_told_as_back():
    """Lost at one address, reached at another: whoever was told of the loss is told of its end."""
    scene = good(OFFICE, *FOUR[:2])
    lose(scene, "office")
    moved = replace(OFFICE, endpoint=parse_host("tcp://10.9.9.9:2375"))
    scene.say(m.Loaded((moved, *FOUR[:2])))
    scene.fail()
    scene.wait(10)
    back(scene, "office")
    assert titles(scene) == ["office: not reachable", "office is reachable again"]
    lose(scene, "alpha", seconds=2)
    lose(scene, "beta", seconds=1.5)  # alpha's loss waits for beta's
    scene.say(m.Loaded((moved, replace(FOUR[0], endpoint=parse_host("unix:///a.sock")), FOUR[1])))
    scene.wait(10)
    assert titles(scene)[2:] == ["beta: not reachable"]


# --- many at once


def test_a_lost_network_is_one_notification():
    """Four engines that go in the same moment are told together, each with its state, and with one step for all."""
    scene = good(*FOUR)
    for name in NAMES:
        scene.fail(name, "no_route")
        scene.now += 0.02
    scene.wait(10)
    (note,) = scene.notes()
    assert note.title == "4 engines are not reachable: alpha, beta, delta …"
    assert note.text.splitlines()[:4] == [f"{name}: no network" for name in NAMES]
    assert note.text.splitlines()[4]
    assert note.buttons == (do.Button("Check again", m.Recheck(NAMES)),)
    back(scene, *NAMES)
    assert titles(scene)[1:] == ["4 engines are reachable again: alpha, beta, delta …"]
    assert {note.subject for note in scene.notes()} == {note.subject}


def test_one_lost_engine_does_not_wait_for_others():
    """Nobody else in its grace: the notification comes in the moment the grace is over."""
    scene = good(*FOUR)
    lose(scene, "beta", seconds=REMOTE_HEALTH.grace)
    assert titles(scene) == ["beta: not reachable"]


def test_a_loss_does_not_wait_for_long():
    """The graces of others that end later than two seconds are not waited for."""
    slow = replace(OFFICE, health=replace(OFFICE.health, grace=60.0))
    scene = good(slow, FOUR[0])
    lose(scene, "office", "alpha", seconds=3.1)
    assert titles(scene) == ["alpha: not reachable"]
    scene = good(*FOUR[:3])
    lose(scene, "alpha", seconds=1.5)
    lose(scene, "beta", seconds=1.4)
    assert scene.notes() == []
    lose(scene, "delta", seconds=2.2)
    assert titles(scene) == ["2 engines are not reachable: alpha, beta"]


def test_engines_that_are_missed_one_after_the_other_share_a_notification():
    """A VPN closes, each engine is missed at its next question: one notification that grows in its place."""
    scene = good(*FOUR)
    for name in NAMES:
        lose(scene, name, code="no_answer", seconds=4)
    assert titles(scene) == [
        "alpha: does not answer",
        "2 engines are not reachable: alpha, beta",
        "3 engines are not reachable: alpha, beta, delta",
        "4 engines are not reachable: alpha, beta, delta …",
    ]
    assert {note.subject for note in scene.notes()} == {"alpha"}
    assert "a VPN for example" in scene.notes()[-1].text.splitlines()[-1]


def test_losses_that_have_nothing_to_do_with_each_other_stand_beside_each_other():
    """An engine that is lost minutes after another one is told for itself, and so are their returns."""
    scene = good(*FOUR[:2])
    lose(scene, "alpha", seconds=JOIN + 10)
    lose(scene, "beta", seconds=60)
    back(scene, "alpha")
    back(scene, "beta")
    assert [(note.title.split(":")[0].split()[0], note.subject) for note in scene.notes()] == [
        ("alpha", "alpha"),
        ("beta", "beta"),
        ("alpha", "alpha"),
        ("beta", "beta"),
    ]


def test_who_is_still_gone_is_said():
    """While some of an outage come back, the same notification says who does not."""
    scene = good(*FOUR)
    lose(scene, *NAMES)
    back(scene, "alpha", "beta")
    back(scene, "gamma", seconds=1)
    back(scene, "delta")
    told = scene.notes()[1:]
    assert [note.title for note in told] == [
        "2 engines are reachable again: alpha, beta",
        "2 engines are reachable again: delta, gamma",
    ]
    assert told[0].text == "Still not reachable: delta, gamma."
    assert told[0].buttons == (do.Button("Check again", m.Recheck(("delta", "gamma"))),)
    assert {note.subject for note in scene.notes()} == {"alpha"}


def test_a_new_outage_does_not_hide_an_old_one():
    """While a notification still tells of others, the next loss of its first engine is another one."""
    scene = good(*FOUR[:2])
    lose(scene, "alpha", "beta", seconds=60)
    back(scene, "alpha", seconds=60)
    lose(scene, "alpha", seconds=60)
    assert [note.subject for note in scene.notes()] == ["alpha", "alpha", "alpha again"]


def test_check_again_for_many_is_answered_once():
    """When the last of them has been asked."""
    scene = good(*FOUR[:3])
    lose(scene, *NAMES[:3])
    scene.say(m.Recheck(NAMES[:3]))
    for name in NAMES[:3]:
        scene.fail(name)
    scene.wait(1)
    assert titles(scene) == ["3 engines are not reachable: alpha, beta, delta"] * 2


def test_who_came_back_while_others_were_waited_for_is_not_told():
    """Neither a loss that is over before it was told, nor a return that did not last."""
    scene = good(*FOUR[:2])
    lose(scene, "alpha", seconds=1.5)
    lose(scene, "beta", seconds=2)
    assert scene.notes() == []  # alpha's grace is over, beta's is not
    back(scene, "alpha", seconds=10)
    assert titles(scene) == ["beta: not reachable"]
    lose(scene, "alpha")
    assert titles(scene)[1:] == ["2 engines are not reachable: alpha, beta"]
    back(scene, "alpha", seconds=1)
    lose(scene, "alpha", seconds=60)
    assert len(scene.notes()) == 2
    back(scene, "alpha", "beta")
    assert titles(scene)[2:] == ["2 engines are reachable again: alpha, beta"]


def test_an_answer_is_one_change_however_often_it_comes():
    """An engine that is asked again and again while the rest of its outage is waited for has come back once."""
    scene = good(*FOUR[:2])
    lose(scene, "alpha", "beta")
    back(scene, *["alpha"] * 10, "beta")
    lose(scene, "alpha")
    assert titles(scene)[-1] == "alpha: not reachable"


def test_nobody_waits_for_what_is_not_to_be_told():
    """The grace of a silent profile, or of an engine in a storm, delays no other engine's notification."""
    scene = good(replace(OFFICE, notifications=False), *FOUR[:2])
    flap(scene, "beta", times=3)
    told = len(scene.notes())
    lose(scene, "alpha", seconds=1)
    lose(scene, "office", "beta", seconds=2)
    assert titles(scene)[told:] == ["alpha: not reachable"]


def test_after_a_sleep_the_network_may_take_its_time():
    """A loss that is over 15 seconds after the computer woke is not told; one that lasts is, once for all."""
    for seconds, told in ((13, []), (17, ["4 engines are not reachable: alpha, beta, delta …"])):
        scene = good(*FOUR)
        scene.say(m.Woke())
        lose(scene, "alpha", "beta", code="no_route", seconds=4)
        lose(scene, "delta", "gamma", code="no_route", seconds=seconds - 4)
        assert titles(scene) == told
        back(scene, *NAMES)
        assert len(scene.notes()) == 2 * len(told)


# --- storms


def flap(scene, *names, times, seconds=10):
    for _ in range(times):
        lose(scene, *names, seconds=seconds)
        back(scene, *names, seconds=seconds)


def test_an_engine_that_flaps_is_told_to_do_so_once():
    """Two outages are told; then it is said that it keeps going away, and nothing more for an hour of it."""
    scene = good(OFFICE)
    flap(scene, "office", times=180)
    assert titles(scene) == [
        "office: not reachable",
        "office is reachable again",
        "office: not reachable",
        "office is reachable again",
        "office keeps going away and coming back",
    ]
    assert {note.subject for note in scene.notes()} == {"office"}
    assert "until it has been steady for 5 minutes" in scene.notes()[-1].text
    assert scene.snapshot.engines["office"].health.diagnosis is None


def test_the_end_of_a_storm_is_told():
    """Steady for five minutes, what is true then is said: that it answers, or that it is gone for good."""
    for last, title in ((back, "office is reachable again"), (lose, "office: not reachable")):
        scene = good(OFFICE)
        flap(scene, "office", times=20)
        last(scene, "office", seconds=0)
        told = len(scene.notes())
        scene.wait(STEADY - 20 if last is back else STEADY - 1)
        assert len(scene.notes()) == told
        scene.wait(30)
        assert titles(scene)[told:] == [title]
        scene.wait(3600)
        assert len(scene.notes()) == told + 1
        if last is lose:
            back(scene, "office")
            assert titles(scene)[-1] == "office is reachable again"
        flap(scene, "office", times=1)  # and what comes then is news again
        assert titles(scene)[-2:] == ["office: not reachable", "office is reachable again"]


def test_an_end_that_is_long_known_waits_for_nobody():
    """That a storm left an engine gone is told when five minutes are over, whoever else has just gone."""
    scene = good(*FOUR[:2])
    flap(scene, "alpha", times=3)
    lose(scene, "alpha", seconds=STEADY + 1.5)  # the grace's end was its last change
    told = len(scene.notes())
    lose(scene, "beta", seconds=1.7)
    assert titles(scene)[told:] == ["alpha: not reachable"]


def test_an_engine_that_moves_as_its_storm_ends_is_told_once_it_answers():
    """Found steady, it waits for another one to be told with; reached in another way before that, it is told later."""
    scene = good(*FOUR[:2])
    flap(scene, "alpha", "beta", times=3)
    lose(scene, "beta", seconds=1)
    back(scene, "beta", seconds=STEADY - 10)  # alpha changed last 11 seconds before beta
    told = len(scene.notes())
    assert scene.snapshot.telling.back == ("alpha",)
    moved = replace(FOUR[0], endpoint=parse_host("unix:///a.sock"))
    scene.say(m.Loaded((moved, FOUR[1])))
    scene.wait(5)
    assert len(scene.notes()) == told
    scene.answer("alpha")
    scene.wait(2 * STEADY)
    assert titles(scene)[told:] == ["beta is reachable again", "alpha is reachable again"]


def test_short_losses_are_not_steadiness():
    """An engine that restarts every half minute, each time within the grace, is not called steady."""
    scene = good(OFFICE)
    flap(scene, "office", times=3)
    told = len(scene.notes())
    for _ in range(40):
        lose(scene, "office", seconds=1)
        back(scene, "office", seconds=30)
    assert len(scene.notes()) == told
    scene.wait(STEADY)
    assert titles(scene)[told:] == ["office is reachable again"]


def test_flapping_inside_the_grace_is_never_told():
    """Away for 200 ms, there for 200 ms, for a minute: not one notification."""
    scene = good(OFFICE)
    flap(scene, "office", times=150, seconds=0.2)
    scene.wait(60)
    assert scene.notes() == []


def test_a_network_that_flaps_is_one_storm():
    """When all engines come and go together, that is said once for all of them, and so is its end."""
    scene = good(*FOUR)
    flap(scene, *NAMES, times=10)
    scene.wait(2 * STEADY)
    assert titles(scene) == [
        "4 engines are not reachable: alpha, beta, delta …",
        "4 engines are reachable again: alpha, beta, delta …",
        "4 engines are not reachable: alpha, beta, delta …",
        "4 engines are reachable again: alpha, beta, delta …",
        "4 engines keep going away and coming back: alpha, beta, delta …",
        "4 engines are reachable again: alpha, beta, delta …",
    ]
    assert len({note.subject for note in scene.notes()}) == 1


# --- whatever happens


def says(note, name):
    """What a notification says of an engine."""
    if not re.search(rf"\b{name}\b", f"{note.title} {note.text}"):
        return ""
    if "keeps going" in note.title or "keep going" in note.title:
        return "restless"
    return "back" if "reachable again" in note.title and name in note.title else "lost"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["fail", "silent", "answer"]), st.sampled_from(NAMES[:3])),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 1.9, 3.0, 5.0, 25.0, 200.0])),
        st.tuples(st.just("wake"), st.none()),
        st.tuples(st.just("move"), st.sampled_from(NAMES[:3])),
    ),
    max_size=120,
)


def play(scene, steps):
    for step, what in steps:
        if step == "wait":
            scene.wait(what)
        elif step == "wake":
            scene.say(m.Woke())
        elif step == "move":
            engines = {name: engine.profile for name, engine in scene.snapshot.engines.items()}
            port = 5000 - engines[what].endpoint.port
            moved = replace(engines[what], endpoint=replace(engines[what].endpoint, port=port))
            scene.say(m.Loaded(tuple((engines | {what: moved}).values())))
        elif step == "answer":
            scene.answer(what)
        else:
            scene.fail(what, "refused" if step == "fail" else "no_answer")


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_the_last_word_is_true(steps):
    """However engines come and go: when all is quiet, what was said last of each is what it is."""
    scene = good(*FOUR[:3])
    play(scene, steps)
    scene.wait(3 * STEADY)
    for name in NAMES[:3]:
        said = [word for note in scene.notes() if (word := says(note, name))]
        health = scene.snapshot.engines[name].health
        if health.state in GOOD:
            assert said[-1:] in ([], ["back"])
        elif health.told:
            assert said[-1:] == ["lost"]
    lost = {name for name in NAMES[:3] if scene.snapshot.engines[name].health.told}
    outages = scene.snapshot.telling.outages
    gone = [name for outage in outages for name in outage.names]
    assert len(set(gone)) == len(gone)
    assert lost <= set(gone)
    assert not [name for name in gone if scene.snapshot.engines[name].health.state in GOOD]
    assert len({outage.subject for outage in outages}) == len(outages)
    # Every engine that is gone stands in a notification that is shown: nothing has replaced it.
    shown = {note.subject: note for note in scene.notes()}
    assert all(any(says(note, name) == "lost" for note in shown.values()) for name in lost)


class Timed(Scene):
    """A scene that knows when each notification was shown."""

    def __init__(self, *profiles):
        self.told_at = []
        super().__init__(*profiles)

    def say(self, message):
        effects = super().say(message)
        self.told_at += [self.now] * len(of(do.Notify, effects))
        return effects


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_there_is_never_a_storm(steps):
    """However one engine comes and goes: no word is said twice, and six at most within five minutes."""
    scene = Timed(FOUR[0])
    scene.answer("alpha")
    play(scene, [(step, "alpha" if what in NAMES else what) for step, what in steps])
    at = scene.told_at
    said = [says(note, "alpha") for note in scene.notes()]
    assert all(a != b for a, b in itertools.pairwise(said))
    assert all(at[n + MANY + 2] - at[n] > STEADY for n in range(len(at) - MANY - 2))


@pytest.mark.parametrize("count", [2, 7])
def test_the_texts_stay_short(count):
    """Dozens of engines do not make a notification that fills the screen."""
    many = [replace(FOUR[0], name=f"engine{number}", endpoint=parse_host(f"tcp://h{number}:1")) for number in range(40)]
    scene = good(*many[:count], *many[count:])
    lose(scene, *(profile.name for profile in many))
    (note,) = scene.notes()
    assert len(note.title) < 80
    assert len(note.text.splitlines()) == 8
    assert "… and 34 more" in note.text
