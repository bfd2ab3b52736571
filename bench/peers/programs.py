"""How each peer is started on a seat, with its own default settings, and what stands in for the rest of a desktop."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.display import Display, IconDisplay, WindowDisplay
from bench.peers.install import SYSTEM, Store
from bench.rig import Rig, Seat
from bench.terminal import TerminalDisplay
from tests.harness.ask import ask, free_port
from tests.harness.desktop import Screen, end
from tests.harness.host import PROPERTIES, Peer
from tests.harness.poll import wait_until
from trayd.tray.bus import Incoming

# What each peer is and what it was given, for the report.
ABOUT = {
    "anchorage": "anchorage-docker 0.2.0, a Qt window (it has no tray icon) on a screen of its own",
    "devilbox-tray": "devilbox-tray 1.0.1, a Qt tray icon, polls every 4 s; `docker compose` is a stub that asks the "
    "engine with `docker ps -q`",
    "lazydocker": "lazydocker 0.25, a terminal program; its message stays until a key is pressed, so no recovery",
    "syncthingtray": "syncthingtray 1.3.2, a Qt tray icon; it watches a syncthing of its own, not an engine",
    "udiskie": "udiskie 2.4.2 --appindicator, Python and GTK; no disks, UDisks is a stub; it watches no engine",
    "nm-applet": "nm-applet 1.30 --indicator, GTK; NetworkManager is python-dbusmock; it watches no engine",
}
OF_DOCKER = ("anchorage", "devilbox-tray", "lazydocker")
MEMORY_PEERS = ("anchorage", "devilbox-tray", "syncthingtray", "udiskie")  # Python and Qt; the rest is Go and C

COMPOSE = """#!/bin/sh
# `docker compose` for a project with one service, which runs as long as the engine answers.
shift
case "$1" in
version) echo "Docker Compose version v2.0.0" ;;
config) echo httpd ;;
ps) docker -H "$ENGINE" ps -q > /dev/null 2>&1 && echo '{"Service":"httpd","Name":"httpd","State":"running"}' ;;
esac
"""


@dataclass
class Running:
    """A peer that runs."""

    pid: int
    begun: float
    display: Display
    engine: Syncthing | None = None  # if it watches something else than the engine that was given

    def appeared(self, seconds: float = 30.0) -> float:
        """Wait until it is seen; the seconds since its start."""
        wait_until(self.display.appeared, seconds, "the program on its screen", every=0.002)
        return self.display.appeared() - self.begun


@contextlib.contextmanager
def peer(name: str, rig: Rig, store: Store, url: str) -> Iterator[Running]:
    """Run one peer, on a seat of its own, looking at the engine at `url`."""
    with contextlib.ExitStack() as stack:
        seat = stack.enter_context(rig.seat())
        home = seat.bus.home
        (home / "config").mkdir()
        more = {"TMPDIR": str(home), "XDG_CURRENT_DESKTOP": "XFCE", "GDK_GL": "disable", "DISPLAY": rig.display}
        more |= {"LIBGL_ALWAYS_SOFTWARE": "1"}
        program = store.program(name)
        if name == "anchorage":
            more["DISPLAY"] = stack.enter_context(Screen(1400, 900)).display
            window = WindowDisplay(more["DISPLAY"])
            stack.callback(window.close)
            yield from _running(seat, window, [program], more | {"DOCKER_HOST": url, "QT_QPA_PLATFORM": "xcb"})
        elif name == "devilbox-tray":
            yield from _running(seat, IconDisplay(seat.panel), [program], more | _devilbox(home, url))
        elif name == "lazydocker":
            terminal = TerminalDisplay("Containers", "rror")
            stack.callback(terminal.close)
            begun = time.monotonic()
            process = terminal.start([program], seat.environ | {"DOCKER_HOST": url, "TERM": "xterm"}, str(home))
            stack.callback(end, process)
            yield Running(process.pid, begun, terminal)
        elif name == "syncthingtray":
            engine = stack.enter_context(Syncthing(store.program("syncthing")))
            (home / "config/syncthingtray.ini").write_text(engine.tray_settings())
            yield from _running(seat, IconDisplay(seat.panel), [program], store.environ | more, engine)
        elif name == "udiskie":
            stack.enter_context(Disks(seat.bus.address))
            environ = store.environ | more | {"DBUS_SYSTEM_BUS_ADDRESS": seat.bus.address}
            command = [SYSTEM, program, "--tray", "--appindicator", "--no-automount", "--no-notify"]
            yield from _running(seat, IconDisplay(seat.panel), command, environ)
        elif name == "nm-applet":
            environ = store.environ | more | {"DBUS_SYSTEM_BUS_ADDRESS": seat.bus.address}
            mock = [SYSTEM, "-m", "dbusmock", "--system", "--template", "networkmanager"]
            stack.callback(end, seat.bus.run(*mock, **environ))
            with Peer(seat.bus.address) as asker:
                wait_until(lambda: asker.has_owner("org.freedesktop.NetworkManager"), 20, "the NetworkManager stub")
            yield from _running(seat, IconDisplay(seat.panel), [program, "--indicator"], environ)
        else:
            raise AssertionError(f"no such peer: {name}")


def _running(
    seat: Seat, display: Display, command: list[str], more: dict[str, str], engine: Syncthing | None = None
) -> Iterator[Running]:
    with seat.run(*command, **more) as program:
        yield Running(program.pid, program.begun, display, engine)


def _devilbox(home: Path, url: str) -> dict[str, str]:
    """A project folder, the settings that name it, and the stub of `docker compose` first in the path."""
    project, stub = home / "devilbox", home / "bin"
    project.mkdir()
    stub.mkdir()
    (project / "docker-compose.yml").write_text("services: {httpd: {image: httpd}}\n")
    # The real docker is found behind the stub: its own folder is taken out of the path there.
    (stub / "docker").write_text(COMPOSE.replace("#!/bin/sh\n", f"#!/bin/sh\nPATH={os.environ['PATH']}\n"))
    (stub / "docker").chmod(0o755)
    settings = home / "config/devilbox-tray/config.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"devilbox_dir": str(project), "services": ["httpd"], "language": "en"}))
    return {"PATH": f"{stub}:{os.environ['PATH']}", "ENGINE": url, "QT_QPA_PLATFORM": "xcb"}


class Disks(Peer):
    """UDisks with no disks."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.own("org.freedesktop.UDisks2")

    def _came(self, message: Incoming) -> None:
        if not message.call:
            return
        if message.member == "GetManagedObjects":
            self.bus.reply(message, "a{oa{sa{sv}}}", ({},))
        elif message.interface == PROPERTIES and message.member == "Get":
            self.bus.reply(message, "v", (("s", "2.9.4"),))
        elif message.interface == PROPERTIES and message.member == "GetAll":
            self.bus.reply(message, "a{sv}", ({"Version": ("s", "2.9.4")},))
        else:
            self.bus.refuse(message, "UnknownMethod", message.member)


class Syncthing:
    """A real syncthing without folders and without the network, which can be killed and started again."""

    KEY = "benchbenchbenchbench"

    def __init__(self, program: str) -> None:
        assert program, "there is no syncthing"
        self._program = program
        self._home = Path(tempfile.mkdtemp(prefix="try", dir="/tmp"))
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        # STMONITORED: one process, without the one that would start a killed one again.
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(self._home), "STMONITORED": "1"}
        # As root it warns about being root, which its tray program shows.
        self._user = "nobody" if os.geteuid() == 0 else None

    def __enter__(self) -> Syncthing:
        if self._user:
            # That user may not look into our cache folder.
            self._program = shutil.copy(self._program, self._home / "program")
            shutil.chown(self._home, self._user)
        command = [self._program, "generate", f"--home={self._home}", "--no-default-folder"]
        subprocess.run(command, env=self._environ, user=self._user, check=True, capture_output=True)
        self._keep_inside()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._home)

    def _keep_inside(self) -> None:
        """No announcements, relays, updates or reports: nothing leaves this machine."""
        path = self._home / "config.xml"
        tree = ElementTree.parse(path)
        options = tree.getroot().find("options")
        assert options is not None
        wanted = {
            "listenAddress": "tcp://127.0.0.1:0",
            "globalAnnounceEnabled": "false",
            "localAnnounceEnabled": "false",
            "relaysEnabled": "false",
            "natEnabled": "false",
            "startBrowser": "false",
            "urAccepted": "-1",
            "autoUpgradeIntervalH": "0",
            "crashReportingEnabled": "false",
        }
        for key, value in wanted.items():
            element = options.find(key)
            (ElementTree.SubElement(options, key) if element is None else element).text = value
        for acknowledged in options.findall("unackedNotificationID"):
            options.remove(acknowledged)
        tree.write(path)

    def start(self) -> None:
        """Start it and wait for its first answer."""
        command = [self._program, "serve", f"--home={self._home}", "--no-browser", "--no-restart", "--no-upgrade"]
        command += [f"--gui-address=127.0.0.1:{self._port}", f"--gui-apikey={self.KEY}", "--logfile=-"]
        with open(self._home / "log", "ab") as log:
            self._process = subprocess.Popen(
                command,
                env=self._environ,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.answers_at = wait_until(self._answers, 30, "syncthing's first answer", every=0.02)

    def kill(self) -> float:
        """Kill it with its monitor; when."""
        killed = time.monotonic()
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        return killed

    def freeze(self, frozen: bool = True) -> None:
        """Stop it where it stands, or let it go on."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def _answers(self) -> float:
        with contextlib.suppress(OSError):
            ask(f"tcp://127.0.0.1:{self._port}", "/", timeout=2)
            return time.monotonic()
        return 0.0

    def tray_settings(self) -> str:
        """The settings that a person makes in the tray program: where it is and the key."""
        return (
            "[tray]\nconnections\\size=1\nconnections\\1\\label=here\n"
            f"connections\\1\\syncthingUrl=http://127.0.0.1:{self._port}\n"
            f"connections\\1\\apiKey=@ByteArray({self.KEY})\nconnections\\1\\autoConnect=true\n"
            "connections\\1\\reconnectInterval=30000\n"
        )
