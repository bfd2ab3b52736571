"""What every further profile costs in memory: many names for one engine, over unix, tcp and TLS."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.meter import memory
from bench.model import Result, Row
from bench.rig import Rig
from tests.harness.dockerd import Dockerd
from tests.harness.poll import wait_until
from tests.harness.tls import Authority

GOALS = {"unix": 200.0, "tcp": 200.0, "TLS": 1024.0}


def measure(rig: Rig) -> Result:
    """Start trayd with more and more reachable profiles of one kind."""
    counts = [1, 10, 50, 100] if not rig.quick else [1, 10]
    rows, notes = [], []
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trc")))
        authority = Authority(folder)
        plain = stack.enter_context(Dockerd(tcp=True))
        secure = stack.enter_context(Dockerd(tcp=True, tls=authority.server()))
        texts = {
            "unix": f"host: {plain.unix_url}\n",
            "tcp": f"host: {plain.tcp_url}\n",
            "TLS": f"host: {secure.tcp_url}\ntls:\n  cert_path: {authority.client()}\n",
        }
        with ThreadPoolExecutor(len(texts)) as pool:  # memory does not mind the company
            jobs = {
                kind: pool.submit(lambda text: {count: _used(rig, text, count) for count in counts}, text)
                for kind, text in texts.items()
            }
        for kind, job in jobs.items():
            used = job.result()
            first, last = counts[0], counts[-1]
            steps = [(used[b][0] - used[a][0]) / (b - a) for a, b in itertools.pairwise(counts)]
            whole = (used[last][0] - used[first][0]) / (last - first)
            note = ", ".join(f"{n}: {rss / 1024:.1f} MiB, {threads} threads" for n, (rss, threads) in used.items())
            label = f"each further {kind} profile, RSS ({first} → {last})"
            rows.append(Row(label, "KiB", [whole], goal=GOALS[kind], note=note))
            notes.append(f"{kind}: KiB a profile in the steps {counts}: {[round(step) for step in steps]}")
            rig.say(f"profiles {kind}: {whole:.0f} KiB each ({note})")
    return Result(rows, [], notes)


def _used(rig: Rig, text: str, count: int) -> tuple[int, int]:
    """RSS in KiB and number of threads with so many profiles, when all are reachable and it is quiet again."""
    with rig.seat() as seat:
        seat.profiles({f"engine{number:03}": text for number in range(count)})
        with seat.trayd() as program:
            program.shows("reachable", 60)
            wait_until(lambda: _reachable(seat.panel.labels()) == count, 120, f"{count} reachable profiles", every=1)
            time.sleep(rig.pick(12, 4))
            used = memory(program.pid)
            return used.rss, used.threads


def _reachable(labels: list[str]) -> int:
    return sum("●" in label for label in labels if label.strip().startswith("("))
