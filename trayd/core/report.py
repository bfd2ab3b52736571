"""The words for an engine's state: one truth for menu, tooltip, notification, table and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from unicodedata import combining, east_asian_width

from trayd.core import certificates
from trayd.core.diagnosis import Diagnosis
from trayd.core.engine import Engine
from trayd.core.health import GOOD, Health, State
from trayd.core.profile import Profile
from trayd.core.text import clean, human_latency

DOTS = {
    State.CONNECTING: "○",
    State.REACHABLE: "●",
    State.DEGRADED: "◐",
    State.HUNG: "✖",
    State.RECONNECTING: "◌",
    State.UNREACHABLE: "✖",
}

WORDS = {
    State.CONNECTING: "connecting",
    State.REACHABLE: "reachable",
    State.DEGRADED: "slow",
    State.HUNG: "does not answer",
    State.RECONNECTING: "reconnecting",
    State.UNREACHABLE: "not reachable",
}

# Where a profile comes from, if nobody wrote a file for it.
SOURCES = {"context": "context", "machine": "docker-machine", "local": "local"}

# For the list of profiles, where a whole sentence has no room.
SHORT = {
    "socket_missing": "not running",
    "not_a_socket": "not a socket",
    "refused": "stopped",
    "stopped_activatable": "stopped, starts on use",
    "socket_permission": "permission denied",
    "socket_path_too_long": "path too long",
    "busy": "stuck",
    "dns": "name not known",
    "no_route": "no network",
    "connect_timeout": "machine does not answer",
    "no_answer": "does not answer",
    "connection_lost": "connection lost",
    "closed": "closes connections",
    "not_http": "not Docker",
    "not_docker": "not Docker",
    "denied": "access denied",
    "denied_or_proxy": "access denied",
    "engine_error": "engine error",
    "proxy_or_starting": "starting, or a proxy",
    "api_too_old": "engine too old",
    "api_client_too_old": "trayd too old",
    "tls_needed": "wants TLS",
    "tls_not_spoken": "speaks no TLS",
    "tls_too_old": "TLS too old",
    "tls_failed": "TLS failed",
    "tls_files": "TLS files unusable",
    "cert_unknown_ca": "certificate not trusted",
    "cert_expired": "certificate expired",
    "cert_not_yet_valid": "certificate not valid yet",
    "cert_wrong_host": "certificate for another host",
    "cert_weak": "certificate too weak",
    "cert_wrong_purpose": "certificate not for servers",
    "cert_invalid": "certificate not trusted",
    "client_cert_rejected": "your certificate is refused",
    "client_cert_missing": "wants your certificate",
    "proxy": "proxy refuses",
    "ssh_missing": "no ssh here",
    "ssh_config": "ssh settings unusable",
    "ssh_hostkey_unknown": "host key not known",
    "ssh_hostkey_changed": "host key changed",
    "ssh_auth": "ssh key refused",
    "ssh_key_passphrase": "ssh key locked",
    "ssh_protocol": "no ssh connection",
    "ssh_login_slow": "login too slow",
    "ssh_forward_refused": "forwarding refused",
    "ssh_remote_docker_missing": "no Docker there",
    "ssh_remote_socket_missing": "not running",
    "ssh_remote_gone": "just stopped",
    "ssh_remote_stopped": "stopped",
    "ssh_remote_permission": "permission denied",
}


def words(health: Health) -> str:
    """Return a state in two or three words: "reachable", "certificate expired"."""
    if health.state is State.UNREACHABLE and health.diagnosis is not None:
        return SHORT.get(health.diagnosis.code, WORDS[health.state])
    return WORDS[health.state]


def headline(engine: Engine, clock: Callable[[float], str]) -> str:
    """Return the truth in one line: "office — reachable · Engine 27.3 · 12 ms"."""
    health, name = engine.health, engine.profile.name
    if health.state in GOOD:
        parts = [f"{name} — {WORDS[health.state]}"]
        if engine.info and engine.info.version:
            parts.append(f"Engine {clean(engine.info.version, 30)}")
        if health.latency is not None:
            parts.append(human_latency(health.latency))
        return " · ".join(parts)
    if health.state is State.CONNECTING:
        return f"{name} — connecting"
    return f"{name} — {WORDS[health.state]} since {clock(health.since)}"


def loss(profile: Profile, health: Health) -> tuple[str, str]:
    """Return title and text of the notification about a lost engine."""
    title = f"{profile.name}: {WORDS[health.state]}"
    diagnosis = health.diagnosis
    return title, f"{diagnosis.cause} {diagnosis.next}" if diagnosis else ""


def stranger(engine: Engine) -> tuple[str, str]:
    """Return title and text about an engine that is not the one its profile had before."""
    name = engine.profile.name
    who = f" ({clean(engine.info.name, 40)})" if engine.info and engine.info.name else ""
    return (
        f"{name}: another engine answers",
        f"At {engine.profile.endpoint.url} another engine answers than before{who}. If that is right, say so in the "
        f"menu, or with: trayd use {name} --accept",
    )


def details(engine: Engine) -> str:
    """Return all that is known about an engine as lines of text, for a bug report; there are no secrets in it."""
    profile, health, info = engine.profile, engine.health, engine.info
    lines = [
        f"profile:   {profile.name} ({profile.source}{', ' + profile.path if profile.path else ''})",
        f"endpoint:  {profile.endpoint.url}",
    ]
    if tls := profile.endpoint.tls:
        lines.append(f"tls:       {tls.cert_path}{'' if tls.verify else ' (not verified)'}")
    lines.append(f"state:     {health.state} ({words(health)})")
    if health.latency is not None:
        lines.append(f"latency:   {human_latency(health.latency)}")
    if info is not None:
        lines.append(f"engine:    {info.version}, API {info.api_version}, {info.os}/{info.arch} {info.name}".rstrip())
    if diagnosis := health.diagnosis:
        lines += [
            f"cause:     {diagnosis.cause} [{diagnosis.code}]",
            f"next step: {diagnosis.next}",
            f"raw:       {diagnosis.detail}",
        ]
    return "\n".join(lines)


def as_json(engine: Engine, stamp: Callable[[float], str]) -> dict[str, object]:
    """Return one engine as the documented JSON object; `stamp` turns wall-clock seconds into RFC 3339."""
    health, info = engine.health, engine.info
    known = info is not None and health.state in GOOD
    return {
        "name": engine.profile.name,
        "source": engine.profile.source,
        "host": engine.profile.endpoint.url,
        "state": str(health.state),
        "since": stamp(health.since),
        "latency_ms": None if health.latency is None else round(health.latency * 1000, 1),
        "engine": {
            "version": info.version,
            "api_version": info.api_version,
            "os": info.os,
            "arch": info.arch,
            "name": info.name,
            "id": info.id,
        }
        if known and info is not None
        else None,
        "another_engine": bool(engine.stranger),
        "diagnosis": diagnosis_json(health.diagnosis),
        "certificates": [{"what": c.what, "ends": stamp(c.ends), "days": c.days} for c in engine.certificates],
    }


def diagnosis_json(diagnosis: Diagnosis | None) -> dict[str, str] | None:
    """Return a diagnosis as the documented JSON object, or None."""
    if diagnosis is None:
        return None
    return {"code": diagnosis.code, "cause": diagnosis.cause, "next": diagnosis.next, "detail": diagnosis.detail}


def table(engines: list[Engine], active: str) -> str:
    """Return the engines as an aligned table: mark of the active one, name, state, latency, version, address."""
    rows = [("  PROFILE", "STATE", "LATENCY", "ENGINE", "ENDPOINT")]
    for engine in engines:
        health, info = engine.health, engine.info
        rows.append(
            (
                marked(engine.profile.name, active),
                f"{DOTS[health.state]} {words(health)}",
                human_latency(health.latency) if health.latency is not None else "",
                clean(info.version, 30) if info and health.state in GOOD else "",
                engine.profile.endpoint.url,
            )
        )
    return aligned(rows)


def marked(name: str, active: str) -> str:
    """Return a profile's name for a table's first column, with a star if it is the active one."""
    return f"* {name}" if name == active else f"  {name}"


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """Return rows of cells as lines in which the columns stand below each other, in a terminal's cells."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell + " " * (room - width(cell)) for cell, room in zip(row, widths, strict=True)) for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def width(text: str) -> int:
    """Return how many cells of a terminal a text takes: East Asian characters two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, cells: int) -> str:
    """Return a text that fits into so many cells of a terminal, with an ellipsis where it was cut."""
    if width(text) <= cells:
        return text
    while text and width(text) > cells - 1:
        text = text[:-1]
    return text + "…"


def reasons(engines: list[Engine]) -> str:
    """Return cause and next step of every engine that cannot be reached, and which are others than before."""
    parts = []
    for engine in engines:
        if diagnosis := engine.health.diagnosis:
            parts.append(f"{engine.profile.name}: {diagnosis.cause}\n  → {diagnosis.next}")
        if engine.stranger:
            parts.append(f"⚠ {engine.profile.name}: {stranger(engine)[1]}")
    return "\n".join(parts)


def expiring(engines: Iterable[Engine]) -> list[str]:
    """Return a line for every certificate that ends soon."""
    bearers = [e for e in engines if e.certificates]
    return [f"⚠ {line}" for e in bearers for line in certificates.warnings(clean(e.profile.name, 60), e.certificates)]
