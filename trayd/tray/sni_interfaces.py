"""The two interfaces that a tray icon serves, as tables: their methods, properties, signals and introspection.

StatusNotifierItem: https://specifications.freedesktop.org/status-notifier-item/latest-single (hosts use the KDE name
of the interface, as its text allows). dbusmenu: libdbusmenu's dbus-menu.xml, version 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trayd.core.value import Value
from trayd.tray.dbusmenu import Layout, Variant, evolve
from trayd.tray.sni_pixmap import Pixmap

ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
ITEM_PATH = "/StatusNotifierItem"
INDICATOR_PATH = "/org/ayatana/NotificationItem/trayd"
MENU_PATH = "/MenuBar"
WATCHER = "org.kde.StatusNotifierWatcher"
WATCHER_PATH = "/StatusNotifierWatcher"
PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
PEER = "org.freedesktop.DBus.Peer"

AT = {ITEM_PATH: ITEM, INDICATOR_PATH: ITEM, MENU_PATH: MENU}
"""Which interface is where; both objects have the standard ones besides."""

# interface -> method -> signatures of what comes in and what goes out
METHODS: dict[str, dict[str, tuple[str, str]]] = {
    ITEM: {
        "Activate": ("ii", ""),
        "SecondaryActivate": ("ii", ""),
        "ContextMenu": ("ii", ""),
        "Scroll": ("is", ""),
        "ProvideXdgActivationToken": ("s", ""),
    },
    MENU: {
        "GetLayout": ("iias", "u(ia{sv}av)"),
        "GetGroupProperties": ("aias", "a(ia{sv})"),
        "GetProperty": ("is", "v"),
        "Event": ("isvu", ""),
        "EventGroup": ("a(isvu)", "ai"),
        "AboutToShow": ("i", "b"),
        "AboutToShowGroup": ("ai", "aiai"),
    },
    PROPERTIES: {"Get": ("ss", "v"), "GetAll": ("s", "a{sv}"), "Set": ("ssv", "")},
    INTROSPECTABLE: {"Introspect": ("", "s")},
    PEER: {"Ping": ("", ""), "GetMachineId": ("", "s")},
}

SIGNALS: dict[str, dict[str, str]] = {
    ITEM: {"NewTitle": "", "NewIcon": "", "NewToolTip": "", "NewStatus": "s"},
    MENU: {"ItemsPropertiesUpdated": "a(ia{sv})a(ias)", "LayoutUpdated": "ui"},
}


_EMPTY = evolve(Layout(), None)[0]


class State(Value):
    """Everything a panel can read of our icon at one moment."""

    id: str
    visible: bool = False
    title: str = ""
    tooltip: tuple[str, str] = ("", "")
    pixmaps: tuple[Pixmap, ...] = ()
    layout: Layout = _EMPTY

    @property
    def status(self) -> str:
        """The item's status in the specification's words."""
        return "Active" if self.visible else "Passive"


def indicator_path(environ: Mapping[str, str]) -> str:
    """Name the path to register by in Cinnamon, else nothing: its panel opens a menu on a left click only for items
    at the path of AppIndicators.
    """
    return INDICATOR_PATH if "Cinnamon" in environ.get("XDG_CURRENT_DESKTOP", "") else ""


def properties(state: State, interface: str) -> dict[str, Variant]:
    """Give all properties of one of our two interfaces."""
    if interface == MENU:
        return {
            "Version": ("u", 3),
            "Status": ("s", "normal"),
            "TextDirection": ("s", "ltr"),
            "IconThemePath": ("as", []),
        }
    return {
        "Category": ("s", "ApplicationStatus"),
        "Id": ("s", state.id),
        "Title": ("s", state.title),
        "Status": ("s", state.status),
        "WindowId": ("i", 0),
        "IconName": ("s", ""),
        "IconThemePath": ("s", ""),
        "IconPixmap": ("a(iiay)", list(state.pixmaps)),
        # GNOME's extension asks for it at each NewIcon and logs an error without it; if empty, it reads the title.
        "IconAccessibleDesc": ("s", ""),
        "OverlayIconName": ("s", ""),
        "OverlayIconPixmap": ("a(iiay)", []),
        "AttentionIconName": ("s", ""),
        "AttentionIconPixmap": ("a(iiay)", []),
        "AttentionMovieName": ("s", ""),
        "ToolTip": ("(sa(iiay)ss)", ("", [], *state.tooltip)),
        "ItemIsMenu": ("b", state.layout.default is None),
        "Menu": ("o", MENU_PATH),
    }


def introspection(path: str) -> str:
    """Describe the object at a path in XML; of any other path, the objects below it."""
    if path in AT:
        inner = "".join(_interface(name) for name in (AT[path], PROPERTIES, INTROSPECTABLE, PEER))
    else:
        inner = "".join(f'<node name="{below[1:]}"/>' for below in AT if below.count("/") == 1) if path == "/" else ""
    return (
        '<!DOCTYPE node PUBLIC "-//freedesktop//DTD D-BUS Object Introspection 1.0//EN" '
        f'"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd"><node>{inner}</node>'
    )


def _interface(name: str) -> str:
    parts = []
    for method, (coming, going) in METHODS[name].items():
        arguments = _arguments(coming, "in") + _arguments(going, "out")
        parts.append(f'<method name="{method}">{arguments}</method>')
    for signal, signature in SIGNALS.get(name, {}).items():
        parts.append(f'<signal name="{signal}">{_arguments(signature, "")}</signal>')
    if name in AT.values():
        for prop, (signature, _) in properties(State(""), name).items():
            parts.append(f'<property name="{prop}" type="{signature}" access="read"/>')
    return f'<interface name="{name}">{"".join(parts)}</interface>'


def _arguments(signature: str, direction: str) -> str:
    where = f' direction="{direction}"' if direction else ""
    return "".join(f'<arg type="{one}"{where}/>' for one in split_signature(signature))


def split_signature(signature: str) -> list[str]:
    """Cut a signature into its single complete types: `"ua{sv}"` into `["u", "a{sv}"]`."""
    types, start, depth = [], 0, 0
    for position, letter in enumerate(signature):
        depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(letter, 0)
        if depth == 0 and letter != "a":
            types.append(signature[start : position + 1])
            start = position + 1
    return types


def argument_problem(interface: str, member: str, signature: str, body: tuple[Any, ...]) -> str:
    """Say what is wrong with a call's arguments, or nothing."""
    expected = METHODS[interface][member][0]
    if signature == expected and len(body) == len(split_signature(expected)):
        return ""
    return f"{interface}.{member} takes {expected or 'nothing'!r}, not {signature or 'nothing'!r}"
