"""`python -m bench`: run the measurements, keep them in a JSON file, print the table."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench import docs, facts, plot
from bench.items import detect, env, freeze, idle, menu, profiles, scale, start, status
from bench.model import Result, result_from_json
from bench.peers import install
from bench.peers.programs import ABOUT
from bench.pythons import ROOT
from bench.rig import Rig, clean_environment
from bench.side import goals, side_table
from bench.table import check_line, remarks, table

ITEMS: dict[str, Callable[[Rig], Result]] = {
    "start": start.measure,
    "detect": detect.measure,
    "freeze": freeze.measure,
    "menu": menu.measure,
    "idle": idle.measure,
    "profiles": profiles.measure,
    "scale": scale.measure,
    "env": env.measure,
    "status": status.measure,
}
BESIDE = ("start", "detect", "freeze", "idle")  # the items that need the peers
RESULTS = ROOT / "bench/results.json"


def main() -> int:
    """Run what was asked for; 1 if something could not be measured or a goal was missed."""
    options = _options()
    names = options.items or list(ITEMS)
    usual = not options.quick and options.tree.resolve() == ROOT
    target: Path | None = options.output or (RESULTS if usual else None)
    stored = _read(target)
    if options.write_docs and not options.items:
        return _write_docs(_read(RESULTS))
    clean_environment()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is ended in order
    failed: list[str] = []
    measured: dict[str, Result] = {}
    store = install.bring(not options.no_install, say) if set(names) & set(BESIDE) else install.nothing()
    with Rig(options.quick, say, store, options.python, options.tree.resolve()) as rig:
        stored |= {"machine": facts.machine(rig.pythons), "method": facts.METHOD, "quick": options.quick}
        if set(names) & set(BESIDE):
            stored |= {"peers": ABOUT, "left out": store.missing}
        for name in names:
            begun, moment = time.monotonic(), facts.moment(options.tree)
            say(f"{name}: {(sys.modules[ITEMS[name].__module__].__doc__ or '').strip()}")
            try:
                result = ITEMS[name](rig)
            except pytest.skip.Exception as missing:  # the harness's word for a part that is not installed
                failed.append(f"{name}: {missing}")
                continue
            except Exception as failure:  # whatever it is: the others are measured all the same
                if not isinstance(failure, AssertionError):
                    traceback.print_exc()
                failed.append(f"{name}: {type(failure).__name__}: {failure}")
                continue
            measured[name] = result
            seconds = round(time.monotonic() - begun, 1)
            say(f"{name}: {seconds:.0f} s")
            kept = {"moment": moment, "seconds": seconds} | result.as_json()
            stored["items"] = {key: value for key in ITEMS if (value := (stored["items"] | {name: kept}).get(key))}
            if target:
                _keep(target, stored)
    results = list(measured.values())
    print(table(results), *remarks(results), "", side_table(results), "", sep="\n")
    # With the items of earlier runs in the file: a comparison needs more than one item.
    compared = [result_from_json(value) for value in stored["items"].values()]
    judged = goals(compared)
    print(*(check_line(check) for check in judged), sep="\n")
    if target:
        stored["goals"] = [asdict(check) for check in judged]
        _keep(target, stored)
    if options.write_docs and usual:
        _write_docs(stored)
    for line in failed:
        print(f"NOT MEASURED {line}", file=sys.stderr)
    missed = [row.what for result in results for row in result.rows if row.met is False]
    missed += [check.what for result in results for check in result.checks if not check.holds]
    missed += [f"{check.what} ({check.note})" for check in judged if not check.holds]
    for what in missed:
        print(f"MISSED {what}", file=sys.stderr)
    return 1 if failed or missed else 0


def _write_docs(stored: dict[str, Any]) -> int:
    docs.write(stored)
    if not plot.write([result_from_json(value) for value in stored["items"].values()]):
        say("no plots: .venv/bin/pip install -e '.[bench]' (matplotlib)")
    return 0


def say(text: str) -> None:
    """Tell the progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _keep(path: Path, stored: dict[str, Any]) -> None:
    path.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


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
    parser.add_argument(
        "--no-install",
        action="store_true",
        help=f"do not bring the programs to compare with ({', '.join(ABOUT)}) into {install.default_folder()}",
    )
    parser.add_argument("--python", default="", help="the Python for trayd (default: the reference's)")
    parser.add_argument("--tree", type=Path, default=ROOT, metavar="DIR", help="measure the trayd of another checkout")
    parser.add_argument(
        "--write-docs",
        action="store_true",
        help="put tables and plots into docs/; without items: those of bench/results.json, and nothing is run",
    )
    options = parser.parse_args()
    if unknown := [name for name in options.items if name not in ITEMS]:
        parser.error(f"there is no item {unknown[0]}; there are {', '.join(ITEMS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
