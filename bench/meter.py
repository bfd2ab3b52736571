"""What a process and its children use, read from /proc and the kernel's clocks; nothing is loaded into them."""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from tests.harness.processes import descendants

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """Memory of a process tree in KiB."""

    rss: int
    pss: int
    anon: int
    threads: int


@dataclass(frozen=True)
class Work:
    """What a process tree has done so far: seconds by three clocks, and how often its threads went to sleep."""

    clock: float  # the process's CPU clock, with ended threads, to the nanosecond
    ticks: float  # utime + stime with ended children, 10 ms steps
    children: float  # utime + stime of ended children alone
    threads: dict[int, tuple[float, int]]  # of the living ones: seconds on a processor, voluntary context switches

    @property
    def all(self) -> float:
        """The finest clock there is for each part: the living ones' own, the ended children's ticks."""
        return self.clock + self.children

    @property
    def schedstat(self) -> float:
        """Seconds of the living threads, to the nanosecond."""
        return sum(seconds for seconds, _ in self.threads.values())

    @property
    def sleeps(self) -> int:
        """Voluntary context switches of the living threads."""
        return sum(switches for _, switches in self.threads.values())

    def since(self, earlier: "Work") -> "Work":
        """The work between two moments; what a thread did that ended meanwhile is only in `clock` and `ticks`."""
        threads = {}
        for number, (seconds, switches) in self.threads.items():
            before = earlier.threads.get(number, (0.0, 0))
            threads[number] = (seconds - before[0], switches - before[1])
        return Work(self.clock - earlier.clock, self.ticks - earlier.ticks, self.children - earlier.children, threads)


def memory(pid: int) -> Memory:
    """Read the memory of a process and its children."""
    rss = pss = anon = threads = 0
    for process in descendants({pid}):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
            sizes = {key: int(value.split()[0]) for key, _, value in (line.partition(":") for line in lines)}
            rss, pss, anon = rss + sizes["Rss"], pss + sizes["Pss"], anon + sizes["Anonymous"]
            threads += len(os.listdir(f"/proc/{process.pid}/task"))
    return Memory(rss, pss, anon, threads)


def work(pid: int) -> Work:
    """Read the work of a process and its children."""
    clock = ticks = children = 0.0
    threads = {}
    for process in descendants({pid}):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, OSError):
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15]) / TICKS
            children += sum(int(field) for field in fields[13:15]) / TICKS
            clock += time.clock_gettime((~process.pid << 3) | 2)  # clock_getcpuclockid(3)
            for task in Path(f"/proc/{process.pid}/task").iterdir():
                seconds = int((task / "schedstat").read_text().split()[0]) / 1e9
                switches = (task / "status").read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0]
                threads[int(task.name)] = (seconds, int(switches))
    return Work(clock, ticks, children, threads)
