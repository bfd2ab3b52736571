"""What is open and chosen in a menu that we draw ourselves, without any drawing: keys in, the chosen item out.

The menu is a tree of `Item`s that may be replaced at any time; what is open and selected is known by the items' keys,
so an open menu lives on while its texts, marks and lines change.
"""

from __future__ import annotations

from collections.abc import Sequence

from trayd.core.view import Item

PAGE = 8  # lines that Page Up and Page Down move over


class Level:
    """One open menu: its items, which of them is selected, and the key of the item whose submenu it is."""

    def __init__(self, items: Sequence[Item], key: str = "") -> None:
        self.items = tuple(items)
        self.key = key
        self.selected: str | None = None

    def item(self, key: str | None) -> Item | None:
        """The item with a key, or nothing."""
        return next((item for item in self.items if item.key == key), None) if key is not None else None

    @property
    def current(self) -> Item | None:
        """The selected item, if there is one that can be clicked."""
        item = self.item(self.selected)
        return item if item is not None and selectable(item) else None

    def choices(self) -> list[Item]:
        """The items that can be selected."""
        return [item for item in self.items if selectable(item)]


def selectable(item: Item) -> bool:
    """Whether an item can be selected: lines between groups and greyed items cannot."""
    return item.enabled and not item.separator


class Menu:
    """The open levels, from the menu itself to the innermost submenu; `levels` is empty when all is closed."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.levels = [Level(items)]

    def update(self, items: Sequence[Item]) -> None:
        """Take another tree; a submenu whose item is gone closes, all else stays open."""
        for depth, level in enumerate(self.levels):
            if depth:
                parent = self.levels[depth - 1].item(level.key)
                if parent is None or not parent.children:
                    self.close(depth)
                    return
                items = parent.children
            level.items = tuple(items)

    def close(self, depth: int) -> None:
        """Close the level at this depth and all below it."""
        del self.levels[depth:]

    def point(self, depth: int, key: str | None) -> None:
        """Select what the pointer is on; deeper levels stay until `settle`, so that a slanted way to them works."""
        item = self.levels[depth].item(key)
        self.levels[depth].selected = key if item is not None and selectable(item) else None

    def settle(self, depth: int) -> None:
        """Open the submenu of the selected item at this depth, and close what belongs to other items."""
        item = self.levels[depth].current
        if len(self.levels) > depth + 1 and item is not None and self.levels[depth + 1].key == item.key:
            return
        self.close(depth + 1)
        if item is not None and item.children:
            self.levels.append(Level(item.children, item.key))

    def choose(self) -> Item | None:
        """Act on the selected item: a submenu opens with its first item selected, any other item is given back."""
        level = self.levels[-1]
        item = level.current
        if item is None or not item.children:
            return item
        self.levels.append(Level(item.children, item.key))
        self._step(1)
        return None

    def back(self) -> None:
        """Close the innermost level."""
        self.levels.pop()

    def press(self, name: str, character: str = "") -> Item | None:
        """Take a key by its X name, and the character it types; give back an item that it chose."""
        for depth in range(1, len(self.levels)):  # the pointer has left for another item of the level above
            if self.levels[depth - 1].selected != self.levels[depth].key:
                self.close(depth)
                break
        steps = {"Down": 1, "Tab": 1, "Up": -1, "ISO_Left_Tab": -1, "Next": PAGE, "Prior": -PAGE}
        name = name.removeprefix("KP_")
        if name == "Escape":
            self.back()
        elif name in steps:
            self._step(steps[name])
        elif name in ("Home", "End"):
            self._edge(0 if name == "Home" else -1)
        elif name == "Left":
            if len(self.levels) > 1:
                self.back()
        elif name == "Right":
            current = self.levels[-1].current
            if current is not None and current.children:
                self.choose()
        elif name in ("Return", "Enter", "space"):
            return self.choose()
        elif character.strip():
            self._find(character)
        return None

    def _step(self, count: int) -> None:
        """Move the selection: by one around the ends, by more up to the ends."""
        level = self.levels[-1]
        choices = level.choices()
        if not choices:
            return
        keys = [item.key for item in choices]
        if level.selected not in keys:
            level.selected = keys[0 if count > 0 else -1]
            return
        to = keys.index(level.selected) + count
        level.selected = keys[to % len(keys) if abs(count) == 1 else min(max(to, 0), len(keys) - 1)]

    def _edge(self, index: int) -> None:
        if choices := self.levels[-1].choices():
            self.levels[-1].selected = choices[index].key

    def _find(self, character: str) -> None:
        """Select the next item whose label begins with a character."""
        level = self.levels[-1]
        choices = level.choices()
        keys = [item.key for item in choices]
        start = keys.index(level.selected) + 1 if level.selected in keys else 0
        for item in choices[start:] + choices[:start]:
            if item.label.casefold().startswith(character.casefold()):
                level.selected = item.key
                return
