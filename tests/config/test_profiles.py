"""Profile files as a person writes them: the good ones, the broken ones, and the samples we ship."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from tests.harness.speaking import speaking
from trayd.config.computer import Computer
from trayd.config.contexts import Context
from trayd.config.discovery import load as discover
from trayd.config.machines import Machine
from trayd.config.profiles import Stores, load
from trayd.core.messages import Problem
from trayd.core.profile import Tls, parse_host

HERE = Computer("linux", "thinkpad.example", "/home/ann")
STORES = Stores(
    (
        Context("desktop-linux", "unix:///home/ann/.docker/desktop/docker.sock"),
        Context("remote", "tcp://h:99999"),
    ),
    (Machine("default", "tcp://192.168.99.100:2376", "/certs"),),
    (Problem("/meta.json", 0, "'Host' has the wrong type", "context broken"),),
)
SAMPLES = Path(__file__).parents[2] / "config"


@pytest.fixture
def folder(tmp_path):
    """A profiles folder, written by keyword: name="text"."""

    class Folder(type(tmp_path)):
        pass

    path = tmp_path / "profiles"
    path.mkdir()

    def write(**files):
        for name, text in files.items():
            (path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return load(str(path), HERE, STORES)

    write.path = path
    return write


def test_a_file_is_a_profile_with_its_name(folder):
    """office.yaml is the profile office, with everything it says."""
    loaded = folder(
        office="""\
host: tcp://build.example:2376
tls:
  cert_path: ~/.docker/office
env: {COMPOSE_PROJECT_NAME: demo}
health: {interval: 20s, timeout: 2, slow: 500ms, grace: 1m}
protected: true
"""
    )
    assert loaded.problems == ()
    (profile,) = loaded.profiles
    assert (profile.name, profile.source, profile.protected) == ("office", "file", True)
    assert profile.endpoint == parse_host("tcp://build.example:2376", Tls("/home/ann/.docker/office"))
    assert profile.env == (("COMPOSE_PROJECT_NAME", "demo"),)
    health = profile.health
    assert (health.interval, health.timeout, health.slow, health.grace) == (20, 2, 0.5, 60)


def test_without_any_file_the_local_engine_appears(folder):
    """A newcomer sees the engine on this computer without writing anything."""
    (profile,) = discover(str(folder.path), HERE, {"TRAYD_DISCOVER": "none"}).profiles
    assert (profile.name, profile.source, profile.endpoint.url) == ("local", "local", "unix:///var/run/docker.sock")
    assert discover(str(folder.path / "missing"), HERE, {"TRAYD_DISCOVER": "none"}).profiles == (profile,)


def test_a_rootless_engine_is_found_where_it_listens(folder, monkeypatch):
    """Where only a rootless engine runs, its socket is the local engine."""
    if os.path.exists("/var/run/docker.sock"):
        pytest.skip("this computer has the usual socket")
    socket = Path(os.environ["XDG_RUNTIME_DIR"]) / "docker.sock"
    socket.touch()
    assert discover(str(folder.path), HERE, os.environ).profiles[0].endpoint.path == str(socket)


def test_all_problems_of_all_files_are_told_at_once(folder):
    """A person mends everything in one go: file, line, what is wrong, and what was meant."""
    loaded = folder(
        good="host: unix:///x\n",
        office="host: tcp://h:2376\ntls:\n  cert_pth: x\nhealt: {}\n",
        lab="host: no\nenv: {A: 1.40}\n",
    )
    assert [str(problem) for problem in loaded.problems] == [
        "lab.yaml:1: 'host' must be text, and YAML reads no as false: write it in quotes: 'no'",
        "lab.yaml:2: 'A' must be text, and YAML reads 1.40 as 1.4: write it in quotes: '1.40'",
        "office.yaml:2: 'cert_path' is missing under 'tls': write for example  cert_path: ~/.docker/office",
        "office.yaml:3: unknown key 'cert_pth' (did you mean 'cert_path'?)",
        "office.yaml:4: unknown key 'healt' (did you mean 'health'?)",
    ]
    assert [profile.name for profile in loaded.profiles] == ["good"]
    assert loaded.broken == {"lab", "office"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "bad.yaml:1: the file is empty: write for example  host: unix:///var/run/docker.sock"),
        (
            "- host: x\n",
            "bad.yaml:1: this is not a profile: write keys with values, such as  host: unix:///var/run/docker.sock",
        ),
        ("host:\n", "bad.yaml:1: 'host' is empty: it must be text"),
        ("env: {}\n", "bad.yaml:1: 'host' is missing: write for example  host: unix:///var/run/docker.sock"),
        ("host: unix:///x\nhost: unix:///y\n", "bad.yaml:2: the key 'host' stands here a second time"),
        (
            "host: unix:///x\nhealth: {interval: 5x}\n",
            "bad.yaml:2: 'interval' is '5x': write a duration like 500ms, 10s or 2m",
        ),
        ("host: unix:///x\nhealth: {interval: 1ms}\n", "bad.yaml:2: 'interval' must be between 1s and 3600s, not 1ms"),
        ("host: unix:///x\nhealth:\n  slow: -1\n", "bad.yaml:3: 'slow' must be at least 0, not -1"),
        ("host: unix:///x\nwhen: {os: linux}\n", "bad.yaml:2: 'os' must be a list: write [linux]"),
        (
            "host: unix:///x\nwhen: {os: [linus]}\n",
            "bad.yaml:2: entry 1 of 'os' must be one of linux, macos, windows, not 'linus' (did you mean 'linux'?)",
        ),
        (
            "host: unix:///x\nenv: {DOCKER_HOST: y}\n",
            "bad.yaml:2: 'DOCKER_HOST': not a variable's name, or one that host and tls set themselves",
        ),
        ('host: unix:///x\nenv:\n  A: "a\\eb"\n', "bad.yaml:3: 'A' contains an invisible character (U+001B)"),
        ("host: unix:///x\ntls: {cert_path: y}\n", "bad.yaml:2: tls has no meaning for unix://: remove it"),
        ("host: ssh://h\ntls: {cert_path: y}\n", "bad.yaml:2: tls has no meaning for ssh://: remove it"),
        (
            "host: ssh://-oProxyCommand=id\n",
            "bad.yaml:1: this is not an ssh:// address: write ssh://user@name:port/path/of/the.sock, of which only the "
            "name is needed, with plain letters, digits, dots and dashes",
        ),
        ("host: http://h:1\n", "bad.yaml:1: write tcp://h:1 instead of http://h:1"),
        (
            "context: desktop-linx\n",
            "bad.yaml:1: there is no Docker context 'desktop-linx' (did you mean 'desktop-linux'?)",
        ),
        ("health: {}\nmachine: lab\n", "bad.yaml:2: there is no docker-machine machine 'lab'"),
        ("context: remote\n", "bad.yaml:1: there is no port 99999: it must be from 1 to 65535"),
        ("context: broken\n", "bad.yaml:1: the context 'broken' cannot be used: 'Host' has the wrong type"),
        (
            "context: desktop-linux\ntls: {cert_path: x}\n",
            "bad.yaml:2: 'tls' goes with 'host' only: remove it",
        ),
        (
            "host: unix:///x\ncontext: lab\n",
            "bad.yaml:2: only one of host, context, machine can stand here: remove host or context",
        ),
    ],
)
def test_each_mistake_has_its_sentence(folder, text, told):
    """A wrong file says what is wrong, where, and what to write."""
    assert told in [str(problem) for problem in folder(bad=text).problems]


def test_a_problem_in_another_language_keeps_its_file_line_and_key(folder, tmp_path):
    """The sentence is translated as a whole; what stands in the file stands in it as it is, braces too."""
    texts = {
        "unknown key '{key}'{suggestion}": "未知的键“{key}”{suggestion}",
        " (did you mean '{word}'?)": "（是不是想用“{word}”？）",
        "{key} is {value}: {hint}": "{key}的值是 {value}：{hint}",
        "'{key}'": "“{key}”",
        "write a duration like 500ms, 10s or 2m": "请将时长写成 500ms、10s 或 2m 这样的形式",
    }
    with speaking(texts):
        loaded = folder(bad="host: unix:///x\nhots: y\n'{key}': z\nhealth: {slow: '{value}'}\n")
    assert [str(problem) for problem in loaded.problems] == [
        "bad.yaml:2: 未知的键“hots”（是不是想用“host”？）",
        "bad.yaml:3: 未知的键“{key}”",
        "bad.yaml:4: “slow”的值是 '{value}'：请将时长写成 500ms、10s 或 2m 这样的形式",
    ]


def test_a_broken_context_is_told_in_another_language_too(tmp_path):
    """A file that names it finds what is wrong with it, whatever a context is called in that language."""
    broken = tmp_path / ".docker" / "contexts" / "meta" / sha256(b"lab").hexdigest()
    broken.mkdir(parents=True)
    (broken / "meta.json").write_text('{"Name": "lab", "Endpoints": {"docker": {"Host": 1}}}')
    (tmp_path / "office.yaml").write_text("context: lab\n")
    with speaking({"context {name}": "上下文 {name}", "'{key}' has the wrong type": "“{key}”的类型不正确"}):
        loaded = discover(str(tmp_path), Computer("linux", "pc", str(tmp_path)), {})
    assert [str(problem) for problem in loaded.problems] == [
        "office.yaml:1: the context 'lab' cannot be used: “Host”的类型不正确",
        "上下文 lab: “Host”的类型不正确",
    ]


def test_a_file_may_name_a_context_or_a_machine_and_add_to_it(folder):
    """`context:` and `machine:` stand for an address with its TLS; env and health are the file's."""
    loaded = folder(
        a="context: desktop-linux\nenv: {A: b}\nhealth: {interval: 20s}\n",
        b="machine: default\n",
        c="context: default\n",
    )
    assert loaded.problems == ()
    desktop, machine, default = loaded.profiles
    assert (desktop.endpoint.path, desktop.context) == ("/home/ann/.docker/desktop/docker.sock", "desktop-linux")
    assert (desktop.env, desktop.health.interval, desktop.source) == ((("A", "b"),), 20, "file")
    assert machine.endpoint == parse_host("tcp://192.168.99.100:2376", Tls("/certs"))
    assert (machine.machine, default.endpoint.path) == ("default", "/var/run/docker.sock")


def test_a_profile_for_another_computer_is_left_out_in_silence(folder):
    """A folder that is synchronized between computers shows on each what belongs there."""
    loaded = folder(
        here="host: unix:///a\nwhen: {os: [linux], hostname: [thinkpad]}\n",
        there="host: unix:///b\nwhen: {hostname: [desktop]}\n",
        windows="host: npipe://\nwhen: {os: [windows]}\n",
    )
    assert [profile.name for profile in loaded.profiles] == ["here"]
    assert loaded.problems == ()


def test_relative_and_home_paths_of_certificates_are_made_absolute(folder):
    """cert_path may start with ~ or at the profile's own folder."""
    loaded = folder(a="host: tcp://h\ntls: {cert_path: certs/a}\n", b="host: tcp://h\ntls: {cert_path: '~'}\n")
    assert [p.endpoint.tls.cert_path for p in loaded.profiles] == [str(folder.path / "certs" / "a"), "/home/ann"]


@pytest.mark.parametrize("name", ["-rf.yaml", "a\x1bb.yaml", "x" * 65 + ".yaml", "name .yaml"])
def test_a_file_with_a_hostile_name_is_a_problem_not_a_profile(folder, name):
    """A name that a shell or a terminal would misunderstand is refused."""
    (folder.path / name).write_text("host: unix:///x\n")
    loaded = folder()
    assert len(loaded.problems) == 1
    assert str(loaded.problems[0]).isprintable() or "\x1b" in name
    assert loaded.profiles == ()


def test_editors_leftovers_are_not_profiles(folder):
    """Swap files, backups and hidden files are ignored."""
    for name in (".office.yaml.swp", "office.yaml~", "#office.yaml#", ".hidden.yaml", "README.md"):
        (folder.path / name).write_text("garbage: [")
    assert folder().problems == ()


def test_two_files_for_one_name_are_told(folder):
    """office.yaml and office.yml cannot both be the profile office."""
    (folder.path / "office.yml").write_text("host: unix:///y\n")
    loaded = folder(office="host: unix:///x\n")
    assert "there is another file for the profile 'office'" in str(loaded.problems[0])
    assert [profile.endpoint.path for profile in loaded.profiles] == ["/x"]
    assert loaded.broken == frozenset()


def test_a_file_that_others_may_write_is_refused(folder):
    """Whoever can write a profile decides where docker goes, so that must be its owner."""
    folder(office="host: unix:///x\n")
    (folder.path / "office.yaml").chmod(0o666)
    assert "everybody may write this file: chmod o-w" in str(folder().problems[0])


def test_odd_things_in_the_folder_do_not_stop_the_rest(folder):
    """A pipe, a folder, a dead link and a loop among the files cost a sentence each, and nothing hangs."""
    os.mkfifo(folder.path / "pipe.yaml")
    (folder.path / "folder.yaml").mkdir()
    (folder.path / "dead.yaml").symlink_to("nowhere")
    (folder.path / "loop.yaml").symlink_to("loop.yaml")
    loaded = folder(good="host: unix:///x\n")
    assert [profile.name for profile in loaded.profiles] == ["good"]
    assert len(loaded.problems) == 4


def test_a_symbolic_link_to_a_profile_is_a_profile(folder, tmp_path):
    """Profiles may live in a repository of dotfiles."""
    (tmp_path / "dotfiles.yaml").write_text("host: unix:///x\n")
    (folder.path / "office.yaml").symlink_to(tmp_path / "dotfiles.yaml")
    assert [profile.name for profile in folder().profiles] == ["office"]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.name)
@pytest.mark.parametrize("system", ["linux", "macos", "windows"])
def test_the_samples_are_profiles(path, system):
    """Each sample in config/ is valid on every system, and is used on the one it is for."""
    loaded = load(str(SAMPLES), Computer(system, "x", "/home/ann"))
    assert loaded.problems == ()
    assert {profile.name for profile in loaded.profiles} <= {path.stem for path in SAMPLES.glob("*.yaml")}
