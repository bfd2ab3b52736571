"""A pystray menu as com.canonical.dbusmenu shows it: a frozen tree with ids that stay, and what changed between two.

Nothing here talks to a bus. A panel keeps an open menu open if only properties of known ids change; so an item keeps
its id as long as its key among its siblings and its kind stay the same, and an id on which a click means something is
never given to another item. What goes from the top level is hidden and not taken away: Qt's importer, which LXQt's
panel uses, empties a menu whose list of items changes, and an open one closes with that.
Interface: libdbusmenu's dbus-menu.xml, version 3. A variant is a pair of signature and value, jeepney's way.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import count
from types import MappingProxyType
from typing import Any

from trayd.core.value import Value, replace
from trayd.tray.sni_text import in_order, plain

ROOT = 0
LABEL_LIMIT = 200
LAYOUT_SIGNATURE = "(ia{sv}av)"
_GNOME_UNDERSCORE = re.compile(r"_(?=[^_])")
_SPARE = 8  # hidden lines below the first one, from the beginning: where the reasons of a failure will stand
_MOST_HIDDEN = 40  # items that a menu hides; with more, it is made anew

Variant = tuple[str, Any]
Properties = Mapping[str, Variant]
Encoded = tuple[int, dict[str, Variant], list[Variant]]
_SHOWN: Properties = MappingProxyType({"visible": ("b", True), "enabled": ("b", True)})
_HIDDEN: Properties = MappingProxyType({"visible": ("b", False), "enabled": ("b", False)})

# What an item has that does not say otherwise (dbus-menu.xml, "Menu items properties").
DEFAULTS: Properties = MappingProxyType(
    {
        "type": ("s", "standard"),
        "label": ("s", ""),
        "enabled": ("b", True),
        "visible": ("b", True),
        "icon-name": ("s", ""),
        "icon-data": ("ay", b""),
        "shortcut": ("aas", []),
        "toggle-type": ("s", ""),
        "toggle-state": ("i", -1),
        "children-display": ("s", ""),
        "disposition": ("s", "normal"),
    }
)


class Node(Value, apart=("item",)):
    """One item as a panel sees it; `identity` names it among its siblings, `item` is what a click calls."""

    id: int
    identity: tuple[Hashable, ...] = ()
    properties: Properties = MappingProxyType({})
    children: tuple[Node, ...] = ()
    default: bool = False
    item: Any = None
    line: bool = False
    """Whether it is text only, as its item says."""

    @property
    def enabled(self) -> bool:
        """Whether a click on it does something."""
        shown = not self.hidden and "type" not in self.properties
        return shown and bool(self.properties.get("enabled", DEFAULTS["enabled"])[1])

    @property
    def hidden(self) -> bool:
        """Whether a panel does not show it."""
        return self.properties.get("visible", DEFAULTS["visible"]) == _HIDDEN["visible"]

    @property
    def loose(self) -> bool:
        """Whether nobody minds which of its like it is: a line of text, a separator."""
        return self.line or "type" in self.properties


class Layout(Value, apart=("nodes",)):
    """A whole menu at one revision; `next_id` is the first id that was never given away."""

    revision: int = 1
    root: Node = Node(ROOT, properties={"children-display": ("s", "submenu")})
    next_id: int = 1
    nodes: Mapping[int, Node] = MappingProxyType({})

    @property
    def default(self) -> Node | None:
        """The item that a click on the icon itself means: as in pystray, the first default one of the top level."""
        return next((node for node in self.root.children if node.default and node.enabled), None)


class Change(Value):
    """What a panel has to be told: properties of items it knows, and the parents whose list of children changed."""

    properties: tuple[tuple[int, dict[str, Variant]], ...] = ()
    parents: tuple[int, ...] = ()


def escape_label(text: str, gnome: bool = False) -> str:
    """Make a label of any text; a single underscore would underline the letter after it.

    GNOME's extension takes out the first underscore before another character, and no further one (its dbusMenu.js,
    still so in v63).
    """
    text = in_order(plain(text, LABEL_LIMIT))
    return _GNOME_UNDERSCORE.sub("__", text, count=1) if gnome else text.replace("_", "__")


def evolve(old: Layout, menu: Iterable[Any] | None, gnome: bool = False) -> tuple[Layout, Change]:
    """Turn a pystray menu into the layout that follows `old`, and say what differs."""
    fresh = count(old.next_id)
    siblings = old.root.children if sum(n.hidden for n in old.root.children) <= _MOST_HIDDEN else ()  # else all anew
    new = tuple(_grow(menu, siblings, fresh, gnome))
    if gnome and (moved := _moved(new, siblings)):
        siblings = tuple(replace(node, identity=()) if node.id in moved else node for node in siblings)
        new = tuple(_grow(menu, siblings, fresh, gnome))
    root = Node(ROOT, (), old.root.properties, _settle(new, siblings, fresh))
    nodes = {node.id: node for node in _walk(root)}
    known = old.nodes or {ROOT: old.root}
    change = _difference(known, nodes)
    revision = old.revision % 0xFFFFFFFF + 1 if change.parents else old.revision
    return Layout(revision, root, next(fresh), nodes), change


def _grow(
    menu: Iterable[Any] | None, siblings: tuple[Node, ...], fresh: Iterator[int], gnome: bool = False
) -> Iterator[Node]:
    """Evaluate one level of a pystray menu; items that were there before keep their ids."""
    if menu is None:
        return
    known = {node.identity: node for node in siblings}
    fixed = {id(node.item): node for node in siblings if getattr(node.item, "fixed", False)}
    line = getattr(type(menu), "SEPARATOR", None)
    seen: Counter[Hashable] = Counter()
    for item in menu:
        same = fixed.get(id(item))
        if same and same.identity and same.identity[-1] == seen[same.identity[:-1]]:
            seen[same.identity[:-1]] += 1
            yield same
            continue
        separator = item is line or getattr(item, "separator", False)
        submenu = None if separator else item.submenu
        checked = None if separator else item.checked
        toggle = "" if checked is None else "radio" if item.radio else "checkmark"
        # A panel cannot turn a line or a plain item into a submenu or a check box, so the kind is part of what an
        # item is. Without a key, its place among the keyless siblings of its kind is.
        kind = "separator" if separator else "submenu" if submenu is not None else "item"
        name = (getattr(item, "key", None), kind, toggle)
        identity = (*name, seen[name])
        seen[name] += 1
        before = known.get(identity)
        if separator:
            yield Node(before.id if before else next(fresh), identity, {"type": ("s", "separator")}, item=item)
            continue
        properties: dict[str, Variant] = {
            "label": ("s", escape_label(str(item.text), gnome)),
            "enabled": ("b", bool(item.enabled)),
        }
        if toggle:
            properties["toggle-type"] = ("s", toggle)
            properties["toggle-state"] = ("i", int(bool(checked)))
        if submenu is not None:
            properties["children-display"] = ("s", "submenu")
        number = before.id if before else next(fresh)
        children = tuple(_grow(submenu, before.children if before else (), fresh, gnome))
        text_only = submenu is None and bool(getattr(item, "line", False))
        yield Node(number, identity, properties, children, bool(item.default), item, text_only)


def _firm(new: tuple[Node, ...], old: Mapping[int, Node]) -> list[int]:
    """Name the items that were there before and are nobody else's, in order."""
    return [n.id for n in new if n.id in old and not (n.loose and old[n.id].loose)]


def _moved(new: tuple[Node, ...], old: tuple[Node, ...]) -> set[int]:
    """Name what stands further up than before: GNOME's extension moves nothing, so that has to be made anew."""
    places, last, moved = {node.id: place for place, node in enumerate(old)}, -1, set()
    for number in _firm(new, {node.id: node for node in old}):
        if places[number] < last:
            moved.add(number)
        last = max(last, places[number])
    return moved


def _settle(new: tuple[Node, ...], old: tuple[Node, ...], fresh: Iterator[int]) -> tuple[Node, ...]:
    """Put the items that went, hidden, between those that are there: nothing is ever removed from the top level.

    LXQt's panel closes an open menu whose list changes. GNOME's extension closes the submenu that is open, and adds
    first and removes then: what is added behind something that is removed lands too far up (v46 to v63).
    A line of text, on which a click means nothing, and a separator take over any other's place and id between the
    same two items, so that the reasons of two failures are one list whose texts change.
    """
    if not old:
        spare = (Node(next(fresh), (None, "item", "", n), _HIDDEN, line=True) for n in range(_SPARE))
        return (*new[:1], *spare, *new[1:]) if new and new[0].line else new
    place = {node.id: at for at, node in enumerate(old)}
    firm = set(_firm(new, {node.id: node for node in old}))
    settled: list[Node] = []
    done = 0

    def hide(nodes: Iterable[Node]) -> None:
        settled.extend(_hidden(node) for node in nodes if node.id not in firm)

    for node in new:
        at = place[node.id] if node.id in firm else _free(node, old, done, firm) if node.loose else None
        if node.loose and node.id not in firm:
            node = replace(node, id=next(fresh) if at is None else old[at].id)
        if at is not None and at >= done:
            hide(old[done:at])
            done = at + 1
        settled.append(node)
    hide(old[done:])
    return tuple(settled)


def _free(node: Node, old: tuple[Node, ...], done: int, firm: set[int]) -> int | None:
    """Find a place of the same kind before the next item that stays."""
    for at in range(done, len(old)):
        if old[at].id in firm:
            return None
        if old[at].loose and ("type" in old[at].properties) == ("type" in node.properties):
            return at
    return None


def _hidden(node: Node) -> Node:
    return replace(node, properties={**node.properties, **_HIDDEN}, children=(), default=False, item=None)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _difference(old: Mapping[int, Node], new: Mapping[int, Node]) -> Change:
    """Compare two menus; an item that is shown again is told to be visible."""
    properties = []
    parents = []
    for number, node in new.items():
        before = old.get(number)
        if before is None or before is node:
            continue  # its parent's list of children changed, which says it all; nothing did
        values = {**_SHOWN, **node.properties} if before.hidden else node.properties
        changed = {name: value for name, value in values.items() if before.properties.get(name) != value}
        if changed:
            properties.append((number, changed))
        if [child.id for child in node.children] != [child.id for child in before.children]:
            parents.append(number)
    return Change(tuple(properties), tuple(parents))


# What the methods of the interface answer


def _chosen(node: Node, names: Iterable[str]) -> dict[str, Variant]:
    wanted = frozenset(names)
    return {name: value for name, value in node.properties.items() if not wanted or name in wanted}


def get_layout(layout: Layout, parent: int, depth: int, names: Iterable[str]) -> tuple[int, Encoded] | None:
    """Answer GetLayout: the tree below `parent`, `depth` levels of it (-1: all); nothing if there is no such item."""
    node = layout.nodes.get(parent)
    return None if node is None else (layout.revision, _encode(node, depth, tuple(names)))


def _encode(node: Node, depth: int, names: tuple[str, ...]) -> Encoded:
    children = node.children if depth else ()
    return (node.id, _chosen(node, names), [(LAYOUT_SIGNATURE, _encode(child, depth - 1, names)) for child in children])


def get_group_properties(
    layout: Layout, ids: Iterable[int], names: Iterable[str]
) -> list[tuple[int, dict[str, Variant]]]:
    """Answer GetGroupProperties: no ids means all items, no names means all properties; unknown ids are left out."""
    wanted = tuple(names)
    asked = list(ids) or list(layout.nodes)
    return [(number, _chosen(layout.nodes[number], wanted)) for number in asked if number in layout.nodes]


def get_property(layout: Layout, number: int, name: str) -> Variant | None:
    """Answer GetProperty: the value or the interface's default; nothing if there is no such item or property."""
    node = layout.nodes.get(number)
    return None if node is None else node.properties.get(name, DEFAULTS.get(name))


def unloaded_submenus(layout: Layout, parent: int) -> list[int]:
    """Name the submenus right below an item: what a panel that asked for one level has not read yet."""
    node = layout.nodes.get(parent)
    return [child.id for child in node.children if "children-display" in child.properties] if node else []
