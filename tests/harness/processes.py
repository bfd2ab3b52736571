"""The processes of this machine, read from /proc."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.harness.poll import wait_until

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One living process; zombies are not counted, their work is over."""

    pid: int
    parent: int
    argv: tuple[str, ...]

    @property
    def program(self) -> str:
        """The file name of what runs."""
        return os.path.basename(self.argv[0])

    def __str__(self) -> str:
        return f"{self.pid} {' '.join(self.argv)[:200]}"


def processes() -> Iterator[Process]:
    """All processes that live right now; none where there is no /proc."""
    for entry in PROC.glob("[0-9]*"):
        try:
            # The name in brackets may hold blanks and brackets itself, so the fields start after the last one.
            stat = (entry / "stat").read_text(errors="replace")
            name, fields = stat[stat.index("(") + 1 : stat.rindex(")")], stat[stat.rindex(")") + 2 :].split()
            argv = (entry / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        if fields[0] not in "ZX":
            yield Process(int(entry.name), int(fields[1]), tuple(argv) if argv[0] else (f"[{name}]",))


def descendants(roots: set[int]) -> list[Process]:
    """The given processes and everything below them."""
    alive = list(processes())
    found = set(roots)
    while more := {p.pid for p in alive if p.parent in found} - found:
        found |= more
    return [p for p in alive if p.pid in found]


def footprint(pid: int) -> dict[str, object]:
    """What a process holds: its open files by kind, how many threads it has, and its children."""
    kinds = []
    for entry in PROC.glob(f"{pid}/fd/*"):
        with contextlib.suppress(FileNotFoundError):
            kinds.append(os.readlink(entry).split("[")[0])
    return {
        "files": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "threads": len(list(PROC.glob(f"{pid}/task/*"))),
        "children": sorted(process.program for process in processes() if process.parent == pid),
    }


def settled(pid: int) -> dict[str, object]:
    """What a process holds when nothing has changed for half a second: what it does for a click is over then."""
    seen: list[tuple[float, dict[str, object]]] = []

    def steady() -> bool:
        now, held = time.monotonic(), footprint(pid)
        if not seen or seen[-1][1] != held:
            seen.append((now, held))
        return now - seen[-1][0] > 0.5

    wait_until(steady, 20, "nothing to change any more")
    return seen[-1][1]


def thread_states(pid: int) -> set[str]:
    """The states in which the threads of a process are: R running, S sleeping, T stopped, …"""
    states = set()
    for stat in PROC.glob(f"{pid}/task/*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            states.add(stat.read_text(errors="replace").rpartition(")")[2].split()[0])
    return states


def with_variable(name: str, value: str) -> list[Process]:
    """The processes that were started with this environment variable, however far down."""
    wanted = f"{name}={value}".encode()
    found = []
    for process in processes():
        try:
            variables = (PROC / str(process.pid) / "environ").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # gone, or another user's: not ours
        if wanted in variables:
            found.append(process)
    return found
