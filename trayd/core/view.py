"""What a surface shows, as data: an icon, a tooltip and a menu tree that can be compared and nothing else.

A back end gets the view it showed and the view to show, and says only what differs. A menu item carries its
command as a value, so a click means what it meant when the person saw it, whatever changed since.
"""

from __future__ import annotations

from enum import StrEnum

from trayd.core.value import Value


class Mark(StrEnum):
    """The mark in front of a menu item: none, a radio dot or a check mark."""

    NONE = ""
    RADIO = "radio"
    CHECK = "checkmark"


class Item(Value):
    """One line of a menu.

    `key` names the item among its siblings and stays the same while its label, mark or state change, so that an
    open menu lives on. `command` is the value posted when it is clicked; an item with neither command nor children
    is text only and is shown greyed.
    """

    key: str
    label: str = ""
    command: object | None = None
    mark: Mark = Mark.NONE
    checked: bool = False
    children: tuple[Item, ...] = ()

    @property
    def separator(self) -> bool:
        """Whether this is a line between groups: an item without any text."""
        return not self.label

    @property
    def enabled(self) -> bool:
        """Whether a click does something."""
        return self.command is not None or bool(self.children)


class Theme(StrEnum):
    """The colours of the icon: its states' own, or one for all, light for a dark panel or dark for a light one."""

    COLOUR = "colour"
    LIGHT = "mono-light"
    DARK = "mono-dark"


class IconSpec(Value):
    """What the icon tells: the active profile's state by name, whether the engine is on another machine, and whether
    the profile is protected; and in which theme.
    """

    state: str
    remote: bool = False
    protected: bool = False
    theme: Theme = Theme.COLOUR


class View(Value):
    """Everything a tray shows at one moment; equal views mean that nothing has to be drawn.

    `tooltip` is one or more lines of plain text, the first of which is the title; `middle` is the command of a click
    with the middle button.
    """

    icon: IconSpec
    tooltip: str
    menu: tuple[Item, ...]
    middle: object | None = None


def is_gnome(desktop: str) -> bool:
    """Whether a XDG_CURRENT_DESKTOP means GNOME Shell, whose tray is the AppIndicator extension."""
    names = desktop.split(":")
    return "GNOME" in names and "Budgie" not in names
