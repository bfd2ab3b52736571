"""The world in which the faults happen: real engines and an sshd on one host, trayd on another, a cable between them.

Engines are asked by a name that only trayd's threads know: they live in a mount namespace with their own /etc/hosts.
"""

import ctypes
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from tests.engine.matrix.turning import Turning
from tests.engine.running import Running, profile
from tests.harness import responder
from tests.harness.dockerd import Dockerd
from tests.harness.netns import Cable
from tests.harness.poll import wait_until
from tests.harness.sshd import Sshd
from tests.harness.tls import LOCAL, Authority, ServerTls
from trayd.app import App
from trayd.core import messages as m
from trayd.core.health import State

COLUMNS = ("unix", "tcp", "tls", "ssh")
NAME = "engine.example"
PLAIN, SECURE = 2375, 2376
OTHER_ADDRESS = "10.213.7.3"
INTERVAL, TIMEOUT, SLOW, GRACE = 1.0, 2.0, 1.0, 1.5

_libc = ctypes.CDLL(None, use_errno=True)  # os.unshare came with Python 3.12
CLONE_FS, CLONE_NEWNS = 0x200, 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18


class World:
    """Two engines (unix and tcp; unix and TLS) and an sshd at the far end of a cable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder / "ca")
        self.stranger = Authority(folder / "stranger")
        self.server = self.authority.server("engine", (*LOCAL, NAME))
        self.certs = self.authority.client("mine")
        self.hosts = folder / "hosts"
        self.names_are(Cable.ADDRESS)
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.cable = Cable()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack:
            self._stack.enter_context(self.cable)
            with self.cable.at(self.cable.far):
                # A short queue for all that listens there, so that it can be filled.
                Path("/proc/sys/net/core/somaxconn").write_text("8\n")
                self.plain = Dockerd("--host", f"tcp://0.0.0.0:{PLAIN}", "--tls=false")
                self._stack.callback(self.plain.close)
                files = [
                    f"--tlscacert={self.server.ca}",
                    f"--tlscert={self.server.cert}",
                    f"--tlskey={self.server.key}",
                ]
                self.secure = Dockerd("--host", f"tcp://0.0.0.0:{SECURE}", "--tlsverify", *files)
                self._stack.callback(self.secure.close)
                self.sshd = self._stack.enter_context(Sshd(ListenAddress="0.0.0.0"))
            self.settle()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def engines(self) -> tuple[Dockerd, Dockerd]:
        """Both real engines."""
        return self.plain, self.secure

    def settle(self) -> None:
        """Start what does not run."""
        self.at_far(*(engine.start for engine in self.engines if not engine.running))

    def at_far(self, *works: Callable[[], object]) -> None:
        """Do something with several engines at the same time, on their host."""
        failures: list[BaseException] = []

        def run(work: Callable[[], object]) -> None:
            try:
                with self.cable.at(self.cable.far):
                    work()
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=run, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def names_are(self, address: str) -> None:
        """Let the engines' name lead there, or, with an empty address, nowhere."""
        self.hosts.write_text("127.0.0.1 localhost\n" + (f"{address} {NAME}\n" if address else ""))

    def real(self) -> dict[str, str]:
        """Where the real engines are, one for each column."""
        return {
            "unix": self.plain.unix_url,
            "tcp": f"tcp://{NAME}:{PLAIN}",
            "tls": f"tcp://{NAME}:{SECURE}",
            "ssh": self.by_ssh(self.secure.socket),
        }

    def by_ssh(self, path: Path | None, user: str = "root") -> str:
        """A socket there, by ssh."""
        return f"ssh://{user}@{NAME}:{self.sshd.port}{path}"

    @contextmanager
    def trayd(self) -> Iterator[Running]:
        """Run trayd on the near host until the end of the block, and end it as the menu's Quit does."""
        made: list[Running] = []
        failed: list[BaseException] = []

        def run() -> None:
            try:
                with self.cable.at(self.cable.near):
                    self._own_names()
                    made.append(Running(App()))
                    made[0].app.run()
                    made[0].app.end()
            except BaseException as failure:
                failed.append(failure)
                raise

        path = os.environ["PATH"]
        os.environ["PATH"] = (
            f"{self.sshd.client(more='Host *' + chr(10) + '  HostKeyAlias 127.0.0.1')}{os.pathsep}{path}"
        )
        thread = threading.Thread(target=run, name="loop")
        thread.start()
        try:
            wait_until(lambda: made or failed, 5, "the loop")
            yield made[0]
        finally:
            for running in made:
                running.app.post(m.Quit())
            thread.join(5)
            os.environ["PATH"] = path
            assert not thread.is_alive(), "the loop did not end after Quit"
        assert made[0].shown.stopped

    @contextmanager
    def reachable(
        self, stand_in: bool = False, grace: float = GRACE, interval: float = INTERVAL
    ) -> Iterator[tuple[Running, dict[str, Turning]]]:
        """Run trayd with a profile for each column, all of them reachable, the real engines' event streams held."""
        with ExitStack() as stack:
            made = stack.enter_context(self.stand_ins()) if stand_in else {}
            self.profiles(self.urls_of(made) if stand_in else self.real(), grace, interval)
            shown = stack.enter_context(self.trayd())
            for column in COLUMNS:
                shown.wait(State.REACHABLE, column, seconds=20)
                if not stand_in:
                    shown.until(lambda c=column: shown.info(c).name, f"the name of {column}")
            yield shown, made

    def _own_names(self) -> None:
        """Give this thread, and all that it starts, its own /etc/hosts."""
        _call(_libc.unshare(CLONE_FS | CLONE_NEWNS))
        _call(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
        for name in ("hosts", "resolv.conf"):
            place = os.path.realpath(f"/etc/{name}")
            _call(_libc.mount(os.fsencode(self.folder / name), os.fsencode(place), None, MS_BIND, None))

    def profiles(self, urls: dict[str, str], grace: float = GRACE, interval: float = INTERVAL) -> None:
        """Write a profile for each column."""
        health = f"health: {{interval: {interval:g}s, timeout: {TIMEOUT:g}s, slow: {SLOW:g}s, grace: {grace:g}s}}"
        for column, url in urls.items():
            profile(column, url, f"{health}\ntls: {{cert_path: {self.certs}}}" if column == "tls" else health)

    @contextmanager
    def stand_ins(self) -> Iterator[dict[str, Turning]]:
        """A good stand-in for each column, which can turn; they are on trayd's own host."""
        with ExitStack() as stack, self.cable.at(self.cable.near):
            made = {}
            for column in COLUMNS:
                unix = column in ("unix", "ssh")
                tls = self.server if column == "tls" else None
                made[column] = stack.enter_context(Turning(responder.engine(), unix=unix, tls=tls))
            yield made

    def urls_of(self, stand_ins: dict[str, Turning]) -> dict[str, str]:
        """Where the stand-ins are."""
        return {c: self.by_ssh(s.path) if c == "ssh" else s.url for c, s in stand_ins.items()}

    def give_server(self, other: ServerTls) -> None:
        """Put another certificate in the place of the secure engine's; it is read when the engine starts."""
        shutil.copy(other.cert, self.server.cert)
        shutil.copy(other.key, self.server.key)


def _call(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
