"""What is asked of an engine while nobody looks."""

import pytest

from tests.core.scene import OFFICE, Scene, of
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.engine import Engine
from trayd.core.profile import Endpoint, Profile, parse_health, parse_host
from trayd.core.value import replace

DESKTOP = m.EngineInfo("27.2.0", "1.47", platform="Docker Desktop 4.34.0 (165256)")
PIPE = "//./pipe/dockerDesktopLinuxEngine"


def with_health(**health):
    return replace(OFFICE, health=parse_health(health, OFFICE.endpoint))


@pytest.mark.parametrize(
    ("engine", "sleeper"),
    [
        (Engine(OFFICE), False),
        (Engine(OFFICE, info=DESKTOP), True),
        (Engine(OFFICE, info=m.EngineInfo(platform="Docker Engine - Community")), False),
        (Engine(Profile("x", parse_host("unix:///home/me/.docker/desktop/docker.sock"))), True),
        (Engine(Profile("x", parse_host("unix:///Users/me/.docker/run/docker.sock"))), True),
        (Engine(Profile("x", Endpoint("npipe", path=PIPE))), True),
        (Engine(Profile("x", parse_host("npipe://"))), False),
        (Engine(Profile("desktop-linux", OFFICE.endpoint, "context")), True),
        (Engine(Profile("desktop-linux", OFFICE.endpoint, "file")), False),
        (Engine(Profile("desktop-linux", OFFICE.endpoint, "context"), info=m.EngineInfo(platform="Podman")), False),
    ],
)
def test_docker_desktop_is_known(engine, sleeper):
    """By what it says of itself, and before that by its socket, pipe or context."""
    assert engine.sleeper is engine.only_pings is sleeper


@pytest.mark.parametrize("events", [True, False])
def test_the_setting_decides(events):
    """`events` in the profile counts more than what the engine is."""
    assert Engine(with_health(events=events), info=DESKTOP).only_pings is not events
    assert Engine(with_health(events=events)).only_pings is not events


def test_a_changed_setting_is_taken_up():
    """A profile that gets `events: false` is watched anew, so that its stream ends; another interval is not."""
    scene = Scene(OFFICE)
    scene.answer(engine=m.EngineInfo("27"))
    assert of(do.StartWatch, scene.say(m.Loaded((with_health(interval="9s"),)))) == []
    effects = scene.say(m.Loaded((with_health(events=False),)))
    assert [type(effect) for effect in effects] == [do.StopWatch, do.StartWatch, do.Ask]
    assert [type(effect) for effect in scene.answer(engine=m.EngineInfo("27"))] == []


def test_only_a_person_or_a_setting_wakes_a_stopped_engine():
    """Every background question looks first; "Check again" and `wake: true` connect, and so does a click meanwhile."""
    scene = Scene(OFFICE)
    scene.say(m.CheckAgain("office"))  # while the first question is still out
    scene.fail(code="stopped_activatable")
    scene.wait(0.1)
    scene.fail(code="stopped_activatable")
    scene.say(m.Woke())
    assert [ask.wake for ask in of(do.Ask, scene.effects)] == [False, True, False]
    eager = Scene(with_health(wake=True))
    eager.answer()
    eager.wait(10)
    assert [ask.wake for ask in of(do.Ask, eager.effects)] == [True, True]
