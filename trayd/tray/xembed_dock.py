"""Our window in a tray of the old kind: finding a tray, being taken in, and what is seen and clicked there.

Sources: freedesktop.org's System Tray Protocol 0.4 and XEMBED 0.5.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import Any

import Xlib.error
from PIL import Image
from Xlib import X, Xatom, Xutil
from Xlib.protocol import event as xevent

from trayd.core.messages import MenuOpened
from trayd.core.view import View
from trayd.tray.icons import draw
from trayd.tray.menu_layout import Box
from trayd.tray.x11 import X11
from trayd.tray.x11_pixels import premultiplied
from trayd.tray.xembed_menu import Menus

MAPPED, VERSION, REQUEST_DOCK = 1, 0, 0
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5.0  # seconds between two attempts to be taken in
_SIZE = 24  # until the panel says otherwise


class Dock:
    """Our window in the tray, on one connection."""

    def __init__(
        self, x11: X11, view: Callable[[], View], post: Callable[[object], None], tell: Callable[[bool], None]
    ) -> None:
        self.x11 = x11
        self._view, self._post, self._tell = view, post, tell
        self._shown = view()
        self._window: Any = None
        self._colormap: Any = None
        self._depth = 0
        self._owner: Any = None
        self._inside = False
        self._relative = False  # the window shows the panel's own background where nothing is drawn
        self._size = (_SIZE, _SIZE)
        self._wait = _FIRST_WAIT
        self._menus = Menus(x11, self._chosen, lambda: self._shown)
        self._selection = x11.atom(f"_NET_SYSTEM_TRAY_S{x11.display.get_default_screen()}")
        # A tray that starts says so to the root window.
        x11.root.change_attributes(event_mask=X.StructureNotifyMask)
        self._seek()

    def close(self) -> None:
        """Leave the tray."""
        self._menus.close()
        self._leave()
        self.x11.display.sync()

    def refresh(self) -> None:
        """Take up the newest view."""
        view = self._view()
        if view is self._shown:
            return
        old, self._shown = self._shown, view
        if view.icon != old.icon:
            self._paint()
        if view.tooltip != old.tooltip:
            self._name()
        self._menus.update(old)

    # Finding a tray and being taken in

    def _seek(self) -> None:
        """Ask the tray, if there is one, to take us in; without one its start is waited for."""
        x11 = self.x11
        x11.cancel("seek")
        self._leave()
        while True:
            owner = x11.display.get_selection_owner(self._selection)
            if owner == X.NONE:
                return
            owner.change_attributes(event_mask=X.StructureNotifyMask)  # its end is told to us
            # It may have ended before it could be told.
            if x11.display.get_selection_owner(self._selection) == owner:
                break
        self._owner = owner
        self._make(owner)
        request = xevent.ClientMessage(
            window=owner,
            client_type=x11.atom("_NET_SYSTEM_TRAY_OPCODE"),
            data=(32, [X.CurrentTime, REQUEST_DOCK, self._window.id, 0, 0]),
        )
        owner.send_event(request, event_mask=X.NoEventMask)

    def _make(self, owner: Any) -> None:
        """Make our window, in the colours that the tray asks for."""
        x11 = self.x11
        told = x11.property(owner, "_NET_SYSTEM_TRAY_VISUAL")
        visual, self._depth = x11.screen.root_visual, x11.screen.root_depth
        for allowed in x11.screen.allowed_depths:
            if told and any(each.visual_id == told[0] for each in allowed.visuals):
                visual, self._depth = told[0], allowed.depth
        self._colormap = x11.root.create_colormap(visual, X.AllocNone)
        self._window = x11.root.create_window(
            0, 0, _SIZE, _SIZE, 0, self._depth, X.InputOutput, visual,
            background_pixel=0,
            border_pixel=0,
            colormap=self._colormap,
            event_mask=X.ExposureMask | X.StructureNotifyMask | X.ButtonPressMask | X.ButtonReleaseMask
            | X.EnterWindowMask | X.LeaveWindowMask,
        )  # fmt: skip
        window = self._window
        window.set_wm_class("trayd", "Trayd")
        window.set_wm_normal_hints(flags=Xutil.PMinSize, min_width=_SIZE, min_height=_SIZE)
        window.change_property(x11.atom("_NET_WM_PID"), Xatom.CARDINAL, 32, [os.getpid()])
        window.change_property(x11.atom("_XEMBED_INFO"), x11.atom("_XEMBED_INFO"), 32, [VERSION, MAPPED])
        self._size, self._inside, self._relative = (_SIZE, _SIZE), False, False
        self._name()

    def _name(self) -> None:
        if self._window is not None:
            title = self._shown.tooltip.partition("\n")[0].encode("utf-8", "replace")
            for name in ("_NET_WM_NAME", "WM_NAME"):
                self._window.change_property(self.x11.atom(name), self.x11.atom("UTF8_STRING"), 8, title)

    def _leave(self) -> None:
        self._menus.close()
        if self._window is not None:
            self._window.destroy()
        if self._colormap is not None:
            self._colormap.free()
        self._window = self._owner = self._colormap = None
        self._inside = False
        self._tell(False)

    def _seek_later(self) -> None:
        """The panel let us go: it ends, or it does not want us and is asked again more and more seldom."""
        self._leave()
        self.x11.after("seek", self._wait, self._seek)
        self._wait = min(self._wait * 2, _LONGEST_WAIT)

    # Events

    def handle(self, event: Any) -> None:
        """Take one event."""
        if self._menus.handle(event):
            return
        window = getattr(event, "window", None)
        if event.type == X.ClientMessage and event.client_type == self.x11.atom("MANAGER"):
            told, owner = event.data[1][1:3]
            # A tray that took us in before it said that it is there is not asked again.
            if told == self._selection and not (self._inside and self._owner.id == owner):
                self._wait = _FIRST_WAIT
                self._seek()
        elif event.type == X.DestroyNotify and window == self._owner:
            self._wait = _FIRST_WAIT
            self._seek()
        elif self._window is not None and window == self._window:
            self._ours(event)

    def _ours(self, event: Any) -> None:
        """Take an event of our own window."""
        if event.type == X.ReparentNotify:
            if event.parent == self.x11.root:
                self._seek_later()
            else:
                self._taken_in()
        elif event.type == X.DestroyNotify:  # with the panel's window, in which ours was
            self._window = None
            self._seek_later()
        elif event.type == X.ConfigureNotify:
            if self._size != (event.width, event.height):
                self._size = event.width, event.height
                self._paint()
        elif event.type == X.MapNotify or (event.type == X.Expose and event.count == 0):
            self._paint()
        elif event.type == X.ButtonPress:
            self._pressed(event)
        elif event.type == X.EnterNotify and event.mode == X.NotifyNormal:  # not because a menu has closed
            self._menus.hover(self._place)
        elif event.type == X.LeaveNotify:
            self._menus.leave()

    def _taken_in(self) -> None:
        # Only now: a tray whose windows have other colours could not take in one with such a background.
        refused = Xlib.error.CatchError(Xlib.error.BadMatch)
        self._window.change_attributes(background_pixmap=X.ParentRelative, onerror=refused)
        self.x11.display.sync()
        self._relative = refused.get_error() is None
        self._inside = True
        self._wait = _FIRST_WAIT
        self._paint()
        self._tell(True)

    def _pressed(self, event: Any) -> None:
        if event.detail in (1, 3):
            self._menus.open(self._shown.menu, *self._place(), event.time)
            if self._menus.is_open:
                self._post(MenuOpened())
        elif event.detail == 2 and self._shown.middle is not None:
            self._menus.leave()
            self._post(self._shown.middle)

    def _chosen(self, command: object) -> None:
        self._post(command)

    # What is seen

    def _paint(self) -> None:
        """Draw the icon over the panel's background."""
        if not self._inside or min(self._size) < 4:
            return
        width, height = self._size
        size = min(width, height)
        icon = draw(self._shown.icon, size)
        whole = Image.new("RGBA", self._size)
        with contextlib.suppress(Xlib.error.XError):
            self._window.clear_area()
            ground = self.x11.get(self._window, self._depth, Box(0, 0, width, height)) if self._relative else None
            if ground is not None:
                # A window's background is a colour that was not multiplied by its alpha (i3bar, measured), unlike
                # what compositors expect in a window.
                whole = ground
            whole.alpha_composite(icon, ((width - size) // 2, (height - size) // 2))
            self.x11.put(self._window, self._depth, premultiplied(whole) if self._depth == 32 else whole)

    def _place(self) -> tuple[Box, Box]:
        """Where the icon is on the screen, and where the panel is that it is in."""
        corner = self.x11.root.translate_coords(self._window, 0, 0)
        icon = Box(corner.x, corner.y, *self._size)
        top = self._window
        while (parent := top.query_tree().parent) != self.x11.root and parent:
            top = parent
        outer = top.get_geometry()
        corner = self.x11.root.translate_coords(top, 0, 0)
        panel = Box(corner.x, corner.y, outer.width, outer.height)
        # A tray may be a desktop's whole window, or a box of its own: then there is no edge to open along.
        thin = min(panel.width, panel.height) <= 3 * max(self._size)
        return icon, panel if thin else icon
