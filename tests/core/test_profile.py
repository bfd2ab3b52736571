"""Addresses, durations and the environment a profile stands for."""

import pytest

from trayd.core.profile import (
    DOCKER_VARIABLES,
    LOCAL_HEALTH,
    REMOTE_HEALTH,
    Endpoint,
    HealthSettings,
    Profile,
    ProfileError,
    Tls,
    When,
    cleared,
    parse_duration,
    parse_health,
    parse_host,
    variables,
)

TLS = Tls("/certs")


@pytest.mark.parametrize(
    ("host", "tls", "url"),
    [
        ("unix:///run/docker.sock", None, "unix:///run/docker.sock"),
        ("unix://", None, "unix:///var/run/docker.sock"),
        ("unix:///with blank/a%20b.sock", None, "unix:///with blank/a%20b.sock"),
        ("npipe:////./pipe/docker_engine", None, "npipe:////./pipe/docker_engine"),
        ("npipe://", None, "npipe:////./pipe/docker_engine"),
        ("npipe://\\\\.\\pipe\\docker_engine", None, "npipe:////./pipe/docker_engine"),
        ("tcp://build.example:2376", TLS, "tcp://build.example:2376"),
        ("tcp://build.example", TLS, "tcp://build.example:2376"),
        ("tcp://build.example", None, "tcp://build.example:2375"),
        ("TCP://build.example/", None, "tcp://build.example:2375"),
        ("tcp://:2375", None, "tcp://127.0.0.1:2375"),
        ("tcp://[fe80::1%eth0]:2375", None, "tcp://[fe80::1%eth0]:2375"),
        ("tcp://192.168.99.100:2376", TLS, "tcp://192.168.99.100:2376"),
        ("ssh://build", None, "ssh://build"),
        ("SSH://build/", None, "ssh://build"),
        ("ssh://me@build.example", None, "ssh://me@build.example"),
        ("ssh://me@build.example:2222", None, "ssh://me@build.example:2222"),
        ("ssh://me@[fe80::1]:22/run/user/1000/docker.sock", None, "ssh://me@[fe80::1]:22/run/user/1000/docker.sock"),
    ],
)
def test_every_usual_way_to_write_an_address_is_understood(host, tls, url):
    """What the docker CLI takes as a host, a profile takes, with the port that is usual."""
    assert parse_host(host, tls).url == url


@pytest.mark.parametrize(
    ("host", "advice"),
    [
        ("/var/run/docker.sock", "write unix:///var/run/docker.sock"),
        ("build.example:2376", "write tcp://build.example:2376"),
        ("unix://docker.sock", "write unix:///docker.sock"),
        ("http://h:2375", "write tcp://h:2375 instead"),
        ("https://h:2376", "add tls: with its cert_path"),
        ("fd://", "use unix://, tcp://, ssh:// or npipe://"),
        ("ssh://", "write ssh://user@name:port"),
        ("ssh://-oProxyCommand=id", "write ssh://user@name:port"),
        ("ssh://-l@h", "write ssh://user@name:port"),
        ("ssh://h:-p", "write ssh://user@name:port"),
        ("ssh://a;id@h", "write ssh://user@name:port"),
        ("ssh://h$(id)", "write ssh://user@name:port"),
        ("ssh://h`id`", "write ssh://user@name:port"),
        ("ssh://%h", "write ssh://user@name:port"),
        ("ssh://a b", "write ssh://user@name:port"),
        ("ssh://[::1", "write ssh://user@name:port"),
        ("ssh://[-o::1]", "write ssh://user@name:port"),
        ("ssh://h?x=1", "write ssh://user@name:port"),
        ("ssh://h/a b", "write ssh://user@name:port"),
        ("ssh://h/a:b", "write ssh://user@name:port"),
        ("ssh://h/%h/${HOME}", "write ssh://user@name:port"),
        ("ssh://h/a'b", "write ssh://user@name:port"),
        ("ssh://me:secret@h", "a password has no place in an ssh:// address"),
        ("ssh://h:0", "from 1 to 65535"),
        ("ssh://h:65536", "from 1 to 65535"),
        ("ssh://h\n", "invisible character"),
        ("tcp://me:secret@h:1", "no place in a tcp:// address"),
        ("tcp://h:0", "from 1 to 65535"),
        ("tcp://h:65536", "from 1 to 65535"),
        ("tcp://h:abc", "write tcp://name:port"),
        ("tcp://h:1/path", "write tcp://name:port"),
        ("tcp://h o:1", "write tcp://name:port"),
        ("npipe://docker", "write npipe:////./pipe/docker_engine"),
        ("unix:///a\x1b[201~b", "invisible character"),
        ("tcp://h\u202e:1", "invisible character"),
    ],
)
def test_a_wrong_address_is_refused_with_what_to_write(host, advice):
    """Whoever mistypes an address reads how to write it."""
    with pytest.raises(ProfileError) as caught:
        parse_host(host)
    assert advice in caught.value.message


@pytest.mark.parametrize("scheme", ["tcp", "ssh"])
def test_a_secret_in_an_address_is_not_repeated(scheme):
    """A password that somebody put into an address stands in no message."""
    with pytest.raises(ProfileError) as caught:
        parse_host(f"{scheme}://me:hunter2@h:1")
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("10s", 10), ("2m", 120), ("1.5s", 1.5), (3, 3), (0.25, 0.25)]
)
def test_a_duration_is_read_with_its_unit(text, seconds):
    """10s, 500ms and 2m mean what they say; a bare number is seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5x", "s", "-1s", "1 s", "1e3s", None, True, [1]])
def test_anything_else_is_no_duration(text):
    """A misspelt duration is refused, not guessed."""
    with pytest.raises(ProfileError, match="write it like"):
        parse_duration(text)


def test_a_remote_engine_is_asked_less_often_than_a_local_one():
    """Without settings a socket is watched every 5 s and a network engine every 10 s."""
    assert parse_health({}, parse_host("unix:///x")) == LOCAL_HEALTH == HealthSettings(5, 3, 0.5, 3)
    assert parse_health({}, parse_host("tcp://h")) == REMOTE_HEALTH == HealthSettings(10, 5, 0.5, 3)
    mixed = parse_health({"interval": "2s", "grace": 0}, parse_host("tcp://h"))
    assert mixed == HealthSettings(2, 5, 0.5, 0)


@pytest.mark.parametrize(("key", "value"), [("interval", "10ms"), ("timeout", 0), ("slow", "5m"), ("grace", 9999)])
def test_settings_that_would_hammer_or_sleep_are_refused(key, value):
    """No setting turns trayd into a flood or into a watcher that never looks."""
    with pytest.raises(ProfileError, match=f"'{key}' must be between"):
        parse_health({key: value}, parse_host("unix:///x"))


@pytest.mark.parametrize(
    ("host", "remote"),
    [
        ("unix:///x", False),
        ("npipe://", False),
        ("tcp://localhost", False),
        ("tcp://127.0.0.1", False),
        ("tcp://127.1.2.3", False),
        ("tcp://[::1]", False),
        ("tcp://127.0.0.1.example.com", True),
        ("tcp://192.168.99.100", True),
        ("ssh://localhost", True),
    ],
)
def test_an_engine_elsewhere_is_marked_remote(host, remote):
    """The remote mark stands for another machine, and only for that."""
    assert parse_host(host).remote is remote


def test_an_ssh_address_is_taken_apart_and_leaves_to_ssh_what_is_not_said():
    """Without a port ssh's own settings decide, without a path it is the usual socket; it is asked as a remote one."""
    whole = parse_host("ssh://me@build:2222/run/d.sock")
    assert (whole.user, whole.host, whole.port, whole.remote_socket) == ("me", "build", 2222, "/run/d.sock")
    assert (whole.login, whole.address, whole.socket) == ("ssh -p 2222 me@build", "build:2222", False)
    bare = parse_host("ssh://build")
    assert (bare.user, bare.port, bare.remote_socket, bare.login) == ("", 0, "/var/run/docker.sock", "ssh build")
    assert parse_health({}, bare) == REMOTE_HEALTH
    assert variables(Profile("p", whole))["DOCKER_HOST"] == "ssh://me@build:2222/run/d.sock"


def test_switching_leaves_nothing_of_the_last_engine():
    """Every DOCKER_* variable is either set by the profile or unset, and none is set to an empty text."""
    plain = variables(Profile("p", Endpoint("unix", path="/s"), env=(("COMPOSE_PROJECT_NAME", "demo"),)))
    assert plain.keys() == {*DOCKER_VARIABLES, "COMPOSE_PROJECT_NAME"}
    assert {name: value for name, value in plain.items() if value is not None} == {
        "DOCKER_HOST": "unix:///s",
        "COMPOSE_PROJECT_NAME": "demo",
    }
    secure = variables(Profile("s", Endpoint("tcp", host="h", port=2376, tls=TLS)))
    assert (secure["DOCKER_TLS_VERIFY"], secure["DOCKER_TLS"], secure["DOCKER_CERT_PATH"]) == ("1", None, "/certs")
    unverified = variables(Profile("u", Endpoint("tcp", host="h", port=2376, tls=Tls("/certs", verify=False))))
    assert (unverified["DOCKER_TLS_VERIFY"], unverified["DOCKER_TLS"]) == (None, "1")


def test_unset_forgets_everything_a_profile_set():
    """Unset clears the DOCKER_* variables and the profile's own ones."""
    profile = Profile("p", Endpoint("unix", path="/s"), env=(("COMPOSE_PROJECT_NAME", "demo"),))
    assert set(cleared(profile)) == {*DOCKER_VARIABLES, "COMPOSE_PROJECT_NAME"}
    assert set(cleared(profile).values()) == {None}


def test_a_synced_folder_applies_where_it_should():
    """A profile for one computer or system is left out on the others."""
    assert When().holds("linux", "anything")
    assert When(os=("linux", "windows")).holds("windows", "x")
    assert not When(os=("linux",)).holds("macos", "x")
    assert When(hostname=("ThinkPad",)).holds("linux", "thinkpad.fritz.box")
    assert not When(hostname=("thinkpad",)).holds("linux", "desktop")
