"""The tray as the rest of trayd sees it: show this view, notify, stop; clicks come back as posted values.

pystray is the interface to every back end: our own on Linux, pystray's on Windows and macOS.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from trayd.core.effects import Notify
from trayd.core.messages import MenuOpened
from trayd.core.view import IconSpec, Item, Mark, View
from trayd.tray.fallback import Fallback
from trayd.tray.icons import render
from trayd.tray.pystray_import import pystray, wished_backend

Post = Callable[[object], None]

# Windows has fixed buffers for these; a longer text is a ValueError from ctypes (facts: models.md 3).
_TOOLTIP, _NOTICE_TITLE, _NOTICE = 127, 63, 255


class _KeyedItem(pystray.MenuItem):  # type: ignore[misc]
    """A pystray menu item that knows its place among its siblings, so that an open menu can live on.

    `fixed`: it never says anything else, so whoever knows it already need not ask again.
    """

    fixed = True

    def __init__(self, item: Item, action: Any) -> None:
        self.key, self.shown = item.key, item
        self.line = not item.enabled  # text only: an open menu's list need not change for another text
        checked = None if item.mark is Mark.NONE else (lambda _: item.checked)
        super().__init__(item.label, action, checked=checked, radio=item.mark is Mark.RADIO, enabled=item.enabled)


class Tray:
    """One tray icon. `show` and `notify` may be called from any thread; `run` belongs to the main thread."""

    def __init__(self, view: View, post: Post, on_host: Callable[[bool], None]) -> None:
        self._post = post
        self._view = view
        # pystray's own back end: the only one on Windows and macOS, and for whoever asks for one by PYSTRAY_BACKEND.
        self._foreign = sys.platform in ("win32", "darwin") or wished_backend is not None
        self._on_host = on_host
        self._fallback = None if self._foreign else Fallback(view, post, on_host)
        self._menu_shown = self._menu(view.menu)
        self._icon: Any = self._backend()(
            "trayd", icon=render(view.icon), title=self._title(view.tooltip), menu=self._menu_shown
        )
        # Our own back end knows more than pystray's interface.
        self._icon.on_secondary = self._middle
        self._icon.on_open = lambda: post(MenuOpened())
        self._icon.on_button = post
        self._icon.on_host = self._host_changed

    def run(self) -> None:
        """Show the icon until `stop`; without a tray or a bus, wait for one."""
        if self._fallback is not None:
            self._fallback.start()
        try:
            self._icon.run(self._is_up if self._foreign else None)
        finally:
            if self._fallback is not None:
                self._fallback.stop()

    def _is_up(self, icon: Any) -> None:
        icon.visible = True
        self._on_host(True)

    @property
    def on_bus(self) -> bool:
        """Whether there is a desktop session to appear in; always true on Windows and macOS."""
        return bool(getattr(self._icon, "on_bus", True)) or (self._fallback is not None and self._fallback.hopeful)

    def _host_changed(self, present: bool) -> None:
        if self._fallback is not None:
            self._fallback.host(present, soon=not self._icon.on_bus)

    def stop(self) -> None:
        """Make `run` return."""
        self._icon.stop()

    def show(self, view: View) -> None:
        """Show a view; only what differs from the one before is touched."""
        old, self._view = self._view, view
        if view.icon != old.icon:
            self._icon.icon = render(view.icon)
        if view.tooltip != old.tooltip:
            self._icon.title = self._title(view.tooltip)
        if view.menu != old.menu:
            self._icon.menu = self._menu_shown = self._menu(view.menu, self._menu_shown)
        if self._fallback is not None:
            self._fallback.show(view)

    def notify(self, note: Notify) -> None:
        """Show a notification, in place of the last one about the same subject where the desktop can do that.

        Its buttons are shown where there can be any: a click posts the command.
        """
        if self._foreign:
            if self._icon.HAS_NOTIFICATION:
                self._icon.notify(_clip(note.text, _NOTICE), _clip(note.title, _NOTICE_TITLE))
        else:
            buttons = tuple((button.label, button.command) for button in note.buttons)
            # The icon may still show the state before, and it is the active engine's, which need not be this one.
            image = render(IconSpec(note.state)) if note.state else None
            self._icon.notify_about(note.subject, note.text, note.title, buttons, image)

    def _backend(self) -> Any:
        if self._foreign and sys.platform == "win32" and wished_backend is None:
            from trayd.tray.win32 import Icon as WindowsIcon

            return WindowsIcon
        if self._foreign and sys.platform == "darwin" and wished_backend is None:
            from trayd.tray.darwin import Icon as MacIcon

            return MacIcon
        if self._foreign:
            return pystray.Icon
        from trayd.tray.sni import Icon  # jeepney is installed on Linux only

        return Icon

    def _title(self, tooltip: str) -> str:
        return _clip(tooltip, _TOOLTIP) if self._foreign else tooltip

    def _middle(self) -> None:
        if self._view.middle is not None:
            self._post(self._view.middle)

    def _menu(self, items: tuple[Item, ...], before: Any = None) -> Any:
        """Make a menu; what is the same as in the one before is taken from there."""
        known = {one.key: one for one in before.items if isinstance(one, _KeyedItem)} if before else {}
        return pystray.Menu(*(self._item(item, known.get(item.key)) for item in items))

    def _item(self, item: Item, before: _KeyedItem | None) -> Any:
        if item.separator:
            return pystray.Menu.SEPARATOR
        if before is not None and before.shown == item:
            return before
        if item.children:
            return _KeyedItem(item, self._menu(item.children, before.submenu if before else None))
        return _KeyedItem(item, self._action(item.command))

    def _action(self, command: object | None) -> Callable[[], None]:
        def clicked() -> None:
            if command is not None:
                self._post(command)

        return clicked


def _clip(text: str, limit: int) -> str:
    """Clip by UTF-16, as Windows' buffers count, where an emoji is two; none is cut in half."""
    data = text.encode("utf-16-le", "replace")
    if len(data) <= limit * 2:
        return text
    return data[: (limit - 1) * 2].decode("utf-16-le", "ignore") + "…"
