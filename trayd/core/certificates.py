"""When certificates end, and how that is said while there is time to renew them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from trayd.core.value import Value, replace
from trayd.core.words import N_, _, many

# From this many days before its end on, a certificate is spoken of.
SOON = 30
_DAY = 86400

_SUBJECTS = {
    "server": N_("certificate of {name}"),
    "client": N_("your certificate for {name}"),
    "ca": N_("ca.pem of {name}"),
}


class Certificate(Value):
    """One certificate of a TLS connection: the server's, ours ("client"), or the authority's ("ca").

    `ends` is in seconds of the wall clock. `days` is how many days were left at the last probe: a view must not count
    by itself, or it would be a running clock.
    """

    what: str
    ends: float
    days: int = 0


def days_left(ends: float, wall: float) -> int:
    """Return the days from today to the day of the end, both in UTC: 0 is today, less is over."""
    return int(ends // _DAY - wall // _DAY)


def dated(certificates: Iterable[Certificate], wall: float) -> tuple[Certificate, ...]:
    """Return certificates with the days that are left now."""
    return tuple(replace(c, days=days_left(c.ends, wall)) for c in certificates)


def day(ends: float) -> str:
    """Return the day of an end in UTC: "2026-12-06"."""
    return datetime.fromtimestamp(ends, UTC).date().isoformat()


def in_days(days: int) -> str:
    """Return when something ends in words: "ends in 12 days"."""
    if days < 0:
        return _("has ended")
    if days == 0:
        return _("ends today")
    return _("ends tomorrow") if days == 1 else many("ends in {n} day", "ends in {n} days", days).format(n=days)


def until(certificate: Certificate) -> str:
    """Return until when a certificate is good: "until 2027-03-01 (97 days)"."""
    days = certificate.days
    if days == -1:
        left = _("ended yesterday")
    elif days < 0:
        left = many("ended {n} day ago", "ended {n} days ago", -days).format(n=-days)
    else:
        left = many("{n} day", "{n} days", days).format(n=days)
    return _("until {day} ({left})").format(day=day(certificate.ends), left=left)


def warnings(name: str, certificates: Iterable[Certificate]) -> list[str]:
    """Return a line for each certificate of a profile that ends soon, or has ended."""
    return [
        _("{certificate} {ends} ({day})").format(
            certificate=_(_SUBJECTS[c.what]).format(name=name), ends=in_days(c.days), day=day(c.ends)
        )
        for c in certificates
        if c.days <= SOON
    ]
