"""Another engine at the old address, seen from a terminal and in the running tray."""

import json
from pathlib import Path

import pytest

from tests.harness.desktop import PrivateBus
from tests.harness.host import Host
from tests.harness.poll import wait_until
from tests.harness.program import Trayd

pytestmark = [pytest.mark.engine, pytest.mark.tray]


def own_id(path: Path) -> str:
    """An option that gives an engine an ID of its own: dockerd 20.10 takes it from a key that all share otherwise."""
    path.with_suffix(".json").write_text(json.dumps({"deprecated-key-path": f"{path}.key"}))
    return f"--config-file={path}.json"


def test_a_machine_made_anew_is_said_everywhere_and_accepted_once(dockerd, tmp_path) -> None:
    """The tray learns the engine; another one in its place is told by menu, status and env until it is accepted."""
    first, second = (dockerd(own_id(tmp_path / name)) for name in ("one", "two"))
    link = tmp_path / "docker.sock"
    link.symlink_to(first.socket)
    with PrivateBus() as bus, Host(bus.address) as host:
        trayd = Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)
        trayd.profile("office", f"host: unix://{link}\n")
        engines = trayd.home / ".local/state/trayd/engines.json"
        with trayd:
            wait_until(lambda: engines.exists() and "office" in engines.read_text(), what="the engine's identity")
            assert "⚠" not in trayd.say("status").stdout
            first.close()
            link.unlink()
            link.symlink_to(second.socket)
            wait_until(lambda: host.entry("It is the right one"), 20, "the word in the menu")
            assert "another engine answers" in trayd.say("env", "office").stderr
            assert "another engine answers" in trayd.say("status").stdout
            told = json.loads(trayd.say("status", "--json").stdout)
            assert told["profiles"][0]["another_engine"] is True
            assert trayd.say("use", "office", "--accept").returncode == 0
            wait_until(lambda: "It is the right one" not in str(host.labels()), what="the menu without the word")
            assert "⚠" not in trayd.say("status").stdout
            assert trayd.say("env", "office").stderr == ""
