"""What the tray says about the docker CLI."""

from tests.core.scene import LAB, OFFICE, Scene
from tests.core.test_menu import labels, shown
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.dockercli import CliGoesTo
from trayd.core.profile import Profile, Tls, parse_host

HERE = CliGoesTo(OFFICE.endpoint.url, endpoint=OFFICE.endpoint)
THERE = CliGoesTo(LAB.endpoint.url, "lab-context", LAB.endpoint)


def told(scene):
    return [label for label in labels(shown(scene).menu) if label.startswith("Docker CLI")]


def test_nothing_is_said_while_the_cli_goes_where_the_tray_does():
    """The line is there only if the docker CLI does not go to the active profile, and it stands below the profiles."""
    scene = Scene(OFFICE, LAB, wanted="office")
    assert told(scene) == []
    scene.say(HERE)
    assert told(scene) == []
    scene.say(m.Use("lab"))
    assert told(scene) == ["Docker CLI goes to: office"]
    menu = labels(shown(scene).menu)
    assert menu[menu.index("Docker CLI goes to: office") - 1].startswith("office  ○")


def test_a_place_without_a_profile_is_its_address():
    """An engine that no profile names, an address that trayd cannot ask, and an error are said as they are."""
    scene = Scene(OFFICE)
    for cli, line in (
        (THERE, "Docker CLI goes to: tcp://lab.example:2375"),
        (CliGoesTo("ssh://me@build"), "Docker CLI goes to: ssh://me@build"),
        (CliGoesTo("", "gone", error="the context 'gone' does not exist"), "the context 'gone' does not exist"),
    ):
        scene.say(cli)
        assert told(scene)[0].endswith(line)


def test_two_names_of_one_socket_are_one_place():
    """/var/run and /run, localhost and 127.0.0.1 are the same; another certificate is not."""
    secure = Profile("tls", parse_host("tcp://127.0.0.1:2376", Tls("/certs")))
    scene = Scene(Profile("local", parse_host("unix:///run/docker.sock")), secure, wanted="local")
    scene.say(CliGoesTo("unix://", endpoint=parse_host("unix:///var/run/docker.sock")))
    assert told(scene) == []
    scene.say(m.Use("tls"))
    scene.say(CliGoesTo("x", endpoint=parse_host("tcp://localhost:2376", Tls("/certs/"))))
    assert told(scene) == []
    scene.say(CliGoesTo("x", endpoint=parse_host("tcp://localhost:2376", Tls("/certs", verify=False))))
    assert told(scene) == ["Docker CLI goes to: x"]


def test_a_change_of_the_context_is_told_once():
    """Another program's `docker context use` is one notification, a line in the menu, and one in the tooltip."""
    scene = Scene(OFFICE, wanted="office")
    scene.say(HERE)
    assert scene.notes() == []
    scene.say(THERE)
    scene.say(THERE)
    title = "Docker CLI: context changed from default to lab-context"
    assert scene.notes() == [do.Notify(title, "It goes to tcp://lab.example:2375.", "docker cli")]
    assert told(scene) == ["Docker CLI goes to: tcp://lab.example:2375", f"{title} at 14:02"]
    assert shown(scene).tooltip.endswith(f"{title} at 14:02")
    scene.say(m.ToggleNotifications())
    scene.say(HERE)
    assert len(scene.notes()) == 1
    assert told(scene) == []


def test_a_context_that_is_gone_is_told():
    """A change to a context that does not exist says that in the notification."""
    scene = Scene(OFFICE)
    scene.say(HERE)
    scene.say(CliGoesTo("", "gone", error="the context 'gone' does not exist"))
    assert scene.notes()[0].text == "The context 'gone' does not exist."
