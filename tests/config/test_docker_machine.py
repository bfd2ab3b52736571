"""docker-machine as a program: started without a shell, bounded, and its answer used only where it is an address."""

import json
import os
import threading
import time

import pytest

from tests.harness.docker_machine import fake_docker_machine
from trayd.config import docker_machine
from trayd.config.computer import Computer
from trayd.config.discovery import load
from trayd.config.docker_machine import DockerMachine


class World:
    """A home with one machine, and a docker-machine that runs a script."""

    def __init__(self, home):
        self.home = home
        self.environ = {"PATH": f"{home}/bin:/usr/bin:/bin", "TRAYD_DISCOVER": "machines"}
        self.program = DockerMachine(self.environ, str(home))
        self.store("10.0.0.3")

    def store(self, address, driver="virtualbox", **values):
        folder = self.home / ".docker/machine/machines/box"
        folder.mkdir(parents=True, exist_ok=True)
        written = {"DriverName": driver, "Driver": {"IPAddress": address, **values}}
        (folder / "new").write_text(json.dumps(written))
        (folder / "new").replace(folder / "config.json")

    def script(self, text):
        return fake_docker_machine(self.home / "bin", text)

    def url(self):
        computer = Computer("linux", "x", str(self.home))
        loaded = load(str(self.home / "none"), computer, self.environ, current=self.program.current)
        return loaded.profiles[0].endpoint.url


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_it_is_looked_up_on_the_path(world):
    """Installed or removed while trayd runs, it is seen at the next look."""
    assert not world.program.installed()
    assert world.program.start("box") == "docker-machine is not installed."
    assert not world.program.renew("box")
    world.script("")
    assert world.program.installed()


def test_a_machine_is_started_with_nothing_but_its_name(world):
    """No shell, nothing to read, and the store that trayd reads."""
    calls = world.script('read line && exit 1; test -d "$MACHINE_STORAGE_PATH/machines/box" || exit 2')
    assert world.program.start("box") == ""
    assert calls.read_text() == "start box\n"


@pytest.mark.parametrize("name", ["-h", "--native-ssh", "", "a b", "$(touch x)", "../x", "box\n"])
def test_what_is_no_name_is_never_an_argument(world, name):
    """docker-machine takes no "--": a name that could be an option is not given to it."""
    calls = world.script("")
    assert world.program.start(name) == "This name is not allowed."
    assert not calls.exists()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo one >&2; printf '\\033[31mno hypervisor\\033[0m\\n\\n' >&2; exit 1", "no hypervisor"),
        ("echo lost; exit 3", "docker-machine ended with code 3."),
        ("yes | head -c 3000000; yes | head -c 3000000 >&2; echo full >&2; exit 1", "full"),
        ("head -c 100000 /dev/zero >&2; exit 1", "docker-machine ended with code 1."),
    ],
)
def test_a_failed_start_says_the_last_line(world, script, told):
    """However much it writes: one clean line of it is told."""
    world.script(script)
    assert world.program.start("box") == told


def test_one_that_cannot_be_run_is_a_sentence(world):
    """A file that is no program is no traceback."""
    world.script("")
    (world.home / "bin/docker-machine").write_bytes(b"\x7fELF")
    assert world.program.start("box").startswith("docker-machine cannot be run (")


def test_one_that_hangs_is_ended_with_what_it_started(world, monkeypatch):
    """After its time the whole group is killed; nothing of it is left."""
    monkeypatch.setattr(docker_machine, "START_TIMEOUT", 0.5)
    world.script(f"sleep 60 & echo $! > {world.home}/pid; wait")
    start = time.monotonic()
    assert world.program.start("box").startswith("docker-machine did not end within")
    assert time.monotonic() - start < 5
    pid = int((world.home / "pid").read_text())
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(pid)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_server_that_it_leaves_behind_is_not_waited_for(world):
    """A hypervisor's own server lives on, and may hold the pipes."""
    world.script(f"sleep 60 & echo $! > {world.home}/pid; echo no >&2; exit 1")
    start = time.monotonic()
    assert world.program.start("box") == "no"
    assert time.monotonic() - start < 10
    os.kill(int((world.home / "pid").read_text()), 9)


def test_an_address_that_was_told_is_used_until_another_is_stored(world):
    """The store's own word counts again as soon as docker-machine writes it."""
    world.script("echo tcp://10.0.0.7:2376")
    assert world.url() == "tcp://10.0.0.3:2376"
    assert world.program.renew("box")
    assert world.url() == "tcp://10.0.0.7:2376"
    assert not world.program.renew("box")
    world.store("10.0.0.3")
    assert world.url() == "tcp://10.0.0.3:2376"
    assert world.program.renew("box")
    world.script("echo tcp://10.0.0.3:2376")
    assert world.program.renew("box")
    assert world.url() == "tcp://10.0.0.3:2376"


@pytest.mark.parametrize(
    "script",
    [
        "echo tcp://10.0.0.3:2376",
        "echo tcp://10.0.0.7:2376; exit 1",
        "echo tcp://10.0.0.7:2376 >&2",
        "echo Host is not running; echo tcp://10.0.0.7:2376",
        "echo tcp://evil.example:2376",
        "echo tcp://999.0.0.7:2376",
        "echo tcp://10.0.0.7:99999",
        "echo tcp://ann@10.0.0.7:2376",
        "echo unix:///run/x.sock",
        "echo tcp://10.0.0.7:2375  # Docker's port without TLS",
        "head -c 100000 /dev/zero",
        ":",
    ],
)
def test_everything_else_is_ignored(world, script):
    """Errors, other words, names, other schemes, and an address that would turn TLS off change nothing."""
    world.script(script)
    assert not world.program.renew("box")
    assert not world.program.renew("another")
    assert world.url() == "tcp://10.0.0.3:2376"


def test_two_questions_at_once_are_one(world):
    """Whoever clicks 'Check again' twice does not start two programs."""
    calls = world.script("sleep 0.5; echo tcp://10.0.0.7:2376")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(world.program.renew("box"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, True]
    assert calls.read_text() == "url box\n"
