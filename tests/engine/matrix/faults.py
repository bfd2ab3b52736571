"""The faults: each makes one while it lasts, and yields the moment at which it began (time.monotonic())."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from tests.engine.matrix import turning
from tests.engine.matrix.rig import COLUMNS, INTERVAL, NAME, OTHER_ADDRESS, PLAIN, SECURE, World
from tests.engine.matrix.turning import Behaviour, Turning
from tests.engine.running import Running
from tests.harness import responder
from tests.harness.netns import Cable
from tests.harness.poll import wait_until
from tests.harness.responder import Handler, always
from tests.harness.tls import LOCAL, now
from trayd.core import certificates
from trayd.core.health import State


@dataclass
class Scene:
    """What a fault can work on."""

    world: World
    shown: Running
    stand_ins: dict[str, Turning] = field(default_factory=dict)


Fault = Callable[[Scene], AbstractContextManager[float]]


@contextmanager
def sigterm(scene: Scene) -> Iterator[float]:
    began = time.monotonic()
    scene.world.at_far(*(engine.stop for engine in scene.world.engines))
    yield began
    scene.world.settle()


@contextmanager
def kill(scene: Scene) -> Iterator[float]:
    began = time.monotonic()
    scene.world.at_far(*(engine.kill for engine in scene.world.engines))
    yield began
    scene.world.settle()


@contextmanager
def freeze(scene: Scene) -> Iterator[float]:
    began = time.monotonic()
    for engine in scene.world.engines:
        engine.freeze()
    try:
        yield began
    finally:
        for engine in scene.world.engines:
            engine.thaw()


@contextmanager
def socket_removed(scene: Scene) -> Iterator[float]:
    with _set_aside(scene.world):
        yield time.monotonic()


@contextmanager
def socket_replaced(scene: Scene) -> Iterator[float]:
    with _set_aside(scene.world) as sockets:
        for path in sockets:
            path.touch()
        yield time.monotonic()


@contextmanager
def _set_aside(world: World) -> Iterator[list[Path]]:
    """Move the sockets away from under their engines, which go on, and back."""
    sockets = [engine.socket for engine in world.engines if engine.socket]
    for path in sockets:
        path.rename(path.with_suffix(".aside"))
    try:
        yield sockets
    finally:
        for path in sockets:
            path.with_suffix(".aside").replace(path)


@contextmanager
def queue_full(scene: Scene) -> Iterator[float]:
    """Real engines that stand still, and so many connections that the kernel takes no more for them."""
    began = time.monotonic()
    with freeze(scene), ExitStack() as held, scene.world.cable.at(scene.world.cable.far):
        places: list[str | tuple[str, int]] = [str(engine.socket) for engine in scene.world.engines]
        for place in [*places, ("127.0.0.1", PLAIN), ("127.0.0.1", SECURE)]:
            for _ in range(64):
                filler = held.enter_context(socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET))
                filler.settimeout(0.3)
                try:
                    filler.connect(place)
                except (TimeoutError, BlockingIOError):
                    break
            else:
                raise AssertionError(f"the queue of {place} does not fill up")
        yield began


def turned(how: Behaviour | Handler, columns: Sequence[str] = COLUMNS) -> Fault:
    """A fault that no real engine has: the stand-ins turn, on the connections that are open."""

    @contextmanager
    def fault(scene: Scene) -> Iterator[float]:
        for column in columns:
            scene.stand_ins[column].turn(how)
        yield time.monotonic()
        for stand_in in scene.stand_ins.values():
            stand_in.turn(None)

    return fault


slow = turned(responder.slow(1.4))
drip = turned(turning.drip)
garbage = turned(turning.garbage)
reset = turned(turning.reset, ("tcp", "tls"))
error_500 = turned(always(responder.daemon_error()))
empty_500 = turned(always(responder.daemon_error(None)))
error_503 = turned(always(responder.unavailable()))
empty_503 = turned(always(responder.unavailable()._replace(body=b"")))
redirect = turned(always(responder.redirect("http://192.0.2.1/login")))
truncated = turned(always(responder.truncated()))
endless = turned(always(responder.endless()))


def upgraded(how: Handler) -> Fault:
    """Another version answers after a restart."""

    @contextmanager
    def fault(scene: Scene) -> Iterator[float]:
        # Between two questions: one that is cut off twice is a loss, if only for a moment.
        scene.shown.until(lambda: _quiet(scene) > 0.3, "a pause between two questions")
        for stand_in in scene.stand_ins.values():
            stand_in.turn(how)
        began = time.monotonic()
        for stand_in in scene.stand_ins.values():
            stand_in.cut()
        yield began
        for stand_in in scene.stand_ins.values():
            stand_in.turn(None)
            stand_in.cut()

    return fault


api_old = upgraded(responder.engine(api="1.18", version="1.6.2"))
api_new = upgraded(responder.engine(api="9.12", min_api="9.9", version="99.0.0"))


def _quiet(scene: Scene) -> float:
    """For how long nobody has been asked anything."""
    return time.monotonic() - max(r.at for stand_in in scene.stand_ins.values() for r in stand_in.requests)


@contextmanager
def api_other(scene: Scene) -> Iterator[float]:
    with upgraded(responder.engine(api="1.30", version="17.06.2"))(scene) as began:
        _version(scene, "17.06.2")
        yield began
    _version(scene, "20.10.24")


def _version(scene: Scene, version: str) -> None:
    for column in scene.stand_ins:
        scene.shown.until(lambda c=column: scene.shown.info(c).version == version, f"{column} to show {version}")


@contextmanager
def half_open(scene: Scene) -> Iterator[float]:
    with scene.world.cable.rule("-i", "cable", "-j", "DROP"):
        yield time.monotonic()


@contextmanager
def reset_by_firewall(scene: Scene) -> Iterator[float]:
    """Everything that comes is answered by RST, in the middle of the held event streams too."""
    with scene.world.cable.rule("-i", "cable", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"):
        yield time.monotonic()


@contextmanager
def link_down(scene: Scene) -> Iterator[float]:
    with scene.world.cable.pulled(scene.world.cable.near):
        yield time.monotonic()


@contextmanager
def address_changed(scene: Scene) -> Iterator[float]:
    """The host gets another address, and its name leads there."""
    far = scene.world.cable.far

    def move(old: str, new: str) -> None:
        _ip("-n", far, "address", "del", f"{old}/24", "dev", "cable")
        _ip("-n", far, "address", "add", f"{new}/24", "dev", "cable")
        scene.world.names_are(new)

    began = time.monotonic()
    move(Cable.ADDRESS, OTHER_ADDRESS)
    try:
        yield began
    finally:
        move(OTHER_ADDRESS, Cable.ADDRESS)


@contextmanager
def dns_gone(scene: Scene) -> Iterator[float]:
    """The name is forgotten, then every connection breaks: new ones have to look it up."""
    scene.world.names_are("")
    began = _connections_break(scene)
    try:
        yield began
    finally:
        scene.world.names_are(Cable.ADDRESS)


def _connections_break(scene: Scene) -> float:
    """Break every connection through the cable; new ones are possible again when trayd has seen that."""
    with reset_by_firewall(scene) as began:
        # The rule answers what is sent: trayd's next questions.
        for column in ("tcp", "tls", "ssh"):
            scene.shown.until(lambda c=column: scene.shown.state(c) != "reachable", f"{column} to break")
    return began


@contextmanager
def certificate_replaced(scene: Scene) -> Iterator[float]:
    """The engine is started with a certificate that somebody else signed; the host of sshd has another key."""
    with _with_certificate(scene, lambda world: world.stranger.server("engine", (*LOCAL, NAME))) as began:
        sshd = scene.world.sshd
        kept = sshd.directory / "kept"
        kept.mkdir(exist_ok=True)
        for file in sshd.directory.glob("host*"):
            shutil.copy2(file, kept)
        sshd.kill()
        sshd.make_key("host")
        scene.world.at_far(sshd.start)
        try:
            yield began
        finally:
            sshd.kill()
            for file in kept.iterdir():
                shutil.copy2(file, sshd.directory)
            scene.world.at_far(sshd.start)


@contextmanager
def _with_certificate(scene: Scene, make: Callable[[World], object]) -> Iterator[float]:
    world = scene.world
    kept = shutil.copytree(world.server.cert.parent, world.folder / "kept")
    began = time.monotonic()
    world.at_far(world.secure.kill)
    world.give_server(make(world))  # type: ignore[arg-type]
    world.settle()
    try:
        yield began
    finally:
        world.at_far(world.secure.kill)
        for file in Path(kept).iterdir():
            shutil.copy2(file, world.server.cert.parent)
        shutil.rmtree(kept)
        world.settle()


@contextmanager
def certificate_expired(scene: Scene) -> Iterator[float]:
    """The certificate of an engine ends while it is connected: nothing happens until the connection is a new one."""
    shown = scene.shown

    def ends_soon(world: World) -> object:
        return world.authority.server("brief", (*LOCAL, NAME), not_after=now() + timedelta(seconds=8))

    with _with_certificate(scene, ends_soon) as began:
        shown.wait(State.REACHABLE, "tls", after=shown.wait(State.RECONNECTING, "tls", after=began))
        (ends,) = (c.ends for c in shown.engine("tls").certificates if c.what == "server")
        wait_until(lambda: time.time() > ends + INTERVAL, 15, "the end of the certificate")
        assert certificates.warnings("tls", shown.engine("tls").certificates), "the end was not spoken of"
        assert shown.state("tls") == "reachable", "an open connection does not end with the certificate"
        assert not shown.shown.notes, shown.shown.notes
        yield _connections_break(scene)


@contextmanager
def ca_replaced(scene: Scene) -> Iterator[float]:
    """Somebody copies another ca.pem into our folder; the open connection goes on, the next one is judged by it."""
    ours = scene.world.certs / "ca.pem"
    right = ours.read_bytes()
    ours.write_bytes(scene.world.stranger.ca.read_bytes())
    try:
        yield _connections_break(scene)
    finally:
        ours.write_bytes(right)


@contextmanager
def session_killed(scene: Scene) -> Iterator[float]:
    """What sshd started for us is killed, sshd is not."""
    sshd = scene.world.sshd
    began = time.monotonic()
    for process in sshd.sessions():
        if process.argv[0].startswith("sshd:") and "[listener]" not in process.argv[0]:
            _kill(process.pid)
    yield began


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
