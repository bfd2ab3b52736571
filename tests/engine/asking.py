"""Asking one endpoint once, as a watch does: also from a process of its own, which may be another user or offline.

    python -m tests.engine.asking [--user UID] [--certs FOLDER] [--cut] URL

tells what came of it as JSON. `--cut` needs a network namespace of its own (unshare -n): there the network goes away
while a silent server is being asked.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.harness.need import need
from tests.harness.poll import wait_until
from tests.harness.standin import silent
from trayd.core.messages import Answered, Failed
from trayd.core.profile import Endpoint, Tls, parse_host
from trayd.engine import probe, transport
from trayd.engine.client import Client
from trayd.engine.watcher import resolve

ROOT = Path(__file__).parents[2]
NOBODY = 65534
OFFLINE = ("unshare", "-n")  # a network namespace in which there is nothing, so nothing can be sent


class Told(NamedTuple):
    """A diagnosis as a person sees it, and how long it took."""

    code: str
    cause: str
    next: str
    seconds: float


def endpoint(url: str, certs: Path | None = None, verify: bool = True) -> Endpoint:
    """An endpoint by its URL and the folder of its certificates."""
    return parse_host(url, Tls(str(certs), verify) if certs else None)


def ask(place: Endpoint, timeout: float = 5.0) -> Answered | Failed:
    """Ask on a new client, which is closed."""
    if failed := resolve(place):
        return failed
    client = probe.connect(place)
    if isinstance(client, Failed):
        return client
    outcome = probe.probe(client, timeout)
    client.abort()
    return outcome


def diagnosis(place: Endpoint, timeout: float) -> Told:
    """Ask, and expect a failure."""
    start = time.monotonic()
    outcome = ask(place, timeout)
    seconds = time.monotonic() - start
    assert isinstance(outcome, Failed), f"it answered: {outcome}"
    return Told(outcome.diagnosis.code, outcome.diagnosis.cause, outcome.diagnosis.next, seconds)


def connected(place: Endpoint) -> Client:
    """A client for an endpoint that has all it needs."""
    client = probe.connect(place)
    assert isinstance(client, Client), client
    return client


def ask_elsewhere(url: str, *options: str, within: Sequence[str] = (), stdin: int = subprocess.DEVNULL) -> Told:
    """Ask from a process of its own, started by the command `within`, such as OFFLINE."""
    need(os.geteuid() == 0, "another user, or a network of one's own, wants root: sudo -E pytest …")
    command = [*within, sys.executable, "-m", "tests.engine.asking", *options, url]
    done = subprocess.run(command, cwd=ROOT, stdin=stdin, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return Told(*json.loads(done.stdout))


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--user", type=int)
    parser.add_argument("--cut", action="store_true")
    parser.add_argument("--certs", type=Path)
    parser.add_argument("url")
    options = parser.parse_args()
    if options.user:
        # Everything was imported: the new user may not be able to read it.
        os.setgroups([])
        os.setgid(options.user)
        os.setuid(options.user)
    told = _cut() if options.cut else diagnosis(endpoint(options.url, options.certs), 1.0)
    print(json.dumps(told))


def _cut() -> Told:
    transport._KEEPALIVE[:] = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *[(socket.IPPROTO_TCP, getattr(socket, f"TCP_KEEP{name}"), 1) for name in ("IDLE", "INTVL", "CNT")],
    ]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with silent() as server:

        def cut() -> None:
            wait_until(lambda: server.connections, what="the question")
            subprocess.run(["ip", "link", "set", "lo", "down"], check=True)

        threading.Thread(target=cut).start()
        return diagnosis(endpoint(server.url), 10.0)


if __name__ == "__main__":
    _main()
