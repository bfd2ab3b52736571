"""Looks at the session bus, and at fonts, for `trayd doctor`.

Each look at the bus has a connection of its own; none changes or starts anything.

A server that the bus could start is not started by looking: it is only said that it could be.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

from trayd.core.doctor import Bus, Notifier, Panel
from trayd.core.words import _
from trayd.tray import bus as dbus
from trayd.tray.bus import DAEMON, DAEMON_PATH, ERROR
from trayd.tray.sni_interfaces import PROPERTIES, WATCHER, WATCHER_PATH
from trayd.tray.sni_notifications import NOTIFICATIONS, PATH


def session_bus() -> Bus:
    """Look whether the session has a bus and it answers."""
    try:
        dbus.session_addresses(os.environ)
    except dbus.BusError:
        return Bus(named=False)
    try:
        with _connected() as bus:
            return Bus(named=True, answers=bool(_ask(bus, "GetId")))
    except dbus.BusError:
        return Bus(named=True)


def panel() -> Panel:
    """Look for a StatusNotifier watcher and a panel that shows icons."""
    with _connected() as bus:
        if not _ask(bus, "NameHasOwner", WATCHER):
            return Panel()
        question = (WATCHER, "IsStatusNotifierHostRegistered")
        reply = bus.call_blocking(WATCHER, WATCHER_PATH, PROPERTIES, "Get", "ss", question)
    if reply.error:
        # A watcher that does not know the question is a watcher with a panel; one that just went away is none.
        return Panel(True, reply.error.startswith(f"{ERROR}Unknown") or reply.error == f"{ERROR}InvalidArgs")
    return Panel(True, bool(reply.body[0][1]))


def notifier() -> Notifier:
    """Look which notification server there is, and what it can do."""
    with _connected() as bus:
        if not _ask(bus, "NameHasOwner", NOTIFICATIONS):
            return Notifier(startable=NOTIFICATIONS in _ask(bus, "ListActivatableNames"))
        about = bus.call_blocking(NOTIFICATIONS, PATH, NOTIFICATIONS, "GetServerInformation")
        able = bus.call_blocking(NOTIFICATIONS, PATH, NOTIFICATIONS, "GetCapabilities")
    name = "" if about.error else " ".join(str(part) for part in (about.body[0], about.body[2]) if part)
    return Notifier(name or _("a server without a name"), buttons=not able.error and "actions" in able.body[0])


def letters() -> bool:
    """Look whether a font has the characters of the language that trayd speaks; without a screen none is needed."""
    text = _("notifications")
    if text.isascii() or not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return True
    from trayd.tray.fonts import Fonts

    return Fonts(14).has(text)


@contextlib.contextmanager
def _connected() -> Iterator[dbus.Bus]:
    bus = dbus.Bus.connect()
    reading = threading.Thread(target=bus.serve, args=(lambda _: None,), name="bus", daemon=True)
    reading.start()
    try:
        yield bus
    finally:
        bus.close()


def _ask(bus: dbus.Bus, member: str, name: str = "") -> Any:
    """Ask the bus itself. Raises BusError."""
    signature, body = ("s", (name,)) if name else ("", ())
    reply = bus.call_blocking(DAEMON, DAEMON_PATH, DAEMON, member, signature, body)
    if reply.error:
        raise dbus.BusError(f"the bus refuses {member}")
    return reply.body[0]
