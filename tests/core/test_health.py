"""The table of states: what people are told of a good, slow, lost, hung engine, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.scene import LAB, OFFICE, Scene, of
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.diagnosis import diagnose
from trayd.core.health import GOOD, TOGETHER, TRANSITIONS, Event, State, next_beat


def test_every_state_knows_every_event_that_can_reach_it():
    """No event can find a state without an answer."""
    probe = {Event.ANSWERED, Event.SLOW, Event.SILENT, Event.FAILED}
    for state, moves in TRANSITIONS.items():
        assert probe <= moves.keys(), state
    expire = {Event.EXPIRED, Event.EXPIRED_SILENT}
    assert {state for state, moves in TRANSITIONS.items() if expire <= moves.keys()} == {State.RECONNECTING}
    assert TRANSITIONS.keys() == set(State)


def test_an_answer_makes_any_engine_green_at_once():
    """From whatever state, one answer is enough."""
    for moves in TRANSITIONS.values():
        assert moves[Event.ANSWERED] is State.REACHABLE
        assert moves[Event.SLOW] is State.DEGRADED


def test_a_loss_shows_at_once_and_is_judged_after_the_grace():
    """A killed engine is 'reconnecting' in the same moment, 'not reachable' after the grace, told once."""
    scene = Scene(OFFICE)
    scene.answer()
    scene.wait(1)
    scene.say(m.StreamEnded("office", 1))
    scene.fail()
    assert scene.state() == "reconnecting"
    lost = scene.snapshot.engines["office"].health.since
    for _ in range(8):
        scene.wait(0.3)
        if scene.snapshot.watches["office"].asked is not None:
            scene.fail()
    assert scene.state() == "reconnecting"
    assert not scene.notes()
    scene.wait(1)
    assert scene.state() == "unreachable"
    assert [note.title for note in scene.notes()] == ["office: not reachable"]
    assert scene.snapshot.engines["office"].health.since == lost
    for _ in range(20):
        scene.fail()
        scene.wait(30)
    assert len(scene.notes()) == 1


def test_a_restart_within_the_grace_disturbs_nobody():
    """An engine that is back before the grace ends causes no notification."""
    scene = Scene(OFFICE)
    scene.answer()
    scene.say(m.StreamEnded("office", 1))
    scene.fail()
    scene.wait(2.5)
    scene.answer()
    assert scene.state() == "reachable"
    scene.wait(60)
    assert not scene.notes()


def test_an_engine_that_comes_back_is_told_once_if_its_loss_was():
    """Whoever was told of a loss is told of its end."""
    scene = Scene(OFFICE)
    scene.answer()
    scene.say(m.StreamEnded("office", 1))
    scene.fail()
    scene.wait(10)
    scene.answer()
    assert [note.title for note in scene.notes()] == ["office: not reachable", "office is reachable again"]
    assert {note.subject for note in scene.notes()} == {"office"}


def test_an_engine_that_was_never_there_raises_no_alarm():
    """At start, what is down is shown, not shouted."""
    scene = Scene(OFFICE)
    scene.fail(code="socket_missing")
    assert scene.state() == "unreachable"
    scene.wait(60)
    assert not scene.notes()


def test_a_hung_engine_shows_as_hung_without_waiting_for_the_grace():
    """Accepting without answering is its own state, at once; the notification comes after the grace."""
    scene = Scene(OFFICE)
    scene.answer()
    scene.wait(5)
    scene.fail(code="no_answer")
    assert scene.state() == "hung"
    assert not scene.notes()
    scene.wait(4)
    assert [note.title for note in scene.notes()] == ["office: does not answer"]


def test_a_starting_engine_is_not_called_hung_inside_the_grace():
    """A restarting engine that already accepts connections is still 'reconnecting'."""
    scene = Scene(OFFICE)
    scene.answer()
    scene.say(m.StreamEnded("office", 1))
    scene.fail()
    scene.wait(0.5)
    scene.fail(code="no_answer")
    assert scene.state() == "reconnecting"
    scene.wait(3)
    assert scene.state() == "hung"


def test_a_slow_answer_is_told_apart_from_none():
    """An engine above `slow` is degraded, and green again below it."""
    scene = Scene(OFFICE)
    scene.answer(latency=0.6)
    assert scene.state() == "degraded"
    scene.wait(5)
    scene.answer(latency=0.4)
    assert scene.state() == "reachable"


@given(st.floats(0, 1e6), st.sampled_from([1.0, 5.0, 7.3, 10.0, 60.0]), st.integers(1, 1000))
def test_a_hang_is_noticed_within_interval_and_timeout(start: float, interval: float, number: int) -> None:
    """Whenever an engine answered, it is asked again within the interval, and not in the same moment."""
    due = next_beat(start, interval, number)
    rounding = 1e-9  # of the difference of two such times
    assert 0.02 * interval - rounding <= due - start <= interval + rounding
    again = next_beat(due, interval, number)
    assert again - due == pytest.approx(0.98 * interval, abs=0.01), "from then on it is asked once an interval"


def test_neighbours_are_asked_together_but_a_crowd_is_not() -> None:
    """Three profiles wake the processor once in their interval, a hundred ask at five moments of it."""
    assert len({round(next_beat(1000.0 + n / 10, 5.0, n), 3) for n in range(1, 4)}) == 1
    moments = [round(next_beat(1000.2, 5.0, n), 3) for n in range(1, 101)]
    assert max(moments.count(moment) for moment in moments) <= TOGETHER
    assert len(set(moments)) == 5


def test_a_lost_engine_is_asked_soon_and_then_ever_more_rarely():
    """A refused connection is tried twice a second for a minute, then ever more rarely: ten seconds, remote thirty."""
    scene = Scene(OFFICE, LAB)
    for name, most in (("office", 12), ("lab", 36)):
        scene.answer(name)
        scene.say(m.StreamEnded(name, scene.snapshot.watches[name].generation))
        delays = []
        for _ in range(450):
            scene.fail(name)
            delays.append(round(scene.snapshot.watches[name].due - scene.now, 3))
            scene.now = scene.snapshot.watches[name].due
            scene.say(m.Tick())
        assert 0.1 < delays[0] < 0.3
        assert delays == sorted(delays)
        assert delays[100] <= 0.5
        assert 0.5 < delays[300] <= 2.1
        assert most / 2 < delays[-1] <= most


def test_a_silent_engine_is_asked_rarely_only_while_a_connection_waits_for_it():
    """By a quarter of its silence, half a minute at most; else at the interval, however often it was refused before."""
    scene = Scene(OFFICE)
    silence = m.Failed(diagnose("no_answer", OFFICE.endpoint), held=True)

    def pause():
        return scene.snapshot.watches["office"].due - scene.now

    scene.answer()
    scene.say(m.StreamEnded("office", 1))
    for _ in range(100):
        scene.fail()
        scene.wait(max(0.0, pause()))
    since, pauses = scene.now, []
    for _ in range(40):
        scene.now += 3.0
        scene.probed("office", silence)
        pauses.append(pause())
        assert pauses[-1] <= max(6.0, (scene.now - since) / 3)
        scene.wait(max(0.0, pause()))
    assert max(pauses[:8]) <= 6.0
    assert min(pauses[-10:]) > 20 and max(pauses) <= 30
    scene.now += 3.0
    scene.fail(code="no_answer")
    assert pause() <= 6.0
    scene.wait(max(0.0, pause()))
    scene.probed("office", silence)
    assert pause() <= 6.0


def test_a_sign_of_life_of_a_silent_engine_is_asked_about_at_once():
    """However rarely it would be asked: what comes on the connection that was kept is a hint."""
    scene = Scene(OFFICE)
    for _ in range(20):
        scene.probed("office", m.Failed(diagnose("no_answer", OFFICE.endpoint), held=True))
        scene.wait(max(0.0, scene.snapshot.watches["office"].due - scene.now))
    scene.probed("office", m.Failed(diagnose("no_answer", OFFICE.endpoint), held=True))
    assert scene.say(m.Hinted("office", 1)) == [do.Ask("office", 3.0)]
    scene.answer()
    assert scene.state() == "reachable"


def test_what_a_person_must_mend_is_not_asked_every_second():
    """A wrong certificate is tried again after seconds, not after a fifth of one."""
    scene = Scene(LAB)
    scene.fail("lab", "cert_expired")
    assert scene.snapshot.watches["lab"].due - scene.now >= 4


def test_a_latency_that_wobbles_does_not_redraw_the_menu():
    """The number shown changes only when it is clearly another one."""
    scene = Scene(OFFICE)
    scene.answer(latency=0.010)
    before = scene.snapshot
    for latency in (0.012, 0.008, 0.015, 0.009):
        scene.wait(5)
        scene.answer(latency=latency)
        assert scene.snapshot.shows_like(before)
    scene.wait(5)
    scene.answer(latency=0.2)
    assert not scene.snapshot.shows_like(before)


@pytest.mark.parametrize("state", list(State))
def test_good_states_are_the_ones_that_answer(state):
    """Exit codes and lists count an engine as good when it answers, slow or not."""
    assert (state in GOOD) == (state in (State.REACHABLE, State.DEGRADED))


def test_the_sleep_of_the_computer_is_not_held_against_an_engine():
    """After waking, everybody is asked at once on a new connection, and the grace begins anew."""
    scene = Scene(OFFICE)
    scene.answer()
    scene.say(m.StreamEnded("office", 1))
    scene.fail()
    scene.now += 3600
    effects = scene.say(m.Woke())
    assert of(do.Ask, effects) == [do.Ask("office", 3.0, fresh=True)]
    scene.wait(2)
    assert scene.state() == "reconnecting"
    assert not scene.notes()


def test_a_question_from_before_the_sleep_is_not_waited_for():
    """That nobody answered while the computer slept makes no engine hung: another watch asks it anew."""
    scene = Scene(OFFICE)
    scene.answer()
    scene.wait(5)
    scene.now += 3600
    effects = scene.say(m.Woke())
    assert [type(effect) for effect in effects] == [do.StopWatch, do.StartWatch, do.Ask]
    assert effects[2] == do.Ask("office", 3.0, fresh=True)
    assert scene.wait(1) == []
    scene.say(m.Probed("office", 1, m.Failed(diagnose("no_answer", OFFICE.endpoint))))  # the old watch's
    assert scene.state() == "reachable"
    scene.answer()
    assert of(do.Ask, scene.wait(5)) == [do.Ask("office", 3.0)]
