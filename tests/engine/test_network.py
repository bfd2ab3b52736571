"""An engine at the other end of a real cable: packets that nobody answers, links that are down."""

from collections.abc import Iterator

import pytest

from tests.engine.asking import Told, ask, diagnosis, endpoint
from tests.engine.test_diagnosis import SPARE, TIMEOUT, WORDS, WORDS_ELSEWHERE, expected
from tests.harness.dockerd import Dockerd
from tests.harness.netns import Cable
from trayd.core.messages import Answered

pytestmark = pytest.mark.engine

PORT = 2375
PLACE = endpoint(f"tcp://{Cable.ADDRESS}:{PORT}")
SYN = ("-p", "tcp", "--dport", str(PORT), "--syn")


@pytest.fixture(scope="module")
def cable() -> Iterator[Cable]:
    """Two hosts, at the far one a real engine."""
    with Cable() as cable:
        with cable.at(cable.far):
            running = Dockerd("--host", PLACE.url, "--tls=false")
        try:
            with cable.at(cable.far):
                running.start()
            yield cable
        finally:
            running.close()


def asked(cable: Cable) -> Told:
    """Ask from the near host, and expect a failure."""
    with cable.at(cable.near):
        return diagnosis(PLACE, TIMEOUT)


def answers(cable: Cable) -> bool:
    """Whether the engine answers the near host."""
    with cable.at(cable.near):
        return isinstance(ask(PLACE, TIMEOUT), Answered)


def test_a_firewall_that_drops_is_told_in_time(cable: Cable) -> None:
    """A connection that nobody answers is told as such hardly after the timeout."""
    assert answers(cable)
    with cable.rule(*SYN, "-j", "DROP"):
        told = asked(cable)
    assert told[:3] == ("connect_timeout", *expected(WORDS["unanswered_port"][1:], PLACE))
    assert told.seconds < TIMEOUT + SPARE
    assert answers(cable)


def test_a_firewall_that_rejects_is_told_at_once(cable: Cable) -> None:
    """A port that a firewall refuses looks like one on which nothing listens."""
    with cable.rule(*SYN, "-j", "REJECT", "--reject-with", "tcp-reset"):
        told = asked(cable)
    assert told[:3] == expected(WORDS["closed_port"], PLACE)
    assert told.seconds < SPARE
    assert answers(cable)


def test_a_firewall_that_says_so_is_no_way_there(cable: Cable) -> None:
    """A firewall's ICMP answer is told as a missing way, at once."""
    with cable.rule(*SYN, "-j", "REJECT", "--reject-with", "icmp-host-unreachable"):
        told = asked(cable)
    assert told[:2] == ("no_route", f"There is no way to {Cable.ADDRESS} from here.")
    assert told[2] == WORDS_ELSEWHERE["no_route"][1]
    assert told.seconds < SPARE


def test_a_link_of_ours_that_is_down_is_no_way_there(cable: Cable) -> None:
    """Without a link there is no way, which is told at once; with it the engine answers again."""
    with cable.pulled(cable.near):
        told = asked(cable)
    assert told[:2] == ("no_route", f"There is no way to {Cable.ADDRESS} from here.")
    assert told[2] == WORDS_ELSEWHERE["no_route"][1]
    assert told.seconds < SPARE
    assert answers(cable)


def test_a_link_of_theirs_that_is_down_is_told_in_time(cable: Cable) -> None:
    """A cable that is pulled at the other end answers nothing, as a machine that is off."""
    with cable.pulled(cable.far):
        told = asked(cable)
    assert told[:3] == ("connect_timeout", *expected(WORDS["unanswered_port"][1:], PLACE))
    assert told.seconds < TIMEOUT + SPARE
