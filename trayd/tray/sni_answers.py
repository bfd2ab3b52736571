"""Answers what panels ask of our item and its menu: reads one immutable state, and hands clicks on.

Every answer is made from the state of this moment without waiting for anybody, so a menu opens just as fast while
engines hang.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from trayd.tray import dbusmenu, dbusmenu_wire
from trayd.tray.bus import Body, Bus, Incoming
from trayd.tray.sni_interfaces import (
    AT,
    INTROSPECTABLE,
    ITEM,
    MENU,
    MENU_PATH,
    METHODS,
    PEER,
    PROPERTIES,
    State,
    argument_problem,
    introspection,
    properties,
)


class Owner(Protocol):
    """What the icon does for a panel; all of it happens on the reading thread and must not wait."""

    def state(self) -> State:
        """Give the state of this moment."""

    def clicked(self, node: dbusmenu.Node) -> None:
        """An item of the menu was clicked, or the icon itself if `node` is the default item."""

    def secondary(self) -> None:
        """The icon was clicked with the middle button."""

    def opening(self) -> None:
        """The menu is about to be shown."""


class Refused(Exception):  # noqa: N818 - an answer of the protocol, not a failure of ours
    """The call gets an error as its answer: a name below org.freedesktop.DBus.Error, and a text."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(text)
        self.error = error


class Answers:
    """Answers the calls of one connection."""

    def __init__(self, bus: Bus, owner: Owner) -> None:
        self._bus = bus
        self._owner = owner
        self._hinted: dict[tuple[str, int], int] = {}
        self._whole = dbusmenu_wire.Whole()
        self._methods: dict[tuple[str, str], Callable[..., Body]] = {
            (ITEM, "Activate"): self._activate,
            (ITEM, "SecondaryActivate"): self._secondary,
            (MENU, "GetLayout"): self._get_layout,
            (MENU, "GetGroupProperties"): lambda ids, names: dbusmenu_wire.groups(
                dbusmenu.get_group_properties(owner.state().layout, ids, names)
            ),
            (MENU, "GetProperty"): self._get_menu_property,
            (MENU, "Event"): self._event,
            (MENU, "EventGroup"): self._event_group,
            (MENU, "AboutToShow"): self._about_to_show,
            (MENU, "AboutToShowGroup"): self._about_to_show_group,
            (PEER, "GetMachineId"): lambda: (_machine_id(),),
        }

    def answer(self, call: Incoming) -> None:
        """Answer one method call."""
        try:
            interface = self._interface(call)
            signature = METHODS[interface][call.member][1]
            if interface in (PROPERTIES, INTROSPECTABLE):
                body: Body = self._standard(call, interface)
            elif method := self._methods.get((interface, call.member)):
                body = method(*call.body)
            else:
                body = ()  # accepted, and nothing is done: Scroll, ContextMenu, ProvideXdgActivationToken, Ping
        except Refused as refused:
            self._bus.refuse(call, refused.error, str(refused))
            return
        self._bus.reply(call, signature, body)
        if call.member == "GetLayout" and call.body[1] == 1:
            self._hint_submenus(call.sender, call.body[0])

    def _interface(self, call: Incoming) -> str:
        """Find the interface that a call means, or refuse it; a call may leave its interface out."""
        own = AT.get(call.path)
        if own is None and call.interface not in (INTROSPECTABLE, PEER):
            raise Refused("UnknownObject", f"there is nothing at {call.path}")
        here = (own, PROPERTIES, INTROSPECTABLE, PEER) if own else (INTROSPECTABLE, PEER)
        if call.interface and call.interface not in here:
            raise Refused("UnknownInterface", f"{call.path} has no interface {call.interface}")
        for interface in (call.interface,) if call.interface else here:
            if interface and call.member in METHODS[interface]:
                if problem := argument_problem(interface, call.member, call.signature, call.body):
                    raise Refused("InvalidArgs", problem)
                return interface
        raise Refused("UnknownMethod", f"{call.interface or call.path} has no method {call.member}")

    def _standard(self, call: Incoming, interface: str) -> tuple[Any, ...]:
        """Answer Properties and Introspectable, which depend on the path."""
        if interface == INTROSPECTABLE:
            return (introspection(call.path),)
        asked = call.body[0]
        if asked and asked != AT[call.path]:
            if asked in (PROPERTIES, INTROSPECTABLE, PEER) and call.member == "GetAll":
                return ({},)
            raise Refused("UnknownInterface", f"{call.path} has no interface {asked}")
        values = properties(self._owner.state(), AT[call.path])
        if call.member == "GetAll":
            return (values,)
        name = call.body[1]
        if name not in values:
            raise Refused("UnknownProperty", f"{AT[call.path]} has no property {name}")
        if call.member == "Set":
            raise Refused("PropertyReadOnly", f"{name} cannot be set")
        return (values[name],)

    def _activate(self, _x: int, _y: int) -> tuple[()]:
        default = self._owner.state().layout.default
        if default is None:
            # Plasma 5 opens the menu on a left click only after this error (iovxw/ksni#19).
            raise Refused("UnknownMethod", "this icon has only a menu")
        self._owner.clicked(default)
        return ()

    def _secondary(self, _x: int, _y: int) -> tuple[()]:
        self._owner.secondary()
        return ()

    def _get_layout(self, parent: int, depth: int, names: list[str]) -> bytes:
        layout = self._owner.state().layout
        if depth == -1 and not names and parent in layout.nodes:
            return self._whole.layout(layout.revision, layout.nodes[parent])
        found = dbusmenu.get_layout(layout, parent, depth, names)
        if found is None:
            raise Refused("InvalidArgs", f"there is no menu item {parent}")
        return dbusmenu_wire.layout(*found)

    def _get_menu_property(self, number: int, name: str) -> tuple[Any, ...]:
        value = dbusmenu.get_property(self._owner.state().layout, number, name)
        if value is None:
            raise Refused("InvalidArgs", f"menu item {number} has no property {name}")
        return (value,)

    def _event(self, number: int, event: str, _data: Any, _time: int) -> tuple[()]:
        self._happened(number, event)
        return ()

    def _event_group(self, events: Iterable[tuple[int, str, Any, int]]) -> tuple[list[int]]:
        return ([number for number, event, _data, _time in events if not self._happened(number, event)],)

    def _happened(self, number: int, event: str) -> bool:
        """Act on an event and say whether its item exists: one that went away meanwhile is not clicked any more."""
        node = self._owner.state().layout.nodes.get(number)
        if node is None:
            return False
        if event == "clicked" and node.enabled:
            self._owner.clicked(node)
        return True

    def _about_to_show(self, number: int) -> tuple[bool]:
        if number == dbusmenu.ROOT:
            self._owner.opening()
        return (False,)

    def _about_to_show_group(self, numbers: list[int]) -> tuple[list[int], list[int]]:
        if dbusmenu.ROOT in numbers:  # XFCE asks in this way only
            self._owner.opening()
        nodes = self._owner.state().layout.nodes
        return [], [number for number in numbers if number not in nodes]

    def _hint_submenus(self, sender: str, parent: int) -> None:
        """Make a panel that reads one level at a time read the next one too.

        Plasma 5 shows a submenu that it has not read yet outside of the screen the first time. Each panel gets the
        hint once for a parent and revision, so a panel that answers it with the same question does not go round.
        """
        layout = self._owner.state().layout
        if self._hinted.get((sender, parent)) == layout.revision:
            return
        if len(self._hinted) > 256:
            self._hinted.clear()
        self._hinted[sender, parent] = layout.revision
        for number in dbusmenu.unloaded_submenus(layout, parent):
            self._bus.emit(MENU_PATH, MENU, "LayoutUpdated", "ui", (layout.revision, number))


def _machine_id() -> str:
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            with open(path, encoding="ascii") as file:
                return file.read().strip()
        except (OSError, ValueError):
            continue
    raise Refused("Failed", "this machine has no id")
