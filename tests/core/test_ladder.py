"""The ladder as values: which failure breaks which rung, and how it reads."""

import json

import pytest

from tests.core.scene import LAB, OFFICE, Scene, of
from trayd.core import effects as do
from trayd.core import messages as m
from trayd.core.certificates import Certificate
from trayd.core.diagnosis import diagnose
from trayd.core.ladder import (
    ANYWHERE,
    NAMES,
    RUNG_OF,
    Rung,
    RungState,
    as_json,
    broken,
    clock_rung,
    files_rung,
    good,
    text,
    tls_rung,
)
from trayd.core.sentences import SENTENCES

OK, FAILED, SKIPPED, WARNING = RungState
BROKEN = broken("connection", diagnose("refused", LAB.endpoint, "ConnectionRefusedError: x"), 0.0123)


def test_every_sentence_has_its_rung():
    """A failure of every kind breaks one rung of the ladder, or the one that is being climbed, and only these."""
    codes = {key.partition(".")[0] for key in SENTENCES}
    assert codes == RUNG_OF.keys() | ANYWHERE
    assert not RUNG_OF.keys() & ANYWHERE
    assert set(RUNG_OF.values()) <= set(NAMES)


def test_rungs_are_columns_and_the_broken_one_says_cause_and_step():
    """Mark, name, time and finding stand below each other; cause, next step and raw text below the broken one."""
    rungs = [Rung("name", OK, 0.0004, "lab.example → 10.0.0.5"), BROKEN, Rung("tls", SKIPPED)]
    assert text(LAB, rungs).splitlines() == [
        "lab: tcp://lab.example:2375",
        "✓ name          <1 ms  lab.example → 10.0.0.5",
        "✗ connection    12 ms  stopped",
        "  lab.example is up, but nothing listens on port 2375. [refused]",
        "  → Start the engine there, or check the port; dockerd listens on TCP only with -H tcp://…",
        "  raw: ConnectionRefusedError: x",
        "– tls",
    ]


def test_the_json_of_a_rung():
    """Milliseconds are a number, or null for what was not asked; a broken rung has its diagnosis."""
    told = json.loads(json.dumps(as_json(LAB, [Rung("name", SKIPPED), BROKEN])))
    assert list(told) == ["profile", "host", "ok", "rungs"]
    assert (told["profile"], told["host"], told["ok"]) == ("lab", "tcp://lab.example:2375", False)
    name, connection = told["rungs"]
    assert name == {"name": "name", "state": "skipped", "ms": None, "finding": "", "diagnosis": None}
    assert (connection["state"], connection["ms"]) == ("failed", 12.3)
    assert list(connection["diagnosis"]) == ["code", "cause", "next", "detail"]


def test_a_warning_is_no_failure():
    """An engine with warnings can be used."""
    assert good([Rung("clock", WARNING), Rung("tls", SKIPPED)])
    assert not good([Rung("clock", WARNING), BROKEN])


@pytest.mark.parametrize(
    ("difference", "state", "words"),
    [
        (0.4, OK, "the same time"),
        (-1.4, OK, "the same time"),
        (59.0, OK, "59 s apart"),
        (90.0, WARNING, "the engine's clock is 90 s ahead of ours"),
        (-600.0, WARNING, "the engine's clock is 10 min behind ours"),
        (7 * 3600.0, WARNING, "the engine's clock is 7 h ahead of ours"),
    ],
)
def test_clocks_that_differ_by_more_than_a_minute_are_a_warning(difference, state, words):
    """The difference is said in the unit people would use, and whose clock is ahead."""
    rung = clock_rung(difference)
    assert rung.state is state
    assert rung.finding.startswith(words)


def test_tls_says_until_when_and_for_whom():
    """Version, end and names of the server's certificate; near its end, or not verified, it is a warning."""
    far, near = Certificate("server", 1_803_859_200.0, 97), Certificate("server", 1_803_859_200.0, 12)
    rung = tls_rung("TLS 1.3", [far], ["build.example"], True, 0.01)
    assert rung.state is OK
    assert rung.finding == "TLS 1.3, certificate until 2027-03-01 (97 days), for build.example"
    assert tls_rung("TLS 1.3", [near], ["build.example"], True, 0.01).state is WARNING
    assert tls_rung("TLS 1.3", [far], [], False, 0.01).state is WARNING
    assert tls_rung("TLS 1.3", [far], list("abcdefg"), True, 0.01).finding.endswith("for a, b, c, d and 3 more")


def test_own_files_that_others_may_use_are_a_warning():
    """Files that work are good; what others may do with them is said beside it."""
    client = Certificate("client", 1_803_859_200.0, 97)
    assert files_rung([client], [], 0.0).finding == "cert.pem until 2027-03-01 (97 days), key.pem fits it"
    loose = files_rung([client], ["others may read key.pem: chmod 600 k"], 0.0)
    assert (loose.state, loose.finding[-37:]) == (WARNING, " others may read key.pem: chmod 600 k")


def test_details_of_a_failing_engine_hold_the_ladder_those_of_a_good_one_do_not_climb():
    """'Copy details' climbs where there is something to explain, and copies at once where there is not."""
    scene = Scene(OFFICE)
    scene.fail()
    (effect,) = scene.say(m.CopyDetails("office"))
    assert isinstance(effect, do.CopyLadder)
    assert effect.profile == OFFICE
    assert "cause: " in effect.details
    scene.say(m.CheckAgain("office"))
    scene.answer()
    assert of(do.PutOnClipboard, scene.say(m.CopyDetails("office")))
