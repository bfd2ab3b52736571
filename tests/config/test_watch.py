"""Changes of files and folders are told, however they come about, and nothing else is."""

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from tests.harness.poll import wait_until
from trayd.config import watch as module
from trayd.config.memory import Memory, memory_file, remember
from trayd.config.watch import FileWatch


class Told:
    """Counts the calls of one watched path."""

    def __init__(self, watch: FileWatch, path: Path) -> None:
        self.times: list[float] = []
        self.path = path
        watch.watch(path, str(path), lambda: self.times.append(time.monotonic()))

    def after(self, change: Callable[[], object], seconds: float = 2.0) -> float:
        """Make a change, wait until it is told, and say how long that took."""
        before = len(self.times)
        start = time.monotonic()
        change()
        wait_until(lambda: len(self.times) > before, seconds, f"news of {self.path}", every=0.002)
        return self.times[before] - start


@pytest.fixture
def watch() -> Iterator[FileWatch]:
    """A watch whose threads and files are gone when the test has ended."""
    threads, files = set(threading.enumerate()), len(os.listdir("/proc/self/fd"))
    made = FileWatch()
    yield made
    made.stop()
    wait_until(lambda: not set(threading.enumerate()) - threads, 3, "the end of the watch's threads")
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= files, 3, "the closing of the watch's files")


def quiet(told: Told, marker: Told) -> None:
    """Show that nothing was told of a path: a change that is made now is told, and nothing else before it."""
    before = len(told.times)
    marker.after(marker.path.touch)
    assert len(told.times) == before


def test_a_file_that_does_not_exist_yet_is_told_when_it_comes(watch: FileWatch, tmp_path: Path) -> None:
    """An engine's socket, or the first choice of a profile, is noticed as it is made, changed and removed."""
    told = Told(watch, tmp_path / "state.json")
    assert told.after(lambda: told.path.write_text("1")) < 0.3
    assert told.after(lambda: told.path.write_text("2")) < 0.3
    assert told.after(lambda: told.path.unlink()) < 1.0
    assert told.after(lambda: told.path.write_text("3")) < 0.3


def test_a_folder_that_does_not_exist_yet_is_told_when_it_comes(watch: FileWatch, tmp_path: Path) -> None:
    """On a new computer the profiles folder is made after trayd has started; its first file is noticed."""
    told = Told(watch, tmp_path / "config" / "deep" / "trayd")
    told.after(lambda: told.path.mkdir(parents=True))
    assert told.after(lambda: (told.path / "office.yaml").write_text("host: x")) < 0.3


def test_a_file_in_a_folder_that_does_not_exist_yet(watch: FileWatch, tmp_path: Path) -> None:
    """The state folder is made together with the first choice."""
    told = Told(watch, tmp_path / "state" / "trayd" / "state.json")

    def choose() -> None:
        told.path.parent.mkdir(parents=True)
        told.path.write_text("{}")

    told.after(choose)
    # The file may have come before its folder was watched; whoever reads it now reads it whole.
    wait_until(lambda: told.times and told.path.read_text() == "{}", what="the file")
    assert told.after(lambda: told.path.write_text("{ }")) < 0.3


def test_a_file_that_is_replaced_in_one_step_is_told(watch: FileWatch) -> None:
    """What trayd itself writes, under a temporary name and renamed, is noticed at once."""
    remember(Memory("office"))
    told = Told(watch, Path(memory_file()))
    for name in ("lab", "office", "lab"):
        assert told.after(lambda name=name: remember(Memory(name))) < 0.2


def test_an_editors_way_of_saving_is_told(watch: FileWatch, tmp_path: Path) -> None:
    """An editor that keeps a backup and writes a new file is noticed, file by file and in a folder."""
    file = tmp_path / "office.yaml"
    file.write_text("1")
    one, all_of_them = Told(watch, file), Told(watch, tmp_path)

    def save() -> None:
        file.rename(tmp_path / "office.yaml~")
        file.write_text("2")

    one.after(save)
    wait_until(lambda: all_of_them.times, 2, "news of the folder")


def test_a_folder_behind_a_link_is_told(watch: FileWatch, tmp_path: Path) -> None:
    """A profiles folder that lives in a repository of dotfiles works, also when the link is turned elsewhere."""
    one, two, link = tmp_path / "dotfiles" / "one", tmp_path / "dotfiles" / "two", tmp_path / "place" / "trayd"
    for folder in (one, two, link.parent):
        folder.mkdir(parents=True)
    link.symlink_to(one)
    told = Told(watch, link)
    assert told.after(lambda: (one / "office.yaml").write_text("host: x")) < 0.3

    def turn() -> None:
        new = tmp_path / "place" / "new"
        new.symlink_to(two)
        new.replace(link)

    told.after(turn)
    assert told.after(lambda: (two / "lab.yaml").write_text("host: x")) < 0.3


def test_a_linked_file_is_told_when_it_is_edited_at_its_target(watch: FileWatch, tmp_path: Path) -> None:
    """A profile that is a link into another folder is noticed when the file there is saved, in either way."""
    folder, elsewhere = tmp_path / "trayd", tmp_path / "dotfiles"
    folder.mkdir()
    elsewhere.mkdir()
    target = elsewhere / "office.yaml"
    target.write_text("1")
    (folder / "office.yaml").symlink_to(target)
    told, single = Told(watch, folder), Told(watch, folder / "office.yaml")
    assert told.after(lambda: target.write_text("2")) < 0.3

    def replace() -> None:
        (elsewhere / "new").write_text("3")
        (elsewhere / "new").replace(target)

    assert told.after(replace) < 0.3
    wait_until(lambda: len(single.times) >= 2, 2, "news of the link itself")
    # A link that is made later is followed too.
    (elsewhere / "lab.yaml").write_text("1")
    told.after(lambda: (folder / "lab.yaml").symlink_to(elsewhere / "lab.yaml"))
    assert told.after(lambda: (elsewhere / "lab.yaml").write_text("2")) < 0.3


@pytest.mark.parametrize("way", ["removed", "renamed"])
def test_a_folder_that_comes_back_is_told(way: str, watch: FileWatch, tmp_path: Path) -> None:
    """A folder that is removed, or moved away, and made again at once is still watched, every time."""
    told = Told(watch, tmp_path / "trayd")
    told.path.mkdir()

    def anew(turn: int) -> None:
        if way == "removed":
            shutil.rmtree(told.path)
        else:
            told.path.rename(tmp_path / f"away{turn}")
        told.path.mkdir()

    for turn in range(5):
        told.after(lambda turn=turn: anew(turn))
        _until_watched(told, told.path / "office.yaml")


def test_a_folder_that_goes_and_comes_back_later_is_told(watch: FileWatch, tmp_path: Path) -> None:
    """A folder on a drive that comes and goes is noticed each time, with the one above it."""
    told = Told(watch, tmp_path / "drive" / "trayd")
    for _ in range(3):
        told.after(lambda: told.path.mkdir(parents=True))
        _until_watched(told, told.path / "office.yaml")
        told.after(lambda: shutil.rmtree(told.path.parent))
        wait_until(lambda: str(tmp_path) in watch._folders, what="the watch above")


def _until_watched(told: Told, file: Path) -> None:
    """A new folder's watch follows the news of it: from a moment later on every change is told."""
    wait_until(lambda: _settled(told), 3, "silence")
    told.after(lambda: file.write_text("host: x"))


def _settled(told: Told) -> bool:
    return bool(told.times) and time.monotonic() - told.times[-1] > 0.1


def test_unrelated_files_are_not_told(watch: FileWatch, tmp_path: Path) -> None:
    """Whatever else happens beside a watched file, also under a longer name, is no news."""
    told, marker = Told(watch, tmp_path / "state.json"), Told(watch, tmp_path / "marker")
    (tmp_path / "state.json.tmp").write_text("x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "state.json").write_text("x")
    shutil.rmtree(tmp_path / "other")
    quiet(told, marker)
    told.after(lambda: told.path.write_text("1"))
    wait_until(lambda: _settled(told), 3, "silence")
    before = len(told.times)
    told.path.read_text()
    assert os.listdir(tmp_path)
    marker.after(lambda: marker.path.write_text("2"))
    assert len(told.times) == before, "reading is no change"


def test_what_is_unwatched_is_not_told(watch: FileWatch, tmp_path: Path) -> None:
    """A profile that is gone is not asked because its socket changes."""
    told, marker = Told(watch, tmp_path / "d.sock"), Told(watch, tmp_path / "marker")
    watch.unwatch(told.path)
    told.path.touch()
    quiet(told, marker)


def test_many_changes_from_many_threads_end(watch: FileWatch, tmp_path: Path) -> None:
    """Profiles that come and go while files change all the time never make watching stand still."""
    ended = threading.Event()

    def write(index: int) -> None:
        folder = tmp_path / f"f{index}"
        while not ended.is_set():
            folder.mkdir(exist_ok=True)
            (folder / "x").write_text("1")
            shutil.rmtree(folder)

    writers = [threading.Thread(target=write, args=(index,)) for index in range(3)]
    for writer in writers:
        writer.start()
    end = time.monotonic() + 2
    done = 0
    while time.monotonic() < end:
        for index in range(3):
            watch.watch(index, str(tmp_path / f"f{index}" / "x"), lambda: None)
            watch.unwatch(index)
        done += 1
    ended.set()
    for writer in writers:
        writer.join()
    assert done > 20
    told = Told(watch, tmp_path / "after")
    told.after(told.path.touch)


@contextmanager
def exhausted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The system's own means have run out: the next watch fails, once."""
    failed: list[str] = []
    schedule = Observer.schedule

    def run_out(self: object, handler: object, path: str, **options: object) -> object:
        if not failed and not isinstance(self, PollingObserver):
            failed.append(path)
            raise OSError(errno.ENOSPC, "inotify watch limit reached")
        return schedule(self, handler, path, **options)

    monkeypatch.setattr(Observer, "schedule", run_out)
    yield failed
    assert failed


def test_where_inotify_has_run_out_it_looks_once_a_second(
    tmp_path: Path, watch: FileWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a system whose watches are used up changes are noticed a little later, old paths and new ones alike."""
    before = Told(watch, tmp_path / "one" / "before")
    before.path.parent.mkdir()
    wait_until(lambda: _settled(before), 3, "silence")
    (tmp_path / "two").mkdir()
    with exhausted(monkeypatch):
        after = Told(watch, tmp_path / "two" / "after")
    assert before.after(before.path.touch, 4) < 3
    assert after.after(after.path.touch, 4) < 3


def test_where_no_inotify_can_be_had_at_all_trayd_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When other programs hold every inotify instance, trayd starts all the same and looks once a second."""

    def refuse() -> None:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    monkeypatch.setattr(module, "Observer", refuse)
    watch = FileWatch()
    told = Told(watch, tmp_path / "state.json")
    assert told.after(told.path.touch, 4) < 3
    watch.stop()


def test_a_folder_that_vanishes_as_it_is_to_be_watched_is_no_reason_to_poll(
    tmp_path: Path, watch: FileWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that goes in the very moment of watching is told when it comes back."""
    folder = tmp_path / "trayd"
    folder.mkdir()
    schedule = Observer.schedule

    def vanish(self: object, handler: object, path: str, **options: object) -> object:
        if path == str(folder) and folder.exists():
            folder.rmdir()
        return schedule(self, handler, path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Observer, "schedule", vanish)
        told = Told(watch, folder)
    assert not isinstance(watch._observer, PollingObserver)
    told.after(folder.mkdir)
    _until_watched(told, folder / "office.yaml")
