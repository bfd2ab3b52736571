"""Which engine each profile had, on disk."""

import os
import stat

import pytest

from trayd.config.identities import identities_file, recall_identities, remember_identities
from trayd.core.identity import Identity


def test_what_is_known_survives_a_restart():
    """The engines of all profiles are known again, in a private file."""
    known = {
        "office": Identity("unix:///x", "AAAA"),
        "lab": Identity("tcp://h:1", "BBBB", "CCCC"),
        "farm": Identity("tcp://h:2", "", "sha256:0", "sha256:1"),
    }
    remember_identities(known)
    assert recall_identities() == known
    assert stat.S_IMODE(os.stat(identities_file()).st_mode) == 0o600


def test_a_file_from_before_there_were_fingerprints_is_read():
    """After an update of trayd every engine is still known."""
    remember_identities({})
    with open(identities_file(), "wb") as file:
        file.write(b'{"office": {"url": "unix:///x", "id": "AAAA", "stranger": "BBBB"}}')
    assert recall_identities() == {"office": Identity("unix:///x", "AAAA", "BBBB")}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"a": 1}',
        b'{"a": {"url": 1, "id": "x"}}',
        b'{"a": {"url": "x", "id": "", "stranger": ""}}',
        b'{"a": {"url": "x", "id": "y", "fingerprint": 1}}',
        b"\xff",
        b"[" * 99999,
    ],
)
def test_a_damaged_file_means_that_every_engine_is_new(content):
    """Garbage on disk raises no alarm and no traceback."""
    remember_identities({})
    with open(identities_file(), "wb") as file:
        file.write(content)
    assert recall_identities() == {}
