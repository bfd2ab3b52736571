"""The tray icon on Linux: a pystray back end that speaks StatusNotifierItem and dbusmenu over D-Bus.

pystray's own Linux back ends have no menu without PyGObject, which pip cannot install; this one needs nothing but a
session bus. Any thread may change icon, title and menu: the new state replaces the old one as a single immutable
value, and panels are told what differs. `run` reads the bus on the main thread and survives its absence and loss.
What panels demand was found by running seven of them; the reasons stand beside the code.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from itertools import count
from typing import Any

from trayd.core.value import replace
from trayd.core.view import is_gnome
from trayd.tray import dbusmenu
from trayd.tray.bus import DAEMON, ERROR, OWNED, Bus, BusError, Incoming, Reply
from trayd.tray.pystray_import import pystray
from trayd.tray.sni_answers import Answers
from trayd.tray.sni_interfaces import (
    ITEM,
    ITEM_PATH,
    MENU,
    MENU_PATH,
    PROPERTIES,
    WATCHER,
    WATCHER_PATH,
    State,
    indicator_path,
)
from trayd.tray.sni_notifications import NOTIFICATIONS, Note, Notifications
from trayd.tray.sni_pixmap import Pixmaps
from trayd.tray.sni_text import in_order, plain, unmarked

_TITLE_LIMIT = 120
_TOOLTIP_LIMIT = 1000
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 5.0  # seconds between two attempts to find a bus
_numbers = count(1)
_log = logging.getLogger(__name__)


class Icon(pystray._base.Icon):  # type: ignore[misc]
    """A tray icon over D-Bus; see `pystray.Icon` for everything that is not said here."""

    HAS_DEFAULT_ACTION = True
    HAS_MENU = True
    HAS_MENU_RADIO = True
    HAS_NOTIFICATION = True

    def __init__(self, name: str, icon: Any = None, title: str | None = None, menu: Any = None, **options: Any) -> None:
        # Before pystray's own, because its destructor asks us to hide even if that fails.
        # Held while a state is made and told, never while a panel is answered. Reentrant, because a menu's callables
        # may set the title.
        self._changing = threading.RLock()
        self._state = State(plain(name, _TITLE_LIMIT))
        self._gnome = is_gnome(os.environ.get("XDG_CURRENT_DESKTOP", ""))
        self._pixmaps = Pixmaps()
        self._notifications = Notifications(name, self._button)
        self._bus: Bus | None = None
        self._answers: Answers | None = None
        self._service = ""
        self._indicator = indicator_path(os.environ)
        self._visible = False
        self._stopped = False
        # Held until `_stop`, which is all a signal handler may do safely: release it.
        self._gate = threading.Lock()
        self._gate.acquire()
        self._host_known = False
        self.host_present = False
        """Whether there is a panel that shows tray icons right now."""
        self.on_host: Callable[[bool], None] | None = None
        """Called on the reading thread when `host_present` is first known and whenever it changes."""
        self.on_secondary: Callable[[], None] | None = None
        """Called on the reading thread when the icon is clicked with the middle button."""
        self.on_open: Callable[[], None] | None = None
        """Called on the reading thread when the menu opens; not all panels say so."""
        self.on_button: Callable[[object], None] | None = None
        """Called on the reading thread with the value of a notification's button that was clicked."""
        super().__init__(name, icon, title, menu, **options)

    @property
    def on_bus(self) -> bool:
        """Whether there is a session bus right now."""
        return self._bus is not None

    # pystray's side, called from any thread

    def _show(self) -> None:
        with self._changing:
            self._change(visible=True, pixmaps=self._pixmaps.of(self._icon), **self._texts())
            self._register()

    def _hide(self) -> None:
        with self._changing:
            self._change(visible=False)

    def _update_icon(self) -> None:
        with self._changing:
            self._change(pixmaps=self._pixmaps.of(self._icon))
        self._icon_valid = True

    def _update_title(self) -> None:
        with self._changing:
            self._change(**self._texts())

    def _update_menu(self) -> None:
        with self._changing:
            layout, change = dbusmenu.evolve(self._state.layout, self._menu, self._gnome)
            # An equal menu replaces the old one too: its items may do something else.
            self._change(layout=layout)
            if change.properties:
                self._tell(MENU, "ItemsPropertiesUpdated", "a(ia{sv})a(ias)", (list(change.properties), []))
            for parent in change.parents:
                self._tell(MENU, "LayoutUpdated", "ui", (layout.revision, parent))

    def notify_about(
        self,
        subject: str,
        message: str,
        title: str | None = None,
        buttons: tuple[tuple[str, object], ...] = (),
        image: Any = None,
    ) -> None:
        """Show a notification in place of the last one about the same subject; without a bus nothing happens.

        A button is its label and the value that `on_button` gets when it is clicked. Without an image it is the icon.
        """
        bus = self._bus
        if bus is not None:
            self._notifications.show(
                subject, Note(bus, title or self._state.title, message, image or self._icon, buttons)
            )

    def _notify(self, message: str, title: str | None = None) -> None:
        self.notify_about("", message, title)

    def _remove_notification(self) -> None:
        bus = self._bus
        if bus is not None:
            self._notifications.remove(bus)

    def stop(self) -> None:
        """Make `run` return, from any thread or signal handler; a `run` that comes later returns at once."""
        self._stop()
        super().stop()

    def _stop(self) -> None:
        self._stopped = True
        with contextlib.suppress(RuntimeError):  # released before
            self._gate.release()
        bus = self._bus
        if bus is not None:
            bus.close()

    def _run_detached(self) -> None:
        threading.Thread(target=self._run, name="tray").start()

    # The state, and telling panels what changed; `_changing` is held

    def _texts(self) -> dict[str, Any]:
        lines = plain(self._title, _TOOLTIP_LIMIT, lines=True).strip().split("\n")
        title = in_order(plain(lines[0].strip(), _TITLE_LIMIT))
        rest = "\n".join(in_order(line.strip()) for line in lines[1:])
        return {"title": title, "tooltip": (unmarked(title), unmarked(rest))}

    def _change(self, **parts: Any) -> None:
        old = self._state
        new = self._state = replace(old, **parts)
        if new.pixmaps != old.pixmaps:
            self._tell(ITEM, "NewIcon")
            if self._indicator:  # Cinnamon's watcher may have taken the end of ":1.2" for ours, of ":1.23"
                self._register()
        if new.title != old.title:
            self._tell(ITEM, "NewTitle")
        if new.tooltip != old.tooltip:
            self._tell(ITEM, "NewToolTip")
        if new.status != old.status:
            self._tell(ITEM, "NewStatus", "s", (new.status,))

    def _tell(self, interface: str, signal: str, signature: str = "", body: tuple[Any, ...] = ()) -> None:
        if self._bus is not None:
            path = MENU_PATH if interface == MENU else self._indicator or ITEM_PATH
            self._bus.emit(path, interface, signal, signature, body)

    def _register(self) -> None:
        """Tell the watcher about us, once we have a name and something to show; a missing watcher is waited for."""
        if self._bus is not None and self._service and self._state.visible:
            us = (self._indicator or self._service,)
            self._bus.call(WATCHER, WATCHER_PATH, WATCHER, "RegisterStatusNotifierItem", "s", us, self._registered)

    # The bus, on the thread that called `run`

    def _run(self) -> None:
        self._mark_ready()
        wait = _FIRST_WAIT
        while not self._stopped:
            try:
                bus = Bus.connect()
            except BusError as problem:
                _log.debug("no tray: %s", problem)
                self._host(False)
            else:
                wait = _FIRST_WAIT
                self._serve(bus)
            if self._stopped or self._gate.acquire(timeout=wait):
                return
            wait = min(wait * 2, _LONGEST_WAIT)

    def _serve(self, bus: Bus) -> None:
        """Appear on a bus and answer until it is lost or we are stopped."""
        self._answers = Answers(bus, self)
        self._service = ""
        name = f"{ITEM}-{os.getpid()}-{next(_numbers)}"
        if self._gnome:
            # Its extension watches a name that we own, and if it hears of the owner after it has read our properties,
            # it forgets them and drops us (v46, every second time). We show up under our unique name, which it trusts.
            bus.call(DAEMON, "/org/freedesktop/DBus", DAEMON, "GetId", "", (), lambda _: self._named(bus.unique_name))
        else:
            bus.own(name, lambda reply: self._owned(bus, name, reply))
        bus.listen_for_owner(WATCHER)
        self._notifications.listen(bus)
        bus.listen(f"type='signal',sender='{WATCHER}',interface='{WATCHER}',path='{WATCHER_PATH}'")
        with self._changing:
            self._bus = bus
        self._ask_for_host(bus)
        try:
            if not self._stopped:  # set before we gave `_stop` something to close
                bus.serve(self._came)
        finally:
            bus.close()
            with self._changing:
                self._bus = None
            self._notifications.forget()
            if not self._stopped:
                self._host(False)

    def _owned(self, bus: Bus, name: str, reply: Reply) -> None:
        # A sandbox may forbid the name, or give several of us the same process id; our unique name always works.
        self._named(name if not reply.error and reply.body[0] in OWNED else bus.unique_name)

    def _named(self, name: str) -> None:
        with self._changing:
            self._service = name
            self._register()

    def _came(self, message: Incoming) -> None:
        bus = self._bus
        if bus is None or self._answers is None:
            return
        if message.call:
            self._answers.answer(message)
        elif message.member == "NameOwnerChanged" and message.sender == DAEMON:
            name, old, new = message.body
            if name == WATCHER:
                if new:  # at login, after a panel restart, or an extension was switched on
                    with self._changing:
                        self._register()
                self._ask_for_host(bus)
            elif name == NOTIFICATIONS:
                (self._notifications.forget if old else self._notifications.started)()
        elif message.interface == NOTIFICATIONS:
            self._notifications.came(message)
        elif message.interface == WATCHER and "Host" in message.member:
            self._ask_for_host(bus)

    def _registered(self, reply: Reply) -> None:
        if reply.error:
            _log.debug("not registered at a tray: %s", reply.error)  # normal at login: we are told when one comes

    def _ask_for_host(self, bus: Bus) -> None:
        bus.call(
            WATCHER,
            WATCHER_PATH,
            PROPERTIES,
            "Get",
            "ss",
            (WATCHER, "IsStatusNotifierHostRegistered"),
            self._host_answered,
        )

    def _host_answered(self, reply: Reply) -> None:
        if reply.error:
            # A watcher that does not know the question is a watcher.
            self._host(
                reply.error.removeprefix(ERROR)
                in ("UnknownProperty", "UnknownInterface", "UnknownMethod", "InvalidArgs")
            )
        else:
            self._host(bool(reply.body[0][1]))

    def _host(self, present: bool) -> None:
        if present == self.host_present and self._host_known:
            return
        self._host_known = True
        self.host_present = present
        if self.on_host is not None:
            self.on_host(present)

    # What panels make us do (see `sni_answers.Owner`), on the thread that called `run`

    def state(self) -> State:
        """Give the state of this moment."""
        return self._state

    def clicked(self, node: dbusmenu.Node) -> None:
        """Run an item's action, which must only post, and show what it changed, as pystray promises."""
        if node.item is not None:
            try:
                node.item(self)
            finally:
                self.update_menu()

    def secondary(self) -> None:
        """Hand on a click with the middle button."""
        if self.on_secondary is not None:
            self.on_secondary()

    def _button(self, value: object) -> None:
        if self.on_button is not None:
            self.on_button(value)

    def opening(self) -> None:
        """Hand on that the menu opens."""
        if self.on_open is not None:
            self.on_open()
