"""The icon of macOS against a recorded interface: no Mac was there. What is asked of AppKit, and on which thread."""

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from tests.harness.poll import wait_until

Call = tuple[str, str, tuple[Any, ...], int]


class Recorded:
    """An object of AppKit's that writes down what it is asked, and by which thread; answers are more of its kind."""

    def __init__(self, kind: str, calls: list[Call]) -> None:
        self.__dict__.update(kind=kind, calls=calls, answers={})

    def __getattr__(self, name: str) -> Any:
        def asked(*arguments: Any) -> Any:
            self.calls.append((self.kind, name, arguments, threading.get_ident()))
            return self.answers.setdefault(name, Recorded(f"{self.kind}.{name}", self.calls))

        return asked


class NSObject:
    """What delegates are made of."""

    @classmethod
    def alloc(cls) -> Any:
        return cls()

    def init(self) -> Any:
        return self


class Mac:
    """The parts of macOS that the icon asks for."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.later: list[Callable[[], None]] = []
        self.main = threading.get_ident()
        appkit = ModuleType("AppKit")
        for name in ("NSApplication", "NSStatusBar", "NSImage", "NSMenu", "NSMenuItem", "NSEvent"):
            setattr(appkit, name, Recorded(name, self.calls))
        appkit.NSMenuItem = SimpleNamespace(alloc=self._item, separatorItem=lambda: Recorded("separator", self.calls))
        appkit.NSMenu = SimpleNamespace(alloc=lambda: Recorded("NSMenu", self.calls))
        appkit.NSApplicationActivationPolicyAccessory = 1
        appkit.NSVariableStatusItemLength = -1
        appkit.NSApplicationDefined = 15
        appkit.NSOnState, appkit.NSOffState = 1, 0
        appkit.NSPoint = lambda x, y: (x, y)
        bar = Recorded("bar", self.calls)
        bar.answers["thickness"] = 22
        appkit.NSStatusBar.answers["systemStatusBar"] = bar
        self.items: list[Any] = []
        foundation = ModuleType("Foundation")
        foundation.NSObject = NSObject
        foundation.NSData = Recorded("NSData", self.calls)
        foundation.NSThread = SimpleNamespace(isMainThread=lambda: threading.get_ident() == self.main)
        objc = ModuleType("objc")
        objc.namedSelector = lambda _name: lambda method: method
        tools, helper, signals = (ModuleType(name) for name in ("PyObjCTools", "AppHelper", "MachSignals"))
        tools.AppHelper, tools.MachSignals = helper, signals
        helper.callAfter = self.later.append
        self.modules = {
            "AppKit": appkit,
            "Foundation": foundation,
            "objc": objc,
            "PyObjCTools": tools,
            "PyObjCTools.AppHelper": helper,
            "PyObjCTools.MachSignals": signals,
        }

    def _item(self) -> Any:
        item = SimpleNamespace(number=None, title="", enabled=None, state=None, submenu=None)

        def made(title: str, _action: Any, _key: str) -> Any:
            item.title = title
            return item

        item.initWithTitle_action_keyEquivalent_ = made
        item.setTag_ = lambda number: setattr(item, "number", number)
        item.tag = lambda: item.number
        item.setEnabled_ = lambda enabled: setattr(item, "enabled", enabled)
        item.setState_ = lambda state: setattr(item, "state", state)
        item.setSubmenu_ = lambda menu: setattr(item, "submenu", menu)
        item.setAction_ = item.setTarget_ = lambda _: None
        self.items.append(item)
        return item

    def asked(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of every call of that name."""
        return [arguments for _, called, arguments, _ in self.calls if called == name]

    def pass_time(self) -> None:
        """Let the main thread do what was left for it."""
        waiting, self.later[:] = list(self.later), []
        for work in waiting:
            work()


@pytest.fixture
def mac(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mac]:
    mac = Mac()
    for name, module in mac.modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    from trayd.tray import pystray_import  # noqa: F401 - on a Mac, pystray has taken this back end by itself

    importlib.import_module("pystray._darwin")
    yield mac
    for name in ("trayd.tray.darwin", "pystray._darwin"):
        sys.modules.pop(name, None)


@pytest.fixture
def pystray() -> Any:
    from trayd.tray.pystray_import import pystray

    return pystray


@pytest.fixture
def darwin(mac: Mac) -> Any:
    return importlib.import_module("trayd.tray.darwin")


def _picture(size: int) -> Image.Image:
    return Image.new("RGBA", (size, size), "#009e73")


def _menu(pystray: Any, name: str, done: list[str]) -> Any:
    return pystray.Menu(
        pystray.MenuItem(f"{name} — reachable", lambda: None, enabled=False),
        pystray.MenuItem(name, lambda: done.append(name), checked=lambda _: True, radio=True),
        pystray.Menu.SEPARATOR,
        pystray.MenuItem("Copy", pystray.Menu(pystray.MenuItem("fish", lambda: done.append(f"fish {name}")))),
    )


def test_there_is_no_icon_in_the_dock(mac: Mac, darwin: Any) -> None:
    """trayd is an accessory: it is in the menu bar and nowhere else."""
    darwin.Icon("trayd", icon=_picture(64))
    assert mac.asked("setActivationPolicy_") == [(1,)]


def test_only_the_main_thread_touches_the_bar(mac: Mac, darwin: Any, pystray: Any) -> None:
    """The loop's thread changes icon, title and menu; AppKit hears of it on the main thread, in order."""
    icon = darwin.Icon("trayd", icon=_picture(64), title="office", menu=_menu(pystray, "office", []))
    icon.run_detached()
    wait_until(lambda: icon.visible, what="the icon")
    mac.pass_time()
    mac.calls.clear()

    def change() -> None:
        icon.icon = _picture(64)
        icon.title = "office — not reachable"
        icon.menu = _menu(pystray, "lab", [])
        icon.visible = False
        icon.stop()

    loop = threading.Thread(target=change)
    loop.start()
    loop.join()
    assert mac.calls == []
    mac.pass_time()
    assert {thread for *_, thread in mac.calls} == {mac.main}
    assert mac.asked("setToolTip_")[-1] == ("office — not reachable",)
    assert mac.asked("setHidden_")[-1] == (True,)
    assert mac.asked("stop_")


def test_a_click_means_what_the_open_menu_said(mac: Mac, darwin: Any, pystray: Any) -> None:
    """When the menu is replaced while a person looks at it, a click still does what its line said."""
    done: list[str] = []
    icon = darwin.Icon("trayd", icon=_picture(64), menu=_menu(pystray, "office", done))
    icon.update_menu()
    looked_at = {item.title: item for item in mac.items}
    assert looked_at["office"].state == 1
    assert looked_at["office — reachable"].enabled is False
    icon.menu = _menu(pystray, "lab", done)
    for title in ("office", "fish"):
        icon._delegate.activate_menu_item(looked_at[title])
    new = {item.title: item for item in mac.items}
    icon._delegate.activate_menu_item(new["lab"])
    assert done == ["office", "fish office", "lab"]


def test_an_opening_menu_is_heard(mac: Mac, darwin: Any, pystray: Any) -> None:
    """What the menu lists is asked for anew when it opens."""
    heard: list[str] = []
    icon = darwin.Icon("trayd", icon=_picture(64), menu=_menu(pystray, "office", []))
    icon.on_open = lambda: heard.append("open")
    icon.update_menu()
    ((delegate,),) = mac.asked("setDelegate_")[-1:]
    delegate.menuWillOpen_(None)
    assert heard == ["open"]


def test_the_picture_is_sharp_on_a_retina_screen(mac: Mac, darwin: Any) -> None:
    """Of the sizes there are, that with twice the bar's points is shown, in the bar's points."""
    picture = _picture(64)
    picture.renditions = tuple(_picture(size) for size in (16, 22, 44, 64))  # type: ignore[attr-defined]
    icon = darwin.Icon("trayd", icon=picture)
    icon.visible = True
    ((data, length),) = mac.asked("dataWithBytes_length_")
    assert int.from_bytes(data[16:20], "big") == 44
    assert len(data) == length
    assert mac.asked("setSize_") == [((22, 22),)]


@pytest.mark.parametrize("text", ['a "quoted" name', "-e do shell script", "back\\slash\nand line", '" & (do it) & "'])
def test_a_notification_is_never_a_script(mac: Mac, darwin: Any, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Whatever a text says, osascript gets it as an argument, which is no option and no part of the script."""
    ran: list[list[str]] = []
    monkeypatch.setattr(darwin.subprocess, "run", lambda words, **_: ran.append(words))
    darwin.Icon("trayd", icon=_picture(64)).notify(text, "office: not reachable")
    words = wait_until(lambda: ran, what="osascript")[0]
    assert words[-2:] == [f" {text}" if text.startswith("-") else text, "office: not reachable"]
    assert all(text not in word for word in words[:-2])
    assert not any(word.startswith("-") for word in words[-2:])


def test_a_missing_osascript_is_no_failure(mac: Mac, darwin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it there is no notification, and nothing else happens."""
    tried = threading.Event()

    def missing(*_: Any, **__: Any) -> None:
        tried.set()
        raise FileNotFoundError("osascript")

    monkeypatch.setattr(darwin.subprocess, "run", missing)
    darwin.Icon("trayd", icon=_picture(64)).notify("text", "title")
    assert tried.wait(5)


def test_the_facade_takes_it(mac: Mac, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS the tray is this icon."""
    from trayd.core.view import IconSpec, Item, View
    from trayd.tray import facade

    monkeypatch.setattr(facade.sys, "platform", "darwin")
    tray = facade.Tray(View(IconSpec("reachable"), "office", (Item("head", "office"),)), print, print)
    assert type(tray._icon).__module__ == "trayd.tray.darwin"
    tray.show(View(IconSpec("hung"), "office", (Item("head", "office hangs"),)))
    assert [item.title for item in mac.items][-1] == "office hangs"
