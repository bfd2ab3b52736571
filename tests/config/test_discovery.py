"""All engines in one list: files, contexts, machines, sockets; one engine once, every name once."""

import json
import os
import socket
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayd.config.computer import Computer
from trayd.config.discovery import _free, load, watched
from trayd.core.profile import Profile, parse_host, variables


class World:
    """A home with everything that can be found in it; `load` gives (name, source, url) of all profiles."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {"XDG_RUNTIME_DIR": str(home), "TRAYD_DISCOVER": "contexts,machines"}
        self.sockets = []

    def file(self, name, text):
        folder = self.home / "profiles"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.yaml").write_text(text)

    def context(self, name, host):
        folder = self.home / ".docker/contexts/meta" / sha256(name.encode()).hexdigest()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))

    def use(self, name):
        (self.home / ".docker/config.json").write_text(json.dumps({"currentContext": name}))

    def machine(self, name, address):
        folder = self.home / ".docker/machine/machines" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"Driver": {"IPAddress": address}, "DriverName": "virtualbox"}))

    def socket(self, path):
        (self.home / path).parent.mkdir(parents=True, exist_ok=True)
        made = socket.socket(socket.AF_UNIX)
        made.bind(str(self.home / path))
        self.sockets.append(made)
        return self.home / path

    def loaded(self, **more):
        return load(str(self.home / "profiles"), Computer("linux", "x", str(self.home)), self.environ, **more)

    def listed(self):
        return [(p.name, p.source, p.endpoint.url.replace(str(self.home), "~")) for p in self.loaded().profiles]


@pytest.fixture
def world():
    # Where sockets' paths are short enough.
    made = World(Path(os.environ["XDG_RUNTIME_DIR"]))
    yield made
    for one in made.sockets:
        one.close()


def in_home(world):
    """What is listed, without the sockets of this computer itself."""
    return [row for row in world.listed() if row[1] != "local" or "~" in row[2]]


def test_everything_is_listed_with_where_it_comes_from(world):
    """A file, a context, a machine and a known socket stand side by side, each with its source."""
    world.environ["TRAYD_DISCOVER"] = ""
    world.file("office", "host: tcp://office:2375\n")
    world.context("lab", "tcp://lab:2375")
    world.machine("box", "192.168.99.100")
    world.socket(".rd/docker.sock")
    assert in_home(world) == [
        ("office", "file", "tcp://office:2375"),
        ("lab", "context", "tcp://lab:2375"),
        ("box", "machine", "tcp://192.168.99.100:2376"),
        ("rancher-desktop", "local", "unix://~/.rd/docker.sock"),
    ]


def test_one_engine_is_listed_once(world):
    """A file wins over a context over a machine over a socket, also through a link or another spelling of the host."""
    world.environ["TRAYD_DISCOVER"] = ""
    path = world.socket(".rd/docker.sock")
    (world.home / "link").symlink_to(path)
    world.context("rd", f"unix://{world.home}/link")
    world.context("again", "tcp://LOCALHOST.:2375")
    world.context("box-of-ann", "tcp://192.168.99.100:2376")
    world.machine("box", "192.168.99.100")
    world.file("here", "host: tcp://127.0.0.1:2375\n")
    world.file("here-too", "host: tcp://127.0.0.1:2375\nenv: {A: b}\n")
    assert in_home(world) == [
        ("here-too", "file", "tcp://127.0.0.1:2375"),
        ("here", "file", "tcp://127.0.0.1:2375"),
        ("box-of-ann", "context", "tcp://192.168.99.100:2376"),
        ("rd", "context", "unix://~/link"),
    ]


def test_two_engines_of_one_name_are_told_apart(world):
    """Where another engine has the name already, the source is added to it."""
    world.file("lab", "host: tcp://a:1\n")
    world.context("lab", "tcp://b:1")
    world.machine("lab", "10.0.0.3")
    world.file("default", "hots: broken\n")
    world.machine("default", "10.0.0.4")
    assert [row[:2] for row in world.listed()] == [
        ("lab", "file"),
        ("lab-context", "context"),
        ("default-machine", "machine"),
        ("lab-machine", "machine"),
    ]


@given(st.sets(st.sampled_from(["a", "a-context", "a-context-2", "a-context-3"])))
def test_a_name_is_always_free(names):
    """Whatever names there are, another engine gets one of its own."""
    assert _free(Profile("a", parse_host("unix://"), "context"), names) not in names


def test_the_local_engine_stands_in_when_there_is_nothing(world):
    """Without anything found there is the local engine, whether it runs or not; with something there is no stand-in."""
    assert world.listed() == [("local", "local", "unix:///var/run/docker.sock")]
    assert world.loaded().alone
    world.context("lab", "tcp://b:1")
    assert [row[0] for row in world.listed()] == ["lab"]
    assert not world.loaded().alone


def test_a_context_over_ssh_is_a_profile(world):
    """What `docker context create --docker host=ssh://…` made is reached by trayd's own tunnel."""
    world.context("far", "ssh://ann@far")
    assert [row[0] for row in world.listed()] == ["far"]
    assert world.loaded().profiles[0].endpoint == parse_host("ssh://ann@far")
    assert world.loaded().problems == ()


def test_an_impossible_address_is_a_sentence(world):
    """A context or machine with a hostile address costs one sentence; the rest goes on."""
    world.context("good", "tcp://b:1")
    world.context("port", "tcp://b:99999")
    world.context("bidi", "tcp://b\u202e:1")
    world.machine("space", "1.2.3.4 --evil")
    assert [row[0] for row in world.listed()] == ["good"]
    assert sorted(str(problem) for problem in world.loaded().problems) == [
        "context bidi: the address contains an invisible character (RIGHT-TO-LEFT OVERRIDE)",
        "context port: there is no port 99999: it must be from 1 to 65535",
        "machine space: 'tcp://1.2.3.4 --evil:2376' is not an address: write tcp://name:port",
    ]


def test_what_is_to_be_found_can_be_chosen(world):
    """TRAYD_DISCOVER names what is found by itself; a profile file may still name the rest."""
    world.context("lab", "tcp://b:1")
    world.machine("box", "10.0.0.3")
    world.environ["TRAYD_DISCOVER"] = "machines"
    assert [row[0] for row in world.listed()] == ["box"]
    world.environ["TRAYD_DISCOVER"] = "none"
    world.file("mine", "context: lab\n")
    assert world.listed() == [("mine", "file", "tcp://b:1")]


def test_dockers_choice_is_known(world):
    """The profile of the chosen context is known, also when a file stands for that engine; none without a choice."""
    world.context("lab", "tcp://b:1")
    world.context("other", "tcp://c:1")
    assert world.loaded().current == ""
    world.use("lab")
    assert world.loaded().current == "lab"
    world.use("gone")
    assert world.loaded().current == ""
    world.use("lab")
    world.file("mine", "host: tcp://b:1\n")
    assert world.loaded().current == "mine"


def test_variables_say_the_context_or_the_machine(world):
    """A context travels as DOCKER_CONTEXT with DOCKER_HOST unset, a machine as docker-machine would say it."""
    world.context("lab", "tcp://b:1")
    world.machine("box", "10.0.0.3")
    context, machine = (
        {key: value for key, value in variables(profile).items() if value} for profile in world.loaded().profiles
    )
    assert context == {"DOCKER_CONTEXT": "lab"}
    assert machine == {
        "DOCKER_HOST": "tcp://10.0.0.3:2376",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": f"{world.home}/.docker/machine/machines/box",
        "DOCKER_MACHINE_NAME": "box",
    }
    assert variables(world.loaded().profiles[0])["DOCKER_HOST"] is None


def test_a_home_that_does_not_exist_is_no_reason_to_fail(tmp_path):
    """Without a home there is still the local engine, and nothing relative is watched or read."""
    for home in (str(tmp_path / "nowhere"), "~", ""):
        computer = Computer("linux", "x", home)
        assert load("/nowhere", computer, {"TRAYD_DISCOVER": "contexts,machines"}).profiles[0].name == "local"
        assert all(os.path.isabs(path) for path in watched(computer, {}))
