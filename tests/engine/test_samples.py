"""The sample profiles in config/, with nothing but their paths replaced, reach real engines."""

from pathlib import Path

import pytest

from tests.harness.tls import Authority
from trayd.config.computer import Computer
from trayd.config.profiles import load
from trayd.core.health import GOOD
from trayd.engine.survey import survey

pytestmark = pytest.mark.engine

SAMPLES = Path(__file__).parents[2] / "config"


def survey_sample(folder: Path, name: str, system: str, **replaced: str) -> list[object]:
    """Copy a sample into a profiles folder with some of its text replaced, and ask its engine."""
    text = (SAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in replaced.items():
        assert old in text, f"{name}.yaml has no {old}"
        text = text.replace(old, new)
    folder.mkdir()
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    loaded = load(str(folder), Computer(system, "here", str(folder)))
    assert loaded.problems == ()
    (profile,) = loaded.profiles
    assert profile.name == name
    return survey([profile])


@pytest.mark.parametrize(("name", "system"), [("ubuntu", "linux"), ("macos", "macos")])
def test_the_socket_samples_reach_an_engine(tmp_path, engine, name, system):
    """The samples for Ubuntu and macOS work as they are, given the path of the socket."""
    replaced = {"unix:///var/run/docker.sock": engine.unix_url}
    (found,) = survey_sample(tmp_path / "profiles", name, system, **replaced)
    assert found.health.state in GOOD
    assert found.info.version


def test_the_docker_toolbox_sample_reaches_an_engine_over_tls(tmp_path, dockerd):
    """The sample for Windows with docker-toolbox works with certificates as docker-machine makes them."""
    authority = Authority(tmp_path / "ca", style="docker-machine")
    toolbox = dockerd(tcp=True, tls=authority.server(), unix=False)
    certs = authority.client()
    replaced = {"tcp://192.168.99.100:2376": toolbox.tcp_url, "~/.docker/machine/certs": str(certs)}
    (found,) = survey_sample(tmp_path / "profiles", "windows-docker-toolbox", "windows", **replaced)
    assert found.health.state in GOOD, found.health.diagnosis
    assert found.info.name
