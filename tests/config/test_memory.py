"""What trayd remembers between two starts."""

import os
import stat
import time
from pathlib import Path

import pytest

from trayd.config.memory import Memory, memory_file, recall, remember
from trayd.core.view import Theme


def test_the_choice_survives_a_restart():
    """Active and previous profile and the settings are there again."""
    chosen = Memory("office", "lab", False, Theme.LIGHT, language="zh_CN", greeted=True, trayless=True)
    remember(chosen)
    assert recall() == chosen
    assert stat.S_IMODE(os.stat(memory_file()).st_mode) == 0o600


def test_nothing_is_remembered_before_anything_was_chosen():
    """A first start has no active profile and notifications on."""
    assert recall() == Memory("", "", notifications=True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b'{"active": 5}',
        b'{"theme": ["colour"]}',
        b'{"theme": "pink"}',
        b'{"language": "klingon"}',
        b'{"language": 5}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_like_none(content):
    """Half a file, another type or garbage is never a reason to fail, nor to greet the person again."""
    remember(Memory("x"))
    with open(memory_file(), "wb") as file:
        file.write(content)
    assert recall() == Memory(greeted=True)  # it was here before, whatever became of the file


def test_a_failed_write_leaves_the_old_choice_and_no_litter(monkeypatch):
    """A full disk loses nothing that was saved before."""
    remember(Memory("office"))
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        remember(Memory("lab"))
    monkeypatch.undo()


def test_what_a_killed_program_left_is_removed():
    """The temporary file of a writer that was killed goes with a later writing; one that is being written stays."""
    remember(Memory("office"))
    folder = Path(memory_file()).parent
    for name, age in (("old", 120), ("new", 1)):
        file = folder / f".state.json.{name}"
        file.write_text('{"act')
        os.utime(file, (time.time() - age,) * 2)
    remember(Memory("lab"))
    assert sorted(path.name for path in folder.iterdir()) == [".state.json.new", "state.json"]
    assert recall() == Memory("lab")
