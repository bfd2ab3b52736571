"""`python -m bench`: run the measurements, keep them in a JSON file, print the table."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import docs, facts
from bench.items import detect, env, freeze, idle, menu, profiles, start, status
from bench.model import Result
from bench.pythons import ROOT
from bench.rig import Rig, clean_environment
from bench.table import remarks, table

ITEMS: dict[str, Callable[[Rig], Result]] = {
    "start": start.measure,
    "detect": detect.measure,
    "freeze": freeze.measure,
    "menu": menu.measure,
    "idle": idle.measure,
    "profiles": profiles.measure,
    "env": env.measure,
    "status": status.measure,
}
RESULTS = ROOT / "bench/results.json"


def main() -> int:
    """Run what was asked for; 1 if something could not be measured or a goal was missed."""
    options = _options()
    names = options.items or list(ITEMS)
    usual = not options.quick and options.tree.resolve() == ROOT
    target: Path | None = options.output or (RESULTS if usual else None)
    stored = _read(target)
    if options.write_docs and not options.items:
        docs.write(_read(RESULTS))
        return 0
    clean_environment()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is ended in order
    failed: list[str] = []
    measured: list[Result] = []
    with Rig(options.quick, say, options.python, options.tree.resolve()) as rig:
        stored |= {"machine": facts.machine(rig.pythons), "method": facts.METHOD, "quick": options.quick}
        for name in names:
            begun, moment = time.monotonic(), facts.moment(options.tree)
            say(f"{name}: {(sys.modules[ITEMS[name].__module__].__doc__ or '').strip()}")
            try:
                result = ITEMS[name](rig)
            except pytest.skip.Exception as missing:  # the harness's word for a part that is not installed
                failed.append(f"{name}: {missing}")
                continue
            except AssertionError as failure:
                failed.append(f"{name}: {failure}")
                continue
            measured.append(result)
            kept = {"moment": moment, "seconds": round(time.monotonic() - begun, 1)} | result.as_json()
            stored["items"] = {key: value for key in ITEMS if (value := (stored["items"] | {name: kept}).get(key))}
            if target:
                target.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(measured))
    print(*remarks(measured), sep="\n")
    if options.write_docs and usual:
        docs.write(stored)
    for line in failed:
        print(f"NOT MEASURED {line}", file=sys.stderr)
    missed = [row.what for result in measured for row in result.rows if row.met is False]
    missed += [check.what for result in measured for check in result.checks if not check.holds]
    for what in missed:
        print(f"MISSED {what}", file=sys.stderr)
    return 1 if failed or missed else 0


def say(text: str) -> None:
    """Tell the progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _read(path: Path | None) -> dict[str, Any]:
    if path is None or not path.exists():
        return {"items": {}}
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return stored


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/run",
        description="Measure trayd from outside, side by side with what it can be compared with.",
        epilog="Results of items that are not run this time stay in the file.",
    )
    parser.add_argument("items", nargs="*", metavar="ITEM", help=f"only these: {', '.join(ITEMS)}")
    parser.add_argument("--quick", action="store_true", help="few repetitions: shows that it works, proves no figure")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="keep the samples here (default bench/results.json; with --quick or --tree: nowhere)",
    )
    parser.add_argument("--python", default="", help="the Python for trayd (default: the reference's)")
    parser.add_argument("--tree", type=Path, default=ROOT, metavar="DIR", help="measure the trayd of another checkout")
    parser.add_argument(
        "--write-docs",
        action="store_true",
        help="also put the table into docs/performance.md; without items, that of bench/results.json, nothing is run",
    )
    options = parser.parse_args()
    if unknown := [name for name in options.items if name not in ITEMS]:
        parser.error(f"there is no item {unknown[0]}; there are {', '.join(ITEMS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
