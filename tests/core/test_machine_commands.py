"""Machines of docker-machine: started from the menu, asked for their address by 'Check again'."""

import pytest

from tests.core.scene import OFFICE, Scene, of
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.menu import view
from trayd.core.profile import REMOTE_HEALTH, Profile, parse_host

BOX = Profile("box", parse_host("tcp://10.0.0.3:2375"), "machine", health=REMOTE_HEALTH, machine="box")
NAMED = Profile("build", parse_host("tcp://10.0.0.3:2375"), "file", health=REMOTE_HEALTH, machine="box")


def lost(*profiles, installed=True):
    scene = Scene()
    scene.say(m.Loaded(profiles, docker_machine=installed))
    for profile in profiles:
        scene.fail(profile.name)
    return scene


def offered(scene):
    """The labels after the sentences of the top group."""
    labels = [item.label for item in view(scene.snapshot, str).menu]
    return labels[labels.index("Check again") : labels.index("")]


@pytest.mark.parametrize("profile", [BOX, NAMED])
def test_a_lost_machine_can_be_started(profile):
    """The item stands after 'Check again', for a found machine and for a profile that names one."""
    scene = lost(profile)
    assert offered(scene) == ["Check again", "Start machine", "Copy details"]
    (item,) = [item for item in view(scene.snapshot, str).menu if item.label == "Start machine"]
    assert item.command == m.StartMachine(profile.name)
    assert scene.say(item.command) == [do.RunMachine(profile.name, "box")]


def test_it_is_offered_only_where_it_can_help():
    """Not without the program, not for other engines, not while it is still asked or answers."""
    for scene in (lost(BOX, installed=False), lost(OFFICE)):
        assert offered(scene) == ["Check again", "Copy details"]
        assert scene.say(m.StartMachine(scene.snapshot.active)) == []
    scene = Scene()
    scene.say(m.Loaded((BOX,), docker_machine=True))
    assert offered(scene) == ["Check again", "Copy details"]
    scene.answer("box")
    assert offered(scene) == ["Check again", "Copy details"]
    assert scene.say(m.StartMachine("box")) == scene.say(m.StartMachine("gone")) == []


def test_a_second_click_while_it_starts_does_nothing():
    """The menu says that it starts; two profiles of one machine start it once."""
    scene = lost(BOX, NAMED)
    scene.say(m.StartMachine("box"))
    assert offered(scene) == ["Check again", "Starting machine …", "Copy details"]
    assert scene.say(m.StartMachine("box")) == scene.say(m.StartMachine("build")) == []


def test_after_the_start_the_store_is_read_and_the_engine_asked():
    """Its address may be another; asking docker-machine for it once more would only take time."""
    scene = lost(BOX)
    scene.say(m.StartMachine("box"))
    effects = scene.say(m.MachineStarted("box", "box"))
    assert effects == [do.ReadFiles(), do.Ask("box", 5.0, fresh=True, wake=True)]
    assert offered(scene) == ["Check again", "Start machine", "Copy details"]
    scene.say(m.StartMachine("box"))
    scene.say(m.Loaded((OFFICE,), docker_machine=True))
    assert scene.say(m.MachineStarted("box", "box")) == [do.ReadFiles()]
    assert not scene.snapshot.starting


def test_a_start_that_fails_is_told_with_the_next_step():
    """In docker-machine's own words, on one line; then it can be tried again."""
    scene = lost(BOX)
    scene.say(m.StartMachine("box"))
    (told,) = scene.say(m.MachineStarted("box", "box", "VBoxManage\x1b not found"))
    assert told.title == "machine box could not be started"
    assert told.text == "VBoxManage not found → docker-machine start box in a terminal"
    assert offered(scene)[1] == "Start machine"


def test_check_again_asks_docker_machine_for_the_address():
    """Only for a machine that is lost, and only where there is docker-machine."""
    scene = lost(BOX)
    assert of(do.AskMachine, scene.say(m.CheckAgain("box"))) == [do.AskMachine("box")]
    assert scene.say(m.CheckAgain("box")) == [do.AskMachine("box")]
    scene.answer("box")
    assert of(do.AskMachine, scene.say(m.CheckAgain("box"))) == []
    for scene in (lost(BOX, installed=False), lost(OFFICE)):
        assert of(do.AskMachine, scene.say(m.CheckAgain(scene.snapshot.active))) == []
