"""The log of the running tray, and `trayd log`: what is in it, what is not, and what happens when it cannot be."""

import os
import re
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.program import environment, read_only, trayd
from tests.harness.desktop import PrivateBus
from tests.harness.host import Host
from tests.harness.poll import wait_until
from tests.harness.program import Trayd
from trayd import logfile
from trayd.core.journal import failure
from trayd.journal import Journal
from trayd.logfile import LogFile, last_lines

pytestmark = pytest.mark.tray

SECRET = "hunter2"
QUICK = "health: {interval: 1s, timeout: 1s, grace: 1s}\n"


def log() -> Path:
    return Path(os.environ["XDG_STATE_HOME"], "trayd", "trayd.log")


def text() -> str:
    return log().read_text(encoding="utf-8") if log().exists() else ""


@pytest.fixture
def running(bus: PrivateBus) -> Trayd:
    return Trayd(DBUS_SESSION_BUS_ADDRESS=bus.address)


def test_a_day_of_the_tray_is_in_the_log(bus: PrivateBus, running: Trayd) -> None:
    """Start, panel, watches, states with codes, a switch and the end are lines with the time, in a private file."""
    running.profile("office", f"host: unix:///nowhere.sock\n{QUICK}")
    with Host(bus.address), running:
        wait_until(lambda: "office: unreachable [socket_missing]" in text(), what="the state in the log")
        running.profile("lab", f"host: tcp://127.0.0.1:9\n{QUICK}")
        wait_until(lambda: "lab: unreachable [refused]" in text(), what="the new profile in the log")
        assert running.say("use", "lab").returncode == 0
        wait_until(lambda: "active profile: lab" in text(), what="the switch in the log")
        (running.profiles / "office.yaml").unlink()
        wait_until(lambda: "office: not watched any more" in text(), what="the removed profile in the log")
        assert running.stop() == 0
    lines = text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}  \S", line) for line in lines), lines
    assert "  start: trayd 0." in lines[0]
    assert any(line.endswith("tray: a panel shows the icon") for line in lines)
    assert any(line.endswith("office: watched, unix (file)") for line in lines)
    assert lines[-1].endswith("  end")
    assert stat.S_IMODE(log().stat().st_mode) == 0o600
    assert stat.S_IMODE(log().parent.stat().st_mode) == 0o700


def test_trayd_log_prints_it(bus: PrivateBus, running: Trayd) -> None:
    """`trayd log` prints the last lines on stdout, its path on stderr; --path only that; without a log it says so."""
    told = trayd("log")
    assert (told.returncode, told.stdout) == (1, "")
    assert "there is no log yet" in told.stderr
    with running:
        wait_until(lambda: "tray: no panel" in text(), what="a line")
        assert trayd("log", "--path").stdout == f"{log()}\n"
        running.stop()
    told = trayd("log", "-n", "1")
    assert (told.returncode, told.stderr) == (0, f"{log()}\n")
    assert told.stdout.endswith("  end\n")
    assert told.stdout.count("\n") == 1


def test_follow_prints_what_comes_also_after_a_rotation() -> None:
    """`trayd log --follow` goes on with a log that begins anew."""
    file = LogFile(str(log()), most=60)
    file.write("first\n")
    command = [sys.executable, "-m", "trayd", "log", "--follow"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as following:
        try:
            assert following.stdout is not None
            assert following.stdout.readline() == "first\n"
            seen: list[str] = []
            threading.Thread(target=lambda: seen.extend(iter(following.stdout.readline, "")), daemon=True).start()
            for number in range(20):
                file.write(f"line {number}\n")
                wait_until(lambda number=number: f"line {number}\n" in seen, what=f"line {number}")
        finally:
            following.kill()
    file.close()


def test_verbose_says_it_on_stderr_too(bus: PrivateBus) -> None:
    """`trayd -v` is `trayd run -v`: the same words on stderr."""
    program = Trayd("-v", DBUS_SESSION_BUS_ADDRESS=bus.address)
    program.profile("office", f"host: unix:///nowhere.sock\n{QUICK}")
    with Host(bus.address), program:
        wait_until(lambda: "office: unreachable [socket_missing]" in program.output(), what="the state on stderr")
        assert "tray: a panel shows the icon" in program.output()
        program.stop()


def test_nothing_secret_is_in_the_log(bus: PrivateBus, running: Trayd) -> None:
    """Hosts, passwords, certificate paths and variables are not in it; names of profiles are."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    tls = f"tls: {{cert_path: /srv/{SECRET}/certs}}\n"
    running.profile("office", f"host: tcp://127.0.0.1:{port}\nenv: {{TOKEN: {SECRET}}}\n{tls}{QUICK}")
    running.profile("lab", f"host: tcp://127.0.0.1:{port}\nenv: {{TOKEN: {SECRET}}}\n{QUICK}")
    running.profile("gone", f"host: unix:///srv/{SECRET}.sock\n{QUICK}")
    running.profile("login", f"host: tcp://me:{SECRET}@{SECRET}.example:2376\n")
    secret = {"DOCKER_HOST": f"tcp://{SECRET}", "MY_TOKEN": SECRET, "DISPLAY": f"/{SECRET}:1"}
    program = Trayd("run", "-v", DBUS_SESSION_BUS_ADDRESS=bus.address, **secret)
    with Host(bus.address) as host, program:
        for line in ("office: unreachable [", "lab: unreachable [refused]", "gone: unreachable ["):
            wait_until(lambda line=line: line in text(), what=line)
        host.click("Copy environment", "sh, bash, zsh")  # there is no screen: it fails, and is told
        wait_until(lambda: "told: " in text(), what="the failed copy in the log")
        program.stop()
    assert "problems in files: 1" in text()
    for word in (SECRET, "127.0.0.1", str(port), os.environ["HOME"]):
        assert word not in text()


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("cannot reach tcp://me:pw@host.example:1", "cannot reach …"),
        ("Saving failed: /home/zoe/.config/x: Permission denied", "Saving failed: ~/.config/x: Permission denied"),
        ("no file /srv/customer/key.pem.", "no file a place of your own"),
        ("10.1.2.3 refused\nx\x1b[1m", "… refused x [1m"),
    ],
)
def test_a_failures_title_is_shown_without_addresses_and_places(title: str, shown: str) -> None:
    """What a sentence of ours names stays out of the log."""
    assert failure(title, "/home/zoe") == shown


def test_a_read_only_home_changes_nothing_but_the_log() -> None:
    """Where the log cannot be written, a command ends as it would, and nobody is told of it."""
    home = Path(os.environ["HOME"])
    code = (
        "from trayd.journal import Journal; j = Journal(); j.host(True); j.host(False); j.stop(); "
        "from trayd.logfile import LogFile; LogFile('/dev/full').write('x'); LogFile('/proc/no/x').write('x');"
        "print('well')"
    )
    told = read_only(home, "log")
    assert (told.returncode, told.stdout) == (1, "")
    log().parent.parent.mkdir(parents=True)
    log().parent.write_text("not a folder")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("well\n", "")


def test_a_full_disk_is_survived_and_the_log_goes_on(tmp_path: Path) -> None:
    """While there is no room lines are lost; with room the next ones are written."""
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    code = (
        "import os; from trayd.logfile import LogFile; os.chdir('/mnt'); f = LogFile('/mnt/trayd.log');"
        "[f.write('x' * 999 + '\\n') for _ in range(200)]; os.unlink('/mnt/ballast'); f.write('again\\n');"
        "print(open('/mnt/trayd.log').read()[-6:])"
    )
    script = 'mount -t tmpfs -o size=64k t /mnt && head -c 40000 /dev/zero >/mnt/ballast && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("again", "")


def test_the_log_is_bounded_and_private(tmp_path: Path) -> None:
    """A flapping engine fills two files and no more; the newest lines are kept, and nobody else reads them."""
    path = tmp_path / "state" / "trayd.log"
    file = LogFile(str(path), most=10_000)
    for number in range(5_000):
        file.write(f"{number:04d} flapping\n")
    file.close()
    assert sorted(os.listdir(path.parent)) == ["trayd.log", "trayd.log.1"]
    assert all(stat.S_IMODE(part.stat().st_mode) == 0o600 for part in path.parent.iterdir())
    assert sum(part.stat().st_size for part in path.parent.iterdir()) <= 20_000
    assert last_lines(str(path), 2) == ["4998 flapping", "4999 flapping"]
    kept = last_lines(str(path), 10_000)
    assert [int(line[:4]) for line in kept] == list(range(5_000 - len(kept), 5_000))
    assert len(kept) > 600


def test_the_log_is_not_written_through_a_link_or_into_a_pipe(tmp_path: Path) -> None:
    """What stands in the log's place and is no file is left alone, and keeps nobody waiting."""
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / "trayd.log").symlink_to(other)
    LogFile(str(tmp_path / "trayd.log")).write("x\n")
    assert other.read_text() == "mine"
    os.mkfifo(tmp_path / "pipe")
    LogFile(str(tmp_path / "pipe")).write("x\n")


def test_a_removed_log_begins_anew(tmp_path: Path) -> None:
    """A log that a person removes while trayd runs is there again with the next line."""
    path = tmp_path / "trayd.log"
    file = LogFile(str(path))
    file.write("one\n")
    path.unlink()
    file.write("two\n")
    file.close()
    assert path.read_text() == "two\n"


def test_a_disk_that_hangs_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a write does not come back, telling costs nothing, and what does not fit into the queue is dropped."""
    held = threading.Event()
    monkeypatch.setattr(logfile.LogFile, "write", lambda *_: held.wait(30))
    journal = Journal()
    for number in range(5_000):
        journal.tell(f"line {number}")
    assert journal._lines.qsize() <= 1000
    journal.stop()  # waits a second at most
    held.set()


def test_a_bug_leaves_a_line_in_the_log() -> None:
    """A command's bug is in the log with the name of its report, and nothing of what was typed."""
    code = (
        "import sys, trayd.choosing as c\n"
        "def broken(): raise KeyError('x')\n"
        "c.load = broken\n"
        f"from trayd.cli import main\nsys.exit(main(['env', '{SECRET}']))"
    )
    told = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, timeout=60)
    assert told.returncode == 3
    assert text().endswith("  trayd env: a bug, its report is in crash.log\n")
    assert SECRET not in text()
