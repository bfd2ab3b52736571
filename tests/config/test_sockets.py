"""The sockets on which known products listen."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from trayd.config.computer import Computer
from trayd.config.sockets import KNOWN, candidates, known_sockets, places


@pytest.fixture
def listen():
    """Makes a listening socket at a path."""
    with ExitStack() as stack:

        def make(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            made = stack.enter_context(socket.socket(socket.AF_UNIX))
            made.bind(str(path))
            made.listen()
            return str(path)

        yield make


@pytest.fixture
def home():
    """A home whose path is short enough for sockets, and the computer it is on."""
    return Path(os.environ["XDG_RUNTIME_DIR"])


def names(computer, environ, seen=frozenset()):
    """Without those of this computer itself."""
    return [k.name for k in known_sockets(computer, environ, seen) if k.path.startswith(computer.home)]


def test_products_are_found_where_they_listen(home, listen):
    """Rootless, Docker Desktop, Colima with its profiles, Rancher Desktop, Lima and Podman, each with a short name."""
    environ = {"XDG_RUNTIME_DIR": str(home / "run")}
    for path in (
        "run/docker.sock",
        ".docker/desktop/docker.sock",
        ".colima/default/docker.sock",
        ".colima/dev/docker.sock",
        ".rd/docker.sock",
        ".lima/default/sock/docker.sock",
        "run/podman/podman.sock",
        ".orbstack/run/docker.sock",
    ):
        listen(home / path)
    found = ["rootless", "desktop-linux", "colima", "colima-dev", "rancher-desktop", "lima", "podman"]
    assert names(Computer("linux", "x", str(home)), environ) == found
    assert names(Computer("macos", "x", str(home)), environ) == [
        "colima",
        "colima-dev",
        "orbstack",
        "rancher-desktop",
        "lima",
    ]


def test_colima_may_have_its_own_home(home, listen):
    """$COLIMA_HOME moves Colima's sockets."""
    listen(home / "c" / "work" / "docker.sock")
    assert names(Computer("linux", "x", str(home)), {"COLIMA_HOME": str(home / "c")}) == ["colima-work"]


def test_only_sockets_are_offered(home, listen):
    """A file, a folder or a link to nowhere is no engine; a link to a socket is."""
    (home / ".rd").mkdir()
    (home / ".rd/docker.sock").touch()
    (home / ".docker/desktop/docker.sock").mkdir(parents=True)
    (home / ".lima/default/sock").mkdir(parents=True)
    (home / ".lima/default/sock/docker.sock").symlink_to("nowhere")
    listen(home / "real")
    (home / ".colima").mkdir()
    (home / ".colima/docker.sock").symlink_to(home / "real")
    assert names(Computer("linux", "x", str(home)), {}) == ["colima"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a socket away")
def test_a_socket_of_another_user_is_not_offered(home, listen):
    """Who listens there would get your commands."""
    os.chown(listen(home / ".rd/docker.sock"), 12345, 12345)
    assert names(Computer("linux", "x", str(home)), {}) == []


def test_a_stopped_engine_stays(home):
    """An engine that stops takes its socket away; while trayd has seen it, it stays in the list."""
    path = str(home / ".rd/docker.sock")
    assert names(Computer("linux", "x", str(home)), {}, {path}) == ["rancher-desktop"]


@pytest.mark.parametrize("system", ["linux", "macos", "windows"])
def test_every_system_has_its_usual_place_first(system):
    """The engine's own default socket or pipe comes first, and no place is relative or half filled in."""
    found = list(candidates(Computer(system, "x", "/home/ann"), {"XDG_RUNTIME_DIR": "/run/u", "TMPDIR": "/tmp"}))
    assert found[0].name == "local"
    assert all(known.path.startswith("/") and not {"{", "*"} & set(known.path) for known in found)
    assert all(known.endpoint.scheme == ("npipe" if system == "windows" else "unix") for known in found)
    assert {name for name, systems, _ in KNOWN if system in systems} >= {known.name for known in found}


def test_without_home_and_runtime_folder_only_fixed_places_remain():
    """Relative or missing folders are not taken for the current one."""
    found = list(candidates(Computer("linux", "x", "~"), {"XDG_RUNTIME_DIR": "run", "COLIMA_HOME": "c"}))
    assert [k.path for k in found if not k.path.startswith("/")] == []
    assert {known.name for known in found} == {"local", "rootless", "podman-root"}
    assert all(path.startswith("/") for path in places(Computer("linux", "x", "~"), {}))
