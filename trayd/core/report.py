"""The words for an engine's state: one truth for menu, tooltip, notification, table and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from trayd.core import certificates
from trayd.core.cells import aligned
from trayd.core.diagnosis import Diagnosis
from trayd.core.engine import Engine
from trayd.core.health import GOOD, Health, State
from trayd.core.profile import Profile
from trayd.core.text import clean, human_latency
from trayd.core.words import N_, _

DOTS = {
    State.CONNECTING: "○",
    State.REACHABLE: "●",
    State.DEGRADED: "◐",
    State.HUNG: "✖",
    State.RECONNECTING: "◌",
    State.UNREACHABLE: "✖",
}

WORDS = {
    State.CONNECTING: N_("connecting"),
    State.REACHABLE: N_("reachable"),
    State.DEGRADED: N_("slow"),
    State.HUNG: N_("does not answer"),
    State.RECONNECTING: N_("reconnecting"),
    State.UNREACHABLE: N_("not reachable"),
}

# Where a profile comes from, if nobody wrote a file for it.
SOURCES = {"context": N_("context"), "machine": "docker-machine", "local": N_("local")}

# For the list of profiles, where a whole sentence has no room.
SHORT = {
    "socket_missing": N_("not running"),
    "not_a_socket": N_("not a socket"),
    "refused": N_("stopped"),
    "stopped_activatable": N_("stopped, starts on use"),
    "socket_permission": N_("permission denied"),
    "socket_path_too_long": N_("path too long"),
    "busy": N_("stuck"),
    "dns": N_("name not known"),
    "no_route": N_("no network"),
    "connect_timeout": N_("machine does not answer"),
    "no_answer": N_("does not answer"),
    "connection_lost": N_("connection lost"),
    "closed": N_("closes connections"),
    "not_http": N_("not Docker"),
    "not_docker": N_("not Docker"),
    "denied": N_("access denied"),
    "denied_or_proxy": N_("access denied"),
    "engine_error": N_("engine error"),
    "proxy_or_starting": N_("starting, or a proxy"),
    "api_too_old": N_("engine too old"),
    "api_client_too_old": N_("trayd too old"),
    "tls_needed": N_("wants TLS"),
    "tls_not_spoken": N_("speaks no TLS"),
    "tls_too_old": N_("TLS too old"),
    "tls_failed": N_("TLS failed"),
    "tls_files": N_("TLS files unusable"),
    "cert_unknown_ca": N_("certificate not trusted"),
    "cert_expired": N_("certificate expired"),
    "cert_not_yet_valid": N_("certificate not valid yet"),
    "cert_wrong_host": N_("certificate for another host"),
    "cert_weak": N_("certificate too weak"),
    "cert_wrong_purpose": N_("certificate not for servers"),
    "cert_invalid": N_("certificate not trusted"),
    "client_cert_rejected": N_("your certificate is refused"),
    "client_cert_missing": N_("wants your certificate"),
    "proxy": N_("proxy refuses"),
    "ssh_missing": N_("no ssh here"),
    "ssh_config": N_("ssh settings unusable"),
    "ssh_hostkey_unknown": N_("host key not known"),
    "ssh_hostkey_changed": N_("host key changed"),
    "ssh_auth": N_("ssh key refused"),
    "ssh_key_passphrase": N_("ssh key locked"),
    "ssh_protocol": N_("no ssh connection"),
    "ssh_login_slow": N_("login too slow"),
    "ssh_forward_refused": N_("forwarding refused"),
    "ssh_remote_docker_missing": N_("no Docker there"),
    "ssh_remote_socket_missing": N_("not running"),
    "ssh_remote_gone": N_("just stopped"),
    "ssh_remote_stopped": N_("stopped"),
    "ssh_remote_permission": N_("permission denied"),
}


def words(health: Health) -> str:
    """Return a state in two or three words: "reachable", "certificate expired"."""
    if health.state is State.UNREACHABLE and health.diagnosis is not None:
        return _(SHORT.get(health.diagnosis.code, WORDS[health.state]))
    return _(WORDS[health.state])


def source(profile: Profile) -> str:
    """Return where a profile comes from in a word or two, nothing for a file."""
    return _(SOURCES.get(profile.source, ""))


def headline(engine: Engine, clock: Callable[[float], str]) -> str:
    """Return the truth in one line: "office — reachable · Engine 27.3 · 12 ms"."""
    health, name = engine.health, engine.profile.name
    if health.state in GOOD:
        parts = [f"{name} — {_(WORDS[health.state])}"]
        if engine.info and engine.info.version:
            parts.append(_("Engine {version}").format(version=clean(engine.info.version, 30)))
        if health.latency is not None:
            parts.append(human_latency(health.latency))
        return " · ".join(parts)
    if health.state is State.CONNECTING:
        return f"{name} — {_(WORDS[health.state])}"
    return _("{name} — {state} since {time}").format(name=name, state=_(WORDS[health.state]), time=clock(health.since))


def loss(profile: Profile, health: Health) -> tuple[str, str]:
    """Return title and text of the notification about a lost engine."""
    title = f"{profile.name}: {_(WORDS[health.state])}"
    diagnosis = health.diagnosis
    return title, f"{diagnosis.cause} {diagnosis.next}" if diagnosis else ""


def stranger(engine: Engine) -> tuple[str, str]:
    """Return title and text about an engine that is not the one its profile had before."""
    name = engine.profile.name
    who = f" ({clean(engine.info.name, 40)})" if engine.info and engine.info.name else ""
    text = _(
        "At {address} another engine answers than before{who}. If that is right, say so in the menu, or with: "
        "trayd use {name} --accept"
    )
    return (
        _("{name}: another engine answers").format(name=name),
        text.format(address=engine.profile.endpoint.url, who=who, name=name),
    )


def details(engine: Engine) -> str:
    """Return all that is known about an engine as lines of text, for a bug report; there are no secrets in it.

    The names of the fields stay English: whoever reads the report looks for them.
    """
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
    rows = [("  " + _("PROFILE"), _("STATE"), _("LATENCY"), _("ENGINE"), _("ENDPOINT"))]
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
