"""trayd and the guard of its ssh killed in the same moment, which leaves nobody to end that ssh."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.dockerd import Dockerd
from tests.harness.need import find, need
from tests.harness.poll import wait_until
from tests.harness.program import Trayd, wait_for_line
from tests.harness.sshd import Sshd, clients

pytestmark = pytest.mark.engine

Start = Callable[..., Dockerd]


def folders() -> list[Path]:
    return list(Path(os.environ["XDG_RUNTIME_DIR"], "trayd").glob("ssh-*"))


def kill_together(program: Trayd, sshd: Sshd) -> None:
    """SIGKILL for trayd and the guard; trayd stands still before, so that it cannot do the guard's work."""
    (guard,) = [process for process in clients(sshd) if process.program == "sh"]
    os.kill(program.pid, signal.SIGSTOP)
    os.kill(guard.pid, signal.SIGKILL)
    os.kill(program.pid, signal.SIGKILL)
    program.ended()


def watching(sshd: Sshd, engine: Dockerd, **environ: str) -> Trayd:
    program = Trayd("status", "--watch", **environ)
    program.profile("office", f"host: {sshd.url(engine.socket)}\nhealth: {{interval: 1s, timeout: 5s}}\n")
    return program


def age() -> None:
    """Let the folders be a minute old, which is long enough to be sure that nobody is just making them."""
    for folder in folders():
        os.utime(folder, (time.time() - 60,) * 2)


def test_the_kernel_ends_an_ssh_without_its_guard(sshd: Sshd, dockerd: Start) -> None:
    """ssh and its session end with the guard, with nobody's help; the next tunnel removes the folder."""
    need("setpriv", "sudo apt-get install util-linux")
    engine = dockerd()
    with watching(sshd, engine) as program:
        wait_for_line(program, "office reachable")
        kill_together(program, sshd)
        wait_until(lambda: not clients(sshd), 5, "the end of ssh")
        wait_until(lambda: len(sshd.sessions()) == 1, 5, "the end of its session")
    assert len(folders()) == 1
    age()
    assert "reachable" in program.say("status").stdout
    wait_until(lambda: not folders(), 5, "the end of its folder")


def test_the_next_tunnel_ends_what_the_kernel_did_not(sshd: Sshd, dockerd: Start, tmp_path: Path) -> None:
    """On a system that cannot tie them together, an ssh that was left ends with the next tunnel; a living one stays."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("rm", "rmdir", "sleep"):  # what the guard uses; no setpriv
        (tools / name).symlink_to(find(name) or pytest.fail(name))
    path = f"{sshd.client()}{os.pathsep}{tools}"
    assert shutil.which("setpriv", path=path) is None
    engine = dockerd()
    with watching(sshd, engine, PATH=path) as program:
        wait_for_line(program, "office reachable")
        (left,) = [process for process in clients(sshd) if process.program == "ssh"]
        kill_together(program, sshd)
    assert left.pid in [process.pid for process in clients(sshd)], "it is tied after all"
    with watching(sshd, engine, PATH=path) as program:
        wait_for_line(program, "office reachable")
        assert left.pid in [process.pid for process in clients(sshd)], "a young folder was taken for a left one"
        age()
        assert "reachable" in program.say("status").stdout
        wait_until(lambda: left.pid not in [process.pid for process in clients(sshd)], 5, "the end of the old ssh")
        wait_until(lambda: len(folders()) == 1, 5, "the living trayd's folder alone")
        wait_until(lambda: len(clients(sshd)) == 2, 5, "the living trayd's own ssh and its guard")
        assert program.output().count("office reachable") == 1
