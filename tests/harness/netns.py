"""Two hosts on one cable, in network namespaces of their own: where packets may be lost for real, and nobody else's."""

import ctypes
import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from tests.harness.need import find, need

_numbers = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)  # os.setns came with Python 3.12
CLONE_NEWNET = 0x40000000


class Cable:
    """`near` and `far`, two network namespaces joined by a veth pair; `close()` leaves nothing of them behind.

    A namespace belongs to a thread, and what a thread starts inherits it: threads and processes that are started in
    `at(near)` or `at(far)` live there, although their unix sockets, files and processes are everybody's.
    """

    ADDRESS = "10.213.7.2"  # of far; it means nothing outside of the two

    def __init__(self) -> None:
        mark = f"td{os.getpid()}n{next(_numbers)}"
        self.near, self.far = f"{mark}a", f"{mark}b"

    def __enter__(self) -> Self:
        need("ip", "sudo apt-get install iproute2")
        need("iptables", "sudo apt-get install iptables")
        need(os.geteuid() == 0, "a network of one's own wants root: sudo -E pytest …")
        try:
            for name in (self.near, self.far):
                _run("ip", "netns", "add", name)
                _run("ip", "-n", name, "link", "set", "lo", "up")
            there = ("peer", "name", "cable", "netns", self.far)
            _run("ip", "-n", self.near, "link", "add", "cable", "type", "veth", *there)
            for name, address in ((self.near, "10.213.7.1"), (self.far, self.ADDRESS)):
                _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "cable")
                _run("ip", "-n", name, "link", "set", "cable", "up")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove both namespaces and the cable; may be called twice."""
        if _place(self.near).exists():
            # A process that is still there would keep its namespace alive, and with it the cable.
            with suppress(subprocess.CalledProcessError):
                _run("ip", "-n", self.near, "link", "delete", "cable")
        for name in (self.near, self.far):
            if _place(name).exists():
                _run("ip", "netns", "delete", name)

    @contextmanager
    def at(self, name: str) -> Iterator[None]:
        """Let this thread be in one of the two until the end of the block, with all that it starts there."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            place = os.open(_place(name), os.O_RDONLY | os.O_CLOEXEC)
            try:
                _enter(place)
            finally:
                os.close(place)
            yield
        finally:
            _enter(home)
            os.close(home)

    @contextmanager
    def rule(self, *words: str) -> Iterator[None]:
        """Let far's firewall treat what comes in by an iptables rule, until the end of the block."""
        self._iptables("-A", "INPUT", *words)
        try:
            yield
        finally:
            self._iptables("-D", "INPUT", *words)

    @contextmanager
    def pulled(self, name: str) -> Iterator[None]:
        """Let the cable be down at one of the two until the end of the block."""
        _run("ip", "-n", name, "link", "set", "cable", "down")
        try:
            yield
        finally:
            _run("ip", "-n", name, "link", "set", "cable", "up")

    def _iptables(self, *words: str) -> None:
        _run("ip", "netns", "exec", self.far, find("iptables") or "iptables", "-w", *words)


def _place(name: str) -> Path:
    return Path("/run/netns") / name


def _enter(place: int) -> None:
    if _libc.setns(place, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _run(program: str, *words: str) -> None:
    done = subprocess.run([find(program) or program, *words], capture_output=True, text=True)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, [program, *words], done.stdout, done.stderr)
