"""The ladder from a profile to its engine: its rungs, which failure belongs to which, and how it reads.

A rung is a step that must hold before the next one can: a name before an address, a connection before TLS. The first
one that breaks carries the diagnosis, the same sentence as in the menu; all above it are not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import reduce

from trayd.core import certificates as c
from trayd.core.cells import width
from trayd.core.diagnosis import Diagnosis
from trayd.core.profile import Profile
from trayd.core.report import SHORT, diagnosis_json
from trayd.core.value import Value
from trayd.core.words import N_, _, many

# In the order of climbing. Our own files come before the network, as in a probe, which is not sent with unusable ones.
# JSON has the names as they stand here, people read them in their language.
NAMES = (
    N_("name"),
    N_("address"),
    N_("tls files"),
    N_("connection"),
    N_("ssh"),
    N_("tls"),
    N_("http"),
    N_("docker"),
    N_("api"),
    N_("permission"),
    N_("engine"),
    N_("clock"),
)
_ROOM = 10  # cells for the longest of them, in each language

# Which rung breaks with which code of `SENTENCES`.
_CODES = {
    "name": "dns",
    "address": "socket_missing stopped_activatable not_a_socket socket_path_too_long unsupported no_route",
    "tls files": "tls_files",
    "connection": "refused busy connect_timeout socket_permission proxy",
    "ssh": "ssh_missing ssh_config ssh_hostkey_unknown ssh_hostkey_changed ssh_auth ssh_key_passphrase ssh_protocol "
    "ssh_login_slow ssh_forward_refused ssh_remote_docker_missing ssh_remote_socket_missing ssh_remote_gone "
    "ssh_remote_stopped ssh_remote_permission",
    "tls": "tls_needed tls_not_spoken tls_too_old tls_failed cert_unknown_ca cert_expired cert_not_yet_valid "
    "cert_wrong_host cert_weak cert_wrong_purpose cert_invalid client_cert_rejected client_cert_missing",
    "http": "not_http",
    "docker": "not_docker denied_or_proxy proxy_or_starting",
    "api": "api_too_old api_client_too_old",
    "permission": "denied",
    "engine": "engine_error http_error",
}
# These can happen on any rung, and break the one that is being climbed.
ANYWHERE = frozenset({"no_answer", "closed", "connection_lost", "unknown"})
RUNG_OF = {code: name for name, codes in _CODES.items() for code in codes.split()}

# The clocks of two computers that ask for the time agree to a fraction of a second; certificates and logs do not mind
# a minute.
CLOCK_TOLERANCE = 60
# A server's certificate may be for a hundred names.
_SHOWN = 4


class RungState(StrEnum):
    """What came of a rung, as `--json` names it."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"  # not asked, or it does not apply
    WARNING = "warning"


MARKS = {RungState.OK: "✓", RungState.FAILED: "✗", RungState.SKIPPED: "–", RungState.WARNING: "⚠"}


class Rung(Value):
    """One rung: what came of it, how long it took (None if it was not asked), what was found, why it broke."""

    name: str
    state: RungState
    seconds: float | None = None
    finding: str = ""
    diagnosis: Diagnosis | None = None


def broken(name: str, diagnosis: Diagnosis, seconds: float, more: str = "") -> Rung:
    """Return the rung at which the climb ends; `more` is what else was seen there."""
    finding = _(SHORT.get(diagnosis.code, N_("not reachable")))
    if more:
        finding = _("{what}: {more}").format(what=finding, more=more)
    return Rung(name, RungState.FAILED, seconds, finding, diagnosis)


def good(rungs: Sequence[Rung]) -> bool:
    """Whether the engine can be used: no rung failed; warnings are no failures."""
    return all(rung.state is not RungState.FAILED for rung in rungs)


def files_rung(ends: Sequence[c.Certificate], loose: Sequence[str], seconds: float) -> Rung:
    """Return the rung for TLS files that can be used; `loose` says who else may read or replace them."""
    names = {"client": "cert.pem", "ca": "ca.pem"}
    findings = [f"{names[end.what]} {c.until(end)}" for end in ends]
    if any(end.what == "client" for end in ends):
        findings.insert(1, _("key.pem fits it"))  # or the files could not have been loaded
    return Rung("tls files", _state(ends, bool(loose)), seconds, _joined([*findings, *loose]))


def tls_rung(version: str, ends: Sequence[c.Certificate], names: Sequence[str], verified: bool, seconds: float) -> Rung:
    """Return the rung for a TLS connection: the server's certificate, when it ends, and for whom it is."""
    findings = [version, *(_("certificate {until}").format(until=c.until(end)) for end in ends)]
    if names:
        findings.append(_("for {names}").format(names=some(names)))
    if not verified:
        findings.append(_("not verified, as the profile says: anybody could answer here"))
    return Rung("tls", _state(ends, not verified), seconds, _joined(findings))


def _joined(findings: Sequence[str]) -> str:
    return reduce(lambda one, more: _("{one}, {more}").format(one=one, more=more), findings)


def _state(ends: Sequence[c.Certificate], warn: bool) -> RungState:
    return RungState.WARNING if warn or any(end.days <= c.SOON for end in ends) else RungState.OK


def some(names: Sequence[str]) -> str:
    """Return the first few of many names or addresses."""
    told, left = _(", ").join(names[:_SHOWN]), len(names) - _SHOWN
    return many("{names} and {n} more", "{names} and {n} more", left).format(names=told, n=left) if left > 0 else told


def clock_rung(difference: float) -> Rung:
    """Return the rung for an engine whose clock shows so many seconds more than ours."""
    apart = abs(difference)
    if apart <= CLOCK_TOLERANCE:
        # An HTTP date has whole seconds, so less than two is no difference.
        finding = _("the same time") if apart < 2 else _("{time} apart").format(time=f"{apart:.0f} s")
        return Rung("clock", RungState.OK, None, finding)
    if difference > 0:
        told = _("the engine's clock is {time} ahead of ours; set the wrong one right: sudo timedatectl set-ntp true")
    else:
        told = _("the engine's clock is {time} behind ours; set the wrong one right: sudo timedatectl set-ntp true")
    far = f"{apart:.0f} s" if apart < 120 else f"{apart / 60:.0f} min" if apart < 7200 else f"{apart / 3600:.0f} h"
    return Rung("clock", RungState.WARNING, None, told.format(time=far))


def head(profile: Profile) -> str:
    """Return the line above the rungs."""
    return f"{profile.name}: {profile.endpoint.url}"


def line(rung: Rung) -> str:
    """Return a rung as text, in columns; below a broken one stand cause, next step and the raw text."""
    took = "" if rung.seconds is None else _milliseconds(rung.seconds)
    name = _(rung.name)
    lines = [f"{MARKS[rung.state]} {name}{' ' * (_ROOM - width(name))} {took:>8}  {rung.finding}".rstrip()]
    if found := rung.diagnosis:
        lines += [f"  {found.cause} [{found.code}]", f"  → {found.next}"]
        if found.detail:
            lines.append(_("  raw: {text}").format(text=found.detail))
    return "\n".join(lines)


def text(profile: Profile, rungs: Sequence[Rung]) -> str:
    """Return the whole ladder as text, for a bug report; there are no secrets in it."""
    return "\n".join([head(profile), *map(line, rungs)])


def as_json(profile: Profile, rungs: Sequence[Rung]) -> dict[str, object]:
    """Return the documented object of `trayd check --json`."""
    return {
        "profile": profile.name,
        "host": profile.endpoint.url,
        "ok": good(rungs),
        "rungs": [
            {
                "name": rung.name,
                "state": str(rung.state),
                "ms": None if rung.seconds is None else round(rung.seconds * 1000, 1),
                "finding": rung.finding,
                "diagnosis": diagnosis_json(rung.diagnosis),
            }
            for rung in rungs
        ],
    }


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "<1 ms"
