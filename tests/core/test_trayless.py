"""Where there is no tray it is said once, late enough, and only where it can be read."""

import pytest

from tests.core.scene import Scene, of
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.trayless import PATIENCE, Trayless

STEP = m.NoTray("Start a bar")


def said(scene):
    return [note for note in scene.notes() if note.subject == "no tray"]


def alone(**snapshot):
    """A start without any panel."""
    scene = Scene(**snapshot)
    scene.say(m.TrayGone())
    return scene


def test_it_is_said_once_when_panels_had_their_time():
    """Not while a panel may still come; then what to do and what works meanwhile; never again, and remembered."""
    scene = alone()
    assert of(do.AdviseTray, scene.wait(PATIENCE - 0.1)) == []
    assert of(do.AdviseTray, scene.wait(0.2)) == [do.AdviseTray()]
    (remembered,) = of(do.Remember, scene.say(STEP))
    assert (remembered.trayless, remembered.quiet) == (True, True)
    (note,) = said(scene)
    assert note.title == "There is no tray here, so there is no icon"
    assert note.text.startswith("Start a bar. ")
    assert "'trayd menu'" in note.text
    scene.say(m.TrayGone())
    assert of(do.AdviseTray, scene.wait(PATIENCE * 10)) == []


def test_a_panel_that_comes_late_is_not_cried_about():
    """Whatever came before the time was over, also while the words were looked for, leaves nothing to say."""
    scene = alone()
    scene.wait(PATIENCE - 1)
    scene.say(m.TrayCame())
    assert of(do.AdviseTray, scene.wait(PATIENCE * 10)) == []
    scene = alone()
    scene.wait(PATIENCE + 1)
    scene.say(m.TrayCame())
    scene.say(STEP)
    assert said(scene) == []


def test_a_panel_that_goes_is_no_missing_tray():
    """A panel that crashed or restarts is not one that has to be installed, however long it is away."""
    scene = alone()
    scene.say(m.TrayCame())
    scene.say(m.TrayGone())
    assert of(do.AdviseTray, scene.wait(PATIENCE * 10)) == []


def test_the_next_start_is_silent_until_a_tray_was_seen():
    """What was told at an earlier start is not told again; a tray that is seen makes it worth telling once more."""
    scene = alone(trayless=Trayless(told=True))
    assert of(do.AdviseTray, scene.wait(PATIENCE * 10)) == []
    (remembered,) = of(do.Remember, scene.say(m.TrayCame()))
    assert not remembered.trayless
    assert of(do.Remember, scene.say(m.TrayCame())) == []


def test_switched_off_notifications_hold_for_it_too():
    """A person who wants no notifications gets none, and it is not taken for told."""
    scene = alone(notifications=False)
    assert of(do.AdviseTray, scene.wait(PATIENCE + 1)) == []
    assert not scene.snapshot.trayless.told


@pytest.mark.parametrize("present", [True, False])
def test_other_choices_keep_what_was_told(present):
    """Switching a setting writes down the same as before."""
    scene = Scene(trayless=Trayless(told=present))
    (remembered,) = of(do.Remember, scene.say(m.ToggleNotifications()))
    assert remembered.trayless is present
