"""What the measurements stand on: seats with a message bus and a host, and the programs that sit on them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from bench.peers.install import Store
from bench.pythons import ROOT, Pythons, prepare
from tests.harness.desktop import PrivateBus, Screen, end
from tests.harness.host import ITEM, ITEM_PATH, PROPERTIES, WATCHER, Host, Refused
from tests.harness.poll import wait_until
from trayd.tray.bus import BusError, Incoming

# Qt 5 believes in a panel only if the watcher describes itself.
WATCHER_XML = f"""<node><interface name="{WATCHER}">
<property name="RegisteredStatusNotifierItems" type="as" access="read"/>
<property name="IsStatusNotifierHostRegistered" type="b" access="read"/>
<property name="ProtocolVersion" type="i" access="read"/>
<method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
<method name="RegisterStatusNotifierHost"><arg type="s" direction="in"/></method>
<signal name="StatusNotifierItemRegistered"><arg type="s"/></signal>
<signal name="StatusNotifierItemUnregistered"><arg type="s"/></signal>
<signal name="StatusNotifierHostRegistered"/>
</interface></node>"""


class Panel(Host):
    """A host that calls `on_register(sender)` in the moment a registration arrives, before it is answered."""

    on_register: Callable[[], None] | None = None
    registered_at: float = 0.0

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(address)

    def _came(self, message: Incoming) -> None:
        if message.call and message.member == "RegisterStatusNotifierItem" and not self.registered_at:
            self.registered_at = time.monotonic()
            if self.on_register is not None:
                self.on_register()
        if message.call and message.member == "Introspect":
            self.bus.reply(message, "s", (WATCHER_XML,))
        else:
            super()._came(message)

    def icon(self) -> Any:
        """The icon's pixels, or None while there is no item that answers."""
        try:
            return self.items and self.call(self.items[0], ITEM_PATH, PROPERTIES, "Get", "ss", ITEM, "IconPixmap")[1]
        except (BusError, IndexError, Refused):
            return None

    def says(self, words: str) -> bool:
        """Whether the first line of the tooltip has these words."""
        return bool(self.items) and words in self.tooltip()[0]


class Seat:
    """A private bus with a panel and a home for one program."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.bus = PrivateBus()

    def __enter__(self) -> Self:
        self.bus.start()
        self.panel = Panel(self.bus.address)
        return self

    def __exit__(self, *_: object) -> None:
        self.panel.close()
        self.bus.close()

    def profiles(self, hosts: Mapping[str, str]) -> None:
        """Write the profiles: a name and the text of each file."""
        folder = self.bus.home / "profiles"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, text in hosts.items():
            (folder / f"{name}.yaml").write_text(text)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of what runs here: nothing of the person's own."""
        return self.bus.environ | {"TRAYD_CONFIG_DIR": f"{self.bus.home}/profiles", "TERM": "dumb"}

    @contextlib.contextmanager
    def run(self, *command: str, **more: str) -> Iterator[Program]:
        """Run a program until the end of the block."""
        wait_until(lambda: not self.panel.items, what="the last program's icon to go")
        self.panel.registered_at = 0.0
        environ = self.environ | more
        with open(self.bus.home / "program.log", "ab") as log:
            begun = time.monotonic()
            process = subprocess.Popen(
                command, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.bus.home
            )
        try:
            yield Program(process, self.panel, begun)
        finally:
            self.panel.on_register = None
            end(process)

    def trayd(self) -> contextlib.AbstractContextManager[Program]:
        """Run trayd in the tray."""
        return self.run(self._rig.pythons.trayd, "run")

    def reference(self) -> contextlib.AbstractContextManager[Program]:
        """Run the reference icon, which needs a screen."""
        command = self._rig.pythons.reference
        assert command is not None
        # Without GL: where Mesa is installed, GTK would load a software renderer with LLVM (44 MiB) for an icon.
        more = {"PYSTRAY_BACKEND": "appindicator", "DISPLAY": self._rig.display, "GDK_GL": "disable"}
        return self.run(*command, PYTHONPATH=self._rig.pythons.reference_path, **more)


class Program:
    """A running program with a tray icon."""

    def __init__(self, process: subprocess.Popen[bytes], panel: Panel, begun: float) -> None:
        self.process = process
        self.pid = process.pid
        self.panel = panel
        self.begun = begun

    def registered(self, seconds: float = 20.0) -> float:
        """Wait for the icon; the seconds from the start of the process to its registration."""
        wait_until(
            lambda: self.panel.registered_at or self.process.poll() is not None, seconds, "the icon", every=0.002
        )
        assert self.panel.registered_at, f"the program ended with {self.process.returncode}"
        return self.panel.registered_at - self.begun

    def shows(self, words: str, seconds: float = 30.0) -> None:
        """Wait until the tooltip has these words in its first line."""
        wait_until(lambda: self.panel.says(words), seconds, f"the tooltip '{words}'", every=0.05)


class Rig:
    """Everything that is made once for a run of the bench, and what it tells while it works."""

    def __init__(
        self, quick: bool, say: Callable[[str], None], store: Store, python: str = "", tree: Path = ROOT
    ) -> None:
        self.quick = quick
        self.say = say
        self.store = store
        self._python = python
        self._tree = tree
        self._stack = contextlib.ExitStack()
        self._display = ""

    def __enter__(self) -> Self:
        folder = Path(tempfile.mkdtemp(prefix="trp", dir="/tmp"))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        self.pythons: Pythons = prepare(folder, self._python, self._tree)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def display(self) -> str:
        """The screen, started when it is first needed."""
        if not self._display:
            self._display = self._stack.enter_context(Screen()).display
        return self._display

    def pick(self, full: int, quick: int) -> int:
        """The number of repetitions."""
        return quick if self.quick else full

    def seat(self) -> Seat:
        """A new seat, to be entered."""
        return Seat(self)


def clean_environment() -> None:
    """Drop what would lead docker, requests or the harness somewhere else."""
    for name in list(os.environ):
        if name.startswith("DOCKER_") or name.upper().endswith("_PROXY"):
            del os.environ[name]
