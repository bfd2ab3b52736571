"""The samples as a person gets them from the command line; that each is a good profile stands in test_profiles."""

from pathlib import Path

import pytest

from trayd.config import samples
from trayd.config.computer import Computer
from trayd.config.profiles import load
from trayd.core.errors import TraydError

SOURCE = Path(__file__).parents[2] / "config"
NAMES = sorted(path.stem for path in SOURCE.glob("*.yaml"))


def test_every_sample_is_listed_with_its_purpose() -> None:
    """The list names each sample of config/ and says in one short sentence what it is for."""
    lines = samples.listed().splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    for line in lines:
        _, purpose = line.split(maxsplit=1)
        assert purpose.endswith(".") and 20 < len(purpose) < 80, line
        assert len(line) <= 110


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_can_stand_in_the_profiles_folder(name: str, tmp_path: Path) -> None:
    """What is printed is a good profile, and its first line leads to the schema beside it, as README has it."""
    text = samples.text(name)
    assert text.splitlines()[0] == "# yaml-language-server: $schema=profile.schema.json"
    assert text.splitlines()[1:] == (SOURCE / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[1:]
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    assert load(str(tmp_path), Computer("linux", "x", "/home/ann")).problems == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("remote-tsl", "there is no sample 'remote-tsl' (did you mean 'remote-tls'?)"),
        ("../pyproject", "there is no sample '../pyproject'"),
        ("", "there is no sample ''"),
    ],
)
def test_only_samples_are_printed(name: str, words: str) -> None:
    """Another name is a sentence with the next step, also if a file of that name exists."""
    with pytest.raises(TraydError) as refused:
        samples.text(name)
    assert refused.value.message == words
    assert refused.value.hint == "All of them: trayd config sample"
