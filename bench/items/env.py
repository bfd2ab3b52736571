"""`trayd env`, which stands in prompts and scripts, against the least that any Python program with YAML costs."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench.model import Check, Result, Row
from bench.rig import Rig, Seat

HEAVY = ("docker", "PIL", "pystray")
RATIO = 2.5
TLS_PROFILE = "host: tcp://build.example:2376\ntls:\n  cert_path: ~/.docker/build\n"


def measure(rig: Rig) -> Result:
    """Run all in turn, in rounds, each round by hyperfine if it is there."""
    rounds, runs = rig.pick(6, 1), rig.pick(10, 5)
    python = rig.pythons.python
    ours = [rig.pythons.trayd, "env", "office", "--shell", "sh"]
    commands = (ours, [python, "-c", "import yaml"], [python, "-c", "pass"])
    with rig.seat() as seat:
        seat.profiles({"office": TLS_PROFILE, "local": "host: unix:///run/docker.sock\n"})
        times: tuple[list[float], ...] = ([], [], [])
        for number in range(rounds):
            for kept, command in zip(times, commands, strict=True):
                kept += _times(command, seat, runs, warm=number == 0)
            rig.say(f"env {number + 1}/{rounds}")
        imported = _imports([python, "-X", "importtime", *ours], seat)
    how = "hyperfine -N" if shutil.which("hyperfine") else "own loop"
    reference = "python -c 'import yaml' of the same venv"
    rows = [
        Row("trayd env PROFILE", "ms", times[0], times[1], reference, ratio_goal=RATIO, note=how),
        Row("the same, against an empty Python", "ms", times[0], times[2], "python -c pass of the same venv"),
    ]
    heavy = [name for name in HEAVY if name in imported]
    check = Check(
        "trayd env imports neither docker nor PIL nor pystray",
        not heavy and "yaml" in imported,
        f"{len(imported)} modules, of these: {heavy or 'none'}",
    )
    return Result(rows, [check])


def _times(command: list[str], seat: Seat, runs: int, warm: bool) -> list[float]:
    """Milliseconds of each run."""
    if shutil.which("hyperfine"):
        with tempfile.TemporaryDirectory(prefix="trh") as folder:
            told = Path(folder, "times.json")
            options = ["-N", "--style", "none", "--runs", str(runs), "--export-json", str(told)]
            options += ["--warmup", "3"] if warm else []
            line = " ".join(f"'{word}'" for word in command)
            subprocess.run(["hyperfine", *options, line], env=seat.environ, check=True, stderr=subprocess.DEVNULL)
            return [1000 * seconds for seconds in json.loads(told.read_text())["results"][0]["times"]]
    times = []
    for _ in range(runs + 3 * warm):
        begun = time.perf_counter()
        subprocess.run(command, env=seat.environ, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        times.append(1000 * (time.perf_counter() - begun))
    return times[3 * warm :]


def _imports(command: list[str], seat: Seat) -> set[str]:
    done = subprocess.run(command, env=seat.environ, check=True, capture_output=True, text=True)
    names = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {name.partition(".")[0] for name in names}
