"""Watches many displays at once for one event."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from bench.display import Display


def watch(
    displays: Mapping[str, Display], question: Callable[[Display], float], since: float, seconds: float
) -> dict[str, float]:
    """Seconds from `since` until each display's answer; who did not answer in time is not in it."""
    found: dict[str, float] = {}
    while len(found) < len(displays) and time.monotonic() < since + seconds:
        for name, display in displays.items():
            if name not in found and (at := question(display)):
                found[name] = at - since
        time.sleep(0.005)
    return found


def lost(displays: Mapping[str, Display], since: float, seconds: float) -> dict[str, float]:
    """When each one showed something else than the good state."""
    return watch(displays, lambda display: display.changed(since), since, seconds)


def back(displays: Mapping[str, Display], since: float, answers: float, seconds: float) -> dict[str, float]:
    """When each one showed the good state again, counted from the engine's first answer; never below zero.

    `since` is a moment before the restart: a program may be served before our own first question was.
    """
    found = watch(displays, lambda display: display.restored(since), since, seconds)
    return {name: max(0.0, since + after - answers) for name, after in found.items()}
