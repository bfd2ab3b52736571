"""What the log says about a change: two snapshots in, lines out.

The log may be pasted into a bug report: it names profiles, states, and causes by their codes. Addresses, host names,
paths, certificates, variables, and what engines and programs say about a failure are not in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trayd.core.engine import Engine
from trayd.core.health import GOOD, State
from trayd.core.privacy import place, without_secrets
from trayd.core.snapshot import Snapshot
from trayd.core.text import clean, human_latency

_NAME = 80
_PATH = re.compile(r"(?:~|[A-Za-z]:)?[/\\][^\s'\":;,]+")
_ADDRESS = re.compile(r"\w+://\S+|\[[0-9A-Fa-f:]+\]|\b\d{1,3}(?:\.\d{1,3}){3}\b")


def changes(old: Snapshot, new: Snapshot) -> Iterator[str]:
    """Give a line for each change that helps to understand later what happened."""
    for name in old.engines.keys() - new.engines.keys():
        yield f"{clean(name, _NAME)}: not watched any more"
    for name, engine in new.engines.items():
        before = old.engines.get(name)
        shown = clean(name, _NAME)
        if before is None or before.profile.endpoint != engine.profile.endpoint:
            yield f"{shown}: watched, {_kind(engine)}"
            before = None
        if (before is None and engine.health.state is not State.CONNECTING) or (
            before is not None and _state(before) != _state(engine)
        ):
            yield f"{shown}: {_words(engine)}"
        if engine.stranger and not (before is not None and before.stranger):
            yield f"{shown}: another engine than before"
    if new.active != old.active:
        yield f"active profile: {clean(new.active, _NAME) or 'none'}"
    if new.problems != old.problems:
        yield f"problems in files: {len(new.problems)}"
    if new.notifications != old.notifications:
        yield f"notifications: {'on' if new.notifications else 'off'}"
    if new.autostart != old.autostart and new.autostart is not None:
        yield f"start at login: {'on' if new.autostart else 'off'}"


def failure(title: str, home: str) -> str:
    """Return the line about something of our own that went wrong, without addresses and foreign paths."""
    text = _ADDRESS.sub("…", without_secrets(clean(title, 300), home))
    return _PATH.sub(lambda found: place(found.group(), home), text)


def _kind(engine: Engine) -> str:
    endpoint = engine.profile.endpoint
    tls = "" if endpoint.tls is None else " with TLS" if endpoint.tls.verify else " with TLS, not verified"
    return f"{endpoint.scheme}{tls} ({engine.profile.source})"


def _state(engine: Engine) -> tuple[State, str]:
    return engine.health.state, engine.health.diagnosis.code if engine.health.diagnosis else ""


def _words(engine: Engine) -> str:
    state, code = _state(engine)
    if state not in GOOD:
        return f"{state} [{code}]" if code else str(state)
    told = [str(state)]
    if engine.health.latency is not None:
        told.append(human_latency(engine.health.latency))
    if engine.info is not None and engine.info.version:
        told.append(f"Engine {clean(engine.info.version, 40)}")
    return ", ".join(told)
