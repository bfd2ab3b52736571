"""The fault matrix as data: what a person sees for every fault over every transport, how soon, and what is told.

docs/faults.md is written from it: `python -m tests.engine.matrix.document`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from tests.engine.matrix import faults
from tests.engine.matrix.faults import Fault
from tests.engine.matrix.rig import COLUMNS, GRACE, INTERVAL, TIMEOUT

NOISE = 1.5  # what a busy machine of two cores may add
SUDDEN = NOISE  # the connection itself says it
STOPPING = 3.0 + NOISE  # an engine that is told to stop takes its time until it lets go
ASKED = INTERVAL + 1.0 + NOISE  # the next question shows it, and a second look (at most one second) says why
PROBED = INTERVAL + TIMEOUT + NOISE  # the next question shows it, by its timeout
PATIENT = 20.0  # a grace within which everything is back
SETTLED = 16.0  # what a person has to mend is asked about after 5 s, then after 10 s

GONE, HUNG, BRIEF, SLOWLY = "unreachable", "hung", "reconnecting", "degraded"


class Cell(NamedTuple):
    """What is shown: not reachable any more at the latest `within` seconds after the fault, then this state and code.

    `told`: notifications of the loss, and as many of the return; `back`: seconds from the mending to reachable.
    `codes`: a moment decides which of them it is.
    """

    state: str
    codes: str | tuple[str, ...]
    within: float
    told: int = 1
    back: float = 5.0


class Untouched(NamedTuple):
    """Over this transport it stays reachable all the time, and nothing is told."""

    why: str


class Absent(NamedTuple):
    """There is no such fault over this transport."""

    why: str


class Restless(NamedTuple):
    """No one state is shown for long, and it comes back by itself."""

    why: str


AnyCell = Cell | Untouched | Absent | Restless
Cells = Mapping[str, AnyCell]


class Row(NamedTuple):
    """One fault. `stand_in`: no real engine does this; `own`: a test of its own makes it."""

    title: str
    cells: Cells
    fault: Fault | None = None
    stand_in: bool = False
    grace: float = GRACE
    own: str = ""


def cells(unix: AnyCell, tcp: AnyCell, tls: AnyCell, ssh: AnyCell) -> Cells:
    """The cells of a row, in the order of the columns."""
    return dict(zip(COLUMNS, (unix, tcp, tls, ssh), strict=True))


def alike(cell: AnyCell) -> Cells:
    """The same over every transport."""
    return cells(cell, cell, cell, cell)


def coded(cell: Cell, unix: str, tcp: str, tls: str, ssh: str) -> Cells:
    """The same over every transport, but for the diagnosis."""
    return cells(*(cell._replace(codes=code) for code in (unix, tcp, tls, ssh)))


NO_NETWORK = Untouched("there is no network in between")
NO_FILE = Absent("an address has no file")
NO_TLS = Absent("has no certificate")
NO_SSH = Absent("has no session")
HELD = Untouched("the connection that is held is still answered, and nothing there tells of a file")


def network(cell: Cell, ssh: AnyCell | None = None) -> Cells:
    """A fault of the network."""
    return cells(NO_NETWORK, cell, cell, ssh or cell)


def tls_only(cell: Cell, ssh: AnyCell = NO_TLS) -> Cells:
    """A fault of certificates."""
    return cells(NO_TLS, NO_TLS, cell, ssh)


STOPPED = ("socket_missing", "refused", "refused", "ssh_remote_socket_missing")
KILLED = ("refused", "refused", "refused", "ssh_remote_stopped")

ENGINE = (
    Row(
        "the engine is stopped (SIGTERM), started after the grace",
        coded(Cell(GONE, "", STOPPING), *STOPPED),
        faults.sigterm,
    ),
    Row(
        "the engine is killed (`kill -9`), started after the grace", coded(Cell(GONE, "", SUDDEN), *KILLED), faults.kill
    ),
    Row("the engine stands still (SIGSTOP), then goes on", alike(Cell(HUNG, "no_answer", PROBED)), faults.freeze),
    Row(
        "the engine is restarted within the grace",
        coded(Cell(BRIEF, "", STOPPING, told=0), *STOPPED),
        faults.sigterm,
        grace=PATIENT,
    ),
    Row(
        "its socket is removed, the engine goes on",
        cells(Cell(GONE, "socket_missing", SUDDEN), NO_FILE, NO_FILE, HELD),
        faults.socket_removed,
    ),
    Row(
        "its socket is replaced by a file, the engine goes on",
        cells(Cell(GONE, "not_a_socket", SUDDEN), NO_FILE, NO_FILE, HELD),
        faults.socket_replaced,
    ),
    Row(
        "the queue of waiting connections is full",
        cells(
            Cell(GONE, "busy", PROBED),
            Cell(GONE, "connect_timeout", PROBED),
            Cell(GONE, "connect_timeout", PROBED),
            # sshd has the same words for a full queue and for what it may not forward.
            Cell(GONE, "ssh_forward_refused", PROBED, back=SETTLED),
        ),
        faults.queue_full,
    ),
)

ANSWERS = (
    Row("it answers slowly (above `slow`)", alike(Cell(SLOWLY, "", PROBED, told=0)), faults.slow, True),
    Row("it answers one byte a second", alike(Cell(HUNG, "no_answer", PROBED)), faults.drip, True),
    Row("it answers garbage", alike(Cell(GONE, "not_http", ASKED, back=SETTLED)), faults.garbage, True),
    Row("it answers 500 with a message", alike(Cell(GONE, "engine_error", ASKED)), faults.error_500, True),
    Row("it answers 500 with nothing", alike(Cell(GONE, "engine_error", ASKED)), faults.empty_500, True),
    Row("it answers 503 with a message", alike(Cell(GONE, "proxy_or_starting", ASKED)), faults.error_503, True),
    Row("it answers 503 with nothing", alike(Cell(GONE, "proxy_or_starting", ASKED)), faults.empty_503, True),
    Row("it redirects (a login page)", alike(Cell(GONE, "not_docker", ASKED, back=SETTLED)), faults.redirect, True),
    Row("its answer is cut off", alike(Cell(GONE, "closed", ASKED)), faults.truncated, True),
    Row("its answer never ends", alike(Cell(GONE, "not_docker", ASKED, back=SETTLED)), faults.endless, True),
    Row(
        "the connection is reset (RST) in mid-answer",
        cells(
            Absent("a Unix socket knows no reset: as cut off"),
            Cell(GONE, "closed", ASKED),
            Cell(GONE, "closed", ASKED),
            Absent("ssh ends its channel in order: as cut off"),
        ),
        faults.reset,
        True,
    ),
    Row(
        "it comes back with an API that is too old",
        alike(Cell(GONE, "api_too_old", ASKED, back=SETTLED)),
        faults.api_old,
        True,
    ),
    Row(
        "it comes back with an API that is too new",
        alike(Cell(GONE, "api_client_too_old", ASKED, back=SETTLED)),
        faults.api_new,
        True,
    ),
    Row(
        "it comes back downgraded, to an API that trayd speaks, and is upgraded again",
        alike(Untouched("the version that is shown is the new one")),
        faults.api_other,
        True,
    ),
)

NETWORK = (
    Row("every packet is answered by RST", network(Cell(GONE, "refused", ASKED)), faults.reset_by_firewall),
    Row(
        "packets are dropped after the connection was made (half open)",
        network(Cell(GONE, "connect_timeout", PROBED)),
        faults.half_open,
    ),
    Row("the link goes down and comes up", network(Cell(GONE, "no_route", PROBED)), faults.link_down),
    Row(
        "the host gets another address, its name leads there",
        network(Restless(f"does not answer for a moment, then reachable by itself, after {PROBED:g} s at the latest")),
        faults.address_changed,
        grace=PATIENT,
    ),
    Row("its name is not known any more (at the next connection)", network(Cell(GONE, "dns", ASKED)), faults.dns_gone),
    Row(
        "the certificate is replaced by a stranger's (ssh: the host's key)",
        tls_only(
            Cell(GONE, "cert_unknown_ca", SUDDEN, back=SETTLED), Cell(GONE, "ssh_hostkey_changed", SUDDEN, back=SETTLED)
        ),
        faults.certificate_replaced,
    ),
    Row(
        "the certificate expires while connected (told at the next connection)",
        tls_only(Cell(GONE, "cert_expired", ASKED, back=SETTLED)),
        faults.certificate_expired,
        grace=6.0,
    ),
    Row(
        "ca.pem is replaced on disk (told at the next connection)",
        tls_only(Cell(GONE, "cert_unknown_ca", ASKED, back=SETTLED)),
        faults.ca_replaced,
    ),
    Row(
        "the ssh session is killed",
        cells(NO_SSH, NO_SSH, NO_SSH, Cell(BRIEF, "connection_lost", SUDDEN, told=0)),
        faults.session_killed,
        grace=PATIENT,
    ),
)

STORM = 20  # notifications in a minute in which four engines come and go 150 times each
ALL_GOOD = alike(Untouched("everybody is asked on a new connection; no time slept counts as silence or as grace"))

OTHERS = (
    Row(
        "the socket is closed to us (chmod), the engine goes on",
        cells(Cell(GONE, "socket_permission", SUDDEN), NO_FILE, NO_FILE, HELD),
        own="test_permission",
    ),
    Row(
        "the engine comes back with a socket that is closed to us",
        cells(
            Cell(GONE, "socket_permission", STOPPING),
            NO_FILE,
            NO_FILE,
            Cell(GONE, "ssh_remote_permission", STOPPING, back=SETTLED),
        ),
        own="test_permission",
    ),
    Row(
        "it comes and goes every 200 ms for a minute",
        alike(Restless("reconnecting and reachable; no storm of notifications, nobody else waits, right in the end")),
        own="test_flapping",
        grace=3.0,
    ),
    Row("the computer sleeps for an hour; the monotonic clock stops meanwhile (Linux)", ALL_GOOD, own="test_clocks"),
    Row("the computer sleeps for an hour; the monotonic clock goes on (Windows)", ALL_GOOD, own="test_clocks"),
    Row("the wall clock is set back", alike(Untouched("the schedule goes by the monotonic clock")), own="test_clocks"),
    Row("the wall clock is set forward", ALL_GOOD, own="test_clocks"),
)

ROWS = ENGINE + ANSWERS + NETWORK + OTHERS
