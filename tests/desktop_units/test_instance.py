"""One trayd per person, tried with real processes."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.poll import wait_until
from trayd.desktop import instance
from trayd.desktop.instance import InstanceError, acquire, holder, lock_path

# Takes the lock, says so, and holds it until its input ends.
HOLDER = """
import sys
from trayd.desktop.instance import acquire
lock = acquire()
print("got it" if lock else "refused", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """Another trayd that holds the lock."""
    process = start()
    yield process
    process.kill()
    process.communicate()


def start(**more: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(instance.__file__).parents[2])} | more,
    )
    assert process.stdout is not None
    process.said = process.stdout.readline().strip()  # type: ignore[attr-defined]
    return process


def said(process: subprocess.Popen[str]) -> str:
    return str(process.said)  # type: ignore[attr-defined]


def test_the_second_is_refused_and_told_who_is_first(other: subprocess.Popen[str]) -> None:
    """A second trayd learns that one runs, and its process number."""
    assert said(other) == "got it"
    assert acquire() is None
    assert holder() == other.pid


def test_the_first_does_not_lose_the_lock_by_being_asked(other: subprocess.Popen[str]) -> None:
    """Asking who runs, ten times over, leaves the one that runs in its right."""
    assert [holder() for _ in range(10)] == [other.pid] * 10
    assert acquire() is None


def test_kill_9_leaves_no_stale_lock(other: subprocess.Popen[str]) -> None:
    """After trayd was killed, the next one starts at once, without anything to clean up."""
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert Path(lock_path()).read_text() == f"{other.pid}\n"  # the number is still there and means nothing
    assert holder() is None
    with acquire() or pytest.fail("the lock is stale"):
        assert holder() == os.getpid()


def test_after_an_orderly_end_the_next_one_starts() -> None:
    """Quit and start again works, also within one process."""
    for _ in range(3):
        lock = acquire()
        assert lock is not None
        assert acquire() is None
        lock.release()
        assert holder() is None


def test_of_many_started_at_once_exactly_one_runs() -> None:
    """Ten clicks on the starter give one trayd."""
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(instance.__file__).parents[2])},
        )
        for _ in range(10)
    ]
    try:
        answers = [process.stdout.readline().strip() for process in crowd if process.stdout]
        assert sorted(answers) == ["got it", *["refused"] * 9]
    finally:
        for process in crowd:
            process.communicate("")


def test_a_program_that_trayd_started_does_not_keep_the_lock() -> None:
    """A terminal opened from trayd may outlive it without keeping the next trayd from starting."""
    lock = acquire()
    assert lock is not None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as child:
        lock.release()
        again = acquire()
        assert again is not None
        again.release()
        child.communicate(b"\n")


def test_the_lock_is_private() -> None:
    """Only its person can read the lock or enter its folder."""
    with acquire() or pytest.fail("not free"):
        path = Path(lock_path())
        assert path == Path(os.environ["XDG_RUNTIME_DIR"], "trayd", "trayd.lock")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("runtime", ["absent", "open to all", "a link"])
def test_an_unusable_runtime_folder_is_passed_over(
    runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the session has no folder that is safely one's own, the state folder takes the lock."""
    folder = tmp_path / "runtime"
    if runtime == "open to all":
        folder.mkdir()
        folder.chmod(0o777)
    elif runtime == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    with acquire() or pytest.fail("not free"):
        assert lock_path() == os.path.join(os.environ["XDG_STATE_HOME"], "trayd", "trayd.lock")
        assert stat.S_IMODE(Path(lock_path()).parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(Path(os.environ["XDG_STATE_HOME"]).stat().st_mode) == 0o700


def plant_link(path: Path) -> None:
    target = path.parent / "precious"
    target.write_text("do not touch")
    path.symlink_to(target)


def plant_second_name(path: Path) -> None:
    (path.parent / "precious").write_text("do not touch")
    os.link(path.parent / "precious", path)


def plant_foreign_file(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path.write_text("1\n")
    os.chown(path, 65534, 65534)


@pytest.mark.parametrize(
    "plant",
    [plant_link, plant_second_name, plant_foreign_file, os.mkfifo, Path.mkdir],
    ids=lambda plant: plant.__name__,
)
def test_what_is_not_our_own_plain_file_is_refused(plant, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A planted lock is refused in words, and what it points to is not touched."""
    path = tmp_path / "trayd.lock"
    plant(path)
    with pytest.raises(InstanceError) as refused:
        acquire(path)
    assert str(path) in refused.value.message
    assert refused.value.hint
    assert not isinstance(refused.value, OSError)
    assert holder(path) is None
    if (tmp_path / "precious").exists():
        assert (tmp_path / "precious").read_text() == "do not touch"


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    """Where no lock can be written, trayd says which file and what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InstanceError, match="cannot tell whether it already runs"):
        acquire(tmp_path / "file" / "trayd.lock")


def test_a_lock_whose_file_was_removed_keeps_the_next_one_honest(tmp_path: Path) -> None:
    """If a cleaner removes the lock between opening and locking, the file that stands there counts."""
    path = tmp_path / "trayd.lock"
    open_before = instance._open
    removed: list[Path] = []

    def open_and_remove(where: Path, flags: int) -> int:
        descriptor = open_before(where, flags)
        if not removed:
            removed.append(where)
            os.unlink(where)
        return descriptor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(instance, "_open", open_and_remove)
        lock = acquire(path)
    assert lock is not None
    assert removed
    assert acquire(path) is None
    lock.release()


def test_another_persons_trayd_does_not_count(tmp_path: Path) -> None:
    """Two people at one computer each have their own trayd."""
    (tmp_path / "a").mkdir(mode=0o700)
    (tmp_path / "b").mkdir(mode=0o700)
    first, second = (start(XDG_RUNTIME_DIR=str(tmp_path / name)) for name in "ab")
    try:
        assert (said(first), said(second)) == ("got it", "got it")
    finally:
        for process in (first, second):
            process.communicate("")
    wait_until(lambda: first.poll() is not None and second.poll() is not None)
